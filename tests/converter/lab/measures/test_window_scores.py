"""The table of one observer: what its rows are, and that no row knows of another."""

import functools
import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from converter.baselines.segments import Segments, concatenated
from converter.lab.measures.windows.hearing import listen
from converter.lab.measures.windows.observer_plan import ObserverPlan
from converter.lab.measures.windows.scorer import BaselineScorer, DetectorScorer, WindowScorer
from converter.lab.measures.windows.scorers import fit_scorers
from converter.lab.measures.windows.stretch_layout import Layout
from converter.lab.measures.windows.window_scores import observer_windows
from converter.simulate.frames import simulate_frames
from converter.simulate.specs import RecordingSpec
from edgespec.detect.discriminants.discriminant import open_discriminant
from edgespec.errors import UsageError
from edgespec.observer.scoring.scorer import Scorer
from edgespec.records import FloatArray, SampleFormat, Segment, Spectrogram
from edgespec.simulate.config import CellConfig, NeighbourConfig
from tests.made import tiny, tiny_observer

PLAIN = ("energy", "zscore", "ewma")
BASELINES = ("random", "last-frame", "rss-rule", "os-cfar", "spectral-kurtosis", "cyclic-prefix")
MODES = {"warmup", "normal", "onset", "persistent", "ended"}


class Mean:
    """A scorer that only looks: the mean of what it is told to look at."""

    needs_iq = False
    stateful = False

    def __init__(self, part: str) -> None:
        self._part = part

    def begin(self, n_warmup: int) -> None: ...

    def snapshot(self) -> Any: ...

    def restore(self, state: Any) -> None: ...

    def score(self, segments: Segments) -> FloatArray:
        mean: FloatArray = getattr(segments, self._part).mean(axis=(1, 2))
        return mean


def spectrogram(observer: RecordingSpec) -> Spectrogram:
    parts = [
        (f.power_dbfs.copy(), f.flags.copy(), f.tick_start.copy())
        for f in simulate_frames(observer, tiny.RECIPE)
    ]
    power, flags, starts = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Spectrogram(power, flags, starts, tiny.FRAMING.grid())


@functools.cache
def fitted() -> dict[str, WindowScorer]:
    specs = [replace(tiny_observer.spec(seed), duration_s=0.1) for seed in (11, 12)]
    detection = tiny_observer.detection(baselines=BASELINES)
    train = [spectrogram(observer) for observer in specs]
    return fit_scorers(tiny.RECIPE, detection, train, {}, 3, train_specs=specs)


def windows(
    scorers: Mapping[str, WindowScorer] | None = None,
    observer: RecordingSpec | None = None,
    *,
    inject: bool = True,
    **changes: object,
) -> dict[str, np.ndarray]:
    columns = observer_windows(
        observer or tiny_observer.spec(),
        tiny.RECIPE,
        tiny_observer.detection(**changes),
        fitted() if scorers is None else scorers,
        inject=inject,
    )
    return {name: np.asarray(values) for name, values in columns.items()}


def rows(table: dict[str, np.ndarray], **wanted: object) -> dict[str, np.ndarray]:
    keep = np.ones(len(table["mode"]), bool)
    for name, value in wanted.items():
        keep &= table[name] == value
    return {name: values[keep] for name, values in table.items()}


def assert_equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert np.array_equal(values, other[name], equal_nan=values.dtype.kind == "f"), name


def test_observers_with_a_neighbour_are_told_apart() -> None:
    alone = tiny_observer.spec()
    scene = replace(alone.scene, neighbours=(NeighbourConfig(CellConfig(pci=7)),))
    assert not windows()["neighbour"].any()
    assert windows(observer=replace(alone, scene=scene))["neighbour"].all()


def test_every_stretch_gives_one_onset_two_persistent_and_one_ended() -> None:
    table = windows()
    assert set(table["mode"]) == MODES
    on_air = table["kind"] != ""
    assert set(table["mode"][on_air]) == MODES - {"warmup", "normal"}
    assert (table["stretch"][~on_air] == -1).all()
    assert (table["context"] == "walk").all()
    cases = {
        (kind, isr_db): rows(table, kind=kind, isr_db=isr_db)
        for kind in ("tone", "wideband")
        for isr_db in (0.0, 10.0)
    }
    cases["station-lost", None] = rows(table, kind="station-lost")
    assert sum(len(case["mode"]) for case in cases.values()) == on_air.sum()
    for case in cases.values():
        assert [*case["mode"]] == 2 * ["onset", "persistent", "persistent", "ended"]
        assert len(set(case["stretch"])) == 2
    stretches = [set(rows(table, kind=kind)["stretch"]) for kind in set(table["kind"]) - {""}]
    assert sum(map(len, stretches)) == len(set.union(*stretches)) == 6


def test_only_what_has_an_isr_has_one() -> None:
    table = windows()
    interfered = np.isin(table["kind"], ["tone", "wideband"])
    assert np.isfinite(table["isr_db"][interfered]).all()
    assert np.isfinite(table["inr_db"][interfered]).all()
    assert np.isnan(table["isr_db"][~interfered]).all()
    assert np.isnan(table["duty"][table["kind"] == ""]).all()
    assert (table["duty"][table["kind"] != ""] == 1.0).all()


def test_normal_segments_share_no_frame_with_the_warmup() -> None:
    table = windows()
    geometry = tiny.GEOMETRY
    warm, normal = rows(table, mode="warmup")["segment"], rows(table, mode="normal")["segment"]
    assert np.array_equal(warm, np.arange(len(warm)))
    assert len(warm) == int(np.ceil(0.06 / geometry.hop_s))
    assert len(normal) == int(0.05 / geometry.hop_s)
    end = warm[-1] * geometry.hop_frames + geometry.n_segment
    assert end <= normal[0] * geometry.hop_frames < end + geometry.hop_frames
    assert np.array_equal(normal, np.arange(normal[0], normal[-1] + 1))


def test_a_calibration_observer_has_the_clean_rows_of_a_test_observer() -> None:
    table = windows()
    clean = rows(table, kind="")
    assert_equal(windows(inject=False), clean)
    assert set(clean["mode"]) == {"warmup", "normal"}


def test_a_row_and_its_twin_differ_where_something_is_on_the_air() -> None:
    looking = {part: Mean(part) for part in ("context", "target")}
    table = windows(looking, isrs_db=(20.0,), faults=())
    clean = rows(table, kind="")
    twin = dict(zip(clean["segment"], zip(*looking_at(clean), strict=True), strict=True))
    on_air = {name: values[table["kind"] != ""] for name, values in table.items()}
    assert len(on_air["mode"])
    for mode, segment, context, target in zip(
        on_air["mode"], on_air["segment"], *looking_at(on_air), strict=True
    ):
        clean_context, clean_target = twin[segment]
        assert (context == clean_context) == (mode == "onset")
        assert target != clean_target


def looking_at(table: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return table["score:context"], table["score:target"]


def test_equal_seeds_give_equal_tables_and_others_do_not() -> None:
    assert_equal(windows(), windows())
    other = windows(observer=tiny_observer.spec(seed=6))
    assert not np.array_equal(other["score:os-cfar"], windows()["score:os-cfar"])


def test_nothing_that_was_scored_before_changes_a_score() -> None:
    # A strong interferer that comes first would stay in the averages of the one after it.
    after = rows(windows(isrs_db=(40.0, 0.0)), isr_db=0.0)
    first = rows(windows(isrs_db=(0.0,)), isr_db=0.0)
    assert len(first["mode"])
    assert_equal(after, first)


def test_scorers_forget_one_observer_before_the_next() -> None:
    fresh = windows()
    windows(observer=tiny_observer.spec(seed=6, level_dbfs=-40.0))
    assert_equal(windows(), fresh)


@pytest.mark.parametrize("name", PLAIN)
def test_a_snapshot_restores_a_detector_exactly(name: str, rng: np.random.Generator) -> None:
    def some(n: int) -> Segments:
        frames = rng.normal(-60, 3, (n, tiny.GEOMETRY.n_segment, 64)).astype(np.float32)
        return Segments(tiny.GEOMETRY, frames[:, :8], frames[:, 8:])

    scorer = DetectorScorer(name, tiny.GEOMETRY)
    scorer.begin(20)
    warmup = scorer.score(some(20))
    assert np.isnan(warmup[:10]).all()
    assert np.isfinite(warmup[10:]).all()
    state, later = scorer.snapshot(), some(9)
    scores = scorer.score(later)
    for _ in range(2):
        loud = some(9)
        scorer.score(replace(loud, target=loud.target + 40))
        scorer.restore(state)
        assert np.array_equal(scorer.score(later), scores)


def test_detectors_score_the_clean_signal_as_the_device_does() -> None:
    table = windows({f"device-{name}": DetectorScorer(name, tiny.GEOMETRY) for name in PLAIN})
    clean = rows(table, kind="")
    plan = ObserverPlan.of(tiny.RECIPE, tiny_observer.detection(), inject=False)
    heard = listen(tiny_observer.spec(), plan.layout, plan.n_segments, needs_iq=False)
    device = Scorer(None, PLAIN, tiny.GEOMETRY, plan.n_warmup)
    segments = heard.segments(np.arange(plan.n_segments))
    starts = np.zeros(tiny.GEOMETRY.n_segment, np.int64)
    for number, (context, target) in enumerate(zip(segments.context, segments.target, strict=True)):
        found = {s.detector: s.value for s in device.score(Segment(context, target, starts))}
        row = rows(clean, segment=number)
        if len(found) and device.is_warm and len(row["mode"]):
            for name, scale in device.scales.items():
                raw = row[f"score:device-{name}"][0]
                expected = (raw - scale.mean) / scale.std
                assert found[name] == pytest.approx(expected, rel=1e-4, abs=1e-4)
    warmup = rows(clean, mode="warmup")
    taught = warmup["score:device-zscore"][plan.n_warmup // 2 :]
    assert device.scales["zscore"].mean == pytest.approx(taught.mean(), rel=1e-5)


def test_a_stronger_interferer_never_lowers_the_energy_score() -> None:
    # A cell far below the noise: where traffic moves the level, an interferer that fills a pause
    # makes it more usual.
    far = tiny_observer.spec(snr_db=-20.0, level_dbfs=-60.0)
    isrs_db = (20.0, 25.0, 30.0, 40.0)
    scorers = {"energy": DetectorScorer("energy", tiny.GEOMETRY)}
    table = rows(windows(scorers, far, isrs_db=isrs_db, faults=()), mode="persistent")
    by_isr = [rows(table, isr_db=isr_db)["score:energy"] for isr_db in isrs_db]
    assert len(by_isr[0]) == 8
    assert (np.diff(by_isr, axis=0) > 0).all()


def test_a_random_score_is_worth_nothing() -> None:
    scorers = {"random": fitted()["random"]}
    observers = [tiny_observer.spec(seed) for seed in range(4)]
    tables = [windows(scorers, o, isrs_db=(10.0, 20.0, 30.0)) for o in observers]
    normal, on_air = (
        np.concatenate([t["score:random"][(t["kind"] == "") == is_clean] for t in tables])
        for is_clean in (True, False)
    )
    # What is too loud is not scored.
    on_air = on_air[np.isfinite(on_air)]
    auc = (on_air[:, None] > normal).mean()
    # Four standard errors of Mann and Whitney's statistic.
    error = np.sqrt((len(normal) + len(on_air)) / (12 * len(normal) * len(on_air)))
    assert auc == pytest.approx(0.5, abs=4 * error)


def test_segments_with_flagged_frames_have_no_score_but_that_they_are() -> None:
    full = tiny_observer.spec(sample_format=SampleFormat.CU8, adc_bits=8, level_dbfs=-6.0)
    table = windows(observer=full, kinds=("wideband",), isrs_db=(-20.0, 30.0), faults=())
    weak, strong = (rows(table, isr_db=isr_db) for isr_db in (-20.0, 30.0))
    assert len(weak["mode"]) == len(strong["mode"]) == 8
    lasting = rows(strong, mode="persistent")
    for name, scores in lasting.items():
        if name.startswith("score:") and name != "score:overload":
            assert np.isnan(scores).all(), name
    assert (lasting["score:overload"] > 0.5).all()
    assert np.array_equal(lasting["score:overload"], lasting["flagged"].astype(np.float32))
    assert (weak["score:overload"] == 0.0).all()
    assert np.isfinite(weak["score:device-ewma"]).all()


def test_the_share_of_a_horizon_is_that_in_which_something_is_on_the_air() -> None:
    table = windows()
    assert (rows(table, kind="")["share"] == 0.0).all()
    assert (rows(table, mode="persistent")["share"] == 1.0).all()
    for mode in ("onset", "ended"):
        share = rows(table, mode=mode)["share"]
        assert ((share > 0.0) & (share < 1.0)).all()


def test_horizons_have_the_statistics_of_their_own_samples() -> None:
    observer = tiny_observer.spec()
    recipe = replace(tiny.RECIPE, hop_frames=3)
    layout = Layout.of(recipe)
    heard = listen(observer, layout, 300, needs_iq=True)
    assert heard.iq is not None
    assert len(heard.iq) == 300
    table = heard.segments(np.array([7, 123]))
    alone = listen(observer, layout, 124, needs_iq=True).segments(np.array([7, 123]))
    assert np.array_equal(table.iq_statistics("").kurtosis, alone.iq_statistics("").kurtosis)
    other = listen(observer, Layout.of(replace(recipe, hop_frames=12)), 3, needs_iq=True)
    assert np.array_equal(
        other.segments(np.array([2])).target[0], heard.segments(np.array([8])).target[0]
    )
    assert other.iq is not None
    assert np.array_equal(other.iq.kurtosis[2], heard.iq.kurtosis[8])
    assert other.iq.prefix[2] == heard.iq.prefix[8]


def test_fitted_scorers_can_be_sent_to_another_process() -> None:
    sent = pickle.loads(pickle.dumps(fitted()))
    assert_equal(windows(sent), windows())


def test_scorers_have_the_names_of_the_table_in_order() -> None:
    names = [name for name in windows() if name.startswith("score:")]
    detectors = (f"device-{name}" for name in tiny_observer.detection().detectors)
    expected = [*BASELINES, *detectors, "overload"]
    assert names == [f"score:{name}" for name in expected]
    assert windows()["score:random"].dtype == np.float32


def test_baselines_learn_from_all_train_observers_alike() -> None:
    specs = [replace(tiny_observer.spec(seed), duration_s=0.1) for seed in (11, 12)]
    train = [spectrogram(observer) for observer in specs]
    detection = tiny_observer.detection(baselines=("os-cfar",), detectors=())
    one, other = (
        fit_scorers(tiny.RECIPE, detection, observers, {}, 3)["os-cfar"]
        for observers in (train, train[::-1])
    )
    segments = concatenated(
        [listen(specs[0], tiny_observer.LAYOUT, 9, needs_iq=False).segments(np.arange(9))]
    )
    np.testing.assert_allclose(one.score(segments), other.score(segments), rtol=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"detectors": ("forecast",)}, "needs no model"),
        ({"detectors": ("radar",)}, "needs no model"),
        ({"baselines": ("lstm",)}, "unknown"),
        ({"baselines": ("spectral-kurtosis",)}, "looks at samples"),
    ],
)
def test_scorers_that_cannot_be_are_refused(changes: dict[str, object], message: str) -> None:
    train = [spectrogram(replace(tiny_observer.spec(11), duration_s=0.1))]
    with pytest.raises(UsageError, match=message):
        fit_scorers(tiny.RECIPE, tiny_observer.detection(**changes), train, {}, 3)


def test_every_forecaster_is_scored_by_every_discriminant_as_the_device_would() -> None:
    class Flat:
        n_calls = 0

        def errors_db(self, context: FloatArray, target: FloatArray) -> FloatArray:
            return np.zeros(len(target), np.float32)

        def forecast(self, context: FloatArray, target: FloatArray) -> FloatArray:
            self.n_calls += 1
            return np.full_like(target, -70.0)

    model, names = Flat(), ("rmse", "dtw:1", "percentile:90")
    train = [spectrogram(replace(tiny_observer.spec(11), duration_s=0.1))]
    detection = tiny_observer.detection(baselines=("context-mean", "pca"), discriminants=names)
    scorers = fit_scorers(tiny.RECIPE, detection, train, {"flat": model}, 3)
    # What does not forecast has no distance of a forecast.
    assert {name for name in scorers if "@" in name} == {
        f"{who}@{name}" for who in ("flat", "context-mean") for name in names
    }
    heard = listen(tiny_observer.spec(), Layout.of(tiny.RECIPE), 8, needs_iq=False)
    segments = heard.segments(heard.valid(0, 8))
    found = {name: scorers[name].score(segments) for name in scorers if "@" in name}
    assert model.n_calls == 1
    rms = scorers["context-mean"].score(segments)
    np.testing.assert_allclose(found["context-mean@rmse"], rms, rtol=1e-5)
    for name in names:
        distance = open_discriminant(name, tiny.GEOMETRY)
        expected = [distance(np.full_like(seen, -70.0), seen) for seen in segments.target]
        np.testing.assert_allclose(found[f"flat@{name}"], expected, rtol=1e-6)
    sent = pickle.loads(pickle.dumps(scorers["context-mean@dtw:1"]))
    np.testing.assert_array_equal(sent.score(segments), found["context-mean@dtw:1"])


def test_a_model_may_not_have_the_name_of_a_baseline() -> None:
    class Predictor:
        def errors_db(self, context: FloatArray, target: FloatArray) -> FloatArray:
            return np.zeros(len(target), np.float32)

        def forecast(self, context: FloatArray, target: FloatArray) -> FloatArray:
            return np.zeros_like(target)

    train = [spectrogram(replace(tiny_observer.spec(11), duration_s=0.1))]
    detection = tiny_observer.detection(baselines=("rss-deviation",))
    scorers = fit_scorers(tiny.RECIPE, detection, train, {"lstm": Predictor()}, 3)
    assert isinstance(scorers["rss-deviation"], BaselineScorer)
    assert next(iter(scorers)) == "lstm"
    with pytest.raises(UsageError, match="name it otherwise"):
        fit_scorers(tiny.RECIPE, detection, train, {"rss-deviation": Predictor()}, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warmup_s": 0.002}, "warmup_s"),
        ({"warmup_s": 0.01}, "make warmup_s longer"),
        ({"normal_s": 0.01}, "2 stretches take"),
        ({"kinds": ("jammer",)}, "jammer"),
        ({"faults": ("fire",)}, "fire"),
    ],
)
def test_what_cannot_be_measured_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        windows({}, **changes)
