"""Tables of the scans: what is counted, and how often a threshold is passed in a day."""

import math

import numpy as np
import pytest

from benchmarks.detection import other_bands, prefix
from benchmarks.detection.hop_scores import Row
from benchmarks.detection.scan_tail import Tail, markdown, per_day
from benchmarks.speed.scan import make_call
from edgespec.computing import Computing
from edgespec.detect.scan.deviation import Deviation


def test_a_table_of_captures_says_what_stands_above_the_normal_hundredth() -> None:
    rows = []
    for detector in ("residual", "zscore", "energy", "ewma"):
        normal = tuple(float(v) for v in range(100))
        rows.append(Row(prefix.CAPTURES[0], detector, "normal", normal))
        for mode in ("onset", "persistent"):
            for kind in ("tone", "noise"):
                scores = (200.0, 200.0) if kind == "tone" else (200.0, -1.0)
                rows.append(Row(prefix.CAPTURES[0], detector, mode, scores, kind, -10.0))
    text = prefix.markdown(rows)
    assert "100 normal hops" in text
    # All of the tones and half of the noise, of which one is below everything.
    assert "| residual, onset | 0.750, 0.75 |" in text
    assert "| zscore, persistent | 0.750, 0.75 |" in text


def test_a_table_of_other_bands_counts_all_hops_alike() -> None:
    rows = []
    for detector in ("scan", "zscore", "energy", "ewma"):
        rows.append(Row("a", detector, "normal", tuple(map(float, range(100)))))
        rows += [
            Row("a", detector, mode, (200.0, -1.0), "tone", 0.0) for mode in ("onset", "persistent")
        ]
    assert "| scan, onset | 0.500, 0.50 |" in other_bands.markdown(rows)


def test_the_tail_of_an_exponential_is_met(rng: np.random.Generator) -> None:
    """Of exponential scores the rate above a threshold is known: exp(-threshold)."""
    scores = np.sort(rng.exponential(1.0, 200_000))
    rate = per_day(tuple(scores[-2_000:]), 1.0, 12.0)
    assert rate == pytest.approx(86_400.0 * math.exp(-12.0), rel=0.3)


def test_observers_without_a_cell_or_trust_are_counted_apart() -> None:
    tails = [
        Tail("a", False, True, 6e-3, "", 100, 0, 2.0, (5.0, 9.0), (3.0, 4.0), (1, 0)),
        Tail("b", True, True, 6e-3, "", 100, 3, 2.0, (5.0, 6.0), (3.0, 4.0), (0, 0)),
        Tail("c", True, False, 6e-3),
        Tail("d", False, True, 6e-3, "hardly cancelled"),
    ]
    text = markdown(tails)
    assert "no cell in 1" in text
    assert "not in 1" in text
    assert "for a while in 1" in text
    assert "| without a neighbour | 1 |" in text


def test_a_hop_of_the_benchmark_is_one_that_is_scored() -> None:
    assert isinstance(make_call(5, Computing.PLAIN)(0), Deviation)
