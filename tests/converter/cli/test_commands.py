"""The commands of the training side: what they print and how they end."""

import json
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from converter.cli import main
from converter.data.dataset import load_dataset, load_part
from edgespec import errors
from edgespec.clickglue import EdgespecGroup
from edgespec.framing import Recipe
from edgespec.inference.bundle import load_bundle
from tests.converter.data.test_dataset import tone_in_noise, write_sigmf
from tests.made import tiny, tiny_training

SIZES = ["--n-fft", "64", "--averages", "4", "--context", "8", "--horizon", "4"]
ERRORS = [getattr(errors, name) for name in errors.__all__]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def write_recordings(folder: Path, rng: np.random.Generator, n_frames: int = 60) -> list[str]:
    """Tones that move from frame to frame, so that no recording is noise only."""
    n = tiny.RECIPE.samples_in(n_frames)
    return [
        write_sigmf(folder, name, tone_in_noise(rng, n, 20 + i) * (1 + np.arange(n) // 256 % 3))
        for i, name in enumerate(["t1", "t2", "v", "c", "x"])
    ]


def test_the_command_line_does_not_load_tensorflow() -> None:
    code = (
        "import sys, converter.cli; "
        "print([m for m in ('tensorflow', 'keras', 'h5py', 'numba', 'ai_edge_litert') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [[], *([name] for name in main.commands)], ids=str)
def test_every_command_has_help(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_is_its_message_and_its_exit_code(error: type[errors.EdgespecError]) -> None:
    @click.group(cls=EdgespecGroup)
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise error("the sentence")

    result = CliRunner().invoke(group, ["fail"])
    assert result.exit_code == error.exit_code
    assert result.stderr == "Error: the sentence\n"
    assert result.stdout == ""


def test_dataset(tmp_path: Path, rng: np.random.Generator) -> None:
    recordings = write_recordings(tmp_path, rng)
    split = ["--train", "t?", "--validation", "v", "--calibration", "c", "--test", "x"]
    result = run("dataset", *recordings, "-o", tmp_path / "set", *SIZES, *split, "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    dataset = load_dataset(tmp_path / "set")
    assert answer["sha256"] == dataset.sha256
    assert answer["frames"] == {"train": 120, "validation": 60, "calibration": 60, "test": 60}
    assert dataset.recipe == Recipe(1e6, 64, 4, "hann", 8, 4, 4)
    assert "t1: 60 frames" in result.stderr
    text = run("dataset", *recordings, "-o", tmp_path / "again", *SIZES, *split)
    assert "train: 2 recordings, 120 frames" in text.stdout


def test_dataset_by_shares_and_in_time(tmp_path: Path, rng: np.random.Generator) -> None:
    recordings = write_recordings(tmp_path, rng, n_frames=400)
    assert run("dataset", *recordings, "-o", tmp_path / "a", *SIZES).exit_code == 0
    assert load_dataset(tmp_path / "a").split_method["kind"] == "fraction"
    one = run("dataset", recordings[0], "-o", tmp_path / "b", *SIZES, "--split-time")
    assert one.exit_code == 0, one.stderr
    assert len(load_dataset(tmp_path / "b").parts) == 4
    assert "too few" not in one.stderr
    few = run("dataset", *recordings[:2], "-o", tmp_path / "c", *SIZES)
    assert few.exit_code == 0, few.stderr
    assert "2 recordings are too few to be split by recording" in few.stderr
    assert load_dataset(tmp_path / "c").split_method["kind"] == "time"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["dataset", "missing", "-o", "set", "--split-time"], 4, "missing"),
        (["dataset", "a", "b", "-o", "set"], 4, "each is cut in time"),
        (["dataset", "a", "-o", "set", "--train", "z"], 2, "belongs to no split"),
        (["dataset", "a", "-o", "set", "--train", "a", "--split-time"], 2, "exclude"),
        (["dataset", "a", "-o", "set", "--fractions", "1,x"], 2, "--fractions"),
        (["dataset", "-o", "set"], 2, "RECORDINGS"),
        (["simulate", "-o", "x", "--population", "band = b7"], 2, "write it as"),
        (["simulate", "-o", "x", "--population", "hours = 7"], 2, "must be a list of 2"),
        (["simulate", "-o", "x", "--population", "height = 7"], 2, "known are direction"),
        (["simulate", "-o", "x", "--population", "band = 'b9'"], 2, "known are b12"),
        (["simulate", "-o", "x", "--population", "", "--mixture", "varied"], 2, "excludes"),
        (["simulate", "-o", "x", "--frames"], 2, "cannot fill 4 splits"),
        (["train", "missing", "-o", "model"], 4, r"dataset.json"),
        (["train", "missing", "-o", "model", "--architecture", "x"], 2, "lstm, autoencoder"),
        (["quantize", "missing", "-o", "x.edgespec"], 5, "training.json"),
        (["quantize", "missing", "-o", "x.edgespec", "--kind", "int4"], 2, "int4"),
        (["import-keras", "missing.h5", "-o", "model"], 5, "missing.h5"),
        (["import-keras", "missing.h5", "-o", "model", "--sample-rate", "x"], 2, "--sample-rate"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_its_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    exit_code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.converter
@pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS)
def test_from_recordings_to_a_bundle(tmp_path: Path, rng: np.random.Generator) -> None:
    recordings = write_recordings(tmp_path, rng, n_frames=200)
    split = ["--train", "t?", "--validation", "v", "--calibration", "c", "--test", "x"]
    assert run("dataset", *recordings, "-o", tmp_path / "set", *SIZES, *split).exit_code == 0
    trained = run(
        *(
            "train",
            tmp_path / "set",
            "-o",
            tmp_path / "model",
            "--units",
            8,
            "--epochs",
            2,
            "--json",
        )
    )
    assert trained.exit_code == 0, trained.stderr
    events = [json.loads(line) for line in trained.stdout.splitlines()]
    assert [event["event"] for event in events] == ["epoch", "epoch", "trained"]
    assert events[-1]["best_val_loss"] == min(event["val_loss"] for event in events[:2])
    bundle = tmp_path / "x.edgespec"
    done = run(
        *("quantize", tmp_path / "model", "-o", bundle, "--kind", "int8"),
        *("--dataset", tmp_path / "set", "--json"),
    )
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["sha256"] == load_bundle(bundle).sha256
    assert answer["bytes"] == bundle.stat().st_size
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in answer["operators"]


@pytest.mark.converter
@pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS)
def test_progress_is_a_line_an_epoch(tmp_path: Path) -> None:
    result = run(
        *("train", tiny_training.dataset().folder, "-o", tmp_path / "model"),
        *("--architecture", "autoencoder", "--epochs", 2),
        *("--windows", 30),
    )
    assert result.exit_code == 0, result.stderr
    assert [
        line.split(":")[0] for line in result.stderr.splitlines() if line.startswith("epoch")
    ] == [
        "epoch 1/2",
        "epoch 2/2",
    ]
    assert "validation loss" in result.stdout
    assert ", 30 windows, " in result.stdout
    done = run("quantize", tmp_path / "model", "-o", tmp_path / "x.edgespec")
    assert done.exit_code == 0, done.stderr
    assert "error against Keras" in done.stdout


SHORT = ["--sample-rate", "1.92M", "--duration", "0.05"]


def test_simulate_writes_the_same_with_any_number_of_workers(tmp_path: Path) -> None:
    for folder, workers in (("one", 1), ("two", 2)):
        done = run("simulate", "-o", tmp_path / folder, *SHORT, "--workers", workers, "--json")
        assert done.exit_code == 0, done.stderr
        assert "3/3 sim-drive-002: 0.05 s" in done.stderr
        assert len(json.loads(done.stdout)["recordings"]) == 3
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.parametrize("workers", [1, 2])
def test_simulated_frames_are_those_of_the_recordings(tmp_path: Path, workers: int) -> None:
    text = 'contamination = 0.5, contexts = ["walk", "static"]'
    what = [*SHORT, "--observers", "4", "--seed", "3", "--population", text]
    made = run(
        *("simulate", "-o", tmp_path / "set", *what, "--frames", *SIZES, "--workers", workers),
        "--json",
    )
    assert made.exit_code == 0, made.stderr
    assert run("simulate", "-o", tmp_path / "iq", *what).exit_code == 0
    recordings = sorted((tmp_path / "iq").glob("*.sigmf-meta"))
    again = ["dataset", *recordings, "-o", tmp_path / "again", *SIZES, "--seed", "3"]
    assert run(*again).exit_code == 0
    direct, through = load_dataset(tmp_path / "set"), load_dataset(tmp_path / "again")
    assert json.loads(made.stdout)["sha256"] == direct.sha256
    assert direct.recipe == through.recipe
    assert direct.split_method == through.split_method
    splits = {part.name: part.split for part in direct.parts}
    assert splits == {part.name: part.split for part in through.parts}
    parts = {part.name: part for part in through.parts}
    for part in direct.parts:
        ours, theirs = load_part(direct, part), load_part(through, parts[part.name])
        np.testing.assert_array_equal(ours.power_dbfs, theirs.power_dbfs)
        np.testing.assert_array_equal(ours.flags, theirs.flags)
        np.testing.assert_array_equal(ours.tick_start, theirs.tick_start)
