"""The fault catalogue: what can go wrong, and the tests that prove what holds then, read from their syntax trees.

A test names its row with ``@pytest.mark.fault(number)``. One test of each row also says in its mark what goes wrong,
what the user sees, and what holds: L nothing lost, D nothing doubled, E a clear error. docs/reliability.md has the
table.
"""

import ast
from collections import Counter, defaultdict
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "reliability.md"
NUMBERS = [*range(1, 29), "28b", *range(29, 41)]
HOLDS = {"L": "nothing lost", "D": "nothing doubled", "E": "a clear error"}
BEGIN, END = "<!-- `python tests/test_docs.py` writes this table from the tests -->", "<!-- the end of the table -->"


def marks():
    """Yield what each mark says, its file and its test."""
    for path in sorted(TESTS.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for mark in getattr(node, "decorator_list", []):
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    yield tuple(map(ast.literal_eval, mark.args)), path.name, node.name


def table():
    """Write the catalogue as a table in Markdown."""
    words, proofs = {}, defaultdict(list)
    for (number, *said), file, test in marks():
        proofs[number].append(f"[{test}](../tests/{file})")
        if said:
            words[number] = said
    lines = ["| # | what goes wrong | what you see | what holds | proven by |", "|--|--|--|--|--|"]
    for number in NUMBERS:
        fault, sees, holds = words[number]
        held = ", ".join(HOLDS[letter] for letter in holds.split())
        lines.append(f"| {number} | {fault} | {sees} | {held} | {'<br>'.join(proofs[number])} |")
    return "\n".join(lines)


def page():
    """Give the whole page, with the table as it should be."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


def test_every_row_is_proven_and_each_is_worded_once():
    found = list(marks())
    assert {number for (number, *_), _, _ in found} == set(NUMBERS)
    assert Counter(number for (number, *said), _, _ in found if said) == Counter(NUMBERS)
    assert [
        said for (_, *said), _, _ in found if said and (len(said) != 3 or not set(said[2].split()) <= set(HOLDS))
    ] == []


def test_what_is_marked_is_run():
    assert [test for _, _, test in marks() if not test.startswith("test_")] == []


def test_the_page_of_reliability_is_what_the_tests_say():
    assert page() == PAGE.read_text("utf-8"), "python tests/test_docs.py writes it anew"
