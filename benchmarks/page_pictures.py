"""The pictures of the page in README and docs: an interferer that power does not show, live.

``python -m benchmarks.page_pictures`` watches two simulated bands with ``edgespec monitor --web``,
a cell with an interferer 10 dB below it that comes and goes in one of them, and takes what headless
Chromium shows of it: light and dark on a desktop, and on a phone.
"""

import io
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from PIL import Image

from benchmarks.chromium import open_chromium, set_screen
from benchmarks.record import ROOT
from edgespec.port import free_port

__all__ = ["main"]

_LOWER_HZ, _UPPER_HZ = 250e3, 1850e3
#: Whatever the machine has to do besides, no sample is lost.
_CELL = "load=1&user_groups=3&snr_db=20&bits=8&realtime=1&patient=1"
_INTERFERER = (
    f"kind=wideband&bandwidth_hz={_UPPER_HZ - _LOWER_HZ:g}&isr_db=-10"
    f"&offset_hz={(_LOWER_HZ + _UPPER_HZ) / 2:g}&start_s=7&stop_s=10&every_s=7"
)
_CONFIG = f"""
[node]
id = "roof"
state_dir = "{{state}}"
[[source]]
id = "east"
uri = "sim:lte-dl?seed=3&center_freq=806M&{_CELL}&{_INTERFERER}"
[[source]]
id = "west"
uri = "sim:lte-dl?seed=4&center_freq=796M&sample_rate=240k&{_CELL}"
[[band]]
id = "band-20"
source = "east"
[[band]]
id = "band-28"
source = "west"
"""
#: A desktop's and a phone's screen: width, height, how sharp.
_DESKTOP, _PHONE = (1280, 800, 1.0), (360, 760, 2.0)
_OPEN_S = 600.0
_SPAN = """const span = document.getElementById("span"); span.value = "1800";
span.dispatchEvent(new Event("change"));"""


@contextmanager
def observed(folder: Path) -> Iterator[str]:
    """Watch both bands and yield the address of the page."""
    config = folder / "edgespec.toml"
    config.write_text(_CONFIG.format(state=folder / "state"))
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "edgespec", "monitor", "-c", str(config), "--web", address]
    observer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_for_page(f"http://{address}/api/node", observer)
        yield f"http://{address}/"
    finally:
        observer.send_signal(signal.SIGINT)
        observer.wait(60)


def wait_for_page(url: str, program: "subprocess.Popen[bytes]") -> None:
    """Wait until a program answers at its page."""
    end = time.monotonic() + _OPEN_S
    while time.monotonic() < end and program.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=10):
            return
        time.sleep(0.5)
    raise click.ClickException(f"nobody serves {url}")


def take(driver: Any, path: Path, screen: tuple[int, int, float], scheme: str) -> None:
    """Write what a screen shows."""
    width, height, scale = screen
    set_screen(driver, width, height, scale=scale)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    time.sleep(2.0)
    shown = Image.open(io.BytesIO(driver.get_screenshot_as_png()))
    shown.convert("RGB").quantize(256).save(path, optimize=True)
    click.echo(f"wrote {path}, {path.stat().st_size / 1e3:.0f} kB")


@click.command()
@click.option("--seconds", default=75.0, show_default=True, help="Of looking, before.")
@click.option("-o", "--output", "folder", default=ROOT / "docs", type=click.Path(path_type=Path))
def main(seconds: float, folder: Path) -> None:
    """Take the pictures of the page."""
    with tempfile.TemporaryDirectory() as kept:
        browser, watched = Path(kept, "browser"), Path(kept, "observer")
        watched.mkdir()
        driver = open_chromium(browser)
        try:
            with observed(watched) as url:
                set_screen(driver, *_DESKTOP[:2])
                driver.get(url)
                time.sleep(seconds)
                # Half of it is shown.
                driver.execute_script(_SPAN)
                take(driver, folder / "page.png", _DESKTOP, "light")
                take(driver, folder / "page-dark.png", _DESKTOP, "dark")
                take(driver, folder / "page-phone.png", _PHONE, "dark")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
