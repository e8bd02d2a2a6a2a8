"""Measure how the package reads: ``python -m tests.support.house`` prints the figures that its layout aims at.

Sizes, the length of function bodies, comments, import circles, and which files a reader enters to follow one load, one
plan and one update.
"""

from __future__ import annotations

import ast
import re
import sys
import threading
import tokenize
from pathlib import Path
from typing import NamedTuple

import wizframe

PACKAGE = Path(wizframe.__file__).parent
TESTS = Path(__file__).parents[1]
#: Public in spite of their underscore: of named tuples and of the module os.
PUBLIC = {"_asdict", "_replace", "_exit"}
#: A value that opens its own face; the reason stands next to the import.
FACES = {("wizframe.pushing.plan", "wizframe.notebook.review.review")}


class Figures(NamedTuple):
    """What is measured of the source text. Lines of a body leave out its docstring."""

    modules: int
    modules_outside_server: int
    lines: int
    functions: int
    private_functions: int
    median_body: int
    ninetieth_body: int
    longest_body: int
    comment_share: float
    longest_module: int


def sources():
    """List the package's files."""
    return sorted(PACKAGE.rglob("*.py"))


def module_of(path):
    """Give the dotted name of a file's module."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def body_lines(function):
    """Count the lines of a function's body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def comment_lines(path):
    """Count the lines that are a comment and nothing else."""
    with tokenize.open(path) as file:
        return sum(
            token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip()
            for token in tokenize.generate_tokens(file.readline)
        )


def figures():
    """Measure the source text."""
    functions, lengths, comments, lines = [], [], 0, []
    for path in sources():
        text = path.read_text("utf-8")
        lines.append(len(text.splitlines()))
        comments += comment_lines(path)
        found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        functions += found
        lengths += [length for length in map(body_lines, found) if length]
    lengths.sort()
    return Figures(
        modules=len(lines),
        modules_outside_server=sum("server" not in path.relative_to(PACKAGE).parts for path in sources()),
        lines=sum(lines),
        functions=len(functions),
        private_functions=sum(node.name.startswith("_") and not node.name.endswith("__") for node in functions),
        median_body=lengths[len(lengths) // 2],
        ninetieth_body=lengths[len(lengths) * 9 // 10],
        longest_body=lengths[-1],
        comment_share=comments / sum(lines),
        longest_module=max(lines),
    )


def imports():
    """Map each module to those of ours that it imports: at the top, inside functions, or for types only."""
    modules = {module_of(path): path for path in sources()}
    graph = {}
    for module, path in modules.items():
        graph[module] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                named = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                submodules = [f"{node.module}.{alias.name}" for alias in node.names]
                # `from package import module` needs the module; the package's own file holds a docstring.
                named = [name if name in modules else node.module for name in submodules]
            else:
                continue
            graph[module].update({name for name in named if name in modules} - {module})
    return graph


def circles(graph):
    """List the groups of modules that import each other, directly or through others (Tarjan, 1972)."""
    number, lowest, stack, found = {}, {}, [], []

    def visit(module):
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in graph[module]:
            if other not in number:
                visit(other)
            if other in stack:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == number[module]:
            start = stack.index(module)
            if len(stack) - start > 1:
                found.append(sorted(stack[start:]))
            del stack[start:]

    for module in graph:
        if module not in number:
            visit(module)
    return found


def private_accesses():
    """List where a test reaches into a private attribute of something else, with its file and line."""
    return [
        f"{path.relative_to(TESTS).as_posix()}:{node.lineno} {ast.unparse(node)}"
        for path in sorted(TESTS.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and re.match("_[a-z]", node.attr)
        and node.attr not in PUBLIC
        and ast.unparse(node.value) not in ("self", "cls")
    ]


def files_entered(action):
    """Run an action; list the files of the package that it calls into, in any thread, except the sandbox's."""
    entered = set()

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_name != "<module>":
            entered.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    ours = [Path(name).relative_to(PACKAGE) for name in entered if name.startswith(str(PACKAGE))]
    return sorted(path.as_posix() for path in ours if path.parts[0] != "server")


def flows():
    """Follow one load, one plan of one cell, and one update that is applied."""
    with wizframe.sandbox(customers=5, dialect="rest") as wiz:
        kept = {}

        def load():
            kept["frame"] = wiz.load_customers(progress=False)

        def plan():
            kept["plan"] = wiz.plan(kept["frame"])

        def apply():
            kept["plan"].apply(progress=False)

        for term in ("imported", "measured"):  # the first round imports, connects and opens the journal
            loaded = files_entered(load)
            kept["frame"].loc[0, "payment_term"] = term
            planned, applied = files_entered(plan), files_entered(apply)
    return {"load": loaded, "plan": planned, "apply": applied}


def main():
    """Print the figures."""
    for name, value in figures()._asdict().items():
        print(f"{name.replace('_', ' '):24} {format(value, '.1%' if isinstance(value, float) else ',')}")
    graph = imports()
    for value, face in FACES:
        graph[value].discard(face)
    found = circles(graph)
    print(f"{'import circles':24} {len(found)}")
    for circle in found:
        print(f"    {len(circle)} modules: {', '.join(circle)}")
    print(f"{'private accesses of tests':24} {len(private_accesses())}")
    for flow, files in flows().items():
        print(f"{'files entered by ' + flow:24} {len(files)}: {', '.join(files)}")


if __name__ == "__main__":
    main()
