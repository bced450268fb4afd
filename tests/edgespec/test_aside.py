"""Work in a thread of its own is done in its order, and nobody waits for it."""

import threading

from edgespec.aside import Aside


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
