"""The cause of a verdict is a figure of the tables, found again by plain loops."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.papers.claim import Bound, Claim, Measured, UntestableError, Verdict
from benchmarks.papers.li2019.claims.causes import (
    CAUSES,
    behind_linear,
    between_observers,
    cause_of,
    diluted,
    faults_small,
    first_of,
    outdone,
    own_falls_short,
    taken_out,
)
from benchmarks.papers.li2019.claims.claims import CLAIMS
from benchmarks.papers.li2019.verdicts import judge_all
from converter.lab.numbers.intervals import Interval
from converter.report.detection_scores import DetectionScores
from converter.report.frame import Frame
from converter.report.results import Results
from tests.made.tables import (
    RIGHT,
    all_pairs,
    experiment,
    with_strength,
    write_all,
    write_predictions,
)

pytestmark = pytest.mark.converter


def read(work: Path) -> Results:
    return Results.read(experiment(), work)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A world in which several claims do not hold: of errors, detection and faults."""
    effects = with_strength(RIGHT, kalman=6.0, rss_rule=6.0, bare=4.0)
    effects = replace(effects, unified_db=0.2, auto_ratio=0.7, fault_strength=0.5, zero_shot_db=0.0)
    return read(write_all(tmp_path_factory.mktemp("wrong"), effects))


def normal_errors(results: Results, scorer: str) -> dict[tuple[int, str], list[float]]:
    """Raw scores of the normal test segments of each observer."""
    assert results.main is not None
    frame = results.main.frame
    found: dict[tuple[int, str], list[float]] = {}
    for split, mode, seed, observer, score in zip(
        *(frame[name].tolist() for name in ("split", "mode", "seed", "observer")),
        frame[f"score:{scorer}"].tolist(),
        strict=True,
    ):
        if split == "test" and mode == "normal":
            found.setdefault((seed, observer), []).append(score)
    return found


def figures(sentence: str) -> list[float]:
    return [float(text) for text in re.findall(r"[+-]?\d+\.\d+", sentence)]


def test_causes_are_of_claims_that_there_are() -> None:
    keys = {claim.key for claim in CLAIMS}
    assert set(CAUSES) <= keys
    # There is nothing to be measured for the first, and the second is of our own making.
    assert keys - set(CAUSES) == {"seasons", "quantised", "uplink-error"}


def test_what_is_not_confirmed_has_its_cause_and_nothing_else_has(wrong: Results) -> None:
    judged = judge_all(wrong)
    is_not = [(claim, found) for claim, found in judged if found.verdict is Verdict.NOT_CONFIRMED]
    assert {"unified-places", "autoencoder", "rivals", "faults"} <= {c.key for c, _ in is_not}
    assert not any(f.cause for _, f in judged if f.verdict is not Verdict.NOT_CONFIRMED)
    known = [found.cause for claim, found in is_not if claim.key in {"autoencoder", "rivals"}]
    assert all(figures(cause) for cause in known)


def test_a_diluted_score_is_said_in_deviations_of_normal_errors(wrong: Results) -> None:
    assert wrong.main is not None
    assert wrong.kinship is not None
    scorer = wrong.kinship.unified
    frame = wrong.main.frame
    isr_db = min(wrong.main.isrs_db, key=abs)
    hit = [
        score
        for split, mode, isr, score in zip(
            *(frame[name].tolist() for name in ("split", "mode", "isr_db")),
            frame[f"score:{scorer}"].tolist(),
            strict=True,
        )
        if split == "test" and mode in ("onset", "persistent", "lasting") and isr == isr_db
    ]
    normal = np.concatenate([np.array(v) for v in normal_errors(wrong, scorer).values()])
    rise, spread = np.median(hit) - np.median(normal), normal.std()
    said = figures(diluted(wrong))
    assert said == pytest.approx([rise, spread, rise / spread], abs=0.06)


def test_the_share_between_observers_is_that_of_their_means(wrong: Results) -> None:
    assert wrong.kinship is not None
    of_each = normal_errors(wrong, wrong.kinship.unified)
    means = np.array([np.mean(values) for values in of_each.values()])
    share = means.var() / np.concatenate([np.array(v) for v in of_each.values()]).var()
    sentence = between_observers(wrong)
    assert sentence.startswith(f"{share:.0%} of the variance")
    assert f"{means.min():.2f} to {means.max():.2f} dB" in sentence


def test_without_an_autoregression_nothing_is_said_of_it(wrong: Results) -> None:
    with pytest.raises(UntestableError, match="no linear autoregression"):
        behind_linear(wrong)


def test_a_place_without_an_advantage_has_none_to_lose(tmp_path: Path) -> None:
    write_predictions(tmp_path, replace(RIGHT, unified_db=-0.3), all_pairs())
    sentence = own_falls_short(read(tmp_path))
    (less, low, high) = figures(sentence)
    assert less == pytest.approx(0.3, abs=0.1)
    assert 0 < low <= less <= high
    write_predictions(tmp_path, replace(RIGHT, unified_db=0.3), all_pairs())
    with pytest.raises(UntestableError):
        own_falls_short(read(tmp_path))


def test_the_closest_score_is_told_mode_by_mode_where_the_error_moves(wrong: Results) -> None:
    assert wrong.main is not None
    assert wrong.kinship is not None
    sentence = outdone(None, wrong)
    areas = {
        name: float(wrong.main.auc(name, False)[0, wrong.main.pick()].mean())
        for name in wrong.main.scorers
        if not wrong.is_model(name) and name != "random"
    }
    assert sentence.startswith(f"{max(areas, key=lambda name: areas[name])} comes as near")
    onset = wrong.main.pick(["onset"])
    mine = float(wrong.main.auc(wrong.kinship.unified, False)[0, onset].mean())
    assert f"onset {mine:.2f} against" in sentence


def test_faults_are_told_as_they_begin_and_as_they_last(wrong: Results) -> None:
    assert wrong.main is not None
    sentence = faults_small(wrong)
    for fault in wrong.main.faults:
        assert re.search(rf"{re.escape(fault)} [+-]\d\.\d\d onset", sentence)


@pytest.mark.parametrize("lead_db", [0.5, -0.5])
def test_a_network_behind_an_autoregression_is_said_by_how_much(
    wrong: Results, lead_db: float
) -> None:
    assert wrong.main is not None
    frame = wrong.main.frame
    linear = frame["score:unified"] - lead_db
    both = Frame({**frame.columns, "score:linear-ar": linear})
    scores = DetectionScores(both, wrong.main.name, wrong.main.population)
    results = replace(wrong, detections={wrong.main.name: scores})
    if lead_db > 0:
        assert "0.50 [0.50, 0.50] dB behind a linear autoregression" in behind_linear(results)
        return
    with pytest.raises(UntestableError, match="not surely behind"):
        behind_linear(results)


def test_a_figure_on_the_right_side_asks_for_observers(wrong: Results) -> None:
    claim = next(claim for claim in CLAIMS if claim.key == "unified-places")
    bound = Bound("upper", "at most", 0.05, " dB")

    def found(value: float, high: float) -> Claim[Results]:
        judged = Interval(value, value - 0.01, high)
        return replace(claim, measure=lambda _: Measured((judged,), ""), bounds=(bound,))

    assert wrong.kinship is not None
    observers = wrong.experiment.observers_of(wrong.kinship.home)
    n = observers.test * observers.n_seeds
    # .07 to the side, where .03 are left: (7 / 3)^2 times as many.
    assert f"about {int(np.ceil(n * (7 / 3) ** 2))} observers in place of {n}" in cause_of(
        found(0.02, 0.09), wrong
    )
    assert "observers in place of" not in cause_of(found(0.06, 0.09), wrong)
    assert cause_of(found(0.02, 0.03), wrong) == ""


def test_what_the_transform_takes_out_is_told_mode_by_mode(tmp_path: Path) -> None:
    results = read(write_all(tmp_path, with_strength(RIGHT, bare=5.0)))
    assert results.main is not None
    sentence = taken_out(results)
    for mode in ("onset", "persistent"):
        cells = results.main.pick([mode])
        with_it, without = (
            float(results.main.auc(n, False)[0, cells].mean()) for n in ("unified", "bare")
        )
        assert f"{mode} {with_it:.3f} against {without:.3f}" in sentence


def test_the_first_cause_that_the_tables_show_is_told(wrong: Results) -> None:
    def none(_: Results) -> str:
        raise UntestableError("not so")

    assert first_of(none, diluted)(wrong) == diluted(wrong) == first_of(diluted, none)(wrong)
    with pytest.raises(UntestableError, match="not so"):
        first_of(none, none)(wrong)
