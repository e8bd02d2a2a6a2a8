"""Whatever is passed to a public function: a value that is not valid is one of wizframe's errors, never Python's."""

import datetime as dt
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.client import closed_port

import wizframe
import wizframe.dask
from wizframe.arguments import FLAG, NAMES, PATH, TEXT, check_arguments, checked, number, one_of, or_none, whole
from wizframe.errors import ConfigurationError, FileError, InvalidRequestError, MissingFileError, WizframeError

#: Values of many types; each is valid for some parameters.
VALUES = [
    5, 0, -1, 10**30, 1.5, float("nan"), float("inf"), True, None, "zzz", "4", "", ";;", "yesterday", b"x", [1],
    ["zzz"], {"a": 1}, object(), np.int64(2), np.float64("nan"), pd.NaT, (), set(), "nul\0", "\ud83d", pd.Series([1]),
    np.array([1, 2]), Path("nowhere/x"), dt.date(2026, 1, 1), lambda *_: 1,
]  # fmt: skip


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    """Give every public callable with arguments that are valid."""
    folder = tmp_path_factory.mktemp("doors")
    with pytest.MonkeyPatch.context() as patch, wizframe.sandbox(customers=3) as wiz:
        patch.setenv("WIZFRAME_STATE_DIR", str(folder))
        patch.setattr("wizframe.http.transport.MAX_ATTEMPTS", 1)
        yield _doors(wiz, folder)


def _doors(wiz, folder):
    frame = wiz.load_customers(progress=False)
    contacts = wiz.load_contacts(frame, progress=False)
    edited = frame.copy()
    edited.loc[0, "display_name"] = "New"
    ids, contact = frame["id"].tolist(), contacts.iloc[0]
    frame.wiz.to_excel(folder / "a.xlsx")
    frame.wiz.to_csv(folder / "a.csv")
    plan = edited.wiz.plan(client=wiz)
    plan.save(folder / "plan.json")
    loading, limited = {"progress": False}, {"max_changes": 0}
    api = {"base_url": f"http://127.0.0.1:{closed_port()}/v1"}
    customer, own = wiz.customer, {"customer_id": contact["customer_id"]}
    both = own | {"contact_id": contact["id"]}
    return {
        "connect": (wizframe.connect, api | {"api_key": "k"}),
        "login": (wizframe.login, api | {"email": "a@b.c"}),
        "logout": (wizframe.logout, {}),
        "sandbox": (wizframe.sandbox, {"customers": 1}),
        "load_customers": (wizframe.load_customers, loading | {"client": wiz}),
        "load_contacts": (wizframe.load_contacts, loading | {"client": wiz, "customers": ids}),
        "iter_customers": (wizframe.iter_customers, loading | {"client": wiz}),
        "iter_contacts": (wizframe.iter_contacts, loading | {"client": wiz, "customers": ids}),
        "Client.load_customers": (wiz.load_customers, loading),
        "Client.load_contacts": (wiz.load_contacts, loading | {"customers": ids}),
        "Client.iter_customers": (wiz.iter_customers, loading),
        "Client.iter_contacts": (wiz.iter_contacts, loading | {"customers": ids}),
        "Client.plan": (wiz.plan, {"frame": edited}),
        "plan": (wizframe.plan, {"frame": edited, "client": wiz}),
        "delete": (wizframe.delete, {"frame": frame, "client": wiz}),
        "apply": (wizframe.apply, loading | limited | {"plan": plan, "client": wiz}),
        "push": (wizframe.push, limited | {"frame": edited, "client": wiz, "yes": True}),
        "load_plan": (wizframe.load_plan, {"path": folder / "plan.json"}),
        "undo": (wizframe.undo, {"push_id": "nope", "client": wiz}),
        "resume": (wizframe.resume, loading | {"client": wiz}),
        "history": (wizframe.history, {}),
        "purge": (wizframe.purge, {"older_than_days": 9999}),
        "refresh": (wizframe.refresh, loading | {"frame": frame, "client": wiz}),
        "to_excel": (wizframe.to_excel, loading | {"frame": frame, "path": folder / "b.xlsx"}),
        "to_csv": (wizframe.to_csv, loading | {"frame": frame, "path": folder / "b.csv"}),
        "read_excel": (wizframe.read_excel, loading | {"path": folder / "a.xlsx"}),
        "read_csv": (wizframe.read_csv, loading | {"path": folder / "a.csv"}),
        "trace": (wizframe.trace, {}),
        "CustomerPicker": (wizframe.CustomerPicker, {"client": wiz}),
        "ContactPicker": (wizframe.ContactPicker, {"client": wiz}),
        "customer.list": (customer.list, {}),
        "customer.get": (customer.get, {"id": ids[0]}),
        "customer.create": (customer.create, {"data": {}}),
        "customer.update": (customer.update, {"id": ids[0], "data": {"phone": ""}}),
        "customer.delete": (customer.delete, {"id": "nope"}),
        "contact.list": (customer.contact.list, own),
        "contact.get": (customer.contact.get, both),
        "contact.create": (customer.contact.create, own | {"data": {}}),
        "contact.update": (customer.contact.update, both | {"data": {"phone": ""}}),
        "contact.delete": (customer.contact.delete, own | {"contact_id": "nope"}),
        "wiz.plan": (edited.wiz.plan, {"client": wiz}),
        "wiz.push": (edited.wiz.push, limited | {"client": wiz, "yes": True}),
        "wiz.delete": (frame.wiz.delete, {"client": wiz}),
        "wiz.contacts": (frame.wiz.contacts, loading | {"client": wiz}),
        "wiz.refresh": (frame.wiz.refresh, loading | {"client": wiz}),
        "wiz.to_excel": (frame.wiz.to_excel, loading | {"path": folder / "c.xlsx"}),
        "wiz.to_csv": (frame.wiz.to_csv, loading | {"path": folder / "c.csv"}),
        "wiz.edit": (frame.wiz.edit, {"client": wiz}),
        "wiz.overview": (frame.wiz.overview, {}),
        "Plan.apply": (plan.apply, loading | limited | {"client": wiz}),
        "Plan.save": (plan.save, {"path": folder / "d.json"}),
        "Plan.to_excel": (plan.to_excel, {"path": folder / "d.xlsx"}),
        "Plan.choose": (plan.choose, {"rows": plan.changes}),
        "Plan.again": (plan.again, {"client": wiz}),
        "dask.load_customers": (wizframe.dask.load_customers, {"client": wiz}),
        "dask.load_contacts": (wizframe.dask.load_contacts, {"customers": ids, "client": wiz}),
    }


NAMED = [
    "connect", "login", "logout", "sandbox", "load_customers", "load_contacts", "iter_customers", "iter_contacts",
    "Client.load_customers", "Client.load_contacts", "Client.iter_customers", "Client.iter_contacts", "Client.plan",
    "plan", "delete", "apply", "push", "load_plan", "undo", "resume", "history", "purge", "refresh", "to_excel",
    "to_csv", "read_excel", "read_csv", "trace", "CustomerPicker", "ContactPicker", "customer.list", "customer.get",
    "customer.create", "customer.update", "customer.delete", "contact.list", "contact.get", "contact.create",
    "contact.update", "contact.delete", "wiz.plan", "wiz.push", "wiz.delete", "wiz.contacts", "wiz.refresh",
    "wiz.to_excel", "wiz.to_csv", "wiz.edit", "wiz.overview", "Plan.apply", "Plan.save", "Plan.to_excel", "Plan.choose",
    "Plan.again", "dask.load_customers", "dask.load_contacts",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("door", NAMED)
def test_any_value_is_accepted_or_refused_by_an_error_of_wizframe(door, doors, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # some values are valid names of files
    monkeypatch.setattr("builtins.input", lambda *_: "no")
    call, valid = doors[door]
    names = [one.name for one in inspect.signature(call).parameters.values() if one.kind is not one.VAR_KEYWORD]
    for name in names:
        for value in VALUES:
            try:
                done = call(**(valid | {name: value}))
                list(done) if inspect.isgenerator(done) else None
            except WizframeError:
                pass
            else:
                for end in ("close", "stop") if door in ("sandbox", "trace") else ():
                    getattr(done, end, lambda: None)()


def test_every_public_function_is_among_them():
    untyped = {"load_ipython_extension", "unload_ipython_extension", "pushes"}
    functions = {name for name in wizframe.__all__ if inspect.isfunction(getattr(wizframe, name))}
    assert functions - untyped <= set(NAMED)


@pytest.mark.parametrize(
    ("call", "options", "error", "message"),
    [
        (wizframe.connect, {"workers": "4"}, ConfigurationError, "workers='4' is not valid .allowed: whole numbers"),
        (wizframe.connect, {"rate": "10"}, ConfigurationError, "rate='10' is not valid .allowed: numbers above 0"),
        (wizframe.connect, {"rate": True}, ConfigurationError, "rate=True is not valid"),
        (wizframe.connect, {"base_url": 5}, ConfigurationError, "base_url=5 is not valid .allowed: strings, or None"),
        (wizframe.connect, {"dialect": "rset"}, ConfigurationError, "did you mean 'rest'"),
        (wizframe.connect, {"settle_s": float("nan")}, ConfigurationError, "settle_s=nan is not valid"),
        (wizframe.sandbox, {"customers": 10**30}, ConfigurationError, "customers=1"),
        (wizframe.sandbox, {"port": 70000}, ConfigurationError, "port=70000 is not valid"),
        (wizframe.load_customers, {"page_size": np.int64(500)}, InvalidRequestError, "whole numbers from 1 to 100"),
        (wizframe.load_customers, {"stauts": "active"}, InvalidRequestError, "Did you mean status"),
        (wizframe.read_csv, {"path": "a.csv", "delimiter": ";;"}, InvalidRequestError, "delimiter=';;' is not valid"),
        (wizframe.history, {"since": "yesterday"}, InvalidRequestError, "since='yesterday'"),
        (wizframe.undo, {"push_id": b"x"}, InvalidRequestError, "push_id=b'x' is not valid .allowed: strings"),
    ],
)
def test_an_error_names_the_parameter_its_value_and_what_is_allowed(call, options, error, message):
    with pytest.raises(error, match=message):
        call(**({"api_key": "k"} if call is wizframe.connect else {}) | options)


def test_all_that_is_not_valid_is_named_at_once():
    with pytest.raises(ConfigurationError, match=r"workers=0 is not valid .*; rate=-1 is not valid"):
        wizframe.connect("k", base_url="http://127.0.0.1:1/v1", workers=0, rate=-1)


@pytest.mark.parametrize("name", ["base_url", "profile", "dialect", "ca_bundle"])
def test_an_api_key_in_the_place_of_another_argument_is_not_shown(name):
    for key in ("api_prod_canary_7f3e91c2d4b85a60", "canary" * 9):
        with pytest.raises(ConfigurationError) as caught:
            wizframe.connect("k", **({"base_url": "https://127.0.0.1:1/v1"} | {name: key}))
        assert "canary" not in str(caught.value), caught.value


@pytest.mark.parametrize(
    ("kind", "fits", "not_fits"),
    [
        (whole(1, 5), [1, 5, np.int8(3)], [0, 6, 1.0, True, "1", None, np.float64(1), np.bool_(1)]),
        (number(0, 9, above=True), [1, 0.5, 9, np.float32(2)], [0, 10, True, "1", float("nan"), np.inf, None]),
        (or_none(FLAG), [True, False, np.bool_(0), None], [0, 1, "yes", [True]]),
        (one_of("a", "b"), ["a", np.str_("b")], ["A", "", None, ["a"], pd.Series(["a"])]),
        (TEXT, ["", "ä", np.str_("x")], [b"x", 1, None, "\0", "\ud83d"]),
        (NAMES, ["a", ["a"], {"a"}, pd.Index(["a"])], [1, None, [1], {"a": 1}, b"a"]),
        (PATH, ["a", Path("a")], ["", "a\0", b"a", 1, None]),
    ],
)
def test_a_kind_allows_what_it_says(kind, fits, not_fits):
    check_arguments(InvalidRequestError, {"x": kind}, {})
    for value in fits:
        check_arguments(InvalidRequestError, {"x": kind}, {"x": value})
    for value in not_fits:
        with pytest.raises(InvalidRequestError, match="x="):
            check_arguments(InvalidRequestError, {"x": kind}, {"x": value})


def test_scalars_of_numpy_arrive_as_pythons_own():
    @checked(a=whole(0))
    def function(a, b=None):
        return type(a), type(b)

    assert function(np.int64(3), b=np.str_("x")) == (int, str)
    assert function(np.uint8(3), np.bool_(1)) == (int, bool)


@pytest.mark.parametrize("read", [wizframe.read_excel, wizframe.read_csv, wizframe.load_plan])
def test_a_file_that_cannot_be_opened_is_an_error_that_says_why(read, tmp_path):
    with pytest.raises(MissingFileError, match=r"the file .*nothing.* does not exist") as caught:
        read(tmp_path / "nothing.xlsx")
    assert isinstance(caught.value, FileNotFoundError)
    with pytest.raises(MissingFileError, match=r"the folder .*nowhere does not exist"):
        read(tmp_path / "nowhere" / "a.xlsx")
    with pytest.raises(FileError, match="it is a folder"):
        read(tmp_path)
    with pytest.raises(InvalidRequestError, match="path="):
        read("nul\0.xlsx")
