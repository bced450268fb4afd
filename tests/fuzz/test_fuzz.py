"""Each parser for some hundred inputs, always the same: the law of :mod:`tests.fuzz.law` (F6).

``make fuzz SECONDS=600`` throws as many as there is time for.
"""

from importlib.util import find_spec
from pathlib import Path

import pytest

from edgespec.errors import ConfigError
from tests.fuzz.law import call_measured
from tests.fuzz.mutator import mutants
from tests.fuzz.run import fuzz, keep
from tests.fuzz.targets import TARGETS

SEED = 20261128
#: Of a target of cost 1; a costly one has fewer, but some hundred all the same.
N_INPUTS = 3000
FEWEST = 200


@pytest.mark.converter
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", TARGETS)
def test_f6_nothing_but_one_short_sentence_comes_out(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    n_inputs = max(FEWEST, N_INPUTS // target.cost)
    inputs = mutants(target.seeds(), SEED)
    tally = fuzz(target.open(tmp_path), inputs, lambda n, seconds: n >= n_inputs)
    # How long a call takes depends on the machine: the long run judges that.
    problems = {one: data for one, data in tally.problems.items() if "takes" not in one}
    assert [(one, keep(name, data, tmp_path)) for one, data in problems.items()] == []
    assert tally.n_inputs == n_inputs
    # Some are refused, some are not: otherwise the inputs say little. Of these, all are one kind.
    one_kind = ("mqtt-topic", "journal", "choice-of-runtime", "source-uri")
    assert 0 < tally.n_refused < n_inputs or name in one_kind


@pytest.mark.parametrize("name", TARGETS)
def test_the_inputs_to_be_damaged_are_good(name: str, tmp_path: Path) -> None:
    # To import it takes seconds, which no target does.
    if TARGETS[name].needs_converter and find_spec("keras") is None:
        pytest.skip("needs the extra converter")
    call = TARGETS[name].open(tmp_path)
    if name == "source-uri":
        pytest.skip("they name nothing that is there")
    for data in TARGETS[name].seeds():
        call(data)


def test_inputs_are_the_same_for_the_same_seed() -> None:
    def some(seed: int) -> list[bytes]:
        return [
            data for data, _ in zip(mutants([b'{"a": 1}', b"\0\1"], seed), range(300), strict=False)
        ]

    assert some(1) == some(1)
    assert some(1) != some(2)


@pytest.mark.parametrize(
    ("message", "is_broken"),
    [("short", False), ("x" * 400, True), ("two\nlines", True), ("", True)],
)
def test_the_law_judges(message: str, is_broken: bool) -> None:
    def call(data: bytes) -> None:
        raise ConfigError(message)

    assert bool(call_measured(call, b"").problem) is is_broken
    assert "ValueError" in call_measured(lambda data: int("x"), b"").problem
