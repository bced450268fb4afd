"""The pictures of the fleet's page in docs: observers around a town, some of which have something.

``python -m benchmarks.fleet.page_pictures`` starts a mosquitto and ``edgespec fleet run --web``,
lets sixty virtual observers tell how they are, four of them an event and one of them too many, and
takes what headless Chromium shows of it, on a desktop and on a phone.
"""

import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click

from benchmarks.chromium import open_chromium, set_screen
from benchmarks.fleet.observers import Observers
from benchmarks.page_pictures import take, wait_for_page
from benchmarks.record import ROOT
from edgespec.config import MqttConfig
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.ops.local_broker import LocalBroker

__all__ = ["main"]

_N, _SEED = 60, 5
_DESKTOP, _PHONE = (1280, 1000, 1.0), (360, 760, 2.0)
_SILENT, _LOUD = 17, 23
_ALERTS = {5: "narrowband", 31: "wideband", 44: "tone"}


def tell(session: Session, observers: Observers) -> None:
    """Let all observers say how they are; one is offline, and one tells what it has not kept."""
    for number, name in enumerate(observers.names):
        is_on = number != _SILENT
        word = b"online" if is_on else b"offline"
        session.publish(f"edgespec/{name}/availability", word, 1, retain=True)
        data = observers.state(name, time.time_ns(), alarm=number in _ALERTS)
        session.publish(f"edgespec/{name}/state", data, 0, retain=True)
        session.poll(None, 0.0)


def tell_events(session: Session, observers: Observers) -> None:
    """Let some observers tell events."""
    for number, kind in (*_ALERTS.items(), *((_LOUD, "pulse") for _ in range(5))):
        name = observers.names[number]
        lower_hz = 8.0e8 + 1e6 * number
        _, data = observers.event(
            name, time.time_ns(), kind=kind, freq_lower_hz=lower_hz, freq_upper_hz=lower_hz + 180e3,
            peak_freq_hz=lower_hz + 9e4,
        )  # fmt: skip
        session.publish(f"edgespec/{name}/events", data, 1)
        session.poll(None, 0.05)


@click.command()
@click.option("-o", "--output", "folder", default=ROOT / "docs", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Take the pictures of the fleet's page."""
    with ExitStack() as stack:
        kept = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(LocalBroker())
        observers = Observers(_N, _SEED)
        (kept / "places.csv").write_text(observers.places(), encoding="utf-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        token = kept / "token"
        (kept / "fleet.toml").write_text(
            f'[node]\nstate_dir = "{kept}"\n[web]\nread_only = false\nlisten = "{address}"\n'
            f'token_file = "{token}"\n',
            encoding="utf-8",
        )
        command = [
            sys.executable, "-m", "edgespec", "fleet", "run", "-c", str(kept / "fleet.toml"),
            "--mqtt", broker.url, "--places", str(kept / "places.csv"), "--silent", "1h",
        ]  # fmt: skip
        fleet = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        stack.callback(fleet.wait)
        stack.callback(fleet.terminate)
        wait_for_page(f"http://{address}/static/fleet.css", fleet)
        session = stack.enter_context(Session(Link.of(MqttConfig(url=broker.url), "observers")))
        tell(session, observers)
        tell_events(session, observers)
        driver = open_chromium(kept / "browser")
        stack.callback(driver.quit)
        set_screen(driver, *_DESKTOP[:2])
        driver.get(f"http://{address}/")
        time.sleep(3.0)
        driver.find_element("css selector", "#token").send_keys(token.read_text().strip() + "\n")
        # What passes is written ten seconds later at the latest.
        time.sleep(25.0)
        tell(session, observers)
        time.sleep(20.0)
        take(driver, folder / "fleet.png", _DESKTOP, "light")
        take(driver, folder / "fleet-phone.png", _PHONE, "dark")


if __name__ == "__main__":
    main()
