"""What is put on the air is drawn anew each time, and never moves in step with a cell's frame."""

from dataclasses import replace

import numpy as np
import pytest

from converter.simulate.strangers import FAMILIES, draw_period_s, draw_stranger, family_of
from edgespec.errors import UsageError
from edgespec.simulate.config import SceneConfig
from edgespec.simulate.interferers import KINDS, Interferer, complete

SCENE = SceneConfig()
RATE_HZ = SCENE.sample_rate_hz
#: LTE's own frame of 10 ms is what these imitate.
_LTE = FAMILIES["ofdm"]
_CONSTANT = ("tone", "wideband", "barrage", "bpsk", "qpsk")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_lies_within_the_band(kind: str, rng: np.random.Generator) -> None:
    for _ in range(30):
        full = complete(draw_stranger(kind, SCENE, rng), RATE_HZ)
        assert abs(full.offset_hz) + full.bandwidth_hz / 2 <= RATE_HZ / 2
        assert full.channel is not None


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {*_LTE, *_CONSTANT}))
def test_no_period_is_a_multiple_of_a_millisecond(kind: str, rng: np.random.Generator) -> None:
    periods_ms = [1e3 * draw_stranger(kind, SCENE, rng).period_s for _ in range(300)]
    assert len(set(periods_ms)) > 290
    for in_ms in [n * period for period in periods_ms for n in (1, 2)]:
        assert in_ms < 0.96 or abs(in_ms - round(in_ms)) > 0.04


def test_a_period_that_cannot_be_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(UsageError, match="multiple of 1 ms"):
        draw_period_s((0.00199, 0.00201), rng)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.endswith("+wideband-pulse")])
def test_the_parts_of_a_mix_have_the_period_of_the_mix(kind: str) -> None:
    # Two of the pulses' periods lie in one of the wideband pulses': all repeats after two.
    config = complete(replace(draw_stranger(kind, SCENE, np.random.default_rng(3))), RATE_HZ)
    plain = replace(config, period_s=0.4e-3, channel=None, offset_hz=0.0)
    n = round(2 * 0.4e-3 * RATE_HZ)
    quiet = [
        np.abs(Interferer(plain, RATE_HZ, 5).samples(first, n)) < 1e-6 for first in (0, n, 7 * n)
    ]
    assert np.array_equal(quiet[0], quiet[1])
    assert np.array_equal(quiet[0], quiet[2])


def test_every_kind_belongs_to_one_family() -> None:
    members = [kind for kinds in FAMILIES.values() for kind in kinds]
    assert sorted(members) == sorted(KINDS)
    assert family_of("tone") == "carriers"
    assert family_of("power-step:3") == "power-step:3"
