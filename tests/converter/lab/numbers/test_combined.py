"""A combination says what its parts say, each at the scale of the site."""

import numpy as np

from converter.lab.numbers.combined import COMBINED, Combination, combined_of
from converter.lab.numbers.detection_summary import Bench, scorers_of
from converter.lab.numbers.thresholds import site_standardised
from tests.made import detection_tables

NAN = np.nan


def test_a_part_that_says_nothing_leaves_the_others() -> None:
    parts = {"a": np.array([1.0, NAN, 3.0, NAN]), "b": np.array([2.0, -5.0, NAN, NAN])}
    most = Combination(("a", "b")).of(parts.__getitem__)
    total = Combination(("a", "b"), largest=False).of(parts.__getitem__)
    assert np.array_equal(most, [2.0, -5.0, 3.0, NAN], equal_nan=True)
    assert np.array_equal(total, [3.0, -5.0, 3.0, NAN], equal_nan=True)


def test_only_what_has_all_parts_is_there() -> None:
    assert combined_of(["residual", "device-scan"]) == [
        "max(residual, scan)",
        "sum(residual, scan)",
    ]
    assert combined_of(["residual"]) == []
    everything = {part for item in COMBINED.values() for part in item.parts}
    assert combined_of(everything) == list(COMBINED)


def test_the_bench_combines_standardised_scores(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"residual": 1.0, "device-scan": 2.0})
    assert scorers_of(table)[-1] == "sum(residual, scan)"
    bench = Bench(table, rng, 2)
    parts = [site_standardised(bench.columns, name) for name in ("residual", "device-scan")]
    for standardisation in ("raw", "site"):
        found = bench.scores("max(residual, scan)", standardisation)
        assert np.array_equal(found, np.maximum(*parts))
