"""What is left of Wi-Fi's packets if they are cancelled.

``python -m benchmarks.detection.wifi_prefix``.

A trial, and no part of the product: each packet of the recording has its own timing, by its long
symbols; of every symbol of 4 us the second half of the prefix of 0.8 us is taken from its copy. An
interferer of 2 MHz is added, and packets with it are told from packets without it by what is left
in them, and by their power.
"""

from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.dsp.wifi.packets import Packet, find_packets
from edgespec.sources import open_source

__all__ = ["main"]

_TITLE = "Wi-Fi's packets cancelled"
SEED = 20261128
_RATE_HZ = 20e6
_N_SYMBOL, _N_PREFIX, _N_LAG, _N_LONG = 80, 16, 64, 128
_N_WINDOW, _N_GUARD = 8, 2
_LEAST_SYMBOLS = 3
_ISRS_DB = (0.0, -10.0, -20.0, -30.0)
_COLUMNS = ("ISR, dB", "AUC, what is left", "AUC, power")


def _left_db(samples: NDArray[np.complex64], packet: Packet) -> tuple[float, float] | None:
    """Return what is left of a packet's prefixes, and what there was, in dB; None if too short."""
    first = packet.long_start + _N_LONG
    n = (packet.start + packet.n_samples - first - _N_SYMBOL) // _N_SYMBOL
    if n < _LEAST_SYMBOLS:
        return None
    at = first + _N_SYMBOL * np.arange(n) + _N_PREFIX - _N_GUARD - _N_WINDOW
    place = at[:, None] + np.arange(_N_WINDOW)
    turn = np.exp(-2j * np.pi * packet.cfo_hz * _N_LAG / _RATE_HZ)
    near, far = samples[place], samples[place + _N_LAG] * turn
    left = np.mean(np.abs(near - far) ** 2) / 2
    there = np.mean(np.abs(near) ** 2 + np.abs(far) ** 2) / 2
    return 10.0 * float(np.log10(left)), 10.0 * float(np.log10(there))


def _of_all(samples: NDArray[np.complex64], packets: list[Packet]) -> NDArray[np.float64]:
    rows = [_left_db(samples, packet) for packet in packets]
    return np.array([row for row in rows if row is not None])


def _auc(normal: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.mean(normal[:, None] < other[None, :]))


def measure(samples: NDArray[np.complex64]) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    """Return the rows of the table, and what is left and there of each packet in dB."""
    packets = find_packets(samples, _RATE_HZ)
    without = _of_all(samples, packets)
    mean = np.mean([np.mean(np.abs(samples[p.start :][: p.n_samples]) ** 2) for p in packets])
    rng = np.random.default_rng(SEED)
    points = rng.choice([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j], len(samples) // 10 + 1) / np.sqrt(2)
    wave = np.repeat(points, 10)[: len(samples)]
    rows = []
    for isr_db in _ISRS_DB:
        added = samples + wave * np.sqrt(mean * 10.0 ** (isr_db / 10.0))
        other = _of_all(added.astype(np.complex64), packets)
        values = (isr_db, *(_auc(without[:, k], other[:, k]) for k in (0, 1)))
        rows.append(dict(zip(_COLUMNS, values, strict=True)))
    return rows, without


@click.command()
@click.option("--save", is_flag=True, help="Write the results beside the others.")
def main(save: bool) -> None:
    """Cancel the packets of the recording, with and without an interferer."""
    (path,) = DATA.glob("wifi_*.sigmf-meta")
    source = open_source(f"sigmf:{path}")
    block = source.read(source.info.sample_format.empty(source.info.n_samples or 1))
    source.close()
    if block is None:
        raise click.ClickException(f"{path} is empty")
    rows, without = measure(source.info.sample_format.to_complex(block.samples))
    cancelled_db = without[:, 1] - without[:, 0]
    shown = [[f"{row[name]:.2f}" for name in _COLUMNS] for row in rows]
    text = (
        f"{len(without)} packets of one recording of an 11n link, 33.8 dB SNR, its gaps cut away "
        f"by its author. Their prefixes lose {np.median(cancelled_db):.1f} dB in the median, "
        f"{cancelled_db.min():.1f} to {cancelled_db.max():.1f} dB. The AUC is of packets with an "
        "interferer of 2 MHz against those without, the ISR against the mean packet.\n\n"
        + markdown_table(_COLUMNS, shown, right_from=0)
        + "\n"
    )
    click.echo(save_rows("wifi_prefix", _TITLE, facts(), rows, text, save=save))


if __name__ == "__main__":
    main()
