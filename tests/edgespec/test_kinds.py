"""Every kind that anything here gives to an event has advice, and reads like it."""

import pytest

from edgespec import kinds
from edgespec.detect.cell.cell_events import KINDS as OF_CELLS
from edgespec.detect.trouble import TROUBLES
from edgespec.kinds import ADVICE, advice_for

NAMED = {value for name, value in vars(kinds).items() if name.isupper() and isinstance(value, str)}


def test_every_kind_has_advice_and_no_other() -> None:
    assert NAMED | {*OF_CELLS.values()} | {one.kind for one in TROUBLES} == {*ADVICE}


@pytest.mark.parametrize("kind", ADVICE)
def test_advice_is_one_short_sentence_of_its_own(kind: str) -> None:
    advice = advice_for(kind)
    assert 20 < len(advice) <= 100
    assert advice[0].islower()
    assert "\n" not in advice
    assert list(ADVICE.values()).count(advice) == 1


def test_of_a_kind_that_is_not_known_nothing_is_advised() -> None:
    assert advice_for("of a later version") == ""
