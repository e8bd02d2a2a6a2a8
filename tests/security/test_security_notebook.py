"""A notebook in which pushes fail in several ways, all tracebacks and logs in full: its file holds no key."""

from __future__ import annotations

import pytest
from support.security import shows

import wizframe

pytestmark = pytest.mark.slow
KEY = wizframe.SANDBOX_API_KEY

SET_UP = """
%xmode Verbose
import http.client, logging
logging.basicConfig(level=logging.DEBUG, force=True)
http.client.HTTPConnection.debuglevel = 1
import wizframe, wizframe.http.transport
from wizframe.server import Fault
wizframe.http.transport.MAX_ATTEMPTS = 2
wiz = wizframe.sandbox(customers=12)
wiz.settle_s = 0.0
echo = {"code": "{key}", "message": "bad {key}", "details": [{"field": "{key}", "reason": "is {key}"}]}
def break_(operation, kind="answer", **options):
    wiz.server.faults.clear()
    wiz.server.faults.add(Fault(kind, operation, times=None, **options))
"""
EDIT = """
customers = wizframe.load_customers()
customers.loc[:3, "first_name"] = "mine"
customers.loc[len(customers)] = {"company_name": "New", "display_name": "New"}
plan = customers.wiz.plan()
plan
"""
#: Code, and the error that it ends with.
CELLS = [
    (SET_UP, None),
    (EDIT, None),
    ("wizframe.connect(base_url=wiz.base_url + '/nowhere')", "NotFoundError"),
    ("wizframe.connect(base_url='https://127.0.0.1:9/v1', ca_bundle='nowhere.pem')", "ConfigurationError"),
    ("break_('reads', status=401, body=echo)\nwizframe.connect(base_url=wiz.base_url)", "AuthenticationError"),
    ("break_('reads', status=200, body=[{'id': '{key}'}])\ncustomers.wiz.push(yes=True)", "ProtocolError"),
    ("break_('writes', status=422, body=echo)\nresult = plan.apply()\nresult", None),
    ("result.changes", None),
    ("plan.apply()", "StalePlanError"),
    ("break_('writes', status=302, headers={'Location': '/{key}'})\ncustomers.wiz.push(yes=True)", None),
    ("break_('writes', 'answer_after', status=502, body='<b>{key}</b>')\ncustomers.wiz.push(yes=True)", None),
    ("wizframe.resume(yes=True)", None),
    ("break_('reads', 'drop')\nwizframe.load_customers()", "TransportError"),
    ("break_('reads', status=200, body='<b>{key}</b>')\nwiz.customer.list()", "ProtocolError"),
    ("vars(wiz), vars(wiz.transport), vars(wiz.transport._adapter), wiz.transport._secret", None),
    ("wizframe.history()", None),
]


def test_the_file_of_a_notebook_does_not_contain_the_key(tmp_path, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("WIZCOMMERCE_API_KEY", KEY)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code.strip()) for code, _ in CELLS])
    nbclient.NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    outputs = [{output["output_type"]: output for output in cell["outputs"]} for cell in notebook["cells"]]
    assert [output.get("error", {}).get("ename") for output in outputs] == [name for _, name in CELLS]
    nbformat.write(notebook, tmp_path / "notebook.ipynb")
    text = (tmp_path / "notebook.ipynb").read_text("utf-8")
    assert "DEBUG:urllib3" in text
    assert shows(text, KEY) == set()
