"""Laws of names: probabilities sum to 1, doubt is said, and rules win where they are certain."""

import json
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgespec.detect.describer import was_a_signal
from edgespec.detect.description import FEATURES, N_FINE, Description, features_of
from edgespec.detect.naming import NOISE, STEADY, Namer, shipped_namer
from edgespec.detect.regions import Region
from edgespec.kinds import ADVICE, POWER_STEP, UNKNOWN
from edgespec.records import FloatArray

NAMER = shipped_namer()
ANY = arrays(
    np.float32,
    len(FEATURES),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
)
WIDTH = FEATURES.index("share of the band")


@settings(deadline=None, max_examples=60)
@given(ANY, st.booleans(), st.booleans())
def test_probabilities_sum_to_1_and_every_name_is_known(
    features: FloatArray, looked: bool, was: bool
) -> None:
    odds = NAMER.probabilities(features, is_looked_at=looked)
    assert sum(odds.values()) == pytest.approx(1.0)
    assert min(odds.values()) >= 0.0
    named = NAMER.name(features, is_looked_at=looked, was_a_signal=was)
    assert named.kind in ADVICE
    assert 0.0 <= named.probability <= 1.0
    assert bool(named.hint) == (named.kind == UNKNOWN)
    if named.hint:
        assert named.hint in ADVICE


def test_the_file_fits_the_features() -> None:
    data = json.loads(files("edgespec.detect").joinpath("kinds.json").read_text("utf-8"))
    assert tuple(data["features"]) == FEATURES
    assert {*data["classes"]} - {NOISE} < {*ADVICE}
    assert {*STEADY, UNKNOWN} <= {*data["classes"]}
    shape = (len(data["classes"]), len(FEATURES))
    assert np.shape(data["weights"]) == shape
    assert np.shape(data["bias"]) == shape[:1]
    assert np.shape(data["mean"]) == np.shape(data["scale"]) == shape[1:]
    assert min(data["scale"]) > 0.0


def namer(**bias: float) -> Namer:
    """Names by the bias alone."""
    n = len(FEATURES)
    classes = ("tone", NOISE, "lte-like", "pulse", UNKNOWN)
    return Namer(
        classes, np.zeros(n), np.ones(n), np.zeros((5, n)),
        np.array([bias.get(kind.replace("-", "_"), 0.0) for kind in classes]),
    )  # fmt: skip


def test_what_is_not_likely_is_unknown_and_what_it_may_be_is_said() -> None:
    x = np.zeros(len(FEATURES), np.float32)
    named = namer(pulse=0.5).name(x)
    assert (named.kind, named.hint) == (UNKNOWN, "pulse")
    assert named.probability == pytest.approx(1.0 - np.exp(0.5) / (4.0 + np.exp(0.5)))
    assert namer(pulse=2.0).name(x).kind == "pulse"
    # Likelier than any, and less likely than that it is nothing known.
    assert namer(pulse=6.0, unknown=6.5).name(x).kind == UNKNOWN


def test_how_wide_noise_is_decides_on_its_name() -> None:
    x = np.zeros(len(FEATURES), np.float32)
    for share, kind in ((0.02, "narrowband"), (0.24, "narrowband"), (0.3, "wideband")):
        x[WIDTH] = share
        assert namer(noise=4.0).name(x).kind == kind


def test_what_is_steady_where_a_signal_was_is_that_signal() -> None:
    x = np.zeros(len(FEATURES), np.float32)
    named = namer(tone=1.0, noise=1.0, lte_like=1.0).name(x, was_a_signal=True)
    assert named.kind == POWER_STEP
    assert named.probability == pytest.approx(3 * np.e / (3 * np.e + 2.0))
    assert namer(pulse=4.0).name(x, was_a_signal=True).kind == "pulse"


def test_without_a_look_its_features_do_not_count(rng: np.random.Generator) -> None:
    x = rng.random(len(FEATURES)).astype(np.float32)
    other = x.copy()
    other[:N_FINE] = rng.random(N_FINE)
    assert NAMER.probabilities(x, is_looked_at=False) == NAMER.probabilities(
        other, is_looked_at=False
    )
    assert NAMER.probabilities(x) != NAMER.probabilities(other)


def test_a_region_of_a_signal_ends_where_that_does() -> None:
    normal = np.full(128, 1e-9, np.float32)
    normal[40:60] = 1e-6
    assert was_a_signal(Region(40, 59, 45, 1, 5.0), normal)
    assert not was_a_signal(Region(45, 55, 45, 1, 5.0), normal)
    assert not was_a_signal(Region(60, 100, 80, 1, 5.0), normal)


class Sharing:
    """A look with any power and any shares."""

    def __init__(self, power: FloatArray, shares: tuple[float, float, float]) -> None:
        self.power, self._shares = power, shares

    def prefix_shares(self, lower_bin: int, upper_bin: int) -> tuple[float, float, float]:
        return self._shares


NUMBER = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.float32, (5, 9), elements=NUMBER),
    arrays(np.float32, 9, elements=NUMBER),
    st.tuples(NUMBER, NUMBER, NUMBER),
    st.integers(0, 8),
)
def test_every_feature_lies_within_0_and_1(
    power: FloatArray, normal: FloatArray, shares: tuple[float, float, float], lower: int
) -> None:
    description, region = Description.empty(), Region(lower, 8, lower, 1, 5.0)
    description.add(Sharing(power, shares), normal, region)
    found = features_of(description, power, power[0], normal, region, is_broad=False, roams=True)
    assert found.shape == (len(FEATURES),)
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()
    assert (found <= 1.0).all()


def test_a_cell_that_was_there_is_not_taken_for_a_second_one() -> None:
    region, normal = Region(0, 8, 4, 1, 5.0), np.ones(9, np.float32)
    doubled = np.full((5, 9), 2.0, np.float32)

    def prefix(*shares: float) -> float:
        description = Description.empty()
        description.add(Sharing(doubled, shares), normal, region)  # type: ignore[arg-type]
        return float(description.fine[-2])

    # Half of the power is the cell's, and repeats: noise was added, or a second cell.
    assert prefix(0.5, 0.0, 0.5) == pytest.approx(0.0, abs=1e-3)
    assert prefix(0.5, 0.45, 0.9) == pytest.approx(0.45**0.5)
