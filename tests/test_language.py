"""Words and patterns of hard English that must not come back, checked in all texts that people read."""

import ast
import io
import json
import re
import tokenize
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: What is checked: files, and folders with all their texts.
CHECKED = [
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", ".github", "docs", "notebooks", "wizframe", "tests/excel",
    "tests/frames",
]  # fmt: skip
#: Built by Sphinx inside docs/.
_BUILT = {"build", "notebooks", ".ipynb_checkpoints"}
#: A pattern, and the plain way to say it.
AVOIDED = {
    r"somebody|someone": "another user, a colleague, a person",
    r"nobody": "no user, or the actor that does not",
    r"everybody|everyone": "all users, all customers",
    r"anybody|anyone else": "another user",
    r"who(m|so)?ever": "the person who, users who",
    r"anew": "again, new",
    r"mend(s|ed|ing)?": "fix",
    r"put(s|ting)? right": "fix, correct",
    r"as ever": "as always, or nothing",
    r"all the same": "anyway, still",
    r"at the most": "at most",
    r"(?<!there )(is|are|was|were) no (?!longer)[a-z-]+": "is not a",
    r"shall": "will, must",
    r"bears": "allows",
    r"beside": "next to",
    r"whose": "of which, or two sentences",
    r"slip(s)? of the": "a typo",
    r"told as": "reported as",
    r"does away with": "removes",
    r"in a word|so to speak": "nothing",
    r"thereby|thereof|therein|hereby|whereupon|whereas|notwithstanding": "so, of it, in it, because, although",
    r"allowed (is|are)": "(allowed: …), or: use … or …",
    r"let it (end|be)": "use a name that ends in",
    r"owing to|by means of|in order to": "because of, with, to",
}


def checked_files():
    for name in CHECKED:
        place = ROOT / name
        inside = place.rglob("*") if place.is_dir() else [place]
        for path in sorted(inside):
            folders = path.relative_to(place).parts[:-1] if place.is_dir() else ()
            if path.suffix in _TEXTS and not _BUILT & set(folders):
                yield path


def markdown(text):
    """Take the prose of a page and the comments in its code; lines keep their numbers."""

    def comments(block):
        lines = block[0].splitlines()
        is_code = re.match(r"```(python|sh|toml)", lines[0])
        return "\n".join("".join(re.findall(r"(?:^|\s)(#.*)", line)) if is_code else "" for line in lines)

    text = re.sub(r"^```.*?^```", comments, text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]+`", "`code`", text)


def notebook(text):
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]
    return "\n".join(markdown(source) if kind == "markdown" else python(source) for kind, source in cells)


def python(text):
    """Take the comments and string literals of Python, each on its line."""
    found = dict.fromkeys(range(1, text.count("\n") + 2), "")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]] += token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for number, line in enumerate(node.value.splitlines(), node.lineno):
                found[number] = f"{found.get(number, '')} {line}"
    return "\n".join(found[number] for number in sorted(found))


def _texts_of_test(text):
    """Take the names, docstrings and comments of a test file, each on its line."""
    found = defaultdict(list)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]].append(token.string)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.lineno].append(node.name.replace("_", " "))
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
            found[getattr(node, "lineno", 1)].append(ast.get_docstring(node) or "")
    return "\n".join(" ".join(found[number]).replace("\n", " ") for number in range(1, max(found, default=0) + 1))


def plain(text):
    return text


_TEXTS = {".md": markdown, ".ipynb": notebook, ".py": python, ".yml": plain, ".js": plain, ".css": plain}


def avoidable(text):
    """Name each avoided word of a text, with its line."""
    for pattern, better in AVOIDED.items():
        spaced = pattern.replace(" ", r"\s+").replace(r"(?<!there\s+)", "(?<!there )")
        for word in re.finditer(rf"\b(?:{spaced})\b", text, re.IGNORECASE):
            yield f"line {text.count(chr(10), 0, word.start()) + 1}: “{' '.join(word[0].split())}”, say: {better}"


@pytest.mark.parametrize("path", [*checked_files()], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_texts_are_plain_english(path):
    found = list(avoidable(_TEXTS[path.suffix](path.read_text("utf-8"))))
    assert not found, "\n".join(found)


def test_the_tests_are_named_and_explained_in_plain_english():
    paths = sorted(path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__))
    found = [f"{path.name}, {one}" for path in paths for one in avoidable(_texts_of_test(path.read_text("utf-8")))]
    assert not found, "\n".join(found)


def test_an_avoided_word_in_a_test_is_found():
    text = 'def test_nobody():\n    """Whoever."""\n    x = "nobody"  # mended\n'
    assert [one.partition(":")[0] for one in avoidable(_texts_of_test(text))] == ["line 1", "line 1", "line 3"]


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".md", "The row is no\nvalid record."),
        (".md", "```python\nload()  # everybody\n```"),
        (".py", "x = f'it {x} was mended'"),
        (".py", "x = 1  # nobody asks"),
        (".ipynb", json.dumps({"cells": [{"cell_type": "markdown", "source": ["Load ", "anew."]}]})),
        (".yml", "label: Whoever\n"),
    ],
)
def test_an_avoided_word_is_found(suffix, text):
    assert len(list(avoidable(_TEXTS[suffix](text)))) == 1


@pytest.mark.parametrize(
    "text", ["There is no terminal.", "It is no longer used.", "`nobody()`", "Besides, recommend it."]
)
def test_plain_english_is_left_alone(text):
    assert list(avoidable(markdown(text))) == []
