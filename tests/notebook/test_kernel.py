"""What changes a frame waits until no cell is running, but not for ever if a caller waits for it."""

import threading

import pytest

from wizframe.notebook import kernel
from wizframe.notebook.kernel import between_cells


class Loop:
    """The event loop of a kernel; the test says when its cell ends."""

    def __init__(self):
        self.due = []
        self.add_callback = self.due.append

    def end_cell(self):
        while self.due:
            self.due.pop(0)()


@pytest.fixture
def loop(monkeypatch):
    made = Loop()
    monkeypatch.setattr(kernel, "_loop", lambda: made)
    return made


def in_a_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_without_a_notebook_and_in_the_thread_of_the_cells_it_is_done_at_once(loop, monkeypatch):
    done = []
    between_cells(lambda: done.append(1))
    monkeypatch.setattr(kernel, "_loop", lambda: None)
    in_a_thread(lambda: between_cells(lambda: done.append(2))).join()
    assert done == [1, 2]
    assert loop.due == []


def test_another_thread_leaves_it_to_the_thread_of_the_cells(loop):
    done = []
    in_a_thread(lambda: between_cells(lambda: done.append(threading.current_thread()))).join()
    assert done == []
    loop.end_cell()
    assert done == [threading.current_thread()]


def test_a_caller_that_waits_continues_when_it_is_done_and_gets_its_error(loop):
    said = []

    def work():
        try:
            between_cells(lambda: 1 / 0, within_s=30)
        except ZeroDivisionError as error:
            said.append(error)

    thread = in_a_thread(work)
    while not loop.due:
        thread.join(0.01)
    assert said == []
    loop.end_cell()
    thread.join(30)
    assert len(said) == 1


def test_a_caller_that_waited_long_enough_does_it_itself_and_only_once(loop):
    done = []
    in_a_thread(lambda: between_cells(lambda: done.append(1), within_s=0.01)).join(30)
    assert done == [1]
    loop.end_cell()
    assert done == [1]
