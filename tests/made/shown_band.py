"""A page of two bands for browsers: rows come, with a tone in one of them, and an event of it."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgespec.alert import Alert
from edgespec.alerts.incidents import IncidentTable, events_folder, incidents_path
from edgespec.heard_cell import CellState, HeardCell
from edgespec.records import EventType, ObserverState
from edgespec.web.axes import Axes
from edgespec.web.feed_memory import PLANES, plane_of
from edgespec.web.plane_memory import BinLevels, PlaneMemory
from edgespec.wire.state import state_payload
from tests.made.event import MONDAY_NS, NS, event_of
from tests.made.history import keep
from tests.made.page import TOKEN, Served, task_of

__all__ = ["ShownBand"]

_N_BINS, _TONE_BIN, _LOWER_HZ, _UPPER_HZ = 64, 45, 805e6, 807e6
_ROW_S = 1.0 / 60.0
#: Of both planes: their usual levels and that of the tone, in dB.
_LEVELS_DB = {"power": (-70.0, -50.0), "residual": (0.0, 12.0)}
_CELL = HeardCell(CellState.TRACKING, 17, "fdd", 20.0, 0.9, 0.0, 0.0, "", "lte")


class ShownBand:
    """The server of a page whose observer is played here; it ends when it is closed.

    Args:
        state_dir: of the observer.
        picture: PNG that is the evidence of the tone's event.

    Attributes:
        token: that the page asks for.
        event_id: of the tone's event, which goes on.
    """

    token = TOKEN
    event_id = "e-tone"
    #: Where the tone is, from the left edge of the band to the right.
    tone_share = (_TONE_BIN + 0.5) / _N_BINS

    def __init__(self, state_dir: Path, picture: bytes) -> None:
        began_s = time.time() - 2.0
        step_hz = (_UPPER_HZ - _LOWER_HZ) / _N_BINS
        lower_hz = _LOWER_HZ + _TONE_BIN * step_hz
        event = event_of(
            "tone", event_id=self.event_id, event_type=EventType.UPDATE, band="downlink",
            at_s=began_s - MONDAY_NS / NS, lower_hz=lower_hz, upper_hz=lower_hz + step_hz,
        )  # fmt: skip
        table = IncidentTable({"downlink": 0.0})
        keep(state_dir, [replace(event, alert=Alert(True, "", table.take(event)))])
        path = incidents_path(events_folder(state_dir))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(table.content())
        shelf = state_dir / "evidence"
        shelf.mkdir()
        (shelf / "kept.sigmf-meta").write_text(
            json.dumps({"annotations": [{"core:uuid": self.event_id}]})
        )
        (shelf / "kept.png").write_bytes(picture)
        bands = [
            {"band": name, "lower_hz": _LOWER_HZ, "upper_hz": _UPPER_HZ, "planes": list(planes),
             "swept": False}
            for name, planes in (("downlink", PLANES), ("uplink", ("power",)))
        ]  # fmt: skip
        about = task_of(state_dir).about | {"bands": bands}
        self._task = task_of(state_dir, token=TOKEN, read_only=False, about=about)
        self._begin()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._served.port}/"

    def ask(self, path: str) -> object:
        """Return what the server says to somebody who has the token."""
        return self._served.ask(path, Authorization=f"Bearer {self.token}")[2]

    def stop(self) -> None:
        """End the server as its observer ends."""
        self._ended.set()
        self._feeder.join()
        self._served.close()

    def begin_anew(self, token: str = TOKEN) -> None:
        """Serve at the same place again, with a token that may be another."""
        self.token, self._task = token, replace(self._task, token=token)
        self._begin(self._served.port)

    def _begin(self, port: int = 0) -> None:
        self._served, self._ended = Served(self._task, port), threading.Event()
        state = ObserverState(time.time_ns(), 60.0, 10**9, 1000, 1, 7)
        for one in (
            replace(state, band="downlink", alarm=True, cell=_CELL),
            replace(state, band="uplink", warmup_left_s=2.5),
        ):
            self._served.say({"type": "state", "state": state_payload(one, "roof")})
        self._feeder = threading.Thread(target=self._feed)
        self._feeder.start()

    def _feed(self) -> None:
        """Write rows by the clock, as workers of both bands do."""
        rng = np.random.default_rng(1)
        planes = [
            (self._lit(band, name), name)
            for band, names in enumerate((tuple(PLANES), ("power",)))
            for name in names
        ]
        row = 0
        while not self._ended.wait(_ROW_S):
            row += 1
            for memory, name in planes:
                usual_db, tone_db = _LEVELS_DB[name]
                level_db = usual_db + rng.normal(0.0, 1.0, _N_BINS)
                level_db[_TONE_BIN] = tone_db
                least_db, step_db = PLANES[name]
                values = np.clip(np.round((level_db - least_db) / step_db), 1, 255)
                memory.put(row, time.time(), values.astype(np.uint8))

    def _lit(self, band: int, name: str) -> PlaneMemory:
        memory = PlaneMemory(plane_of(self._served.memory.band(band), list(PLANES).index(name)))
        memory.tell(Axes(1, _N_BINS, _LOWER_HZ, _UPPER_HZ, *PLANES[name], _ROW_S))
        usual_db = np.full(_N_BINS, _LEVELS_DB[name][0], np.float32)
        memory.tell_levels(BinLevels(usual_db, usual_db + np.float32(10.0)))
        return memory
