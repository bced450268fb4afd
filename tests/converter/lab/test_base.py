"""What an experiment file takes from another one, and what it says in its place."""

from pathlib import Path

import pytest

from converter.lab.base import base_files
from converter.lab.engine.folder import WorkFolder
from converter.lab.engine.plan import make_plan
from converter.lab.toml import load_experiment
from edgespec.errors import ConfigError
from tests.made import tiny_experiment

NOWHERE = Path("/nowhere")
ROOT = Path(__file__).resolve().parents[3]


def written(folder: Path, **files: str) -> Path:
    """The first of some experiment files, with all of them in a folder."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder / f"{next(iter(files))}.toml"


def test_a_file_that_only_names_its_base_is_the_base(tmp_path: Path) -> None:
    path = written(tmp_path, own='base = "tiny.toml"', tiny=tiny_experiment.CHAIN)
    assert load_experiment(path) == tiny_experiment.parse_experiment(tiny_experiment.CHAIN)


def test_what_is_said_again_holds_and_what_is_not_stays(tmp_path: Path) -> None:
    old = tiny_experiment.parse_experiment(tiny_experiment.CHAIN)
    text = (
        'base = "tiny.toml"\nname = "own"\n[defaults.populations]\nband = "b2"\n'
        '[populations.cell-b]\nband = "b5"\n[models.unified]\nepochs = 7\n'
    )
    new = load_experiment(written(tmp_path, own=text, tiny=tiny_experiment.CHAIN))
    assert (new.name, new.seed) == ("own", old.seed)
    assert new.models["unified"].epochs == 7 != old.models["unified"].epochs
    assert new.models["unified"].n_windows == old.models["unified"].n_windows
    # A default of the extending file holds for records of the base, too; a record's own goes first.
    assert new.populations["unified"].band == "b2"
    assert new.populations["cell-b"] == old.populations["cell-b"]
    assert new.detections == old.detections


def test_what_is_left_out_is_not_there_and_lists_are_replaced(tmp_path: Path) -> None:
    old = tiny_experiment.parse_experiment(tiny_experiment.CHAIN)
    model = next(iter(old.quantisations))
    text = (
        f'base = "tiny.toml"\nwithout = ["episodes", "quantisations.{model}"]\n'
        '[detections.main]\nmodels = ["unified"]\n'
    )
    new = load_experiment(written(tmp_path, own=text, tiny=tiny_experiment.CHAIN))
    assert not new.episodes
    assert old.episodes
    assert new.quantisations.keys() == old.quantisations.keys() - {model}
    assert new.detections["main"].models == ("unified",) != old.detections["main"].models
    assert new.detections["main"].kinds == old.detections["main"].kinds


def test_a_base_may_have_a_base(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        third='base = "second.toml"\nseed = 3',
        second='base = "tiny.toml"\nseed = 2\nname = "second"',
        tiny=tiny_experiment.CHAIN,
    )
    experiment = load_experiment(path)
    assert (experiment.name, experiment.seed) == ("second", 3)
    assert [file.name for file in base_files(path)] == ["second.toml", "tiny.toml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "own.toml"', "own.toml extends own.toml; let one of them stand by itself"),
        ('base = "other.toml"', "other.toml: base is 'experiment.toml', which is how a run keeps"),
        ('base = "gone.toml"', "gone.toml.*cannot be read"),
        ('base = "../tiny.toml"', "base is '../tiny.toml'; give a TOML file of the same folder"),
        ("base = 3", "base is 3; give a TOML file of the same folder"),
        ('base = ""', "base is ''; give"),
        ('base = "lock"', "base is 'lock'; give a TOML file"),
        ('without = ["episodes"]', "without is what a base has too much; name a base"),
        ('base = "tiny.toml"\nwithout = "episodes"', "without is 'episodes'; give tables"),
        ('base = "tiny.toml"\nwithout = [1]', r"without is \[1\]; give tables"),
        ('base = "tiny.toml"\nwithout = ["episode"]', "did you mean 'episodes'"),
        ('base = "tiny.toml"\nwithout = ["models.unifed"]', "did you mean 'models.unified'"),
        ('base = "tiny.toml"\nwithout = ["name.x"]', "without has 'name.x', which the base does"),
        ('base = "tiny.toml"\nwithout = [""]', "without has ''"),
        ('base = "tiny.toml"\nwithout = ["models.unified"]', "no known model"),
    ],
)
def test_what_is_wrong_with_a_base_is_said(tmp_path: Path, text: str, message: str) -> None:
    files = {"own": text, "tiny": tiny_experiment.CHAIN, "other": 'base = "experiment.toml"'}
    with pytest.raises(ConfigError, match=message):
        load_experiment(written(tmp_path, **files))


def test_two_that_extend_each_other_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, a='base = "b.toml"', b='base = "a.toml"')
    with pytest.raises(ConfigError, match=r"a\.toml extends b\.toml extends a\.toml"):
        load_experiment(path)


def test_a_work_folder_keeps_what_its_experiment_extends(tmp_path: Path) -> None:
    path = written(tmp_path, own='base = "tiny.toml"\nseed = 3', tiny=tiny_experiment.CHAIN)
    folder = WorkFolder(tmp_path / "work")
    folder.keep_experiment(path)
    kept = folder.path / "experiment.toml"
    assert load_experiment(kept) == load_experiment(path)
    # Run once more from its own folder, it keeps itself.
    folder.keep_experiment(kept)
    assert load_experiment(kept) == load_experiment(path)


def test_the_claims_are_asked_alike_in_both_settings() -> None:
    folder = ROOT / "benchmarks" / "experiments"
    full, other = (load_experiment(folder / f"{n}.toml") for n in ("full", "full-li2019"))
    assert full.seed != other.seed
    downlinks = {n: p for n, p in other.populations.items() if p.direction == "dl"}
    assert {population.setting for population in downlinks.values()} == {"li2019"}
    for table in ("observers", "models", "predictions", "detections"):
        ours, theirs = getattr(other, table), getattr(full, table)
        assert ours.keys() <= theirs.keys()
        differ = {name for name in ours if ours[name] != theirs[name]}
        assert differ <= {"main", "ablation"}
    assert make_plan(other, NOWHERE).tasks
