"""A site that has changed for good: what was learnt of it goes, and is learnt anew."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edgespec.cli import main
from edgespec.observer.forgetting import Forgetting, forget_files
from edgespec.observer.kept.calibrated import calibration_path
from edgespec.observer.kept.kept import kept_file
from edgespec.observer.kept.kept_band import rhythm_file
from edgespec.observer.kept.kept_cell import cell_file
from edgespec.observer.kept.kept_cells import file_of_cell
from edgespec.observer.kept.kept_scales import scales_file
from edgespec.observer.kept.kept_site import site_file
from edgespec.observer.scoring.yardstick import Terms
from edgespec.records import Event
from tests.made import band
from tests.made.tape import Notebook, Tape, monitor_for

RANGE_HZ = (98e6, 100e6)


def files_of(folder: Path, band_id: str) -> list[Path]:
    """Return every file in which something learnt of a band is kept, written with a few bytes."""
    places = [
        made(folder, band_id, "rtlsdr:", 20.0, RANGE_HZ)
        for made in (rhythm_file, cell_file, scales_file)
    ]
    site = site_file(folder, band_id, "rtlsdr:", 20.0)
    paths = [one.path for one in (*places, site) if one is not None]
    paths += [kept_file(folder, band_id, "rtlsdr:", 20.0).path, calibration_path(folder, band_id)]
    assert len(paths) == 6
    paths += [file_of_cell(path, "lte-12") for path in paths]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"what was learnt")
    return paths


def test_all_of_a_band_goes_and_nothing_of_another(tmp_path: Path) -> None:
    mine, others = files_of(tmp_path, "fm"), files_of(tmp_path, "ism")
    found = forget_files(tmp_path, "fm")
    assert not any(path.exists() for path in mine)
    assert all(path.exists() for path in others)
    assert sum(found.values()) == len(mine)
    assert set(found) == {
        "rhythm", "last warm-up", "slow levels", "cells", "scales in cells", "calibration"
    }  # fmt: skip
    assert forget_files(tmp_path, "fm") == {}


def test_an_observer_is_told_once_and_one_that_starts_later_is_not(tmp_path: Path) -> None:
    fm, ism = (Forgetting(tmp_path, name, Terms) for name in ("fm", "ism"))
    assert not fm.is_asked()
    forget_files(tmp_path, "fm")
    assert fm.is_asked()
    assert not fm.is_asked()
    assert not ism.is_asked()
    later = Forgetting(tmp_path, "fm", Terms)
    assert not later.is_asked()
    forget_files(tmp_path, "fm")
    assert fm.is_asked()
    assert later.is_asked()


def test_an_observer_that_runs_learns_anew_and_who_is_there_then_is_normal(
    rng: np.random.Generator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A tone comes and stays: told until somebody says that the site has changed."""
    caplog.set_level(logging.WARNING)
    notebook = Notebook()
    tape = Tape(band.cf32(band.with_tone(band.noise(rng, 1.0), 0.4, 1.0)))

    def site_has_changed(event: Event) -> None:
        if len(notebook.events) == 1:
            forget_files(tmp_path, "b")

    monitor = monitor_for(tape, notebook, state_s=0.0, on_event=site_has_changed)
    (worker,) = monitor.workers
    limits = {name: 2.0 * limit for name, limit in worker.chain.thresholds.items()}
    worker.chain.forgets = Forgetting(tmp_path, "b", lambda: Terms(limits))
    (state,) = monitor.run()
    assert (notebook.types.count("new"), notebook.types[-1]) == (1, "end")
    assert notebook.events[-1].n_samples < 0.1 * band.RATE_HZ
    assert "what was learnt is forgotten, as asked" in caplog.text
    assert state.warmup_left_s == 0.0
    assert not state.alarm
    assert state.thresholds == limits


def run(*args: object) -> tuple[int, str, str]:
    got = CliRunner().invoke(main, ["calibrate", *map(str, args)])
    return got.exit_code, got.stdout, got.stderr


def test_the_command_says_what_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "edgespec.toml"
    path.write_text(
        f"[node]\nstate_dir = {json.dumps(str(tmp_path / 'state'))}\n[[source]]\n"
        'uri = "rtlsdr:?center_freq=98M"\n[[band]]\nid = "fm"\n'
    )
    mine = files_of(tmp_path / "state", "fm")
    code, out, _ = run("-c", path, "--forget", "--band", "fn")
    assert (code, out) == (3, "")
    assert all(one.exists() for one in mine)
    code, out, _ = run("-c", path, "--forget", "--json")
    assert code == 0
    assert json.loads(out)["files"]["rhythm"] == 2
    assert not any(one.exists() for one in mine)
    code, out, _ = run("-c", path, "--forget", "--band", "fm")
    assert code == 0
    assert out.startswith("band fm: nothing of it was kept in ")
    for wrong in (("--forget", "--duration", "30m"), ("--band", "fm")):
        code, _, err = run("-c", path, *wrong)
        assert code == 2
        assert "--forget" in err
