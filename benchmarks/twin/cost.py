"""What a report and a snapshot cost the central unit: ``python -m benchmarks.twin.cost``.

The core alone, without MQTT and JSON: 12 units, 8 subbands, the site that the package shows.
"""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.record import RESULTS
from benchmarks.twin.hall import SITE
from converter.report.markdown_table import markdown_table
from edgespec.ops.bench import machine_facts
from edgespec.records import RssReport
from edgespec.twin.central import SiteTwin
from edgespec.twin.expected import Expectation
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.site import Site, load_site
from edgespec.twin.state import TwinState
from edgespec.twin.trained import train
from edgespec.wire.transmitters import Transmitter

__all__ = ["main"]

FloatArray = NDArray[np.float64]

_START_NS = 1_795_000_000_000_000_000
_NOISE_DB = 1.0
_N_TRAINING, _N_QUIET, _N_ALARM = 300, 400, 60


class Air:
    """Levels as the twin expects them, with noise, and a jammer if wanted."""

    def __init__(self, site: Site) -> None:
        self.gain = path_gain(site)
        self._site = site
        self._rng = np.random.default_rng(1)
        quiet = Expectation(site, self.gain)
        self._levels = [quiet.level_dbm]
        quiet.set((*site.transmitter, Transmitter("jammer", 15.0, 20.0, 1.5, 10.0)))
        self._levels.append(quiet.level_dbm)

    def reports(self, start: int, n: int, is_jammed: bool) -> Iterator[tuple[int, list[RssReport]]]:
        """Yield the end of each interval and the reports on it."""
        site = self._site
        for number in range(start, start + n):
            utc_ns = _START_NS + number * round(site.detect.interval_s * 1e9)
            level_db = self._levels[is_jammed]
            level_db = level_db + self._rng.normal(0, _NOISE_DB, level_db.shape)
            yield (
                utc_ns,
                [
                    RssReport(
                        node,
                        site.name,
                        site.band,
                        utc_ns,
                        site.detect.interval_s,
                        site.edges_hz,
                        tuple(levels.tolist()),
                        site.level_unit,
                        0.0,
                        1000,
                        number,
                    )
                    for node, levels in zip(site.nodes, level_db, strict=True)
                ],
            )


def run() -> dict[str, Any]:
    """Return microseconds: minima and medians."""
    site = load_site(SITE)
    air = Air(site)
    training = [one for _, row in air.reports(0, _N_TRAINING, False) for one in row]
    # The kernels are compiled, or loaded, here.
    train(site, training, gain=air.gain)
    begun = time.perf_counter()
    trained = train(site, training, gain=air.gain)
    seconds = time.perf_counter() - begun
    twin = SiteTwin(site, trained=trained, gain=air.gain)
    results: dict[str, Any] = {
        "machine": {
            **machine_facts(),
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%MZ"),
        },
        "units": len(site.unit),
        "subbands": site.n_subbands,
        "train_s": round(seconds, 3),
        "train_snapshots": _N_TRAINING,
    }
    start = _N_TRAINING
    for name, n, is_jammed in (("quiet", _N_QUIET, False), ("alarm", _N_ALARM, True)):
        accept, advance, n_alarms = [], [], 0
        for utc_ns, row in air.reports(start, n, is_jammed):
            begun = time.perf_counter()
            for one in row:
                twin.accept(one, utc_ns)
            accept.append((time.perf_counter() - begun) / len(row))
            begun = time.perf_counter()
            verdicts = twin.advance(utc_ns)
            advance.append(time.perf_counter() - begun)
            n_alarms += sum(one.is_alarm for one in verdicts)
        start += n
        results[name] = {
            "snapshots": n,
            "alarms": n_alarms,
            "accept_us": _spread(accept),
            "advance_us": _spread(advance),
        }
    data = twin.state().to_bytes()
    begun = time.perf_counter()
    TwinState.from_bytes(data)
    results["state_bytes"] = len(data)
    results["state_load_us"] = round(1e6 * (time.perf_counter() - begun))
    return results


def _spread(seconds: list[float]) -> dict[str, float]:
    values_us = 1e6 * np.array(seconds)
    return {
        "min": round(float(values_us.min()), 1),
        "median": round(float(np.median(values_us)), 1),
    }


def markdown(results: dict[str, Any]) -> str:
    """Return the report."""
    machine = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    columns = (
        *("", "snapshots", "alarms", "accept us, min", "median", "advance us, min", "median"),
    )
    rows = [
        (
            *(name, results[name]["snapshots"], results[name]["alarms"]),
            *(results[name]["accept_us"]["min"], results[name]["accept_us"]["median"]),
            *(results[name]["advance_us"]["min"], results[name]["advance_us"]["median"]),
        )
        for name in ("quiet", "alarm")
    ]
    return f"""# What a report and a snapshot cost the central unit

Made by `python -m benchmarks.twin.cost`, the core alone, without MQTT and JSON.
{machine}.

{results["units"]} units, {results["subbands"]} subbands, one process. `accept` is one report,
`advance` one closed snapshot: judged once by itself and once in the mean over the last ten, with
learning and trust; on an alarm also located, and compared with a transmitter that moved and with a
beam.

{markdown_table(columns, rows)}

Training on {results["train_snapshots"]} snapshots takes {results["train_s"]} s. The state that is
handed over has {results["state_bytes"]} bytes.
"""


@click.command(help=__doc__)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=RESULTS / "twin", help="Folder to write to."
)
def main(as_json: bool, out: Path) -> None:
    """Measure and write ``cost.{json,md}``."""
    results = run()
    out.mkdir(parents=True, exist_ok=True)
    (out / "cost.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (out / "cost.md").write_text(markdown(results), encoding="utf-8")
    click.echo(json.dumps(results) if as_json else markdown(results))


if __name__ == "__main__":
    main()
