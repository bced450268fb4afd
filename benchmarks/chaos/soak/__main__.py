"""Two bands in real time, a fault every minute: ``python -m benchmarks.chaos.soak --minutes 30``.

``edgespec monitor`` as systemd starts it, two rtl_tcp servers at 2.4 MS/s, each with a simulated
cell in a loop and an interferer beside it every 10 s, a real mosquitto and a subscriber, a small
disk where one may be mounted, and a UTC that can be stepped. Writes ``soak.json`` and ``soak.md``
to ``benchmarks/results``. It needs a third of a core whenever it wants it.
"""

import contextlib
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks import record
from benchmarks.chaos.parties import Broker, wait_until
from benchmarks.chaos.soak.air import RATE_HZ, Air, Radio
from benchmarks.chaos.soak.ear import TimedEar
from benchmarks.chaos.soak.faults import Faults, Yard
from benchmarks.chaos.soak.findings import Findings
from benchmarks.chaos.soak.judge import judge_band, memory_slope, pauses
from benchmarks.chaos.soak.watched import Watched
from benchmarks.chaos.trial import heard_trial

__all__ = ["main"]

_BANDS = ("lower", "upper")
_DISK_MB, _EVIDENCE_BYTES = 96, 40_000_000
#: How long the subscriber may take to hear the rest once the observer has ended.
_REST_S = 30.0
_START_S = 900.0
#: Of the readings of its memory, one in so many is kept: one in a minute.
_EVERY_NTH = 12


@click.command()
@click.option("--minutes", type=click.FloatRange(0.2), default=30.0, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the order of the faults.")
@click.option(
    "--log",
    type=click.Path(path_type=Path),
    help="Write what the observer logged, and all it said.",
)
@click.option("--save/--no-save", default=True, show_default=True)
def main(minutes: float, seed: int, log: Path | None, save: bool) -> None:
    """Soak an observer of two bands and say what was lost."""
    with tempfile.TemporaryDirectory(prefix="edgespec-soak-") as name:
        folder = Path(name)
        with _small_disk(folder / "disk") as disk:
            found = _soak(folder, disk, 60.0 * minutes, seed, log)
    page = found.as_text()
    click.echo(page)
    if save:
        stem = record.RESULTS / "soak"
        stem.with_suffix(".md").write_text(page + "\n", encoding="utf-8")
        content = {"schema": "edgespec.soak/1", **asdict(found)}
        stem.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a small file system; None where this user may not."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _soak(folder: Path, disk: Path | None, seconds: float, seed: int, log: Path | None) -> Findings:
    broker, clock = Broker(folder), folder / "clock"
    clock.write_bytes(bytes(8))
    environment = {"STATE_DIRECTORY": str((disk or folder) / "state")}
    airs = [Air(seed=number) for number in range(4, 4 + len(_BANDS))]
    radios = tuple(Radio(air) for air in airs)
    ear = TimedEar(broker.port)
    watched = Watched(_config(folder, broker, radios), folder, clock, environment)
    faults = Faults(Yard(radios, broker, disk, clock), seed)
    # What is compiled first may take minutes on a busy machine.
    wait_until(lambda: bool(watched.signs_s) or not watched.is_alive, _START_S)
    if not watched.signs_s:
        raise click.ClickException(
            f"the observer has not got on within {_START_S:g} s: {watched.log_end()}"
        )
    for radio in radios:
        radio.is_counted = True
    faults.start()
    begun_s = time.monotonic()
    while watched.is_alive and time.monotonic() - begun_s < seconds:
        time.sleep(0.5)
    has_lasted = watched.is_alive
    faults.close()
    ended_s, on_air = time.monotonic(), [radio.now for radio in radios]
    code = watched.end()
    if log is not None:
        lines = [f"{at_s - begun_s:.3f} {json.dumps(one)}" for at_s, one in watched.events]
        done = [f"{at_s - begun_s:.3f} fault: {name}" for at_s, name in faults.done]
        log.write_text("\n".join([watched.log.read_text(), *done, *lines]) + "\n")
    # Updates are not repeated after an outage, and have no name of their own.
    said = [
        f"{one['id']}/{one['event_type']}"
        for _, one in watched.events
        if one["event_type"] != "update"
    ]
    wait_until(lambda: set(said) <= ear.names(), _REST_S)
    ear.close()
    for radio in radios:
        radio.close()
    broker.kill()
    slope, least, most = memory_slope(watched.memory)
    longest_s, is_fed = pauses(watched.signs_s, ended_s)
    heard = [one for one in ear.heard if not one[0].endswith("/update")]
    return Findings(
        minutes=round((ended_s - begun_s) / 60.0, 1),
        failed="" if has_lasted and code == 0 else f"it ended with {code}: {watched.log_end()}",
        faults=dict(Counter(name for _, name in faults.done)),
        left_out=() if disk is not None else ("a full disk: no file system may be mounted",),
        messages=heard_trial("soak", len(faults.done), said, heard, 0.0),
        bands=tuple(
            judge_band(
                *(band, watched.events, watched.states[band], air.visits(n), radio.outages, n),
                begun_s=radio.begun_s or 0.0,
            )
            for band, air, radio, n in zip(_BANDS, airs, radios, on_air, strict=True)
        ),
        slope_mb_per_hour=round(slope, 2),
        memory_mb=(round(least, 1), round(most, 1)),
        memory=tuple(
            (round(at_s - begun_s), round(mb, 1)) for at_s, mb in watched.memory[::_EVERY_NTH]
        ),
        longest_pause_s=round(longest_s, 1),
        is_watchdog_fed=is_fed,
        begin_to_subscriber_ms=tuple(
            sorted(
                round(1e3 * (heard_s - radio.begun_s) - 1e3 * visit.start / RATE_HZ, 1)
                for band, air, radio, n in zip(_BANDS, airs, radios, on_air, strict=True)
                if radio.begun_s is not None
                for visit in air.visits(n)
                if (heard_s := ear.first_after(band, radio.begun_s + visit.start / RATE_HZ))
                is not None
            )
        ),
        machine=record.facts(("paho-mqtt",)),
    )


def _config(folder: Path, broker: Broker, radios: tuple[Radio, ...]) -> Path:
    path = folder / "soak.toml"
    lines = [
        *("[node]", 'id = "soak"', "[mqtt]", f'url = "{broker.url}"', "keepalive_s = 5.0"),
        *("reconnect_max_s = 1.0", "[evidence]", f"max_bytes = {_EVIDENCE_BYTES}"),
        # A picture takes seconds of a processor for each of them: another thing to soak.
        "pictures = false",
    ]
    for band, radio in zip(_BANDS, radios, strict=True):
        uri = f"rtl_tcp:127.0.0.1:{radio.port}?sample_rate={RATE_HZ}&center_freq=806M&timeout_s=1"
        lines += ["[[source]]", f'id = "radio-{band}"', f'uri = "{uri}"']
        lines += ["[[band]]", f'id = "{band}"', f'source = "radio-{band}"']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
