"""Heads are measured at each observer by itself, without what clips, and without luck of others."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.detection.heads import UNTRAINED, joined, scores_of
from benchmarks.detection.heads_captures import Listener, place_of
from benchmarks.detection.heads_figures import DEVICE, figures_of, told_by
from benchmarks.detection.heads_report import BASE, markdown
from benchmarks.detection.real_cases import read_recording
from benchmarks.detection.real_recordings import CAPTURES
from converter.lab.numbers.combined import COMBINED
from tests.made import detection_tables
from tests.made.detection_tables import Table

LIMITS = dict.fromkeys(DEVICE.values(), 6.0)


def made(rng: np.random.Generator, gains: dict[str, float]) -> Table:
    """Return a table with the columns of the laboratory; every second observer has a neighbour."""
    table = detection_tables.table(rng, gains, n_seeds=1)
    table["flagged"] = np.zeros(len(table["mode"]))
    table["share"] = np.ones(len(table["mode"]))
    table["neighbour"] = np.isin(table["observer"], ("o0", "o2", "o4", "o6"))
    return table


def test_what_knows_finds_all_and_what_does_not_its_one_percent(rng: np.random.Generator) -> None:
    table = made(rng, {"knows": 60.0, "guesses": 0.0})
    is_weak = (table["mode"] == "persistent") & (table["kind"] == "chirp")
    table["isr_db"] = np.where(is_weak, -5.0, table["isr_db"])
    knows = figures_of({"": table["score:knows"].astype(float)}, table)
    guesses = figures_of({"": table["score:guesses"].astype(float)}, table)
    assert knows.isrs_db == (-5.0, 0.0), "what is stronger is found anyway"
    assert np.isnan(knows.auc[0, :, 0]).all(), "nothing begins at -5 dB"
    assert knows.neighbour.sum() == 4
    assert np.all(knows.auc[:, :, 1] == 1.0)
    assert np.all(knows.found[:, :, 1] == 1.0)
    assert abs(np.nanmean(guesses.auc) - 0.5) < 0.06
    assert np.nanmean(guesses.found) < 0.04


def test_an_offset_of_an_observer_changes_nothing(rng: np.random.Generator) -> None:
    table = made(rng, {"a": 2.0})
    scores = table["score:a"].astype(float)
    shift = 100.0 * np.array([int(name[1:]) for name in table["observer"]])
    usual, shifted = figures_of({"": scores}, table), figures_of({"": scores + shift}, table)
    assert np.array_equal(usual.auc, shifted.auc, equal_nan=True)
    assert np.array_equal(usual.found, shifted.found, equal_nan=True)


def test_each_family_is_scored_by_the_head_that_has_not_seen_it(rng: np.random.Generator) -> None:
    table = made(rng, {"a": 0.0})
    normal = np.zeros(len(table["mode"]))
    told = np.where(np.isin(table["kind"], ("tone", "chirp")), 1.0, normal)
    found = figures_of({"carriers": told, "sweeps": normal}, table).found[1, :, 0]
    assert np.all(found == 0.5), "of tone and chirp one is found"


def test_what_clips_is_left_out_and_what_has_no_score_is_missed(rng: np.random.Generator) -> None:
    table = made(rng, {"a": 60.0})
    scores = table["score:a"].astype(float)
    is_chirp = table["kind"] == "chirp"
    scores[is_chirp] = np.nan
    missed = figures_of({"": scores}, table)
    assert np.all(missed.found[:, :, 0] == 0.5)
    left_out = figures_of({"": scores}, {**table, "flagged": is_chirp.astype(float)})
    assert np.all(left_out.found[:, :, 0] == 1.0)


def test_a_rule_that_is_more_lenient_never_alarms_less(rng: np.random.Generator) -> None:
    table = made(rng, dict.fromkeys(DEVICE.values(), 4.5))
    by_rule = {(one.rule, one.group): one for one in told_by(table, LIMITS)}
    rules = list(dict.fromkeys(rule for rule, _ in by_rule))
    device, sums, shares = rules[0], rules[1:4], rules[4:]
    for group in ("with a neighbour", "without"):
        for chain in ([device, *reversed(sums)], [device, *shares]):
            for strict, lenient in pairwise(chain):
                less, more = by_rule[strict, group], by_rule[lenient, group]
                assert less.false_share <= more.false_share
                assert not np.any(np.array(less.found) > np.array(more.found))
    assert by_rule[device, "without"].found[1][0] < by_rule[sums[0], "without"].found[1][0]


def test_tables_are_joined_by_the_columns_of_the_first(rng: np.random.Generator) -> None:
    first, second = made(rng, {"a": 1.0, "b": 1.0}), made(rng, {"a": 1.0, "c": 1.0})
    second["share"] = np.full(len(second["mode"]), 0.1)
    both = joined([first, second])
    assert set(both) == set(first)
    n = len(first["mode"])
    assert np.isnan(both["score:b"][n:]).all()
    assert np.array_equal(both["mode"][:n], first["mode"])
    assert set(both["mode"][n:]) == {"warmup", "normal", "glimpse", "persistent"}


def test_every_head_is_set_against_the_base(rng: np.random.Generator) -> None:
    table = made(rng, dict.fromkeys(("residual", *DEVICE.values()), 2.0))
    names = (BASE, "sum(residual, zscore)")
    by_head = {
        name: figures_of(
            {"": COMBINED[name].of(lambda part: table[f"score:{part}"].astype(float))}, table
        )
        for name in names
    }
    text = markdown(by_head, told_by(table, LIMITS))
    ahead = text.split(f"**Ahead of `{BASE}`**")[1].split("**At the thresholds")[0]
    assert "| sum(residual, zscore) | +0." in ahead
    assert f"| {BASE} |" not in ahead
    assert "8 simulated observers and 0 real captures" in text
    assert set(UNTRAINED) - {"residual"} <= set(COMBINED)


@pytest.mark.converter
def test_a_head_is_asked_about_the_families_that_it_has_not_seen(rng: np.random.Generator) -> None:
    table = made(rng, dict.fromkeys(("residual", "device-scan", *DEVICE.values()), 2.0))
    taught = made(rng, dict.fromkeys(("residual", "device-scan", *DEVICE.values()), 2.0))
    taught["split"] = np.where(taught["split"] == "test", "train", taught["split"])
    rows = joined([table, taught])
    by_head = scores_of(rows)
    assert set(by_head) - set(UNTRAINED) == {
        "logistic, residual and zscore",
        "logistic, six scores",
        "logistic, all scores and features",
        "trees, all scores and features",
    }
    for name, scores in by_head.items():
        families = {""} if name in UNTRAINED else {"carriers", "sweeps"}
        assert set(scores) == families, name
        assert np.nanmean(figures_of(scores, rows).auc) > 0.9, name


def test_what_is_heard_from_a_state_on_is_what_is_heard_from_the_first_sample(
    shared_data: Path,
) -> None:
    recording = read_recording(shared_data / f"{CAPTURES[0]}.sigmf-meta")
    listener = Listener(recording, place_of(recording))
    whole = listener.scores(recording.samples)
    start = listener.starts[-1]
    later = listener.scores(recording.samples, start)
    assert np.isfinite(whole["score:residual"][start:]).all()
    for name, values in whole.items():
        assert np.array_equal(values, later[name], equal_nan=True), name
