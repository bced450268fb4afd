"""Sequences of a cell against the words of TS 36.211."""

import numpy as np
import pytest

from edgespec.lte.sequences import (
    cell_reference,
    gold_bits,
    primary_sync,
    reference_subcarriers,
    secondary_sync,
)


def test_gold_sequence_by_its_definition():
    # TS 36.211 sec. 7.2, bit by bit.
    seeds, n_bits = [0x2ABCD, 1, 2**31 - 1], 64
    expected = []
    for seed in seeds:
        x1, x2 = [1] + [0] * 30, [(seed >> i) & 1 for i in range(31)]
        for n in range(1600 + n_bits):
            x1.append((x1[n + 3] + x1[n]) % 2)
            x2.append((x2[n + 3] + x2[n + 2] + x2[n + 1] + x2[n]) % 2)
        expected.append([(x1[1600 + n] + x2[1600 + n]) % 2 for n in range(n_bits)])
    assert gold_bits(np.array(seeds), n_bits).tolist() == expected


def test_secondary_sync_tells_all_cells_apart():
    halves = np.concatenate([secondary_sync(3 * identity) for identity in range(168)])
    assert len(np.unique(halves.real, axis=0)) == 336
    # 31 and 31 signs: equal ones correlate to 62, different ones stay well below.
    correlation = np.abs(halves @ halves.conj().T) - 62 * np.eye(336)
    assert correlation.max() < 40


@pytest.mark.parametrize("sector", [0, 1, 2])
def test_primary_sync_is_flat_in_time_and_frequency(sector):
    # A Zadoff-Chu sequence of length 63; the middle, where the carrier is, is left out.
    values = primary_sync(sector)
    np.testing.assert_allclose(np.abs(values), 1.0, atol=1e-6)
    # Symmetric around the carrier, so that it is symmetric in time as well.
    np.testing.assert_allclose(values, values[::-1], atol=1e-4)
    others = [abs(np.vdot(primary_sync(other), values)) for other in range(3) if other != sector]
    # Roots 25 and 34 differ by 9, which divides 63: sqrt(9 * 63) of 62 is left.
    assert max(others) < 0.4 * 62


@pytest.mark.parametrize(
    ("n_cp", "prefix", "symbols"), [(1, "normal", (0, 4)), (0, "extended", (0, 3))]
)
@pytest.mark.parametrize("pci", [0, 123, 503])
def test_reference_by_its_definition(pci, n_cp, prefix, symbols):
    # Sec. 6.10.1.1, element by element, for a cell of 25 blocks: m' = m + 110 - 25.
    values = cell_reference(pci, 25, prefix)
    for slot, row in ((0, 0), (7, 1), (19, 0)):
        seed = 2**10 * (7 * (slot + 1) + symbols[row] + 1) * (2 * pci + 1) + 2 * pci + n_cp
        bits = gold_bits(np.array([seed]), 440)[0].astype(float)
        for m in (0, 24, 49):
            at = m + 110 - 25
            expected = ((1 - 2 * bits[2 * at]) + 1j * (1 - 2 * bits[2 * at + 1])) / np.sqrt(2)
            assert values[slot, row, m] == pytest.approx(expected, abs=1e-6)


def test_a_wider_cell_has_the_same_middle():
    wide, narrow = cell_reference(17, 100), cell_reference(17, 6)
    np.testing.assert_array_equal(wide[:, :, 94:106], narrow)
    places = reference_subcarriers(17, 100)
    np.testing.assert_array_equal(places[:, 94:106], reference_subcarriers(17, 6))


@pytest.mark.parametrize("pci", range(6))
def test_reference_elements_are_six_apart_and_miss_the_carrier(pci):
    # Sec. 6.10.1.2: k = 6 m + (v + pci mod 6) mod 6 of 72 subcarriers, v = 0 or 3.
    both = [reference_subcarriers(pci, 6, port) for port in (0, 1)]
    subcarriers = np.delete(np.arange(-36, 37), 36)
    for port, places in enumerate(both):
        for row, v in enumerate((0, 3) if port == 0 else (3, 0)):
            k = 6 * np.arange(12) + (v + pci) % 6
            np.testing.assert_array_equal(places[row], subcarriers[k])
    assert not set(both[0][0]) & set(both[1][0])
