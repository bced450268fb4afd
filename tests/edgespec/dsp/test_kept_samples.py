"""Samples are kept from when they are asked for, whatever the blocks are."""

from collections.abc import Iterator

import numpy as np
import pytest

from edgespec.dsp.kept_samples import KeptSamples
from edgespec.records import IqBlock, SampleFormat

N_BACK, LONGEST = 50, 70
STREAM = np.arange(2000, dtype=np.complex64)


def blocks(rng: np.random.Generator, gap_at: int = 10**9) -> Iterator[IqBlock]:
    """Blocks of any size, each in a buffer that the next one overwrites; some are lost once."""
    at, buffer = 0, np.empty(LONGEST, np.complex64)
    while at < len(STREAM) - LONGEST:
        if at >= gap_at:
            at, gap_at = at + 33, 10**9
        n = int(rng.integers(1, LONGEST + 1))
        buffer[:n] = STREAM[at : at + n]
        yield IqBlock(buffer[:n], 1e6, 0.0, at, 0)
        at += n


@pytest.mark.parametrize("seed", range(20))
def test_any_blocks_keep_the_same_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kept, first = KeptSamples(SampleFormat.CF32, LONGEST), 317
    for block in blocks(rng):
        kept.take(block)
        stop = block.sample_start + block.n_samples
        if block.sample_start <= first <= stop:
            kept.keep(first, N_BACK)
        # Anywhere in this block something may end that is looked back at from there.
        for end in range(block.sample_start + 1, stop + 1):
            found = kept.samples(end - N_BACK, N_BACK)
            if end - N_BACK >= first:
                np.testing.assert_array_equal(found, STREAM[end - N_BACK : end])
            else:
                assert found is None


def test_nothing_over_a_gap(rng: np.random.Generator) -> None:
    kept, n_found = KeptSamples(SampleFormat.CF32, LONGEST), 0
    for block in blocks(rng, gap_at=700):
        kept.take(block)
        kept.keep(block.sample_start, N_BACK)
        end = block.sample_start + block.n_samples
        found = kept.samples(end - N_BACK, N_BACK)
        if found is not None:
            n_found += 1
            np.testing.assert_array_equal(found, STREAM[end - N_BACK : end])
    assert n_found > 10


def test_nothing_is_kept_before_it_is_asked_for_nor_after_it_is_let_go() -> None:
    kept = KeptSamples(SampleFormat.CF32, LONGEST)
    kept.keep(0, N_BACK)
    kept.take(IqBlock(STREAM[:60], 1e6, 0.0, 0, 0))
    assert kept.samples(0, 50) is None
    kept.keep(5, N_BACK)
    assert kept.samples(5, 55) is not None
    assert kept.samples(4, 50) is None
    assert kept.samples(10, 51) is None
    kept.let_go()
    assert kept.samples(5, 55) is None
