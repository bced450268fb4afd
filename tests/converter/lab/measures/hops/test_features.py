"""Features of windows are those of the plain search, and go on from a copy."""

import numpy as np
import pytest

from converter.lab.measures.hops.window_maxima import WindowMaxima


def test_maxima_are_those_of_the_plain_search(rng: np.random.Generator) -> None:
    lengths, widths = (1, 3, 7), (1, 2, 50)
    maxima, n_new = WindowMaxima(lengths, widths), 4
    deviation = rng.normal(size=(12, 5))
    found = dict(zip(maxima.names, maxima.of(deviation, n_new), strict=True))
    for length in lengths:
        for width in widths:
            wide = min(width, 5)
            values = [
                deviation[stop - length : stop, first : first + wide].sum() / np.sqrt(length * wide)
                for stop in range(12 - n_new + 1, 13)
                for first in range(5 - wide + 1)
            ]
            end = f"-{length}x{width}"
            assert found[f"max{end}"] == pytest.approx(max(values))
            assert found[f"min{end}"] == pytest.approx(min(values))
            assert found[f"median{end}"] == pytest.approx(np.median(values))


def test_windows_that_are_longer_than_the_map_say_nothing(rng: np.random.Generator) -> None:
    assert WindowMaxima((9,), (1,)).of(rng.normal(size=(4, 5)), 4) == [0.0, 0.0, 0.0]
