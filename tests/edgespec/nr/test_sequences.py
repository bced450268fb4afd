"""Sequences and places of NR, by what TS 38.211 says of them."""

import numpy as np
import pytest

from edgespec.errors import UsageError
from edgespec.lte.numerology import PREFIX_UNITS, SLOT_UNITS
from edgespec.nr import block, numerology
from edgespec.nr.sequences import broadcast_reference, primary_sync, secondary_sync


def test_pss_begins_as_its_register_does():
    # Sec. 7.4.2.2.1: x(6) ... x(0) are 1 1 1 0 1 1 0, then x(i + 7) = x(i + 4) + x(i).
    bits = [0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1]
    assert primary_sync(0)[:11].tolist() == [1 - 2 * bit for bit in bits]
    assert np.array_equal(primary_sync(1), [primary_sync(0)[(n + 43) % 127] for n in range(127)])
    assert np.array_equal(primary_sync(5), [primary_sync(0)[(n + 86) % 127] for n in range(127)])


def test_m_sequences_are_nearly_orthogonal():
    # Any two shifts of an m-sequence of 127 have the product -1, each has one +1 less than -1.
    first = primary_sync(0)
    for shift in range(1, 127):
        assert float(first @ np.roll(first, shift)) == -1.0
    assert [abs(float(primary_sync(i).sum())) for i in range(3)] == [1.0, 1.0, 1.0]


def test_sss_by_its_definition():
    x0, x1 = [1, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]
    for i in range(120):
        x0.append((x0[i + 4] + x0[i]) % 2)
        x1.append((x1[i + 1] + x1[i]) % 2)
    for identity in (0, 1, 335, 336, 500, 1007):
        group, sector = divmod(identity, 3)
        m0, m1 = 15 * (group // 112) + 5 * sector, group % 112
        slow = [(1 - 2 * x0[(n + m0) % 127]) * (1 - 2 * x1[(n + m1) % 127]) for n in range(127)]
        assert secondary_sync(identity).tolist() == slow


def test_every_identity_has_an_sss_of_its_own():
    table = np.stack([secondary_sync(identity) for identity in range(1008)])
    products = table @ table.T
    np.fill_diagonal(products, 0.0)
    # Gold codes of 127: -1, -17 or 15.
    assert set(np.unique(products)) <= {-17.0, -1.0, 0.0, 15.0}


def test_reference_symbols_have_a_sequence_for_every_number():
    table = np.stack([broadcast_reference(i, n) for i in (0, 5, 1007) for n in range(8)])
    assert table.shape == (24, 144)
    assert np.allclose(np.abs(table), 1.0)
    products = np.abs(table @ table.conj().T) - 144 * np.eye(24)
    assert products.max() < 60.0


@pytest.mark.parametrize("identity", [0, 1, 2, 3, 1007])
def test_reference_elements_are_every_fourth_of_the_pbch(identity):
    places = block.reference_places(identity)
    assert [len(one) for one in places] == [60, 24, 60]
    for one, whole in zip(places, block.broadcast_places(), strict=True):
        assert set(one) <= set(whole)
        assert set((one + 120) % 4) == {identity % 4}
    # The SSS keeps 8 and 9 subcarriers to the PBCH beside it.
    beside = block.broadcast_places()[1]
    assert len(beside) == 96
    assert beside[beside < 0].max() == block.SYNC_SUBCARRIERS[0] - 9
    assert beside[beside > 0].min() == block.SYNC_SUBCARRIERS[-1] + 10


def test_numbers_of_15_khz_are_those_of_lte():
    assert numerology.prefix_units(15e3) == PREFIX_UNITS["normal"]


@pytest.mark.parametrize("spacing_hz", numerology.SPACINGS_HZ)
def test_symbols_fill_half_a_millisecond(spacing_hz):
    lengths = numerology.prefix_units(spacing_hz)
    n, useful = len(lengths), numerology.useful_units(spacing_hz)
    assert n == numerology.symbols_per_slot(spacing_hz)
    assert sum(lengths) + n * useful == SLOT_UNITS
    starts = [numerology.useful_start(spacing_hz, symbol) for symbol in range(3 * n)]
    # The first prefix of each 0.5 ms is 16 units longer.
    assert starts[0] == lengths[0]
    assert starts[n] == SLOT_UNITS + lengths[0]
    assert set(np.diff(starts)) == {useful + lengths[0], useful + lengths[1]}


def test_blocks_lie_where_the_table_says():
    assert [block.block_symbol(15e3, "A", n) for n in range(4)] == [2, 8, 16, 22]
    assert [block.block_symbol(30e3, "C", n) for n in range(4)] == [2, 8, 16, 22]
    expected = [4, 8, 16, 20, 32, 36, 44, 48]
    assert [block.block_symbol(30e3, "B", n) for n in range(8)] == expected


def test_another_spacing_is_an_error():
    with pytest.raises(UsageError, match="60000 Hz; known are 15000 and 30000"):
        numerology.prefix_units(60e3)
