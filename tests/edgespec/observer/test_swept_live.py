"""``rtl_power | edgespec monitor`` from end to end: alarm, evidence, picture, history, restart."""

import json
import os
import sqlite3
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import numpy as np
import pytest

from edgespec.config import BandConfig, Config, EvidenceConfig, NodeConfig, SourceConfig
from edgespec.evidence.pictures import Picture, draw_apart
from edgespec.figures import can_draw
from edgespec.observer.monitor import Monitor
from edgespec.observer.startup import open_observer
from edgespec.records import Event, EventType, ObserverState
from edgespec.sweep_file import read_table
from tests.made import sweeps
from tests.made.sweeps import LOWER_HZ, START, STEP_HZ

N_POINTS = 40
REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "fmpsd_nhkfm3.csv"


class Piped:
    """An observer of a FIFO into which a text was written, once it has ended."""

    def __init__(self, tmp_path: Path, text: str, stay_s: float = 0.0) -> None:
        fifo = tmp_path / "pipe"
        if not fifo.exists():
            os.mkfifo(fifo)
        config = Config(
            node=NodeConfig(id="n", state_dir=tmp_path / "state"),
            source=(SourceConfig(uri=f"rtl_power:{fifo}?zone=UTC"),),
            band=(BandConfig(id="fm"),),
            evidence=EvidenceConfig(pictures=False),
        )

        def write() -> None:
            with fifo.open("w") as pipe:
                pipe.write(text)

        writer = Thread(target=write)
        writer.start()
        self.events: list[Event] = []
        observer = open_observer(config, on_event=self.events.append)
        self.monitor: Monitor = observer.monitor
        (self.state,) = observer.monitor.run()
        writer.join()
        self.folder = tmp_path / "state"

    @property
    def opened(self) -> list[Event]:
        return [event for event in self.events if event.event_type is EventType.NEW]


def with_carrier(table: np.ndarray, on: int, off: int, point: int = 14) -> np.ndarray:
    table = table.copy()
    table[on:off, point] += 20.0
    return table


def test_an_alarm_has_its_sweeps_its_picture_and_its_place_in_the_history(tmp_path: Path) -> None:
    table = with_carrier(sweeps.levels(150, N_POINTS), 100, 110)
    found = Piped(tmp_path, sweeps.rtl_power_text(table, n_hops=2, interval_s=10.0))
    (event,) = found.opened
    assert isinstance(found.state, ObserverState)
    # A live source loses no sweep, however fast it writes.
    assert (found.state.n_samples, found.state.n_dropped) == (150, 0)
    (path,) = (found.folder / "evidence").glob("*.sweeps.npz")
    kept = read_table(path)
    on_s = START.timestamp() + 1000.0
    assert kept.utc_s[0] == pytest.approx(on_s - 600.0)
    assert kept.utc_s[-1] == pytest.approx(on_s + 190.0)
    np.testing.assert_allclose(kept.levels_db, table[40:120], atol=0.006)
    meta = json.loads(path.with_suffix(".json").read_text())
    assert [one["event_id"] for one in meta["events"]] == [event.event_id]
    assert meta["events"][0]["freq_lower_hz"] <= LOWER_HZ + 14 * STEP_HZ
    with sqlite3.connect(found.folder / "history.sqlite") as history:
        (n_events,) = history.execute("select count(distinct id) from events").fetchone()
        (n_minutes,) = history.execute("select count(*) from levels").fetchone()
    assert n_events == 1
    # 25 minutes of levels.
    assert n_minutes >= 20
    if can_draw():
        picture = tmp_path / "x.png"
        shown = Picture(path.with_suffix(".json"), table=path)
        draw_apart(shown, picture, Flag(), tmp_path / "matplotlib")
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_was_learnt_is_known_at_the_next_start(tmp_path: Path) -> None:
    quiet = sweeps.levels(100, N_POINTS)
    Piped(tmp_path, sweeps.rtl_power_text(quiet, interval_s=10.0))
    # A carrier that was there before the start is no part of what is usual.
    found = Piped(tmp_path, sweeps.rtl_power_text(with_carrier(quiet, 0, 100), interval_s=10.0))
    assert "differs from the last run" in found.state.distrust
    (event,) = found.opened
    assert event.freq_lower_hz <= LOWER_HZ + 14 * STEP_HZ <= event.freq_upper_hz


@pytest.mark.skipif(not REAL.exists(), reason="the shared recordings are not here")
def test_a_carrier_in_a_real_band_is_an_alarm_at_its_place(tmp_path: Path) -> None:
    rows = [line.split(", ") for line in REAL.read_text().splitlines()]
    for fields in rows[150:170]:
        for field in (66, 67):
            fields[field] = f"{float(fields[field]) + 12.0:.2f}"
    found = Piped(tmp_path, "\n".join(", ".join(fields) for fields in rows) + "\n")
    middle_hz = 88.05e6 + 60.5 * 781.25
    hits = [one for one in found.opened if one.freq_lower_hz <= middle_hz <= one.freq_upper_hz]
    (hit,) = hits
    assert hit.sample_start == 150
    assert hit.freq_upper_hz - hit.freq_lower_hz <= 4 * 781.25
    # There is another sweep in which a point rises by 3.6 dB.
    assert len(found.opened) <= 2
