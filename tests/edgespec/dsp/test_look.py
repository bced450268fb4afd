"""A finer look: the same power as frames have, and whose prefixes come again."""

import numpy as np
import pytest

from edgespec.dsp.look import BlockLook
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Framing, Recipe
from edgespec.records import IqBlock, SampleFormat
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.interferers import Interferer
from tests import naive

RATE_HZ = 1.92e6
RECIPE = Recipe.for_rate(RATE_HZ)
N = RECIPE.hop_samples
WHOLE = (0, RECIPE.geometry.n_bins - 1)


def white(rng: np.random.Generator, n: int = N) -> np.ndarray:
    return (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(np.complex64)


def sent(kind: str, first: int = 5000, **config: float) -> np.ndarray:
    return Interferer(InterfererConfig(kind, **config), RATE_HZ, 1).samples(first, N)  # type: ignore[arg-type]


@pytest.mark.parametrize("framing", [Framing(1e6, 64, 4), Framing(1e6, 128, 10, "rect")])
def test_the_mean_of_a_look_is_a_frame(framing: Framing, rng: np.random.Generator) -> None:
    samples = white(rng, 2 * framing.frame_samples)
    front_end = FrontEnd(
        framing, SampleFormat.CF32, max_block_samples=len(samples), computing="plain"
    )
    frames = front_end.process(IqBlock(samples, 1e6, 0.0, 0, 0)).power_dbfs
    assert front_end.look(0, len(samples)) is None
    front_end.keep(0, len(samples))
    look = front_end.look(0, len(samples))
    assert look is not None
    front_end.let_go()
    assert front_end.look(0, len(samples)) is None
    means = look.power.reshape(2, framing.n_averages, -1).mean(axis=1)
    np.testing.assert_allclose(10 * np.log10(means), frames, atol=1e-3)


def test_of_a_part_of_a_row_nothing_is_told(rng: np.random.Generator) -> None:
    assert BlockLook(white(rng, 63), Framing(1e6, 64)).power.shape == (0, 64)
    assert BlockLook(white(rng, 500), RECIPE.framing).prefix_shares(*WHOLE) == (0.0, 0.0, 0.0)


def test_noise_has_no_prefixes(rng: np.random.Generator) -> None:
    for _ in range(5):
        first, second, whole = BlockLook(white(rng), RECIPE.framing).prefix_shares(*WHOLE)
        assert max(first, second) < 0.06
        assert whole < 0.5


def test_one_cell_has_one_timing_and_two_have_two(rng: np.random.Generator) -> None:
    noise, cell = white(rng) * np.float32(0.05), sent("ofdm-1m")
    other = sent("deceptive", 5533)
    first, second, whole = BlockLook(cell + noise, RECIPE.framing).prefix_shares(*WHOLE)
    assert first > 0.8
    assert second < 0.1
    assert 0.5 < whole < 1.5
    first, second, _ = BlockLook(cell + other + noise, RECIPE.framing).prefix_shares(*WHOLE)
    assert 0.25 < second <= first < 0.75


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_what_has_no_prefix_takes_its_share(share: float, rng: np.random.Generator) -> None:
    mixed = np.float32(np.sqrt(1 - share)) * sent("ofdm-1m") + white(rng) * np.float32(
        np.sqrt(share / 2)
    )
    first, _, _ = BlockLook(mixed, RECIPE.framing).prefix_shares(*WHOLE)
    assert first == pytest.approx(1 - share, abs=0.12)


def test_only_the_bins_that_are_asked_for_count(rng: np.random.Generator) -> None:
    tone = np.exp(2j * np.pi * 0.4 * np.arange(N)).astype(np.complex64)
    samples = 30 * tone + sent("ofdm-1m", offset_hz=-200e3, bandwidth_hz=500e3)
    look = BlockLook(samples.astype(np.complex64), RECIPE.framing)
    n_bins = RECIPE.geometry.n_bins
    inside = (n_bins // 2 - 30, n_bins // 2)
    assert look.prefix_shares(*inside)[0] > 0.6
    # A tone comes again at every timing.
    assert look.prefix_shares(n_bins - 20, n_bins - 1)[1] > 0.6


def test_the_loops_find_the_same_share(rng: np.random.Generator) -> None:
    samples = sent("ofdm-1m") + white(rng) * np.float32(0.3)
    starts, n_slot = (1, 138, 275, 412, 549, 686, 823), 960
    shares = [naive.prefix_share(samples, 128, n_slot, starts, 9, at) for at in range(0, 137)]
    found = BlockLook(samples, RECIPE.framing).prefix_shares(*WHOLE)[0]
    # The shipped one has taken off what noise gives, some hundredths.
    assert max(shares) - 0.1 < found < max(shares)
