"""What states say of the observer beside what its bands are like."""

from collections.abc import Callable
from dataclasses import dataclass

from edgespec.errand import Errand

__all__ = ["Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is asked when a state is made, whatever the band.

    Attributes:
        n_untold: returns how many notifications of alerts were lost.
        board: returns what holds the computer back, in words.
        history_problem: returns why the history cannot be kept, '' where it can.
        model_caution: returns why a band, by its id, runs a model, by its SHA-256, that is not the
            installed one; '' where it is or there is none.
        errand: returns what somebody asked for that goes on for a band, by its id.
        model: returns why a band runs the model that it runs, by its id.
    """

    n_untold: Callable[[], int] = lambda: 0
    board: Callable[[], tuple[str, ...]] = tuple
    history_problem: Callable[[], str] = lambda: ""
    errand: Callable[[str], Errand | None] = lambda band: None
    model: Callable[[str], str] = lambda band: ""
    model_caution: Callable[[str, str | None], str] = lambda band, sha256: ""
