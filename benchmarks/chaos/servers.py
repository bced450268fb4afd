"""Who is told beside the broker, by servers that people have: nginx in front, Prometheus."""

import json
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.chaos.nginx import Nginx, Taker
from benchmarks.chaos.parties import wait_until
from benchmarks.chaos.trial import Trial
from benchmarks.record import ROOT
from edgespec.alarm.notify.notifier import Notifier
from edgespec.alarm.notify.whereabouts import Whereabouts
from edgespec.config import NotifyConfig
from edgespec.port import free_port
from edgespec.records import Change, Event, EventType

__all__ = ["notified", "scraped"]

_N = 5
_RULES = ROOT / "firmware_configs/prometheus/edgespec.rules.yml"
_EVENT = Event(
    "", EventType.NEW, "lower", 1_768_809_600 * 10**9, 1_768_809_601 * 10**9, 5, 10, 806.0e6,
    806.1e6, 806.05e6, -41.0, Change.GAIN, 12.0, 9.0, "zscore", 3.0, 2.0, 0.8, "tone",
)  # fmt: skip


def notified(folder: Path) -> list[Trial]:
    """Webhooks and ntfy's interface through nginx; none where nginx is not installed."""
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        return []
    return [trial for way in _WAYS for trial in [_through_nginx(folder, *way)]]


#: What is tried, the path, settings, whether they are taken, and what is done beside it.
_WAYS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("nginx passes webhooks on", "/taken", {}, True),
    ("... by TLS 1.3, its certificate named as ca_file", "/taken", {"tls": "named"}, True),
    ("... by TLS, its certificate unknown", "/taken", {"tls": "unknown"}, False),
    ("... to who answers 500 two times in three", "/weak", {}, True),
    ("... to who is not there for 3 s (502)", "/taken", {"away_s": 3.0}, True),
    ("... to who takes a second", "/late", {}, True),
    ("... to who takes longer than timeout_s", "/late", {"timeout_s": 0.3, "n": 2}, False),
    ("... to who takes longer than nginx waits (504)", "/never", {"n": 2}, False),
    ("... no more than two a second (503)", "/seldom", {}, True),
    ("nginx redirects (301)", "/moved", {}, False),
    ("nginx takes no body above 100 bytes (413)", "/short", {}, False),
    ("nginx wants a token, which is wrong (401)", "/secret", {}, False),
    ("nginx wants a token, which is right", "/secret", {"token": "t0ken"}, True),
    ("pictures of a megabyte as forms", "/taken", {"picture": True, "n": 2}, True),
    ("pictures where nginx takes 64 kB (413)", "/drawn", {"picture": True, "n": 2}, True),
    ("ntfy's interface", "/ntfy-topic", {"to": "ntfy", "picture": True, "n": 2}, True),
]


def _through_nginx(
    folder: Path, what: str, path: str, wanted: dict[str, Any], is_taken: bool
) -> Trial:
    folder = folder / f"nginx-{path[1:]}-{len(list(folder.iterdir()))}"
    folder.mkdir()
    wanted = dict(wanted)
    tls, away_s, n = wanted.pop("tls", ""), wanted.pop("away_s", 0.0), wanted.pop("n", _N)
    port = free_port()
    nginx, kept = Nginx(folder, port), Whereabouts()
    taker = None if away_s else Taker(port)
    if "token" in wanted:
        wanted["token_file"] = folder / "token"
        wanted["token_file"].write_text(wanted.pop("token"))
    if tls == "named":
        wanted["ca_file"] = nginx.ca_file
    url = (nginx.tls_url if tls else nginx.url) + path
    settings = NotifyConfig(**{"url": url, "give_up_s": 20.0 if is_taken else 4.0, **wanted})
    one = Notifier(settings, "pi-1", "notify[0]", kept)
    picture = folder / "20260119T080000Z-lower.png"
    picture.write_bytes(b"\x89PNG" + bytes(1_000_000))
    begun_s = time.monotonic()
    names = [f"e{number}" for number in range(n)]
    for name in names:
        one.event(replace(_EVENT, event_id=name))
        kept.drawn([name], picture)
    if taker is None:
        time.sleep(away_s)
        taker = Taker(port)

    def told() -> list[str]:
        return taker.titles or taker.ids

    wait_until(lambda: len(told()) >= n if is_taken else one.n_lost >= n, 90.0)
    if settings.picture and path != "/drawn":
        wait_until(lambda: len(taker.drawn) == n, 30.0)
    took_s = time.monotonic() - begun_s
    n_told, n_lost = len(set(taker.ids)) or len(taker.titles), one.n_lost
    one.close()
    nginx.close()
    taker.close()
    faults = []
    # What takes longer than it may is done all the same: nobody told the server to stop.
    is_doubtful = path in ("/late", "/never") and not is_taken
    if not is_doubtful and n_told != (n if is_taken else 0):
        faults.append(f"{n_told} of {n} were taken")
    if n_lost != (0 if is_taken else n):
        faults.append(f"{n_lost} of {n} are called lost")
    n_drawn = len(taker.drawn)
    if settings.picture and n_drawn != (0 if path == "/drawn" else n):
        faults.append(f"{n_drawn} pictures arrived")
    note = f"{n_told} taken, {n_lost} called lost, {taker.n_asked} requests in {took_s:.1f} s"
    if settings.picture:
        note += f", {n_drawn} pictures"
    return Trial(f"notify: {what}", 1, n, 0, failed="; ".join(faults), note=note)


def scraped(folder: Path) -> list[Trial]:
    """A real Prometheus reads an observer that is then ended; none where it is not installed."""
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        return []
    metrics, web = free_port(), free_port()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: [{_RULES}]\nscrape_configs:\n  - job_name: edgespec\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{metrics}']}}]\n"
    )
    checks = [
        subprocess.run([*command, path], capture_output=True).returncode
        for command, path in (
            (("promtool", "check", "config"), folder / "prometheus.yml"),
            (("promtool", "check", "rules"), _RULES),
        )
    ]
    with _observer(folder, metrics) as observer, _prometheus(folder, web):

        def asked(query: str) -> dict[str, float]:
            return _ask(web, query)

        steps: list[tuple[str, Callable[[], bool]]] = [
            ("up", lambda: asked("up") != {} and min(asked("up").values()) == 1.0),
            ("samples a second", lambda: _most(asked("rate(edgespec_samples_total[10s])")) > 1e5),
            ("an alarm", lambda: _most(asked("max_over_time(edgespec_alarm[1m])")) == 1.0),
            ("... and its rule", lambda: bool(asked('ALERTS{alertname="EdgespecAlarm"}'))),
            (
                "how late alarms are",
                lambda: 0.0 < _most(asked("rate(edgespec_sample_to_alarm_seconds_sum[1m])")) < 1.0,
            ),
        ]
        # What is compiled first may take minutes.
        wait_until(lambda: _most(asked("edgespec_segments_total")) > 0.0, 1200.0)
        failed = [name for name, holds in steps if not wait_until(holds, 120.0)]
        page = urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics").read()
        checks.append(
            subprocess.run(
                ["promtool", "check", "metrics"], input=page, capture_output=True
            ).returncode
        )
        n_series = round(_most(asked('count({__name__=~"edgespec_.+"})')))
        observer.terminate()
        observer.wait(60.0)
        silent = 'ALERTS{alertname="EdgespecSilent",alertstate="pending"}'
        if not wait_until(lambda: bool(asked(silent)), 60.0):
            failed.append("the rule for a silent observer")
    if any(checks):
        failed.append(f"promtool: {checks}")
    return [
        Trial(
            "Prometheus reads an observer, which then ends", 1, len(steps) + 1, 0,
            failed="; ".join(failed),
            note=f"{n_series} series; promtool finds nothing in page, configuration and rules",
        )
    ]  # fmt: skip


@contextmanager
def _observer(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    config = folder / "edgespec.toml"
    config.write_text(
        f'[node]\nid = "pi-1"\nstate_dir = "{folder}/state"\n[metrics]\n'
        f'listen = "127.0.0.1:{port}"\n[evidence]\nkeep = "nothing"\n[detect]\nwarmup_s = 2.0\n'
        '[[source]]\nid = "roof"\nuri = "sim:lte-dl?kind=tone&isr_db=10&offset_hz=300e3&seed=1'
        '&start_s=6&stop_s=7.5&every_s=6&sample_rate=1.92M&center_freq=806M&realtime=1"\n'
        '[[band]]\nid = "lower"\nsource = "roof"\n'
    )
    command = [sys.executable, "-m", "edgespec", "monitor", "-c", str(config), "--json"]
    with (folder / "observer.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _prometheus(folder: Path, port: int) -> Iterator[None]:
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/tsdb",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: _ask(port, "vector(1)") != {}, 60.0)
        yield
    finally:
        process.terminate()
        process.wait()


def _ask(port: int, query: str) -> dict[str, float]:
    """Return the series that answer a query now; none where nobody answers."""
    address = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(address, timeout=10.0) as answer:
            found = json.load(answer)["data"]["result"]
    except OSError:
        return {}
    return {json.dumps(one["metric"]): float(one["value"][1]) for one in found}


def _most(found: dict[str, float]) -> float:
    return max(found.values(), default=0.0)
