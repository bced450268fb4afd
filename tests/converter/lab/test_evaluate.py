"""Experiments from the file to the tables."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from converter.cli import main
from converter.lab.engine.folder import WorkFolder
from converter.lab.engine.plan import make_plan
from converter.lab.engine.run import survey
from converter.lab.engine.task import canonical, task_keys
from converter.lab.experiment import Experiment
from converter.lab.observers import clean_twin, dataset_specs
from converter.lab.tables import read_table, write_table
from converter.lab.toml import load_experiment
from edgespec.config import DetectConfig
from edgespec.errors import ConfigError, SourceError
from edgespec.framing import Recipe
from tests.made import tiny_experiment, tiny_training
from tests.made.broker import PATIENCE_S, wait_for
from tests.made.tiny_experiment import parse_experiment

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = Path("/nonexistent")
#: Measured, so never the same twice.
TIMES = {"compute_ms", "told_ms"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def keys(experiment: Experiment) -> dict[str, str]:
    return task_keys(make_plan(experiment, NOWHERE).tasks)


def columns(folder: Path) -> dict[str, list[Any]]:
    table = read_table(folder)
    return {name: table[name].to_pylist() for name in table.schema.names}


def assert_equal_tables(one: Path, other: Path) -> None:
    for part in sorted(path.name for path in (one / "tables").iterdir()):
        first, second = columns(one / "tables" / part), columns(other / "tables" / part)
        assert first.keys() == second.keys()
        for name in first.keys() - TIMES:
            if any(isinstance(value, float) for value in first[name]):
                # Sums of float32 depend on the number of threads; None becomes NaN.
                values = (np.array(each[name], np.float64) for each in (first, second))
                np.testing.assert_allclose(*values, rtol=1e-3, atol=1e-5)
            else:
                assert first[name] == second[name], name


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "plain.toml"
    path.write_text(tiny_experiment.PLAIN)
    return path


def test_defaults_fill_what_a_file_does_not_say() -> None:
    experiment = parse_experiment(tiny_experiment.CHAIN)
    assert experiment.models["unified"].hyper == {"n_units": 4}
    assert experiment.models["cell-b-closed-form"].seconds == 0.3
    assert experiment.observers["unified"].calibration_s == 1.2
    assert experiment.observers["cell-b"].calibration_s == 0.4
    assert experiment.observers["cell-b"].train == 2
    assert experiment.populations["cell-b"].cells == ("B",)
    assert experiment.detections["main"].isrs_db == (0.0,)
    assert experiment.quantisations["unified-float16"].kind == "float16"
    more = tiny_experiment.CHAIN + "[defaults.transfers]\nepochs = 5\n"
    models = parse_experiment(more).models
    assert (models["unified"].epochs, models["cell-b-closed-form"].epochs) == (1, 5)


def test_a_population_may_be_heard_at_another_geometry() -> None:
    text = tiny_experiment.PLAIN + "[geometries.cell-b]\nsample_rate_hz = 2e6\n"
    experiment = parse_experiment(text)
    assert experiment.recipe_of("cell-b") == replace(experiment.geometry, sample_rate_hz=2e6)
    assert experiment.recipe_of("unified") == experiment.geometry


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "tiny"', 'nam = "tiny"', r"nam is no known key; did you mean 'name'"),
        ("seed = 1", "", "seed is missing"),
        ("seed = 1", "seed = -1", "seed is -1"),
        ("seed = 1", "seed = true", "seed is True; it must be a whole number"),
        ("n_fft = 64", "n_fft = 65", r"geometry\.n_fft is 65"),
        ("[populations.unified]", "[population.unified]", "did you mean 'populations'"),
        ("train_s = 0.3", "trains = 3", "defaults.observers.trains is no known key; did you"),
        ("train_s = 0.3", "train_s = 0.0", "train_s is 0; it must be at least"),
        ("train = 2", "train = 0", "observers.unified.train is 0"),
        ('cells = ["B"]', 'cell = ["B"]', "populations.cell-b.cell is no known key; did you mean"),
        ('cells = ["B"]', 'cells = ["Z"]', "populations.cell-b: the cell is 'Z'"),
        ('cells = ["B"]', 'cells = "B"', "must be a list, each a text"),
        ("[populations.cell-b]", '[populations."cell b"]', "is no name"),
        ("[defaults.models]", "[defaults.geometry]", "defaults.geometry is no known table"),
        ("[observers.unified]", "[observers.unifed]", "did you mean 'unified'"),
        ("{n_units = 4}", "{n_unit = 4}", "did you mean 'n_units'"),
        ("epochs = 1", "learning_rate = 0.0", r"learning_rate is 0\.0; it must be above 0"),
        ('teacher = "unified"', 'teacher = "teacher"', "no known model"),
        ('teacher = "unified"', 'teacher = "cell-b-closed-form"', "descends from itself"),
        ('teacher = "unified"', "", "needs both"),
        ('method = "closed-form"', 'method = "closed"', "did you mean 'closed-form'"),
        ("seconds = 0.3", "seconds = 0.7", "the train split of 'cell-b' has 0.6 s"),
        ('model = "unified"\n\n[pred', 'model = "x"\n\n[pred', "quantisations.unified-float16.mod"),
        ('["unified", "cell-b"]', '["unified", "cell-c"]', "did you mean 'cell-b'"),
        ('"unified-float16"]', '"unified-float"]', "did you mean 'unified-float16'"),
        ('baselines = ["last-frame"]', 'baselines = ["pcb"]', "did you mean 'pca'"),
        ('detectors = ["energy"]', 'detectors = ["model"]', "no known detector"),
        ('detectors = ["energy"]', 'detectors = ["residual"]', "no known detector"),
        ('kinds = ["tone"]', 'kinds = ["tune"]', "did you mean 'tone'"),
        ("isrs_db = [0.0]", 'isrs_db = [0.0]\nfaults = ["step"]', "faults: the fault is 'step'"),
        ("isrs_db = [0.0]", "isrs_db = []", "isrs_db is empty"),
        ("normal_s = 0.1", "normal_s = 0.001", "stretches take"),
        ("calibration_s = 1.2", "calibration_s = 0.2", "nothing would be left"),
        ("false_alarm_rate = 0.01", "false_alarm_rate = 1.0", "between 0 and 1"),
        ("false_alarm_rate = 0.01", "[real.x]\nfiles = []", "name a recording"),
        ("false_alarm_rate = 0.01", "[geometries.cell-b]\nn_fft = 128", "hears another geometry"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in tiny_experiment.CHAIN
    path = tmp_path / "wrong.toml"
    path.write_text(tiny_experiment.CHAIN.replace(old, new, 1))
    with pytest.raises(ConfigError, match=message) as error:
        load_experiment(path)
    assert str(error.value).startswith(str(path))
    done = run("evaluate", path, "--work", tmp_path / "work")
    assert (done.exit_code, (tmp_path / "work").exists()) == (3, False)


def test_episodes_are_monitored_as_by_default(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(tiny_experiment.CHAIN)
    assert load_experiment(path).episodes["device"].detectors == DetectConfig().detectors
    named = '[episodes.device]\ndetectors = ["residual", "cell", "zscore"]'
    path.write_text(tiny_experiment.CHAIN.replace("[episodes.device]", named))
    assert load_experiment(path).episodes["device"].detectors == ("residual", "cell", "zscore")
    path.write_text(tiny_experiment.CHAIN.replace("[episodes.device]", named.replace("ell", "all")))
    with pytest.raises(ConfigError, match="no known detector; did you mean 'cell'"):
        load_experiment(path)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_experiment(tmp_path / "missing.toml")
    (tmp_path / "a.toml").write_text("a = ")
    with pytest.raises(ConfigError, match="no valid TOML"):
        load_experiment(tmp_path / "a.toml")


@pytest.mark.parametrize("name", ["small", "full"])
def test_the_experiments_of_the_project_have_a_plan(name: str) -> None:
    experiment = load_experiment(ROOT / "benchmarks" / "experiments" / f"{name}.toml")
    plan = make_plan(experiment, NOWHERE)
    place = {task: number for number, task in enumerate(plan.tasks)}
    assert all(place[n] < place[t.name] for t in plan.tasks.values() for n in t.needs)
    folder = WorkFolder(NOWHERE)
    assert len({task.output(folder) for task in plan.tasks.values()}) == len(plan.tasks)


def test_keys_follow_what_determines_the_output_and_nothing_else() -> None:
    text = tiny_experiment.CHAIN
    before = keys(parse_experiment(text))

    def changed(old: str, new: str) -> set[str]:
        assert old in text
        after = keys(parse_experiment(text.replace(old, new)))
        assert after.keys() == before.keys()
        return {name for name, key in after.items() if key != before[name]}

    assert changed('name = "tiny"', 'name = "other"') == set()
    assert changed("seed = 1", "seed = 2") == before.keys()
    assert changed("n_horizon = 4", "n_horizon = 2") == before.keys()
    transfer = {"transfer.cell-b-closed-form"}
    tables = {"prediction.figure-8.unified", "prediction.figure-8.cell-b"}
    assert changed("seconds = 0.3", "seconds = 0.2") == transfer | tables
    moved = changed('cells = ["B"]', 'cells = ["C"]')
    assert moved == transfer | tables | {name for name in before if ".cell-b." in name} | {
        "dataset.cell-b"
    }
    played = {name for name in before if name.startswith("episodes.")}
    assert changed("normal_s = 0.5", "normal_s = 0.6") == played


def test_a_folder_of_an_earlier_version_goes_on() -> None:
    # Whoever changes a key on purpose raises the version of that task, and then this.
    found = keys(parse_experiment(tiny_experiment.CHAIN))
    text = "".join(f"{name} {key}\n" for name, key in sorted(found.items()))
    expected = "f6cd088a34893f427a83e8f041120bfc8df6971befd35232eee225f7ed16fe52"
    assert hashlib.sha256(text.encode()).hexdigest() == expected


def test_a_field_that_came_later_changes_keys_only_where_it_is_used() -> None:
    text = tiny_experiment.CHAIN
    spec = parse_experiment(text).models["unified"]
    assert "hop_frames" not in canonical(spec)
    assert canonical(replace(spec, hop_frames=2))["hop_frames"] == 2
    used = keys(parse_experiment(text.replace("epochs = 1", "epochs = 1\nhop_frames = 2", 1)))
    assert used["train.unified"] != keys(parse_experiment(text))["train.unified"]


def test_canonical_forgets_the_last_digits_of_a_float() -> None:
    recipe = Recipe(1e6)
    near = replace(recipe, sample_rate_hz=np.nextafter(1e6, 2e6).item())
    assert canonical(recipe) == canonical(near) != canonical(replace(recipe, n_fft=64))
    with pytest.raises(TypeError, match="object"):
        canonical(object())


def test_observers_of_all_splits_differ() -> None:
    plan = make_plan(parse_experiment(tiny_experiment.CHAIN), NOWHERE)
    specs = [task.spec for task in plan.tasks.values() if hasattr(task, "spec")]
    scenes = {canonical_text(spec.scene): spec.seed for spec in specs}
    # Data sets of two populations, then calibration and test, which tables share.
    assert len(scenes) == len({spec.seed for spec in specs}) == 3 + 3 + 2 + 2


def canonical_text(value: Any) -> str:
    return json.dumps(canonical(value), sort_keys=True)


def test_poisoned_observers_are_the_clean_ones_but_for_the_interferers() -> None:
    text = tiny_experiment.PLAIN + "[populations.poisoned]\ncontamination = 0.05\n"
    experiment = parse_experiment(text)
    assert clean_twin(experiment, "poisoned") == "unified"
    assert clean_twin(experiment, "unified") == "unified"
    clean, poisoned = (dataset_specs(experiment, name) for name in ("unified", "poisoned"))
    for split, specs in clean.items():
        assert all(spec.scene.interferers for spec in poisoned[split])
        bare = [replace(s, scene=replace(s.scene, interferers=())) for s in poisoned[split]]
        assert bare == specs


def test_poisoned_observers_without_a_clean_population_are_their_own() -> None:
    text = tiny_experiment.PLAIN + '[populations.poisoned]\nband = "b2"\ncontamination = 0.05\n'
    assert clean_twin(parse_experiment(text), "poisoned") == "poisoned"


def test_what_nothing_asks_for_is_not_planned() -> None:
    plan = make_plan(parse_experiment(tiny_experiment.PLAIN), NOWHERE)
    assert "dataset.unified" in plan.tasks
    # Detectors of the device learn on the spot.
    assert not any(name.startswith(("dataset.cell-b", "simulate.cell-b")) for name in plan.tasks)


def test_real_recordings_that_are_not_there_are_noted(tmp_path: Path) -> None:
    text = tiny_experiment.PLAIN + '[real.captures]\nfiles = ["lte_*", "noise"]\n'
    experiment = parse_experiment(text)
    plan = make_plan(experiment, tmp_path)
    assert "real.captures" not in plan.tasks
    assert "lte_*, noise" in plan.notes[0]
    (tmp_path / "lte_1.sigmf-data").write_bytes(b"one")
    found = make_plan(experiment, tmp_path)
    assert [name for name, _ in found.tasks["real.captures"].files] == ["lte_1"]  # type: ignore[attr-defined]
    key = task_keys(found.tasks)["real.captures"]
    (tmp_path / "lte_1.sigmf-data").write_bytes(b"two")
    assert task_keys(make_plan(experiment, tmp_path).tasks)["real.captures"] != key


def test_dry_run_lists_and_does_nothing(plain: Path, tmp_path: Path) -> None:
    done = run("evaluate", plain, "--work", tmp_path / "work", "--dry-run", "--json")
    assert done.exit_code == 0, done.stderr
    tasks = [json.loads(line) for line in done.stdout.splitlines()]
    assert {task["to_do"] for task in tasks} == {True}
    assert len(tasks) == 3 + 1 + 4 + 4
    assert not (tmp_path / "work").exists()


@pytest.mark.slow_without_jit
def test_a_run_fills_its_tables_and_the_next_one_finds_them(plain: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    done = run("evaluate", plain, "--work", work, "--json")
    assert done.exit_code == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["done"] * 12 + ["end"]
    assert lines[0]["progress"]["n_total"] == 12
    table = columns(work / "tables" / "detection")
    assert set(table["split"]) == {"calibration", "test"}
    assert set(table["kind"]) == {"", "tone", "power-step:3"}
    modes = {"warmup", "normal", "onset", "persistent", "ended"}
    assert set(table["mode"]) == modes
    assert {"score:random", "score:linear-ar", "score:device-zscore"} <= table.keys()
    assert (work / "experiment.toml").read_text() == plain.read_text()
    marker = WorkFolder(work).finished("simulate.unified.train-static-000")
    assert marker.cpu_s > 0
    again = run("evaluate", plain, "--work", work)
    assert "0 tasks done, 12 up to date" in again.stdout
    # What is no longer asked for goes out of the report's sight, and comes back.
    plain.write_text(tiny_experiment.PLAIN.replace("[detections.cell-b]", "[detections.b]"))
    renamed = run("evaluate", plain, "--work", work)
    assert "4 tasks done, 8 up to date" in renamed.stdout
    assert set(columns(work / "tables" / "detection")["detection"]) == {"main", "b"}


@pytest.mark.slow_without_jit
def test_a_failed_observer_leaves_the_others_alone(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from converter.lab.measures.windows import window_scores

    plain.write_text(tiny_experiment.PLAIN.replace('"random", "last-frame", "linear-ar"', ""))
    original = window_scores.observer_windows

    def fragile(spec: Any, geometry: Any, detection: Any, *args: Any, **options: Any) -> Any:
        if detection.name == "cell-b" and options["inject"]:
            raise SourceError("no luck")
        return original(spec, geometry, detection, *args, **options)

    monkeypatch.setattr(window_scores, "observer_windows", fragile)
    done = run("evaluate", plain, "--work", tmp_path / "work")
    assert done.exit_code == 1
    assert "6 tasks done, 0 up to date, 2 failed" in done.stdout
    assert "failed detection.cell-b.test-0-static-000: no luck" in done.stderr
    assert "Traceback" not in done.stderr
    monkeypatch.undo()
    again = run("evaluate", plain, "--work", tmp_path / "work")
    assert (again.exit_code, "2 tasks done, 6 up to date" in again.stdout) == (0, True)


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An experiment of which most is still to do after two tasks, and a run of it to the end."""
    folder = tmp_path_factory.mktemp("longer")
    text = tiny_experiment.PLAIN.replace("train_s = 0.3", "train_s = 1.5")
    path, whole = folder / "plain.toml", folder / "whole"
    path.write_text(text.replace("calibration_s = 0.4", "calibration_s = 1.0"))
    assert run("evaluate", path, "--work", whole).exit_code == 0
    return path, whole


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_stopped_goes_on(
    longer: tuple[Path, Path], tmp_path: Path, signal_number: int
) -> None:
    (plain, whole), work = longer, tmp_path / "work"
    # A suite that a shell runs in the background ignores Ctrl-C, and so would its children.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "converter", "evaluate"]
    command += [str(plain), "--workers", "2"]
    process = subprocess.Popen(
        [*command, "--work", str(work)], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True
    )
    wait_for_markers(work, 2)
    # As a terminal does it, Ctrl-C reaches the workers too.
    os.killpg(process.pid, signal_number) if signal_number == signal.SIGINT else process.kill()
    _, message = process.communicate(timeout=PATIENCE_S)
    if signal_number == signal.SIGINT:
        assert process.returncode == 130
        assert b"run the same command again" in message
        assert b"Traceback" not in message
    finished = markers(work)
    assert 2 <= len(finished) < 12
    if signal_number == signal.SIGINT:
        done = subprocess.run(
            [*command, "--work", str(work)], cwd=ROOT, capture_output=True, check=True, text=True
        )
        said = done.stdout
    else:
        # Without the workers, who leave nothing that only they could go on with.
        said = run("evaluate", plain, "--work", work).stdout
    assert f"{12 - len(finished)} tasks done, {len(finished)} up to date" in said
    assert {name: stamp for name, stamp in markers(work).items() if name in finished} == finished
    assert_equal_tables(work, whole)
    assert not (work / "tmp").exists()


def wait_for_markers(work: Path, n: int) -> None:
    wait_for(lambda: len(markers(work)) >= n, f"{n} tasks are done")


def markers(work: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (work / "done").glob("[!.]*.json")}


# Three runs, and TensorFlow is loaded anew ten times.
@pytest.mark.timeout(900)
@pytest.mark.converter
@pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS)
def test_the_whole_chain_is_the_same_wherever_it_runs(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    path = tmp_path / "chain.toml"
    path.write_text(tiny_experiment.CHAIN)
    here, cluster = (tmp_path / name for name in ("here", "cluster"))
    done = run("evaluate", path, "--work", here)
    assert done.exit_code == 0, done.stderr
    # In processes of this machine a plain one runs above, stopped and gone on with.
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as local:
        command = ("evaluate", path, "--work", cluster, "--scheduler", local.scheduler_address)
        assert run(*command).exit_code == 0
    assert_equal_tables(here, cluster)
    prediction = columns(here / "tables" / "prediction")
    pairs = set(zip(prediction["model"], prediction["population"], strict=True))
    assert len(pairs) == 4
    # Data that are gone are not made again for models that are there.
    for path_of_data in (here / "data" / "unified").iterdir():
        path_of_data.unlink()
    assert "0 tasks done" in run("evaluate", path, "--work", here).stdout


def test_tables_are_read_as_one(tmp_path: Path) -> None:
    write_table(tmp_path / "a" / "1.parquet", {"kind": ["", "tone"], "score:x": [1.0, 2.0]})
    write_table(tmp_path / "a" / "2.parquet", {"kind": ["tone"], "score:y": [3.0]})
    table = read_table(tmp_path / "a")
    assert table["kind"].to_pylist() == ["", "tone", "tone"]
    assert table["score:x"].to_pylist() == [1.0, 2.0, None]
    assert str(table.schema.field("score:y").type) == "float"
    with pytest.raises(SourceError, match="holds no table"):
        read_table(tmp_path / "b")
    (tmp_path / "a" / "3.parquet").write_bytes(b"half")
    with pytest.raises(SourceError, match=r"3\.parquet"):
        read_table(tmp_path / "a")


def test_a_plan_is_surveyed_without_a_folder() -> None:
    plan = make_plan(parse_experiment(tiny_experiment.PLAIN), NOWHERE)
    assert survey(plan.tasks, WorkFolder(NOWHERE)).to_do == plan.tasks.keys()
