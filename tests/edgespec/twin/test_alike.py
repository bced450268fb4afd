"""Reports taken many at a time are taken as each by itself would be."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from edgespec.records import RssReport
from edgespec.twin.central import SiteTwin
from edgespec.twin.service.desk import Desk
from edgespec.wire.rss import ENCODERS
from edgespec.wire.verdict import TwinVerdict
from tests.made import twin_fleet

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
#: It learns for ever, so that only what was collected counts.
SITE = twin_fleet.site_of(interval_s=1.0, grace_s=0.5, learn_snapshots=10_000)
NODES = list(SITE.nodes)


def desk() -> Desk:
    return Desk(SITE, lambda site, state: SiteTwin(site))


def strange(report: RssReport, rng: np.random.Generator) -> RssReport | bytes:
    """Return something that such a unit may send, too."""
    levels_db = list(report.levels_db)
    levels_db[rng.integers(len(levels_db))] = rng.choice([np.nan, np.inf, -300.0, 150.0, 99.0])
    step_ns = round(rng.choice([-3.0, -1.0, -0.6, -0.5, -0.3, 0.3, 0.7, 2.0, 90.0]) * NS)
    return [
        replace(report, levels_db=tuple(levels_db)),
        replace(report, utc_ns=report.utc_ns + step_ns),
        replace(report, clipped_share=0.4),
        replace(report, hold_s=3.0),
        replace(report, band="other"),
        replace(report, duration_s=0.5),
        replace(report, level_unit="dBFS"),
        ENCODERS["binary"](report)[:-1],
        ENCODERS["json"](report),
        b"\xb1",
        b"\xb2" + ENCODERS["binary"](report)[1:],
    ][rng.integers(11)]


def traffic(seed: int) -> Iterator[tuple[int, list[tuple[int, bytes]]]]:
    """Yield times, and what came until then: unit and payload."""
    rng = np.random.default_rng(seed)
    fleet = twin_fleet.virtual(SITE)
    late: list[tuple[int, bytes]] = []
    off_ns = rng.integers(-NS // 2, NS // 2, len(NODES))
    for k in range(60):
        said, late = late, []
        for unit, report in enumerate(fleet.reports(T0 + k * NS, 0.0)):
            jitter_ns = round(rng.normal(0.0, 0.05 * NS))
            one: RssReport | bytes = replace(
                report, utc_ns=report.utc_ns + int(off_ns[unit]) + jitter_ns
            )
            if rng.random() < 0.05:
                one = strange(one, rng)  # type: ignore[arg-type]
            if rng.random() < 0.04:
                continue
            data = one if isinstance(one, bytes) else ENCODERS["binary"](one)
            (late if rng.random() < 0.1 else said).append((unit, data))
            if rng.random() < 0.02:
                said.append((unit, data))
        rng.shuffle(said)  # type: ignore[arg-type]
        for part in np.array_split(np.arange(len(said)), rng.integers(1, 4)):
            yield (
                T0 + k * NS + round(rng.uniform(0.5, 1.4) * NS),
                [said[index] for index in part],
            )


def said(verdict: TwinVerdict) -> tuple[object, ...]:
    return (
        verdict.snapshot,
        verdict.n_units,
        verdict.units_missing,
        verdict.units_saturated,
        verdict.implausible,
        np.round(verdict.level_db, 6).tolist() if np.isfinite(verdict.level_db).all() else "",
        np.nan_to_num(verdict.level_db).tobytes(),
    )


@pytest.mark.parametrize("seed", range(12))
def test_many_at_once_are_as_each_by_itself(seed: int) -> None:
    many, single = desk(), desk()
    found, wanted = [], []
    now_ns = 0
    for at_ns, reports in traffic(seed):
        now_ns = max(now_ns, at_ns)
        for unit, data in reports:
            many.put(data, now_ns, unit)
            single.take(data, now_ns, NODES[unit])
        found += [said(one.verdict) for one in many.advance(now_ns)]
        wanted += [said(one.verdict) for one in single.advance(now_ns)]
        assert many.counts == single.counts
        assert many.due_ns == single.due_ns
    assert len(wanted) > 40
    assert len(single.counts) > 5
    assert found == wanted


def test_what_is_as_before_is_not_read_field_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first report of each unit is."""
    read = []

    def parse(data: bytes, node: str, site: str) -> RssReport:
        read.append(node)
        return parse_rss(data, node, site)

    from edgespec.wire.rss import parse_rss

    monkeypatch.setattr("edgespec.twin.service.desk.parse_rss", parse)
    many = desk()
    fleet = twin_fleet.virtual(SITE)
    for k in range(5):
        for unit, report in enumerate(fleet.reports(T0 + k * NS, 0.0)):
            many.put(ENCODERS["binary"](report), T0 + k * NS, unit)
        (one,) = many.advance(T0 + k * NS)
        assert one.verdict.units_missing == ()
    assert read == NODES
    # In one pile, two snapshots.
    for k in (5, 6):
        for unit, report in enumerate(fleet.reports(T0 + k * NS, 0.0)):
            many.put(ENCODERS["binary"](report), T0 + k * NS, unit)
    assert [one.verdict.snapshot for one in many.advance(T0 + 6 * NS)] == [
        T0 // NS + 4,
        T0 // NS + 5,
    ]
    assert read == NODES
    assert many.counts == {"accepted": 7 * len(NODES)}


def test_two_voices_are_heard_among_many() -> None:
    """A forger's reports lie between those of the unit, and look as they do."""
    many, fleet = desk(), twin_fleet.virtual(SITE)
    for k in range(12):
        for unit, report in enumerate(fleet.reports(T0 + k * NS, 0.0)):
            many.put(ENCODERS["binary"](report), T0 + k * NS, unit)
            if unit == 2:
                forged = replace(
                    report,
                    utc_ns=report.utc_ns - NS // 10,
                    levels_db=tuple(level + 9.0 for level in report.levels_db),
                )
                many.put(ENCODERS["binary"](forged), T0 + k * NS, unit)
        verdicts = [one.verdict for one in many.advance(T0 + k * NS + NS // 20)]
    assert list(verdicts[-1].implausible) == [NODES[2]]
