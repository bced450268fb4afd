"""What the virtual machine is told at its first boot."""

from pathlib import Path
from textwrap import dedent

from benchmarks.boards.boot import seeds
from edgespec.config import load_config


def test_its_observer_watches_the_recording_and_publishes_to_this_machine(tmp_path: Path) -> None:
    _, config = seeds(1884)["user-data"].split("    content: |\n")
    (tmp_path / "observer.toml").write_text(dedent(config), encoding="utf-8")
    read = load_config(tmp_path / "observer.toml")
    assert read.mqtt.url == "mqtt://10.0.2.2:1884"
    assert [source.uri for source in read.source] == ["sigmf:/srv/scene"]
