"""Laws of the summed-up detection table: what the plain way gives, whatever the order of rows."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from converter.lab.numbers.cells import BLOCK_SEGMENTS, Layout
from converter.lab.numbers.detection_summary import (
    STANDARDISATIONS,
    Bench,
    false_alarm_summary,
    scorers_of,
)
from converter.lab.numbers.intervals import percentiles
from converter.lab.numbers.thresholds import pooled_threshold
from edgespec.errors import UsageError
from tests import naive
from tests.made import detection_tables

RATES = (0.05, 0.01)
GAINS = {"good": 3.0, "bad": 0.5}
NAMES = ("scorer", "standardisation", "mode", "kind")


def of(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    """The one row that has these values."""
    (found,) = (row for row in rows if all(row[name] == value for name, value in wanted.items()))
    return found


def summary(table: Any, n: int = 40, rates: tuple[float, ...] = RATES) -> list[dict[str, Any]]:
    """A row for each scorer, standardisation and cell, with every figure and its interval."""
    bench = Bench(table, np.random.default_rng(5), n)
    pile = bench.layout.anomalous
    sizes = pile.by_cell(pile.by_block(np.ones(len(pile.rows))))
    rows = []
    for scorer, standardisation in product(scorers_of(bench.columns), STANDARDISATIONS):
        found = bench.measure(scorer, standardisation, rates)
        for number, cell in enumerate(bench.layout.cells):
            row = {
                "scorer": scorer,
                "standardisation": standardisation,
                "mode": cell.mode,
                "kind": cell.kind,
                "isr_db": cell.isr_db,
                "n_observers": len(bench.layout.observers),
                "n_normal": len(bench.layout.normal.rows),
                "n_anomalous": sizes[number],
                "pauc": found.pauc[number],
                **triple("auc", found.auc[:, number]),
            }
            for i, rate in enumerate(rates):
                row[f"threshold_{rate:g}"] = found.thresholds[i]
                row |= triple(f"detected_{rate:g}", found.detected[:, i, number])
                row |= triple(f"far_{rate:g}", found.far[:, i])
            rows.append(row)
    return rows


def triple(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """A figure of all rows, and the bounds that its draws give."""
    interval = percentiles(float(values[0]), values[1:])
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def test_every_figure_is_the_plain_one(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, GAINS, n_observers=3, n_seeds=1)
    row = of(
        summary(table, 1), scorer="bad", standardisation="raw", mode="persistent", kind="chirp"
    )
    is_test = table["split"] == "test"
    normal = table["score:bad"][is_test & (table["mode"] == "normal")]
    chirp = (table["mode"] == "persistent") & (table["kind"] == "chirp")
    anomalous = table["score:bad"][is_test & chirp]
    assert row["auc"] == pytest.approx(naive.auc(normal, anomalous), abs=1e-12)
    area = naive.partial_area(normal, anomalous, 0.01)
    assert row["pauc"] == pytest.approx(0.5 * (1 + (area - 5e-5) / (0.01 - 5e-5)))
    calibration = (table["split"] == "calibration") & (table["mode"] == "normal")
    for rate in RATES:
        threshold = pooled_threshold(table["score:bad"][calibration], rate)
        assert row[f"threshold_{rate:g}"] == threshold
        assert row[f"detected_{rate:g}"] == pytest.approx(np.mean(anomalous > threshold))
        assert row[f"far_{rate:g}"] == pytest.approx(np.mean(normal > threshold))
    assert (row["n_normal"], row["n_anomalous"], row["n_observers"]) == (600, 60, 3)


def test_there_is_a_row_for_everything(rng: np.random.Generator) -> None:
    rows = summary(detection_tables.table(rng, GAINS))
    cells = {(row["mode"], row["kind"], str(row["isr_db"])) for row in rows}
    assert cells == {
        ("onset", "tone", "0.0"),
        ("onset", "chirp", "0.0"),
        ("persistent", "tone", "0.0"),
        ("persistent", "chirp", "0.0"),
        ("persistent", "tone", "10.0"),
        ("persistent", "power-step:3", "nan"),
    }
    assert len(rows) == len(cells) * len(GAINS) * len(STANDARDISATIONS)


def test_the_order_of_rows_and_the_kind_of_table_do_not_matter(rng: np.random.Generator) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = detection_tables.table(rng, GAINS)
    expected = summary(table)
    mixed = detection_tables.shuffled(table, rng)
    for other in (mixed, pyarrow.table(mixed)):
        for row, same in zip(summary(other), expected, strict=True):
            figures = [value for value in row.values() if not isinstance(value, str)]
            expected_figures = [value for value in same.values() if not isinstance(value, str)]
            assert figures == pytest.approx(expected_figures, rel=1e-9, nan_ok=True)
            assert [*row] == [*same]
            assert {row[name] for name in NAMES} == {same[name] for name in NAMES}


def test_the_figures_are_those_of_gaussians(rng: np.random.Generator) -> None:
    rows = summary(detection_tables.table(rng, {"one": 1.0}, n_observers=20), n=200)
    row = of(rows, standardisation="raw", mode="persistent", kind="tone", isr_db=10.0)
    # 2 sigmas apart.
    assert row["auc_low"] < norm.cdf(2 / np.sqrt(2)) < row["auc_high"]
    assert row["auc_high"] - row["auc_low"] < 0.04
    expected = norm.sf(row["threshold_0.05"] - 2)
    assert row["detected_0.05_low"] < expected < row["detected_0.05_high"]
    assert row["threshold_0.05"] == pytest.approx(norm.isf(0.05), abs=0.08)
    fault = of(rows, standardisation="raw", kind="power-step:3")
    assert fault["auc_low"] < 0.5 < fault["auc_high"]


def test_observers_that_differ_make_wide_intervals_and_broken_promises(
    rng: np.random.Generator,
) -> None:
    table = detection_tables.table(rng, {"a": 2.0}, offset=2.0, n_observers=15)
    rows = summary(table, 100)
    raw, site = (
        of(rows, standardisation=name, mode="persistent", kind="chirp") for name in STANDARDISATIONS
    )
    assert raw["auc_high"] - raw["auc_low"] > 2 * (site["auc_high"] - site["auc_low"])
    assert site["auc"] > raw["auc"] + 0.05
    found = false_alarm_summary(table, (0.05,), rng, n_resamples=100)
    of_raw, of_site = (
        of(found, standardisation=name, method="quantile") for name in STANDARDISATIONS
    )
    assert of_raw["worst"] > 0.3 > of_site["worst"]
    for row in (of_raw, of_site):
        assert row["low"] <= row["realised"] <= row["high"]
        assert row["cp_low"] < row["realised"] < row["cp_high"]
        # Alarms of observers that differ are no independent trials.
        exact = row["cp_high"] - row["cp_low"]
        assert row["high"] - row["low"] > (3 * exact if row is of_raw else 0.8 * exact)
    assert of_raw["worst_observer"] in {f"{s}/o{n}" for s, n in product(range(2), range(15))}


def test_realised_rates_are_the_same_in_both_tables(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, GAINS)
    alarms = false_alarm_summary(table, RATES, np.random.default_rng(5), n_resamples=40)
    for row in summary(table):
        for rate in RATES:
            same = {"scorer": row["scorer"], "standardisation": row["standardisation"]}
            found = of(alarms, **same, method="quantile", rate=rate)
            names = (("realised", ""), ("low", "_low"), ("high", "_high"))
            for name, suffix in names:
                assert found[name] == pytest.approx(row[f"far_{rate:g}{suffix}"])


def test_the_thresholds_know_nothing_of_the_test_rows(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, GAINS)
    is_test = table["split"] == "test"
    other = {**table, "score:good": np.where(is_test, 7.0, table["score:good"])}
    before, after = (of(summary(t, 1), scorer="good", standardisation="raw", mode="onset",
                        kind="tone") for t in (table, other))  # fmt: skip
    assert before["threshold_0.01"] == after["threshold_0.01"]
    assert after["far_0.01"] == 1.0


def test_pairs_are_compared_on_the_same_draws(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, GAINS, offset=2.0)
    twin = table["score:good"] + np.float32(1e-3) * rng.normal(size=len(table["split"]))
    table["score:twin"] = twin.astype(np.float32)
    bench = Bench(table, np.random.default_rng(5), 40)
    good, same, bad = (bench.measure(name, "raw", RATES).auc for name in ("good", "twin", "bad"))
    cells = [(cell.mode, cell.kind) for cell in bench.layout.cells]
    chirp = cells.index(("persistent", "chirp"))
    own, unequal, twins = (
        percentiles(float(draws[0, chirp]), draws[1:, chirp])
        for draws in (good, good - bad, good - same)
    )
    assert unequal.low > 0
    assert twins.high - twins.low < 0.05 * (own.high - own.low)


def test_scores_that_are_no_numbers_count_as_misses(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"a": 10.0})
    cell = {"standardisation": "raw", "mode": "persistent", "isr_db": 10.0, "kind": "tone"}
    assert of(summary(table, 1), **cell)["detected_0.01"] == 1.0
    lost = (table["mode"] == "persistent") & (table["segment"] % 2 == 0)
    broken = {**table, "score:a": np.where(lost, np.nan, table["score:a"])}
    assert of(summary(broken, 1), **cell)["detected_0.01"] == pytest.approx(0.5, abs=0.03)


def test_a_rate_that_the_calibration_cannot_tell_has_no_figure(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"a": 1.0}, n_observers=2)
    (row, *_) = summary(table, 2, (0.01, 1e-4))
    for name in ("threshold", "detected", "far"):
        assert np.isnan(row[f"{name}_0.0001"])
        assert np.isfinite(row[f"{name}_0.01"])
    found = false_alarm_summary(table, (1e-4,), rng, n_resamples=2)
    assert np.isnan(of(found, standardisation="raw", method="quantile")["realised"])
    assert np.isfinite(of(found, standardisation="raw", method="gaussian")["realised"])


def test_a_draw_takes_as_much_of_each_observer_as_there_is(rng: np.random.Generator) -> None:
    layout = Layout.of(detection_tables.table(rng, {"a": 1.0}, n_observers=5, n_seeds=1))
    pile = layout.normal
    # 200 segments in blocks of 16.
    assert pile.n_blocks == 5 * -(-200 // BLOCK_SEGMENTS)
    assert np.bincount(pile.block).max() == BLOCK_SEGMENTS
    times = np.array([0, 2, 0, 3, 0])
    drawn = pile.draw(times, rng).reshape(5, -1)
    assert drawn.sum(axis=1).tolist() == (times * (pile.n_blocks // 5)).tolist()


def test_a_table_that_lacks_something_is_refused(rng: np.random.Generator) -> None:
    table = detection_tables.table(rng, {"a": 1.0})
    without = {name: values for name, values in table.items() if name != "stretch"}
    with pytest.raises(UsageError, match="lacks the column 'stretch'"):
        summary(without)
    rows = table["mode"] != "normal"
    with pytest.raises(UsageError, match="0 normal and"):
        summary({name: values[rows] for name, values in table.items()})


def test_who_says_nothing_at_any_calibration_observer_is_left_out(
    rng: np.random.Generator,
) -> None:
    table = detection_tables.table(rng, {"residual": 1.0, "device-scan": 2.0})
    is_calibration = table["split"] == "calibration"
    table["score:residual"] = np.where(is_calibration, np.nan, table["score:residual"])
    assert scorers_of(table) == ["device-scan"]
    assert {row["scorer"] for row in summary(table)} == {"device-scan"}
    table["score:residual"][np.flatnonzero(is_calibration)[0]] = 0.0
    assert scorers_of(table) == [
        "residual",
        "device-scan",
        "max(residual, scan)",
        "sum(residual, scan)",
    ]
