"""The report beside the paper: its verdicts, tables and figures."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.papers.li2019 import published
from benchmarks.papers.li2019.__main__ import main
from benchmarks.papers.li2019.claims.claims import CLAIMS
from benchmarks.papers.li2019.figures.learning import learning_curves
from benchmarks.papers.li2019.figures.spectrogram import draw_forecast
from benchmarks.papers.li2019.paper_report import write_paper
from converter.report.document import Picture
from converter.report.results import Results
from converter.training.modeldir import SCHEMA, ModelCard
from edgespec.decode import table_of
from edgespec.errors import SourceError
from edgespec.framing import Recipe
from tests.made.tables import EXPERIMENT, RIGHT, experiment, write_all

pytestmark = pytest.mark.converter


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an experiment in ``work`` and its report in ``out``, for all to read."""
    folder = tmp_path_factory.mktemp("paper")
    work = write_all(folder / "work")
    answer = CliRunner().invoke(main, [str(work), "-o", str(folder / "out")])
    assert answer.exit_code == 0, answer.output
    return folder


def test_the_whole_report(reported: Path) -> None:
    out = reported / "out"
    text = (out / "report.md").read_text(encoding="utf-8")
    assert "python -m benchmarks.papers.li2019 work -o out" in text
    for claim in CLAIMS:
        assert claim.text in text
        assert claim.rule in text
    for table in ("Table 1(a)", "Table 1(b)", "Table 1(c)", "Table 2", "Table 3"):
        assert table in text
    # The paper's own figures stand beside ours.
    assert "5.21 (12.74)" in text
    assert "3.14 (0.78)" in text
    assert "53 to 60" in text
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert pictures == [f"figure-{n}.png" for n in (4, 5, 8, 9, 10, 11, 12, 13)]
    for name in pictures:
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    assert "Figure 7 is left out" in text
    document = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert document["facts"]["claims"]["reuse-error"]["verdict"] == "confirmed"


def test_verdicts_of_two_runs_stand_beside_each_other(tmp_path: Path, reported: Path) -> None:
    worse = write_all(tmp_path / "two", replace(RIGHT, auto_ratio=0.7))
    other = reported / "out" / "report.json"
    command = [str(worse), "-o", str(tmp_path / "out"), "--beside", str(other)]
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 0, answer.output
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| The autoencoder .*\| not confirmed \|.*$", text, flags=re.M)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == "not confirmed"
    assert cells[3] == "confirmed"
    assert "given the horizon itself" in cells[5]
    assert "1 not confirmed here and confirmed there" in text


def test_what_is_no_report_is_not_set_beside(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text('{"facts": {}}', encoding="utf-8")
    with pytest.raises(SourceError, match=r"has no facts.claims: give the report.json"):
        write_paper(tmp_path, tmp_path / "out", other=path)


def test_learning_curves_are_of_what_learns_from_scratch(tmp_path: Path) -> None:
    known = {"val_losses": [0.5, 0.25], "best_epoch": 2}
    for name in ("unified", "bare", "b-300s"):
        card = ModelCard(name, "lstm", "forecast", "sigmoid", Recipe(5e6), known)
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        data = {"schema": SCHEMA, **table_of(card)}
        (folder / "training.json").write_text(json.dumps(data), encoding="utf-8")
    picture = learning_curves(Results.read(experiment(), tmp_path), tmp_path)
    assert isinstance(picture, Picture)
    # The third is a transfer; those that were not trained have no curve.
    assert picture.figures == {"unified": known, "bare": known}
    assert (tmp_path / picture.file).read_bytes().startswith(b"\x89PNG")


def test_an_experiment_without_tables_gives_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(EXPERIMENT, encoding="utf-8")
    text = write_paper(tmp_path, tmp_path / "out").read_text(encoding="utf-8")
    assert f"{len(CLAIMS)} not testable here" in text
    assert "confirmed**" not in text
    assert text.count("eft out") >= 12
    assert not list((tmp_path / "out").glob("*.png"))


def test_an_experiment_of_nothing_gives_a_report(tmp_path: Path) -> None:
    bare = EXPERIMENT.partition("[populations.home]")[0] + "[populations]\n[models]\n"
    (tmp_path / "experiment.toml").write_text(bare, encoding="utf-8")
    text = write_paper(tmp_path, tmp_path / "out").read_text(encoding="utf-8")
    assert "no unified model" in text


@pytest.mark.parametrize("missing", ["prediction", "detection"])
def test_each_kind_of_table_may_be_missing(missing: str, tmp_path: Path, reported: Path) -> None:
    work = Path(shutil.copytree(reported / "work", tmp_path / "work"))
    shutil.rmtree(work / "tables" / missing)
    assert write_paper(work, tmp_path / "out").is_file()


def test_papers_tables_are_whole() -> None:
    assert len(published.PLACES) == 4 * 4
    assert len(published.TIMES) == 3 * 3
    assert len(published.MOBILITY) == 4 * 4
    assert str(published.PLACES["place 2", "place 1"]) == "5.21 (12.74)"
    assert str(published.PLACES["unified", "mixed"]) == "2.59 (0.23)"
    assert str(published.MOBILITY["unified", "mixed"]) == str(published.UNIFIED)


def test_figure_7_is_drawn(tmp_path: Path, rng: np.random.Generator) -> None:
    truth = rng.normal(-60, 5, (200, 128)).astype(np.float32)
    path = tmp_path / "figure-7.png"
    draw_forecast(truth, truth + 1, 0.000256, 5e6, path)
    assert path.read_bytes().startswith(b"\x89PNG")
