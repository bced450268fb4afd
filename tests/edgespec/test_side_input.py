"""A side input says which hours it is of; none of them is still to come."""

import pytest

from edgespec.errors import ModelError
from edgespec.side_input import DAYS, HOURS, MOST_HOURS, SAME_HOURS, SideInput


def test_how_far_the_usual_ones_reach() -> None:
    assert (HOURS.n_hours, DAYS.n_hours, SAME_HOURS.n_hours) == (3, 72, 72)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("", 3, 1, 1), "name is ''"),
        (("Hours", 3, 1, 1), "name is 'Hours'"),
        (("hours", 0, 1, 1), "n_rows is 0"),
        (("hours", 3, 0, 1), "span_hours is 0"),
        (("hours", 3, 2, 1), "not over yet"),
        (("hours", MOST_HOURS + 1, 1, 1), f"{MOST_HOURS + 1} h back"),
    ],
)
def test_what_it_does_not_accept(values: tuple[str, int, int, int], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        SideInput(*values)
