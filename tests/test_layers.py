"""The shape of the package, proven from its syntax trees: the order of layers, names, and what an import costs."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support import house

import wizframe

PACKAGE = Path(wizframe.__file__).parent

#: A module imports only from modules that stand before it.
ORDER = [
    "errors", "text", "arguments", "files", "threads", "processes", "fields", "account", "progress",
    "http", "api", "frames", "planning", "excel", "loading", "pushing", "refreshing", "connections", "doctor",
    "notebook", "accessor", "dask", "cli", "testing",
]  # fmt: skip

#: Imports inside functions that point up the layers.
UPWARD = {
    ("pushing", "notebook"),  # Plan.review opens its own face
    ("connections", "server"),  # sandbox()
}
FORBIDDEN = {("planning", "http"), ("api", "frames")}


def sources():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or path.stem != "__main__"]


def layer(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path):
    """Yield (imported layer, whether inside a function or for types only) for each import of ours."""
    tree = ast.parse(path.read_text("utf-8"))
    blocks = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.If))]
    inside = {id(child) for block in blocks for child in ast.walk(block)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "wizframe":
            parts = node.module.split(".")
            names = parts[1:2] or [alias.name for alias in node.names]
            yield from ((name, id(node) in inside) for name in names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "wizframe":
                    yield [*alias.name.split("."), ""][1], id(node) in inside


@pytest.mark.parametrize("path", [path for path in sources() if layer(path) in ORDER], ids=lambda path: path.stem)
def test_a_module_imports_only_from_layers_before_it(path):
    own = layer(path)
    for imported, is_inside in imports(path):
        if imported == own or (own == "cli" and imported in ("", "__version__")):
            continue
        if is_inside and (own, imported) in UPWARD:
            continue
        assert imported in ORDER, f"{path.name} imports {imported}, which has no place in the order"
        assert ORDER.index(imported) < ORDER.index(own), f"{path.name} imports {imported}, which stands after {own}"
        assert (own, imported) not in FORBIDDEN


def test_no_modules_import_each_other_in_a_circle():
    graph = house.imports()
    for value, face in house.FACES:
        assert face in graph[value], "an exception that is not needed any more"
        graph[value].discard(face)
    assert house.circles(graph) == []


def test_circles_are_found():
    assert house.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert house.circles({"a": {"b"}, "b": set()}) == []


def test_planning_knows_no_client():
    known = {
        module for name, found in house.imports().items() if name.startswith("wizframe.planning") for module in found
    }
    assert {module for module in known if module.startswith("wizframe.api")} <= {"wizframe.api.dialects"}  # Record


def test_every_module_has_its_place():
    found = {layer(path) for path in sources()} - {"__init__", "__main__", "server"}
    assert found == set(ORDER)


def test_the_server_knows_nothing_of_the_client():
    for path in (PACKAGE / "server").rglob("*.py"):
        assert {imported for imported, _ in imports(path)} <= {"server"}, path.name
    others = [path for path in sources() if layer(path) not in ("server", "connections")]
    assert [path.name for path in others if "server" in {imported for imported, _ in imports(path)}] == []


def test_no_module_shares_a_name_with_a_public_function():
    modules = {module.name for module in pkgutil.iter_modules([str(PACKAGE)])}
    assert modules & set(wizframe.__all__) == set()


def test_everything_public_is_listed_and_there():
    public = {name for name in dir(wizframe) if name[0] != "_" and not isinstance(getattr(wizframe, name), ModuleType)}
    assert set(wizframe.__all__) == public
    names = [f"wizframe.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}" for path in sources()]
    for name in names:
        module = importlib.import_module(name.removesuffix(".__init__"))
        listed = getattr(module, "__all__", None)
        if listed is None:  # a stage's own file has a docstring and nothing else
            assert len(ast.parse(Path(module.__file__).read_text("utf-8")).body) == 1, f"{name} has no __all__"
            continue
        assert len(set(listed)) == len(listed)
        assert [item for item in listed if not hasattr(module, item)] == []


def test_what_is_imported_on_first_use_is_what_type_checkers_see():
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    told = {alias.name: line.module for line in block.body for alias in line.names}
    assert told == wizframe._HOMES
    assert sorted(told) == sorted(wizframe.__all__)


@pytest.mark.parametrize(
    "code",
    [
        "wizframe.errors.WizframeError; wizframe.trace; wizframe.progress",
        "from wizframe import *; assert plan is wizframe.pushing.api.plan",
        "from wizframe import errors, load_customers",
        "import pandas; assert 'wiz' in dir(pandas.DataFrame()); pandas.DataFrame().wiz.plan",
        "import pandas; assert 'plan' in dir(pandas.DataFrame.wiz); assert pandas.DataFrame.wiz.plan.__doc__",
        "assert 'load_customers' in dir(wizframe); assert not hasattr(wizframe, 'load_customer')",
        "import sys; assert not {'requests', 'sqlite3', 'wizframe.api.client', 'wizframe.accessor'} & {*sys.modules}",
    ],
)
def test_every_public_name_works_after_import_wizframe_alone(code):
    subprocess.run([sys.executable, "-c", f"import wizframe; {code}"], check=True)


def test_no_module_has_a_name_such_as_utils():
    words = {"utils", "core", "helpers", "common", "misc"}
    assert [path for path in sources() if path.stem in words] == []


@pytest.mark.parametrize(
    "heavy",
    [
        "pandera",
        "ipywidgets",
        "IPython",
        "openpyxl",
        "xlsxwriter",
        "python_calamine",
        "anywidget",
        "dask",
        "duckdb",
        "matplotlib",
        "tqdm",
        "click",
        "rich",
        "http.server",
    ],
)
def test_importing_all_of_wizframe_does_not_import(heavy):
    code = f"import sys; from wizframe import *; raise SystemExit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_modules_and_functions_stay_short():
    lengths = []
    for path in sources():
        assert len(path.read_text("utf-8").splitlines()) <= 500, f"{path.name} has outgrown one file"
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body:
                    lengths.append((body[-1].end_lineno - body[0].lineno + 1, f"{path.name}:{node.name}"))
    lengths.sort()
    assert lengths[-1][0] <= 60, lengths[-1]
    assert lengths[len(lengths) // 2][0] <= 8
    assert lengths[len(lengths) * 9 // 10][0] <= 25


#: Modules that may say which table they are about: the tables themselves, and the operations of each.
ABOUT_ONE_TABLE = {"fields.py", "api/operations.py"}
TABLE_NAMES = {"CUSTOMER", "CONTACT", "ADDRESS"}


def compared_tables(tree):
    """Yield the comparisons that ask whether a table is this one or that one."""
    for node in ast.walk(tree):
        asked = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        asked += [item for side in asked if isinstance(side, (ast.Tuple, ast.List, ast.Set)) for item in side.elts]
        asked += node.keys if isinstance(node, ast.Dict) else []
        if {name.id for name in asked if isinstance(name, ast.Name)} & TABLE_NAMES:
            yield ast.unparse(node)


def test_only_the_tables_say_which_table_has_which_rule():
    found = {}
    for path in sources():
        place = path.relative_to(PACKAGE).as_posix()
        if place not in ABOUT_ONE_TABLE and layer(path) != "server":
            found[place] = list(compared_tables(ast.parse(path.read_text("utf-8"))))
    assert {place: comparisons for place, comparisons in found.items() if comparisons} == {}


@pytest.mark.parametrize(
    "code", ["table is CUSTOMER", "CONTACT in tables", "x = {CUSTOMER: 1}", "t in (CUSTOMER, CONTACT)"]
)
def test_a_question_about_a_table_is_found(code):
    assert list(compared_tables(ast.parse(code)))
