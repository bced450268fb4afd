"""A jammer at 50 places of the hall: how soon the alarm comes and how far off the position is.

``python -m benchmarks.twin.placements`` runs the core on what twelve virtual observers report, for
all places and several errors of the paths; and some places through a real mosquitto with ``edgespec
twin run`` as its user starts it. It writes ``placements.json`` and ``placements.md`` to
``benchmarks/results/twin``. Expected and true levels come from the same model of propagation, apart
from the errors named; :mod:`benchmarks.papers.schoesser2024.reproduce` has traced rays instead.
"""

import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from math import dist
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.fleet.yard import Yard, start_central
from benchmarks.record import RESULTS
from benchmarks.twin.saved import save_result
from converter.report.markdown_table import markdown_table
from edgespec.config import MqttConfig
from edgespec.machine import machine_facts
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.ops.local_broker import LocalBroker
from edgespec.twin.central import SiteTwin
from edgespec.twin.picture import draw_site
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.propagation.walls import inside_any
from edgespec.twin.service.fleet import Disturbance, Fleet, VirtualJammer, VirtualSite
from edgespec.twin.site import Site
from edgespec.twin.trained import TrainedTwin, save_trained, train
from edgespec.wire.site_event import parse_site_event
from edgespec.wire.topics import TwinTopics
from edgespec.wire.verdict import TwinVerdict

__all__ = ["Case", "Placement", "main"]

_NS = 1_000_000_000
_POWER_DBM = 20.0
_N_QUIET, _N_JAMMED = 15, 10
_N_TRAINING = 400
#: The place that is drawn.
_DRAWN = 3


@dataclass(frozen=True, slots=True)
class Case:
    """How the virtual world differs from the twin's, and what part of the band is jammed."""

    name: str
    disturbance: Disturbance
    share: float = 1.0


CASES = (
    Case("bias 3 dB, noise 1 dB", Disturbance(3.0, 1.0)),
    Case("and each path off by 3 dB", Disturbance(3.0, 1.0, 3.0)),
    Case("and each path off by 6 dB", Disturbance(3.0, 1.0, 6.0)),
    Case("3 dB, on a quarter of the band", Disturbance(3.0, 1.0, 3.0), 0.25),
)


@dataclass(frozen=True, slots=True)
class Placement:
    """One place: seconds of signal until the alarm, and how far off its position was, in m.

    None where there was no alarm. ``best_m`` is the error of the last snapshot; ``sigma_m`` what
    the twin said of its own error then. ``n_false`` counts alarms before the jammer began.
    """

    x_m: float
    y_m: float
    alarm_s: float | None
    first_m: float | None
    best_m: float | None
    sigma_m: float | None
    n_false: int


def places(site: Site, n_places: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return places in the site, uniform and outside of walls."""
    height = site.propagation.source_height_m
    found: list[tuple[float, float]] = []
    while len(found) < n_places:
        place = rng.uniform(1.0, np.array(site.size_m[:2]) - 1.0)
        if not inside_any(np.array([[*place, height]]), site.wall)[0]:
            found.append((round(float(place[0]), 2), round(float(place[1]), 2)))
    return found


def learn(site: Site, disturbance: Disturbance, seed: int) -> TrainedTwin:
    """Return what is learnt of the units that belong to a seed."""
    quiet = VirtualSite(site, disturbance, np.random.default_rng(seed))
    reports = [one for k in range(1, _N_TRAINING + 1) for one in quiet.reports(k * _NS, 0.0)]
    return train(site, reports)


def place_one(
    site: Site,
    case: Case,
    place: tuple[float, float],
    learnt: TrainedTwin,
    seed: int,
    picture: Path | None = None,
) -> Placement:
    """Run the core on a quiet time and a jammed one, and draw the last snapshot."""
    jammer = VirtualJammer(*place, _POWER_DBM, start_s=float(_N_QUIET), share=case.share)
    virtual = VirtualSite(site, case.disturbance, np.random.default_rng(seed), [jammer])
    twin = SiteTwin(site, trained=learnt, gain=path_gain(site))
    last: TwinVerdict | None = None
    alarm_s = first_m = best_m = sigma_m = None
    n_false = 0
    for k in range(_N_QUIET + _N_JAMMED):
        utc_ns = (1000 + k) * _NS
        for report in virtual.reports(utc_ns, float(k)):
            twin.accept(report, utc_ns)
        (verdict,) = twin.advance(utc_ns + 1)
        last = verdict
        if k < _N_QUIET:
            n_false += verdict.is_alarm
        elif verdict.is_alarm and verdict.source is not None:
            best_m = dist(place, (verdict.source.x_m, verdict.source.y_m))
            sigma_m = verdict.source.sigma_m
            if alarm_s is None:
                # The snapshot's own second counts.
                alarm_s, first_m = k - _N_QUIET + 1.0, best_m
    if picture is not None:
        draw_site(site, last, picture)
    return Placement(*place, alarm_s, first_m, best_m, sigma_m, n_false)


def live(site: Site, place: tuple[float, float], seed: int, case: Case) -> dict[str, float]:
    """Return seconds on the clock from the jammer's start to the alarm at a subscriber."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yard = Yard(folder, 1, 60)
        site = replace(site, name=yard.sites[0].name)
        save_trained(learn(site, case.disturbance, seed), yard.trained_dir / f"{site.name}.npz")
        broker = stack.enter_context(LocalBroker())
        start_central(stack, broker.url, yard, "central")
        settings = MqttConfig(url=broker.url)
        heard: list[tuple[float, bytes]] = []
        ear = stack.enter_context(Session(Link.of(settings, "ear")))
        ear.listen(lambda topic, data: heard.append((time.time(), data)))
        ear.ask([TwinTopics("edgespec").events(site.name)], qos=1)
        jammer = VirtualJammer(*place, _POWER_DBM, start_s=6.0, share=case.share)
        virtual = VirtualSite(site, case.disturbance, np.random.default_rng(seed), [jammer])
        sender = stack.enter_context(Session(Link.of(settings, "fleet")))
        fleet = Fleet([virtual], sender, "edgespec")
        # The interval in which the jammer begins ends six seconds after the first one ends.
        began_s = float(time.time_ns() // _NS + 1 + 6 - 1)
        thread = threading.Thread(target=fleet.run, args=(13.0,))
        thread.start()
        until_s = time.monotonic() + 14.0
        while time.monotonic() < until_s:
            ear.poll(None, 0.1)
        thread.join()
    events = [(at_s, parse_site_event(data)) for at_s, data in heard]
    at_s, first = events[0]
    last = events[-1][1]
    assert first.source is not None
    assert last.source is not None
    return {
        "x_m": place[0],
        "y_m": place[1],
        "alarm_s": round(at_s - began_s, 3),
        "first_m": round(dist(place, (first.source.x_m, first.source.y_m)), 2),
        "last_m": round(dist(place, (last.source.x_m, last.source.y_m)), 2),
    }


def summary(found: list[Placement]) -> dict[str, Any]:
    """Return medians and counts over all places."""
    alarmed = [one for one in found if one.alarm_s is not None]

    def quantile(name: str, q: float) -> float | None:
        values = [getattr(one, name) for one in alarmed]
        return round(float(np.quantile(values, q)), 2) if values else None

    return {
        "n_places": len(found),
        "n_alarms": len(alarmed),
        "n_false": sum(one.n_false for one in found),
        "n_within_3_s": sum(one.alarm_s <= 3.0 for one in alarmed if one.alarm_s is not None),
        "alarm_s_median": quantile("alarm_s", 0.5),
        "alarm_s_most": quantile("alarm_s", 1.0),
        "first_m_median": quantile("first_m", 0.5),
        "first_m_90": quantile("first_m", 0.9),
        "best_m_median": quantile("best_m", 0.5),
        "best_m_90": quantile("best_m", 0.9),
        "sigma_m_median": quantile("sigma_m", 0.5),
        "n_within_2_sigma": sum(
            one.best_m <= 2.0 * one.sigma_m
            for one in alarmed
            if one.best_m is not None and one.sigma_m is not None
        ),
    }


def text(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    facts = result["machine"]
    columns = (
        *("world", "alarms", "within 3 s", "false, of quiet snapshots"),
        *("position, median, first alarm", "90 %", "after 10 s", "90 %", "within 2 sigma"),
    )
    worlds = [
        (
            *(name, f"{one['n_alarms']} of {one['n_places']}", one["n_within_3_s"]),
            f"{one['n_false']} of {one['n_places'] * _N_QUIET}",
            *(f"{one[key]} m" for key in ("first_m_median", "first_m_90")),
            *(f"{one[key]} m" for key in ("best_m_median", "best_m_90")),
            one["n_within_2_sigma"],
        )
        for name, one in result["cases"].items()
    ]
    lines = [
        "# A jammer of 20 dBm at 50 places of the hall",
        "",
        f"`python -m benchmarks.twin.placements`, {result['date']}, {facts['cpu']}. Twelve units "
        "at 1.5 m, a snapshot a second, three transmitters of 20 dBm. Places are uniform, outside "
        "of the production lines. The picture is the last snapshot at one place of the second row.",
        "",
        "![a jammer in the hall](placements.png)",
        "",
        markdown_table(columns, worlds, right_from=1),
    ]
    if result["live"]:
        places = [
            (
                *(f"{one['x_m']:.1f}, {one['y_m']:.1f} m", f"{one['alarm_s']:.2f} s"),
                *(f"{one['first_m']:.1f} m", f"{one['last_m']:.1f} m"),
            )
            for one in result["live"]
        ]
        lines += [
            "",
            "Through a real mosquitto, with `edgespec twin run` in its own process, on the clock "
            f"from the jammer's start ({result['live_case']}):",
            "",
            markdown_table(
                ("place", "alarm after", "position off by, first", "last"), places, right_from=1
            ),
        ]
    return "\n".join([*lines, ""])


@click.command()
@click.option("--places", "n_places", default=50, show_default=True)
@click.option("--live", "n_live", default=4, show_default=True)
@click.option("--save/--no-save", default=True, show_default=True)
def main(n_places: int, n_live: int, save: bool) -> None:
    """Measure and write the results."""
    with tempfile.TemporaryDirectory() as folder:
        site = replace(Yard(Path(folder), 1, 60).sites[0], name="hall")
    spots = places(site, n_places, np.random.default_rng(20261122))
    cases = {}
    details = {}
    for case in CASES:
        found = []
        for seed, place in enumerate(spots):
            # Other units, with other biases, at every fifth place: training takes the time.
            if seed % 5 == 0:
                learnt = learn(site, case.disturbance, seed)
            drawn = save and case is CASES[1] and seed == _DRAWN
            picture = RESULTS / "twin" / "placements.png" if drawn else None
            found.append(place_one(site, case, place, learnt, seed - seed % 5, picture))
        cases[case.name] = summary(found)
        details[case.name] = [asdict(one) for one in found]
        click.echo(f"{case.name}: {cases[case.name]}")
    lives = []
    for k in range(n_live):
        lives.append(live(site, spots[k], k, CASES[1]))
        click.echo(lives[-1])
    result = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine_facts(),
        "cases": cases,
        "live": lives,
        "live_case": CASES[1].name,
        "places": details,
    }
    click.echo(text(result))
    if save:
        save_result("placements", result, text(result))


if __name__ == "__main__":
    main()
