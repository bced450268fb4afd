"""What lies beside a cell is found however long and wide it is; the cell itself never is."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.detect.scan.arithmetic import Arithmetic, open_arithmetic
from edgespec.detect.scan.deviation import Deviation
from edgespec.detect.scan.residual_scan import LEAST_WARMUP, MOST_LEFT, ResidualScan
from edgespec.errors import ConfigError
from edgespec.records import FrameFlag
from tests import naive
from tests.made.gamma_slots import Slots, made_slots

#: Far above the largest of many normal windows, far below what is injected here.
HIGH = 6.0
#: 12 or 13 slots are a hop of 6.4 ms.
HOPS = (13, 13, 13, 13, 12)


@pytest.fixture(params=list(Computing))
def arithmetic(request: pytest.FixtureRequest) -> Arithmetic:
    return open_arithmetic(request.param)


def feed(scan: ResidualScan, slots: Slots) -> Iterator[Deviation | None]:
    """Yield what the scan says of every hop."""
    first, number = 0, 0
    while first < len(slots):
        stop = first + HOPS[number % len(HOPS)]
        part = slots.part(first, stop)
        yield scan.score(part.residual, part.power, part.place, part.flags)
        first, number = stop, number + 1


def values(scan: ResidualScan, slots: Slots) -> list[float]:
    return [found.value for found in feed(scan, slots) if found is not None]


def settled(
    rng: np.random.Generator, arithmetic: Arithmetic | None = None, **cell: object
) -> ResidualScan:
    """Return a scan that knows the cell of :func:`made_slots` with the arguments."""
    slots = made_slots(rng, LEAST_WARMUP, **cell)  # type: ignore[arg-type]
    n_subbands = slots.residual.shape[1]
    scan = ResidualScan(n_subbands, arithmetic=arithmetic or open_arithmetic())
    assert values(scan, slots) == []
    assert scan.site is not None
    return scan


@pytest.mark.parametrize("n_subbands", [1, 3, 5, 12])
def test_every_arithmetic_gives_what_the_definition_gives(
    rng: np.random.Generator, arithmetic: Arithmetic, n_subbands: int
) -> None:
    scan = settled(rng, arithmetic, n_subbands=n_subbands)
    # Past the end of the running sums, so that they begin anew, and past the first long window.
    slots = made_slots(rng, 260, n_subbands).with_interferer(4e-5, n_subbands // 2)
    site = scan.site
    assert site is not None
    mixed = 0.5 * (slots.power + slots.power.astype(float).mean(axis=1, keepdims=True))
    left = site.leak[slots.place] * mixed
    expected, spread = site.noise[slots.place] + left, site.spread[slots.place]
    x, a, d = (
        (slots.residual / expected - 1) / spread,
        site.unit / expected / spread,
        left / expected / spread,
    )
    windows = scan.windows
    runs = list(zip(windows.lower.tolist(), windows.stop.tolist(), strict=True))

    def spreads(length: int, run: int) -> tuple[float, float]:
        c, f = scan.spreads[:, windows.lengths.index(length), run]
        return float(c), float(f)

    stop = 0
    for number, found in enumerate(feed(scan, slots)):
        n_new = min(HOPS[number % len(HOPS)], len(slots) - stop)
        stop += n_new
        if number % 7 and stop != len(slots):
            continue
        best = naive.scan_deviation(
            x[:stop], a[:stop], d[:stop], n_new, runs, spreads, float(np.median(site.spread))
        )
        assert found is not None
        assert (found.n_slots, found.lower, found.upper + 1) == best[1:]
        # Differences of running sums in float64.
        assert found.value == pytest.approx(best[0], abs=1e-9)
    assert stop == len(slots)


def test_normal_signal_stays_low_at_every_length(rng: np.random.Generator) -> None:
    scan = settled(rng)
    found = values(scan, made_slots(rng, 4_000))
    assert max(found) < HIGH
    assert np.median(found) < 4.0


def test_what_is_weaker_than_the_noise_is_found_in_time(rng: np.random.Generator) -> None:
    """An interferer 6 dB below the noise and 50 dB below the cell: not in a slot, but in 200."""
    quiet = (4, 5, 14, 15)
    scan = settled(rng, cell=3.0, quiet_places=quiet)
    weak = made_slots(rng, 600, cell=3.0, quiet_places=quiet).with_interferer(2.5e-5)
    found = list(feed(scan, weak))
    first, last = found[0], found[-1]
    assert first is not None
    assert last is not None
    assert first.value < HIGH < last.value
    assert last.n_slots >= 62
    assert last.upper - last.lower >= 3
    assert last.level == pytest.approx(2.5e-5, rel=0.3)


@pytest.mark.parametrize("subband", range(5))
def test_the_subband_is_named(rng: np.random.Generator, subband: int) -> None:
    scan = settled(rng)
    slots = made_slots(rng, 13).with_interferer(5e-3, subband, subband + 1)
    (found,) = feed(scan, slots)
    assert found is not None
    assert found.value > HIGH
    assert (found.lower, found.upper) == (subband, subband)
    assert np.argmax(found.map_db(13).mean(axis=0)) == subband
    assert found.map_db(13).shape == (13, 5)


def test_one_slot_is_enough_when_it_is_strong(rng: np.random.Generator) -> None:
    scan = settled(rng)
    slots = made_slots(rng, 13)
    residual = slots.residual.copy()
    residual[6] += 1e-2
    (found,) = feed(scan, replace(slots, residual=residual))
    assert found is not None
    assert found.value > HIGH
    assert found.n_slots <= 3


def test_leakage_may_double_and_noise_may_not_grow(rng: np.random.Generator) -> None:
    scan = settled(rng)
    assert max(values(scan, made_slots(rng, 1_000, leak=8e-3))) < HIGH
    scan.reset()
    scan = settled(rng)
    assert max(values(scan, made_slots(rng, 1_000, noise=4e-4))) > HIGH


def test_silent_places_of_a_frame_hear_what_the_others_hide(rng: np.random.Generator) -> None:
    """A strong cell leaves more than the interferer has, but not where it is silent."""
    heard = {}
    for quiet in ((), (4, 5, 14, 15)):
        scan = settled(rng, cell=3.0, quiet_places=quiet)
        slots = made_slots(rng, 200, cell=3.0, quiet_places=quiet).with_interferer(3e-4)
        heard[quiet] = max(values(scan, slots))
    assert heard[()] < HIGH < heard[4, 5, 14, 15]


def test_a_stronger_interferer_is_never_less_of_a_deviation(rng: np.random.Generator) -> None:
    """What leaks of so much power nobody knows, so it is no excuse for what is left."""
    slots = made_slots(rng, 13, leak=0.05)
    found = []
    for level in 10.0 ** np.arange(-3.0, 6.0):
        scan = settled(np.random.default_rng(1), leak=0.05)
        found += values(scan, slots.with_interferer(level))
    assert min(found[2:]) > HIGH
    assert np.all(np.diff(found[3:]) > 0.0)
    assert found[-1] > 4.0 * found[3]


def test_an_interferer_that_stays_is_seen_as_long_as_it_stays(rng: np.random.Generator) -> None:
    scan = settled(rng)
    found = values(scan, made_slots(rng, 4_000).with_interferer(2e-3))
    assert min(found) > HIGH
    # Long windows still hold it, but the newest 62 slots say that it has gone.
    after = values(scan, made_slots(rng, 1_000))
    n_hops = math.ceil(62 / min(HOPS)) + 1
    assert max(after[n_hops:]) < HIGH


def test_what_only_a_long_window_shows_is_not_taken_for_gone(rng: np.random.Generator) -> None:
    """A fifth of the noise beside a silent cell: 62 slots cannot contradict it."""
    scan = settled(rng, cell=1e-3)
    weak = made_slots(rng, 24_000, cell=1e-3).with_interferer(2e-5)
    found = [one for one in feed(scan, weak) if one is not None][-40:]
    assert min(one.value for one in found) > HIGH
    # Shorter windows than a second do not reach that.
    assert min(one.n_slots for one in found) >= 2_000


def test_windows_that_were_let_go_hold_nobody_who_has_gone(rng: np.random.Generator) -> None:
    scan = settled(rng)
    assert max(values(scan, made_slots(rng, 800).with_interferer(5e-3))) > HIGH
    scan.let_go()
    quiet = list(feed(scan, made_slots(rng, 4_000)))
    assert max(found.value for found in quiet if found is not None) < HIGH
    # ... and those that come later are found as ever.
    assert max(values(scan, made_slots(rng, 800).with_interferer(5e-3))) > HIGH


def test_nothing_is_left_of_what_was_before_the_windows(rng: np.random.Generator) -> None:
    """However strong it was and however long it lasted: sums are never subtracted for ever."""
    scan, fresh = settled(rng), None
    fresh = settled(np.random.default_rng(1))
    known = scan.site
    for other in (scan, fresh):
        other.reset()
        warmup = made_slots(np.random.default_rng(5), LEAST_WARMUP)
        assert values(other, warmup) == []
    assert known is not None
    values(scan, made_slots(rng, 2_400).with_interferer(1e8))
    slots = made_slots(rng, 2_400)
    assert values(scan, slots)[-20:] == pytest.approx(values(fresh, slots)[-20:], abs=1e-6)


def test_a_step_of_the_gain_is_followed(rng: np.random.Generator) -> None:
    louder = made_slots(rng, 260, cell=0.01).louder(6.0)
    assert max(values(settled(rng, cell=0.01), louder)) > HIGH
    scan = settled(rng, cell=0.01)
    scan.follow(6.0)
    assert max(values(scan, louder)) < HIGH


def test_a_burst_in_the_warmup_does_not_deafen(rng: np.random.Generator) -> None:
    slots = made_slots(rng, LEAST_WARMUP)
    residual = slots.residual.copy()
    residual[300:320] += 1.0
    scan = ResidualScan(5)
    values(scan, replace(slots, residual=residual))
    assert scan.site is not None
    assert np.median(scan.site.noise) == pytest.approx(1e-4, rel=0.25)
    assert min(values(scan, made_slots(rng, 260).with_interferer(2e-3))) > HIGH


@pytest.mark.parametrize("flag", [FrameFlag.DROPPED, FrameFlag.NONFINITE, FrameFlag.CONSTANT])
def test_slots_that_hold_nothing_are_left_out(
    rng: np.random.Generator, arithmetic: Arithmetic, flag: FrameFlag
) -> None:
    scan, other = (settled(np.random.default_rng(3), arithmetic) for _ in range(2))
    slots = made_slots(rng, 65)
    broken = np.arange(65) % 7 == 2
    residual, flags = slots.residual.copy(), slots.flags.copy()
    residual[broken], flags[broken] = np.nan, flag
    whole = slots.part(0, 65)
    kept = Slots(
        *(array[~broken] for array in (whole.residual, whole.power, whole.place, whole.flags))
    )
    first = scan.score(residual, slots.power, slots.place, flags)
    second = other.score(kept.residual, kept.power, kept.place, kept.flags)
    assert first is not None
    assert second is not None
    assert np.isfinite(first.value)
    assert np.array_equal(first.ratio, second.ratio)
    nothing = np.full(13, flag, np.uint8)
    part = slots.part(0, 13)
    assert scan.score(part.residual, part.power, part.place, nothing) is None


def test_not_a_number_is_left_out_although_nobody_flagged_it(
    rng: np.random.Generator, arithmetic: Arithmetic
) -> None:
    scan = settled(rng, arithmetic)
    slots = made_slots(rng, 13)
    power = slots.power.copy()
    power[3, 1] = np.nan
    assert all(np.isfinite(v) for v in values(scan, replace(slots, power=power)))


def test_clipped_slots_are_heard_and_not_learnt_from(rng: np.random.Generator) -> None:
    scan = ResidualScan(5)
    slots = made_slots(rng, LEAST_WARMUP)
    clipped = np.full(13, FrameFlag.CLIPPED, np.uint8)
    loud = replace(made_slots(rng, 13).with_interferer(1.0), flags=clipped)
    values(scan, loud)
    values(scan, slots)
    assert scan.site is not None
    assert max(values(scan, loud)) > HIGH


def test_reset_forgets_and_settle_keeps(rng: np.random.Generator) -> None:
    scan = ResidualScan(5)
    values(scan, made_slots(rng, 100))
    scan.settle()
    assert scan.site is None
    values(scan, made_slots(rng, 300, first_place=100))
    scan.settle()
    assert scan.site is not None
    assert max(values(scan, made_slots(rng, 260))) < HIGH
    scan.reset()
    assert scan.site is None
    assert values(scan, made_slots(rng, 260)) == []


def test_a_cell_that_does_not_cancel_is_distrusted(rng: np.random.Generator) -> None:
    scan = ResidualScan(5)
    assert scan.distrust == ""
    slots = made_slots(rng, LEAST_WARMUP)
    values(scan, slots)
    assert scan.distrust == ""
    scan.reset()
    values(scan, replace(slots, residual=(0.9 * slots.power).astype(np.float32)))
    assert scan.site is not None
    assert scan.site.left_share > MOST_LEFT
    assert "90%" in scan.distrust


def test_a_warmup_that_knows_no_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match="800 to 8000"):
        ResidualScan(5, LEAST_WARMUP - 1)
