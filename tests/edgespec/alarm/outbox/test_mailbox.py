"""Who puts an event in knows when it is kept, and no disk holds him up for long."""

import threading
from collections.abc import Iterator

import pytest

from edgespec.alarm.outbox.mailbox import Mailbox
from tests.made.event import event_of

FOREVER_S = 600.0


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    made = Mailbox()
    yield made
    made.waker.close()


def put(mailbox: Mailbox, name: str) -> None:
    mailbox.put_event(event_of(name))


def keep_one(mailbox: Mailbox) -> None:
    assert mailbox.take_event() is not None
    mailbox.kept()


def check_waits_for_one(mailbox: Mailbox) -> None:
    """Who waits returns when one more event is kept, and not before."""
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(mailbox.wait_kept(FOREVER_S)))
    waiting.start()
    waiting.join(0.05)
    assert not answers
    keep_one(mailbox)
    waiting.join(60.0)
    assert answers == [True]


def test_who_waits_returns_when_the_last_of_his_events_is_kept(mailbox: Mailbox) -> None:
    put(mailbox, "a")
    put(mailbox, "b")
    keep_one(mailbox)
    check_waits_for_one(mailbox)


def test_a_disk_that_hangs_is_waited_for_once_and_again_when_it_has_caught_up(
    mailbox: Mailbox,
) -> None:
    put(mailbox, "a")
    assert not mailbox.wait_kept(0.0)
    # This would never return.
    put(mailbox, "b")
    assert not mailbox.wait_kept(FOREVER_S)
    keep_one(mailbox)
    assert not mailbox.wait_kept(FOREVER_S)
    keep_one(mailbox)
    assert mailbox.wait_kept(FOREVER_S)
    put(mailbox, "c")
    check_waits_for_one(mailbox)


@pytest.mark.parametrize("is_closed_first", [True, False])
def test_nobody_waits_at_a_mailbox_that_is_closed(mailbox: Mailbox, is_closed_first: bool) -> None:
    if is_closed_first:
        mailbox.close()
    put(mailbox, "a")
    mailbox.close()
    assert mailbox.wait_kept(FOREVER_S) is is_closed_first
