"""The scan of power sees what is narrow, wide, short or long, whatever the traffic does."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.detect import plain
from edgespec.detect.scan.arithmetic import open_arithmetic
from edgespec.detect.scan.power_scan import PowerScan
from edgespec.records import FloatArray, Geometry, Segment

GEOMETRY = Geometry(32, 2.56e-4, n_context=1, n_horizon=25, hop_frames=25)
N_WARMUP = 60
HIGH = 6.5


def segment_of(power_db: FloatArray) -> Segment:
    return Segment(power_db[:1], power_db, np.zeros(len(power_db) + 1, np.int64))


def frames(rng: np.random.Generator, n_hops: int) -> FloatArray:
    """Return noise under a band that traffic switches by 12 dB, ``(n_hops, 25, 32)`` in dB."""
    level = 12.0 * (rng.random((n_hops, 25, 1)) < 0.5)
    chance = 10.0 * np.log10(rng.gamma(10.0, 0.1, (n_hops, 25, GEOMETRY.n_bins)))
    return (level + chance - 90.0).astype(np.float32)


def settled(rng: np.random.Generator, computing: Computing = Computing.PLAIN) -> PowerScan:
    scan = PowerScan(GEOMETRY, N_WARMUP, plain, open_arithmetic(computing))
    for hop in frames(rng, N_WARMUP):
        assert scan.score(segment_of(hop), None) is None
    return scan


def values(scan: PowerScan, hops: FloatArray) -> list[float]:
    found = [scan.score(segment_of(hop), None) for hop in hops]
    return [score.value for score in found if score is not None]


@pytest.mark.parametrize("computing", list(Computing))
def test_traffic_is_no_deviation_and_a_weak_tone_is_one(
    rng: np.random.Generator, computing: Computing
) -> None:
    scan = settled(rng, computing)
    assert max(values(scan, frames(rng, 12))) < HIGH
    hops = frames(rng, 12)
    hops[..., 7] += 1.5
    tone = values(scan, hops)
    assert tone[-1] > HIGH
    assert tone[-1] > tone[0]


def test_every_arithmetic_gives_the_same(rng: np.random.Generator) -> None:
    hops = frames(rng, 12)
    hops[6:, :, 3:11] += 2.0
    both = [values(settled(np.random.default_rng(1), c), hops) for c in Computing]
    assert both[0] == pytest.approx(both[1], rel=1e-9)


def test_what_is_wide_and_what_is_short_are_seen(rng: np.random.Generator) -> None:
    for here in (np.s_[:, :, 4:12], np.s_[:, 10:15, 20:23]):
        scan = settled(rng)
        hops = frames(rng, 6)
        hops[here] += 6.0
        assert values(scan, hops)[-1] > HIGH


def test_what_goes_silent_counts_only_as_its_share_of_the_band(rng: np.random.Generator) -> None:
    """The mean of a frame falls by it, so all other bins rise a little: 1/32 of it here."""
    hops = frames(rng, 12)
    found = {}
    for change_db in (0.0, -6.0, 6.0):
        changed = hops.copy()
        changed[..., 7] += np.float32(change_db)
        found[change_db] = max(values(settled(np.random.default_rng(1)), changed))
    assert found[-6.0] < found[0.0] + (found[6.0] - found[0.0]) / 4


def test_reset_forgets_and_settle_keeps_what_is_enough(rng: np.random.Generator) -> None:
    scan = settled(rng)
    scan.reset()
    hops = frames(rng, 10)
    assert values(scan, hops[:2]) == []
    scan.settle()
    assert values(scan, hops[2:9]) == []
    scan.settle()
    assert len(values(scan, hops[9:])) == 1


def test_the_level_of_the_band_does_not_matter(rng: np.random.Generator) -> None:
    hops = frames(rng, 8)
    one, other = (settled(np.random.default_rng(1)) for _ in range(2))
    other.follow(20.0)
    assert values(one, hops) == pytest.approx(values(other, hops + np.float32(20.0)), abs=1e-3)


@pytest.mark.parametrize(("n_horizon", "hop_frames"), [(25, 5), (7, 7), (1, 1), (300, 300)])
def test_any_geometry_goes(rng: np.random.Generator, n_horizon: int, hop_frames: int) -> None:
    geometry = replace(GEOMETRY, n_horizon=n_horizon, hop_frames=hop_frames)
    scan = PowerScan(geometry, 30)
    for _ in range(31):
        hop = rng.normal(-90.0, 1.0, (n_horizon, GEOMETRY.n_bins)).astype(np.float32)
        score = scan.score(segment_of(hop), None)
    assert score is not None
    assert np.isfinite(score.value)
