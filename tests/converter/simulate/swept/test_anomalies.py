"""The ten classes of anomalies: what each looks like, and that its power is what was asked for."""

import numpy as np
import pytest

from converter.simulate.swept.anomalies import ANOMALY_CLASSES, add_anomaly, draw_anomaly
from edgespec.errors import UsageError

SHAPE = (40, 80)


def test_there_are_ten_of_them() -> None:
    # Peng et al. 2022, sec. 4.1: four, and any two of them mixed.
    assert len(ANOMALY_CLASSES) == len(set(ANOMALY_CLASSES)) == 10
    assert sum("+" in name for name in ANOMALY_CLASSES) == 6


@pytest.mark.parametrize("name", ANOMALY_CLASSES)
@pytest.mark.parametrize("shape", [SHAPE, (1, 80), (40, 1), (1, 1), (3, 2)])
def test_its_power_is_one_while_it_is_there(
    name: str, shape: tuple[int, int], rng: np.random.Generator
) -> None:
    for _ in range(30):
        plane = draw_anomaly(name, *shape, rng)
        total = plane.sum(axis=1)
        assert plane.shape == shape
        assert plane.min() >= 0
        assert total[total > 0].mean() == pytest.approx(1.0)


@pytest.mark.parametrize("name", ANOMALY_CLASSES)
def test_place_length_and_rate_are_drawn(name: str, rng: np.random.Generator) -> None:
    planes = [draw_anomaly(name, *SHAPE, rng) for _ in range(40)]
    lengths = {int((plane.sum(axis=1) > 0).sum()) for plane in planes}
    assert len(lengths) > 8
    if name != "wpulse":
        assert len({int(plane.sum(axis=0).argmax()) for plane in planes}) > 12


def test_a_tone_stays_and_a_chirp_moves(rng: np.random.Generator) -> None:
    for _ in range(20):
        tone, chirp = (draw_anomaly(name, *SHAPE, rng) for name in ("tone", "chirp"))
        on = tone[tone.sum(axis=1) > 0]
        np.testing.assert_allclose(on, np.broadcast_to(on[0], on.shape))
        peaks = chirp[chirp.sum(axis=1) > 0].argmax(axis=1)
        assert len(peaks) < 6 or len(set(peaks)) > 1


def test_a_wide_pulse_is_everywhere_and_a_pulse_is_not(rng: np.random.Generator) -> None:
    for _ in range(20):
        wide, narrow = (draw_anomaly(name, *SHAPE, rng) for name in ("wpulse", "pulse"))
        np.testing.assert_allclose(wide, np.broadcast_to(wide[:, :1], SHAPE))
        assert 1 <= (narrow.max(axis=0) > 0).sum() <= 8


def test_pulses_come_and_go(rng: np.random.Generator) -> None:
    starts = []
    for _ in range(30):
        on = draw_anomaly("wpulse", *SHAPE, rng).sum(axis=1) > 0
        starts.append(int((np.diff(on.astype(int), prepend=0) == 1).sum()))
    assert max(starts) >= 5
    assert min(starts) >= 1


def test_a_mix_is_half_of_each(rng: np.random.Generator) -> None:
    on = wide = 0.0
    for _ in range(200):
        plane = draw_anomaly("tone+wpulse", *SHAPE, rng)
        on += plane.sum()
        # What a wide pulse has in every point: the least of them, for a tone is in few.
        wide += plane.min(axis=1).sum() * SHAPE[1]
    # They are drawn apart, and a tone is there longer than a pulse with its pauses.
    assert 0.15 < wide / on < 0.6


def test_powers_add_up(rng: np.random.Generator) -> None:
    levels_dbm = rng.normal(-90.0, 8.0, SHAPE).astype(np.float32)
    before_mw = 10 ** (levels_dbm.astype(float) / 10)
    plane = draw_anomaly("tone", *SHAPE, rng)
    added = [add_anomaly(levels_dbm, plane, isr * before_mw.sum(1).mean()) for isr in (0.1, 10.0)]
    is_on = plane.sum(axis=1) > 0
    for levels, isr in zip(added, (0.1, 10.0), strict=True):
        more_mw = (10 ** (levels.astype(float) / 10) - before_mw).sum(axis=1)
        assert more_mw[is_on].mean() / before_mw.sum(1).mean() == pytest.approx(isr, rel=1e-3)
        np.testing.assert_allclose(levels[~is_on], levels_dbm[~is_on], atol=1e-5)
    assert (added[1] >= added[0] - 1e-5).all()


def test_what_was_not_measured_stays_so(rng: np.random.Generator) -> None:
    levels_dbm = np.full(SHAPE, np.nan, np.float32)
    assert np.isnan(add_anomaly(levels_dbm, draw_anomaly("wpulse", *SHAPE, rng), 1.0)).all()


def test_what_is_unknown_is_said(rng: np.random.Generator) -> None:
    with pytest.raises(UsageError, match=r"known are tone, .*pulse\+wpulse"):
        draw_anomaly("tone+tone", *SHAPE, rng)
    with pytest.raises(UsageError, match="0 x 80"):
        draw_anomaly("tone", 0, 80, rng)
