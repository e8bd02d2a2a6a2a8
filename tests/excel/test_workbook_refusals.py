"""Files that are not opened: bombs, encrypted and damaged files, macros, other kinds. Each error says what to do."""

import base64
import contextlib
import hashlib
import re
import resource
import struct
import sys
import warnings
import zipfile
import zlib

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.workbook import loaded, plan_of

import wizframe
from wizframe.errors import UnreadableFileError
from wizframe.excel import workbook_file as opening
from wizframe.excel.baseline_sheet import MARK, unpack
from wizframe.excel.reader import ReadOptions, read_tables

SHEET = "xl/worksheets/sheet2.xml"


@pytest.fixture
def path(tmp_path):
    frame = loaded("customers", [{"id": f"c{number}", "display_name": f"Name {number}"} for number in range(40)])
    frame.wiz.to_excel(tmp_path / "sent.xlsx")
    return tmp_path / "sent.xlsx"


def repack(path, **changes):
    """Write the workbook again, with some parts changed by a function of their bytes, removed by None, or added."""
    with zipfile.ZipFile(path) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    for name, change in changes.items():
        parts[name] = change(parts.get(name, b"")) if change else None
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)


def refused(path, words):
    with pytest.raises(UnreadableFileError, match=words) as error:
        wizframe.read_excel(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an Excel workbook. Open it in Excel or LibreOffice and save it as"),
        (b"id,company_name\nc1,A\n", r"Read a CSV file with wizframe\.read_csv\(\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, r"of the old kind \(\.xls\)"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le"),
            "is encrypted. Open it with its password",
        ),
        (b"PK\x03\x04 and no more", "is damaged"),
        (b"\x89PNG\x00", "is not an Excel workbook"),
    ],
)
def test_other_files_than_workbooks_are_refused_with_what_they_are(tmp_path, content, words):
    (tmp_path / "file.xlsx").write_bytes(content)
    refused(tmp_path / "file.xlsx", words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("content.xml", r"is an OpenDocument file \(\.ods\)"),
        ("xl/workbook.bin", r"is a binary workbook \(\.xlsb\)"),
        ("Index/Document.iwa", "is a Numbers document. Export it"),
        ("readme.txt", "is not an Excel workbook"),
    ],
)
def test_other_kinds_of_documents_say_how_to_save_them(tmp_path, name, words):
    with zipfile.ZipFile(tmp_path / "file.xlsx", "w") as archive:
        archive.writestr(name, "x")
    refused(tmp_path / "file.xlsx", words)


def test_macros_are_never_opened(path):
    before = path.read_bytes()
    repack(path, **{"xl/vbaProject.bin": lambda _: b"x"})
    refused(path, "contains macros")
    path.write_bytes(before)
    kind = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    repack(path, **{"[Content_Types].xml": lambda old: re.sub(rb"application/vnd\S+?sheet\.main\+xml", kind, old)})
    refused(path, "contains macros")


@pytest.mark.fault(38)
def test_a_file_that_is_too_large_is_not_read(path, monkeypatch):
    monkeypatch.setattr(opening, "MAX_BYTES", 1 << 20)
    path.write_bytes(path.read_bytes() + b"\x00" * (1 << 20))
    refused(path, "is larger than 1 MiB")


@pytest.mark.fault(38)
def test_a_part_that_says_that_it_is_huge_is_not_unpacked(path, monkeypatch):
    repack(path, **{SHEET: lambda old: old.replace(b"</sheetData>", b" " * (30 << 20) + b"</sheetData>")})
    unpacked = []
    monkeypatch.setattr(opening, "_check_content", lambda *_: unpacked.append(1))
    refused(path, "may be a trap: its .* bytes unpack to 3")
    assert not unpacked


@pytest.mark.fault(38)
def test_a_part_that_is_longer_than_it_says_is_refused(path):
    repack(path, **{SHEET: lambda old: old + b" " * (20 << 20)})
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(SHEET).file_size
    for found in re.finditer(re.escape(struct.pack("<I", size)), bytes(content)):
        content[found.start() : found.end()] = struct.pack("<I", size - (20 << 20))
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo(SHEET).file_size == size - (20 << 20)  # the lie is in place
    refused(path, "is damaged")


def test_a_part_that_is_shorter_than_it_says_is_refused(path):
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = struct.pack("<I", archive.getinfo(SHEET).file_size)
    path.write_bytes(content.replace(size, struct.pack("<I", struct.unpack("<I", size)[0] + 7)))
    refused(path, "does not have the size that the file gives")


FAR = [
    b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
    b'<row r="1048576"><c r="ZZ1048576"><v>1</v></c></row>',
    b"<row r='1048576'><c t='n' r='AZ1048576'><v>1</v></c></row>",
    b'<row r="300"><c r="XFD300"><v>1</v></c></row><row r="301"><c r="A999999"><v>1</v></c></row>',
    b'<x:row r="1048576"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>',
    b'<row\n r="99999"><c\n r="XFD99999"><v>1</v></c></row>',
    b'<row r="1048576"><c r="xfd1048576"><v>1</v></c></row>',
    b'<row r="4294967295"><c><v>1</v></c></row>',
    b'<row r="1"><c r="A9999999"><v>1</v></c></row>',
    b'<row r="1">' + b"<c><v>1</v></c>" * 1000 + b'</row><row r="1000000"><c><v>1</v></c></row>',
]


@pytest.mark.parametrize("cell", FAR)
def test_a_cell_at_the_last_row_and_column_allocates_no_memory_for_the_cells_before_it(path, cell):
    repack(path, **{SHEET: lambda old: old.replace(b"</sheetData>", cell + b"</sheetData>")})
    refused(path, "spans .* rows and .* columns")


def test_a_sheet_under_another_name_is_checked_too(path):
    far = b'x<worksheet><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    repack(path, **{
        "xl/media/image1.png": lambda _: far,
        "xl/_rels/workbook.xml.rels": lambda old: old.replace(b"worksheets/sheet2.xml", b"media/image1.png"),
    })  # fmt: skip
    refused(path, "image1.png spans 1048576 rows and 16384 columns")


def test_pictures_in_a_workbook_are_accepted(path):
    noise = bytes(range(256)) * 20_000
    repack(path, **{"xl/media/image1.png": lambda _: noise, "xl/media/image2.jpg": lambda _: b"\xff\xd8" * 2_000_000})
    assert len(wizframe.read_excel(path)) == 40


def test_a_table_of_too_many_texts_is_refused(path, monkeypatch):
    monkeypatch.setattr(opening, "_MAX_TEXTS", 100_000)
    repack(path, **{"xl/sharedStrings.xml": lambda old: old.replace(b"</sst>", b"<si/>" * 100_000 + b"</sst>")})
    refused(path, "may be a trap: .* has 100.* strings")


def test_a_sheet_in_utf_16_is_refused(path):
    repack(path, **{SHEET: lambda old: old.decode().encode("utf-16")})
    refused(path, "a part in UTF-16")


def test_a_wide_sheet_and_empty_rows_at_its_end_are_read(path):
    wide = b'<row r="100"><c r="AZ100" t="str"><v>x</v></c></row><row r="101"><c t="str"><v>y</v></c></row>'
    wide += b'<row r="1048576" hidden="1"/>'
    repack(path, **{SHEET: lambda old: old.replace(b"</sheetData>", wide + b"</sheetData>")})
    assert len(wizframe.read_excel(path)) == 42


def test_an_endless_tag_is_refused(path):
    repack(path, **{SHEET: lambda old: old.replace(b"</sheetData>", b"<c " + b"x" * (3 << 20) + b"></c></sheetData>")})
    refused(path, "a tag without an end")


def test_parts_with_one_name_are_refused(path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(SHEET, "x")
    refused(path, "is not a usual workbook")


def test_an_entity_bomb_expands_to_nothing(path):
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, (b"&a%d;" % (n - 1) if n else b"&a;") * 10) for n in range(9)
    )
    repack(path, **{"xl/sharedStrings.xml": lambda old: old.replace(b"<sst", bomb + b"]><sst", 1).replace(
        b"Name 7<", b"&a8;<")})  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with contextlib.suppress(UnreadableFileError):
        wizframe.read_excel(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < (200 << 10) * (
        1024 if sys.platform == "darwin" else 1
    )


@pytest.mark.parametrize("seed", range(60))
def test_damage_anywhere_is_harmless_or_a_clear_error(path, seed):
    content = bytearray(path.read_bytes())
    place = seed * len(content) // 60
    path.write_bytes(content[:place])
    refused(path, "is damaged|is not an Excel workbook")
    content[place : place + 8] = bytes((byte + 1 + seed) % 256 for byte in content[place : place + 8])
    path.write_bytes(content)
    with contextlib.suppress(UnreadableFileError):
        wizframe.read_excel(path)


@pytest.mark.parametrize(
    "part",
    [
        "xl/sharedStrings.xml",
        "xl/styles.xml",
        SHEET,
        "xl/_rels/workbook.xml.rels",
        "xl/workbook.xml",
        "[Content_Types].xml",
    ],
)
@pytest.mark.parametrize(
    "change", [None, lambda old: old[: len(old) // 2], lambda _: b"<x>", lambda _: b"\xff\xfe\x00"]
)
def test_a_workbook_that_lacks_a_part_is_a_clear_error(path, part, change):
    repack(path, **{part: change})
    with contextlib.suppress(wizframe.WizframeError):  # or what is left is a workbook with less in it
        wizframe.read_excel(path)


def _packed(content):
    """Write a hidden sheet's lines of any content, with the hash that fits."""
    content = zlib.compress(orjson.dumps(content))
    return [f"{MARK} 1 {hashlib.sha256(content).hexdigest()}", "w" + base64.b64encode(content).decode()]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["id", "customers", "<clear>", "Europe/Berlin", "2026-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def _nodes(place):
    """List everything in a piece of JSON: (container, key)."""
    keys = list(place) if isinstance(place, dict) else range(len(place)) if isinstance(place, list) else []
    return [(place, key) for key in keys] + [node for key in keys for node in _nodes(place[key])]


@given(data=st.data())
@settings(max_examples=150)
def test_a_hidden_sheet_of_any_content_is_read_or_not_believed(memory, data):
    """A person who can write a file can compute its hash, too."""
    rows, lines = memory
    content = orjson.loads(zlib.decompress(base64.b64decode("".join(line[1:] for line in lines[1:]))))
    assert unpack(_packed(content)) is not None
    for place, key in data.draw(st.lists(st.sampled_from(_nodes(content["customers"])), min_size=1, max_size=3)):
        place[key] = data.draw(JSON)
    found = unpack(_packed(content))
    if found:
        with contextlib.suppress(wizframe.WizframeError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for frame in read_tables("x", rows, found, ReadOptions(None)).values():
                plan_of(frame)


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    """The rows and the hidden lines of a workbook."""
    path = tmp_path_factory.mktemp("memory") / "sent.xlsx"
    records = [{"id": f"c{n}", "display_name": "A", "updated_at": "2026-01-01T00:00:00Z"} for n in range(3)]
    frame = loaded("customers", records)
    frame.loc[1, "display_name"] = "B"
    frame.wiz.to_excel(path)
    book = opening.open_workbook(path)
    return {name: book.rows(name) for name in book.visible}, [row[0] for row in book.rows("wizframe") if row[0]]


def test_a_missing_file_is_pythons_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        wizframe.read_excel(tmp_path / "nothing.xlsx")


def test_a_hidden_sheet_that_unpacks_to_too_much_is_ignored(path, monkeypatch):
    monkeypatch.setattr("wizframe.excel.baseline_sheet._MAX_BYTES", 100)
    with pytest.warns(UserWarning, match="its hidden sheet was changed"):
        wizframe.read_excel(path)
