"""Work in a thread of its own is done in its order, and nobody waits for it."""

import errno
import threading

import pytest

from edgespec.aside import Aside, Jobs


def test_what_is_put_is_done_in_its_order() -> None:
    done: list[int] = []
    aside = Aside("work", done.append, 100)
    assert [aside.put(number) for number in range(100)] == [True] * 100
    aside.close(60.0)
    assert done == list(range(100))


def test_there_is_no_thread_before_there_is_work_and_none_behind_the_end() -> None:
    aside = Aside("work", lambda item: None, 1)
    assert not aside.has_begun
    assert aside.put(1)
    assert aside.has_begun
    aside.close(60.0)
    aside.close(60.0)
    assert not aside.has_begun


def test_what_is_too_much_is_not_taken() -> None:
    may_go, has_begun = threading.Event(), threading.Event()
    done: list[int] = []

    def work(item: int) -> None:
        has_begun.set()
        may_go.wait(60.0)
        done.append(item)

    aside = Aside("work", work, 2)
    assert aside.put(1)
    has_begun.wait(60.0)
    assert [aside.put(number) for number in (2, 3, 4)] == [True, True, False]
    may_go.set()
    aside.close(60.0)
    assert done == [1, 2, 3]


def test_an_end_is_not_waited_for_longer_than_was_said() -> None:
    never = threading.Event()
    aside = Aside("work", lambda item: never.wait(60.0), 1)
    aside.put(1)
    aside.put(2)
    aside.close(0.01)
    never.set()


def fail(error: Exception) -> None:
    raise error


def test_a_job_that_fails_costs_itself_and_is_said_once_until_one_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[int] = []
    jobs = Jobs("work", "numbers are not kept", 100)
    full = OSError(errno.ENOSPC, "No space left on device")
    for error in (full, full, ZeroDivisionError("by 0")):
        jobs.add(lambda error=error: fail(error))
    jobs.add(lambda: done.append(1))
    jobs.add(lambda: fail(ValueError("x" * 1000)))
    jobs.add(lambda: done.append(2))
    jobs.close(60.0)
    assert done == [1, 2]
    first, second = (record.getMessage() for record in caplog.records)
    assert first == "numbers are not kept (No space left on device)"
    assert second.startswith("numbers are not kept (ValueError('xxx")
    assert len(second) < 300
    assert not jobs.has_begun
