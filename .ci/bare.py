"""The core by itself: run in an environment that holds the wheel and none of its extras."""

import importlib.util
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import wizframe
import wizframe.dask
from wizframe.errors import InvalidDataWarning, MissingExtraError

EXTRAS = {
    "notebook": ("jupyterlab", "anywidget"),
    "excel": ("xlsxwriter", "python_calamine", "openpyxl"),
    "cli": ("keyring",),
    "plot": ("matplotlib",),
    "dask": ("dask", "distributed"),
    "test": ("pytest", "hypothesis", "trustme", "duckdb"),
}


def told(extra: str, call: Callable[[], object]) -> None:
    """See that a call ends in the sentence that says what to install."""
    try:
        call()
    except MissingExtraError as error:
        if f"pip install 'wizframe[{extra}]'" not in str(error):
            raise
        print(f"{extra}: {error}")
    else:
        sys.exit(f"nothing said that the extra {extra} is missing")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    script = Path(sys.executable).with_name("wizframe")
    return subprocess.run([script, *arguments], capture_output=True, encoding="utf-8", check=False)


there = [name for names in EXTRAS.values() for name in names if importlib.util.find_spec(name)]
if there:
    sys.exit(f"not bare, these can be imported: {', '.join(there)}")

warnings.simplefilter("ignore", InvalidDataWarning)  # some made-up customers break the rules, and are left out
with wizframe.sandbox(customers=30) as wiz, tempfile.TemporaryDirectory() as folder:
    customers = wizframe.load_customers(invalid="drop")
    customers.loc[customers.index[:3], "payment_term"] = "changed"
    customers.wiz.to_csv(Path(folder) / "customers.csv")
    result = wizframe.read_csv(Path(folder) / "customers.csv").wiz.plan().apply()
    if list(result.changes["state"]) != ["done"] * 3:
        sys.exit(str(result))
    if len(wiz.load_contacts(customers)) == 0 or not result.undo().apply().changes["state"].eq("done").all():
        sys.exit("contacts or undo do not work on the core")
    wizframe.CustomerPicker()
    told("excel", lambda: customers.wiz.to_excel(Path(folder) / "customers.xlsx"))
    told("notebook", customers.wiz.edit)
    told("plot", lambda: customers.wiz.overview().figure)
    told("dask", wizframe.dask.load_customers)
    told("cli", lambda: wizframe.login("ada@example.com", must_keep=True))

demo = command("demo", "--customers", "20")
if demo.returncode != 0:
    sys.exit(f"the demo ended with {demo.returncode}\n{demo.stdout}{demo.stderr}")
print("The core works by itself.")
