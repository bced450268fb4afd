"""A state directory of a version before: read, or left as it is; nothing in it is lost."""

import json
from pathlib import Path

from edgespec.alerts.incidents import events_folder, incidents_path, load_incidents
from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig, SourceConfig
from edgespec.observer.runtimes.choice import choices_in
from edgespec.observer.startup import open_observer
from edgespec.ops.checks.finding import Subject
from edgespec.ops.doctor import run_check

#: What one of the second week wrote of an incident, and of its events, in a list.
INCIDENT = {
    "id": "i-2c098cba", "band": "lte", "change": "gain", "kinds": ["dropped"],
    "lower_hz": 805032500.0, "upper_hz": 806952500.0, "slack_hz": 30000.0,
    "least_hz": 805032500.0, "most_hz": 806952500.0, "peak_dbfs": -200.0, "excess_db": 0.0,
    "first_ns": 1795924634948549563, "last_ns": 1795924653968549563,
    "began_ns": 1795924634948549563, "n_events": 1, "hours": [0] * 24, "intervals_s": [],
    "duration_s": 19.02, "open_id": "", "detectors": ["dropped"],
}  # fmt: skip
EVENT = {"schema": "edgespec.event/2", "event_type": "end", "id": "e1", "band": "lte"}
#: One of the first week, which knew no widths of vectors.
BACKENDS = {"schema": "edgespec.backends/1", "choices": {"ab": {"backend": "numba"}}}


def old_folder(folder: Path) -> dict[Path, bytes]:
    """Write a folder as a version before left it; return what is in it."""
    files = {
        "backends.json": json.dumps(BACKENDS),
        "events/events.jsonl": json.dumps(EVENT) + "\n",
        "events/incidents.json": json.dumps(
            {"schema": "edgespec.incidents/1", "incidents": [INCIDENT]}
        ),
        # Arrays without the head that tells what they are.
        "normal/66bbf535f5ca47dc.normal": "{}",
        "site/66bbf535f5ca47dc.site": "{}",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return {folder / name: text.encode() for name, text in files.items()}


def test_an_observer_takes_what_it_knows_and_leaves_what_it_does_not(tmp_path: Path) -> None:
    written = old_folder(tmp_path)
    config = Config(
        node=NodeConfig(state_dir=tmp_path, computing="plain"),
        source=(
            SourceConfig(uri="sim:lte-dl?realtime=1", center_freq_hz=806e6, sample_rate_hz=1.92e6,
                         gain_db=20.0),
        ),
        band=(BandConfig(id="lte"),),
        detect=DetectConfig(detectors=("zscore",)),
    )  # fmt: skip
    observer = open_observer(config)
    for radio in observer.radios:
        radio.source.close()
    (incident,) = load_incidents(incidents_path(events_folder(tmp_path)))
    assert (incident.id, incident.n_events) == ("i-2c098cba", 1)
    # It is measured again; until then the file is not touched.
    assert choices_in(tmp_path) == {}
    assert {path: path.read_bytes() for path in written} == written
    check = run_check("state directory", Subject(config))
    assert "events.jsonl" in check.detail + check.fix
