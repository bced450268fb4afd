"""The picture of a site's page in the manual: a jammer in the example site, live on its map.

``python -m benchmarks.site_picture`` lets ``edgespec twin simulate`` report as the units of the
example site would, through a broker of its own, ``edgespec twin run --web`` look after it, and
takes what headless Chromium shows once the source is where it must be.
"""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from benchmarks.chromium import open_chromium, set_screen
from benchmarks.page_pictures import take
from benchmarks.record import ROOT
from edgespec.ops.local_broker import LocalBroker

__all__ = ["main"]

_SCREEN = (1280, 800, 1.0)
#: Seconds that the central unit learns, in which the jammer is silent, and in which it is heard.
_LEARNT_S, _HEARD_S = 60, 25
_JAMMER = f"14,20,20,{_LEARNT_S + 20}"
_LONGEST_S = 600.0


@contextmanager
def _running(*arguments: object) -> Iterator[None]:
    """Run a command of ``edgespec twin`` meanwhile."""
    command = [sys.executable, "-m", "edgespec", "twin", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _site(folder: Path) -> Path:
    """Write the example site, which learns for less long than a real one should."""
    path = folder / "hall.toml"
    command = [sys.executable, "-m", "edgespec", "twin", "init", str(path)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "learn_snapshots" not in line]
    at = lines.index("[detect]")
    lines.insert(at + 1, f"learn_snapshots = {_LEARNT_S}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _wait_for_source(url: str) -> None:
    """Wait until the page knows a source."""
    end = time.monotonic() + _LONGEST_S
    while time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(url, timeout=10) as answer:
            if any((site["verdict"] or {}).get("alarm") for site in json.load(answer)):
                return
        time.sleep(1.0)
    raise click.ClickException("the central unit raises no alarm")


@click.command()
@click.option("-o", "--output", default=ROOT / "docs" / "site.png", type=click.Path(path_type=Path))
def main(output: Path) -> None:
    """Take the picture of the page of a site."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as kept, LocalBroker() as broker:
        site = _site(Path(kept))
        driver = open_chromium(Path(kept, "browser"))
        try:
            with (
                _running("run", site, "--mqtt", broker.url, "--web", address),
                _running("simulate", site, "--mqtt", broker.url, "--jammer", _JAMMER),
            ):
                _wait_for_source(f"http://{address}/api/site")
                set_screen(driver, *_SCREEN[:2])
                driver.get(f"http://{address}/")
                time.sleep(_HEARD_S)
                take(driver, output, _SCREEN, "light")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
