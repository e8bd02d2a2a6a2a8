"""A file is written as a whole, or not at all."""

from __future__ import annotations

import os

import pytest

from wizframe.errors import FileError
from wizframe.files import replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_complete(tmp_path):
    with replacing(tmp_path / "a.txt") as file:
        file.write(b"new")
        file.flush()
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError(), OSError(28, "No space left on device")])
def test_the_old_file_stays_and_no_part_is_left_when_writing_fails(tmp_path, error):
    def write():
        with replacing(tmp_path / "a.txt") as file:
            file.write(b"ne")
            raise error

    (tmp_path / "a.txt").write_bytes(b"old")
    with pytest.raises(type(error)) as caught:
        write()
    if isinstance(error, OSError):
        assert isinstance(caught.value, FileError)
        assert (caught.value.errno, str(caught.value).rpartition(": ")[2]) == (28, "no space left on device")
    else:
        assert caught.value is error
    assert (tmp_path / "a.txt").read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


def test_two_writers_of_one_file_do_not_mix_their_bytes(tmp_path):
    with replacing(tmp_path / "a.txt") as first, replacing(tmp_path / "a.txt") as second:
        first.write(b"first")
        second.write(b"second")
    assert (tmp_path / "a.txt").read_bytes() == b"first"
    assert names(tmp_path) == ["a.txt"]


def test_a_name_may_be_as_long_as_a_name_can_be(tmp_path):
    with replacing(tmp_path / ("x" * 255)) as file:
        file.write(b"1")
    assert names(tmp_path) == ["x" * 255]


def test_an_error_names_the_file_that_the_caller_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "nowhere" / "a.txt"):
        pass
    assert caught.value.filename == os.fspath(tmp_path / "nowhere" / "a.txt")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder") as caught, replacing(tmp_path / "folder") as file:
        file.write(b"1")
    assert ".part" not in str(caught.value)
    assert names(tmp_path) == ["folder"]
