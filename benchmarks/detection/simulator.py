"""How near the simulator comes: ``python -m benchmarks.detection.simulator``.

Statistics side by side: ours beside what an independent LTE stack transmits and beside real
captures, with the front end of the device: at 5 MS/s the whole of a 5 MHz carrier, at 1.92 MS/s the
middle of a wider one. The recordings lie in ``../shared/data`` and are no part of this project.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from math import gcd
from pathlib import Path

import click
import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray
from PIL import Image
from scipy.signal import resample_poly

from benchmarks.record import DATA, RESULTS
from converter.report.markdown_table import markdown_table
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Framing
from edgespec.ops.bench import machine_facts
from edgespec.records import FloatArray, IqBlock, SampleFormat
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    SceneConfig,
    TddConfig,
    UplinkConfig,
)
from edgespec.simulate.scene import Scene

__all__ = ["main"]

#: Not the seed that `STEADY` was found with.
SEED = 4
#: Envelope lines are sought in pieces as long as the shortest capture.
PIECE_S = 0.08
LINES_HZ = (1000.0, 2000.0, 4000.0, 6000.0)
LTE_SYMBOL_S = 1 / 15e3
_SHOWN_FRAMES = 160
#: Levels are rounded to this in the picture, and its colours counted, to keep the file small.
_SHOWN_STEP_DB = 3.0
_N_COLOURS = 24

ComplexArray = NDArray[np.complex64]

_QUIET = ChannelConfig("flat", rician_k_db=100.0, snr_db=25.0)
_HEARD = ChannelConfig("epa", doppler_hz=5.0, snr_db=20.0)
#: The set that comes nearest to the independent stack, found by trying a dozen on its recording:
#: two users who hold few groups, and three control symbols that are sparse and weak.
STEADY = CellConfig(
    load=0.2, n_users=2, user_groups=3, user_spread_db=0.0, n_control=3, control_db=-3.0
)


#: What the figures come from; read the table for how much.
_REASONS = """

Ours by default sends in bursts that take the whole band for some milliseconds and then leave it:
levels swing more than in srsRAN's signal or in either real FDD carrier, and the random on and off
raises the background that the lines of the envelope stand over. srsRAN's test signal gives one
user a narrow block in eight of ten subframes, with a nearly empty control region of three symbols:
few swings, strong lines. With two users who hold at most 3 of 13 groups (`user_groups=3`), little
load and three sparse control symbols, ours comes near in temporal std, frame-to-frame change and
lines; its users change place less, so the means of the bins spread more, and its stretches are
longer. That set was chosen by hand on this recording, with another seed than the table's, so it
shows what the simulator can be, not what an unseen cell will look like.

The real FDD downlinks are the middle of a 20 MHz carrier: they have no guard, so their contrast
says nothing, and the line at their centre is the receiver's own, which adds to the prefix
correlation of the weak one. The TDD carriers are off for 20 of the 70 symbols of each 5 ms, as is
an idle cell of ours with uplink-downlink configuration 2 and special subframe 7; a busy one is for
18. At an SNR of 30 dB its swings are near theirs, while its lines are weaker, from the bursts
again. The uplink has no real counterpart here. In an idle cell a burst is synchronisation and
broadcast. Levels follow the gain of each receiver.
"""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a signal looks like; levels in dB, ``lines_db`` over the background of the envelope."""

    name: str
    rate_msps: float
    seconds: float
    level_dbfs: float
    temporal_std_db: float
    bin_spread_db: float
    frame_step_db: float
    contrast_db: float | None
    prefix_correlation: float
    lines_db: tuple[float, ...]
    busy_share: float
    burst_ms: float
    burst_most_ms: float


def frames_of(x: ComplexArray, rate_hz: float) -> FloatArray:
    """Return the device's spectrogram of complex samples, dBFS, ``(n_frames, 128)``."""
    front_end = FrontEnd(Framing(rate_hz), SampleFormat.CF32, max_block_samples=len(x))
    return front_end.process(IqBlock(x, rate_hz, 0.0, 0, 0)).power_dbfs.copy()


def measure(name: str, x: ComplexArray, rate_hz: float) -> tuple[Statistics, FloatArray]:
    """Return the statistics of a signal and its spectrogram."""
    levels = frames_of(x, rate_hz)
    freqs_hz = (np.arange(128) - 64) * rate_hz / 128
    whole = rate_hz >= 5e6
    used = np.abs(freqs_hz) < (2.2e6 if whole else 0.42 * rate_hz)
    mean_db = levels.mean(axis=0)
    guard = np.abs(freqs_hz) > 2.4e6
    runs, busy = bursts(levels[:, used].mean(axis=1))
    frame_ms = 1280 / rate_hz * 1e3
    power = float(np.mean(np.abs(x) ** 2))
    lag = LTE_SYMBOL_S * rate_hz
    correlations = [
        abs(np.mean(x[n:] * x[:-n].conj())) / power for n in {int(lag), int(np.ceil(lag))}
    ]
    return (
        Statistics(
            name=name,
            rate_msps=rate_hz / 1e6,
            seconds=len(x) / rate_hz,
            level_dbfs=10 * np.log10(power),
            temporal_std_db=float(levels[:, used].std(axis=0).mean()),
            bin_spread_db=float(mean_db[used].std()),
            frame_step_db=float(np.diff(levels[:, used], axis=0).std() / np.sqrt(2)),
            contrast_db=float(mean_db[used].mean() - mean_db[guard].mean()) if whole else None,
            prefix_correlation=float(max(correlations)),
            lines_db=envelope_lines_db(x, rate_hz),
            busy_share=busy,
            burst_ms=float(np.mean(runs)) * frame_ms,
            burst_most_ms=float(np.max(runs)) * frame_ms,
        ),
        levels,
    )


def bursts(band_db: FloatArray) -> tuple[NDArray[np.int64], float]:
    """Return the lengths in frames of stretches above the middle of the levels, and their share.

    The middle lies between the 10th and the 95th percentile of the mean level of the band.
    """
    low, high = np.quantile(band_db, (0.10, 0.95))
    on = np.r_[False, band_db > (low + high) / 2, False].astype(np.int8)
    edges = np.flatnonzero(np.diff(on))
    return edges[1::2] - edges[::2], float(on[1:-1].mean())


def envelope_lines_db(x: ComplexArray, rate_hz: float) -> tuple[float, ...]:
    """Return lines of the squared envelope over the median of 0.5 to 7 kHz, in power, dB."""
    n = round(PIECE_S * rate_hz)
    envelope = (np.abs(x[: len(x) // n * n]) ** 2).reshape(-1, n)
    spectrum = np.mean(np.abs(np.fft.rfft(envelope - envelope.mean())) ** 2, axis=0)
    step_hz = 1 / PIECE_S
    background = np.median(spectrum[round(500 / step_hz) : round(7000 / step_hz)])
    return tuple(
        float(10 * np.log10(spectrum[round(line / step_hz)] / background)) for line in LINES_HZ
    )


def simulated(config: SceneConfig, seconds: float) -> ComplexArray:
    """Return a stretch of a scene."""
    return Scene(config, SEED).read(round(seconds * config.sample_rate_hz))


def recorded(name: str, dtype: type, rate_hz: float, target_hz: float) -> ComplexArray:
    """Return a recording of ``../shared/data`` at another rate, around its own centre."""
    octets = np.fromfile(DATA / f"{name}.sigmf-data", dtype).astype(np.float32)
    parts = (octets - 127.5) / 127.5 if dtype is np.uint8 else octets / 128.0
    x = parts.view(np.complex64)
    if rate_hz == target_hz:
        return x
    common = gcd(round(rate_hz), round(target_hz))
    up, down = round(target_hz) // common, round(rate_hz) // common
    return np.ascontiguousarray(resample_poly(x, up, down).astype(np.complex64))


def signals() -> dict[str, tuple[float, Callable[[], ComplexArray]]]:
    """Return every signal by its name: its rate and how to get it."""

    def ours(
        rate_hz: float, cell: CellConfig, channel: ChannelConfig
    ) -> Callable[[], ComplexArray]:
        return lambda: simulated(SceneConfig(rate_hz, cell, channel), 1.5)

    def theirs(
        name: str, dtype: type, rate_hz: float, target_hz: float
    ) -> Callable[[], ComplexArray]:
        return lambda: recorded(name, dtype, rate_hz, target_hz)

    idle = CellConfig(load=0.0)
    out: dict[str, tuple[float, Callable[[], ComplexArray]]] = {
        "srsRAN, 25 PRB": (
            5e6,
            theirs("synth_srsran_lte25prb_5M_varying", np.int8, 5e6, 5e6),
        ),
        "ours, default, load 0.5": (5e6, ours(5e6, CellConfig(), _QUIET)),
        "ours, steady, load 0.2": (5e6, ours(5e6, STEADY, _QUIET)),
        "ours, idle": (5e6, ours(5e6, idle, _QUIET)),
    }
    for name in ("f1815.3_s19.2_bw20_0.08s_hackrf-2", "f1867.5_s19.2_bw20_0.08s_hackrf_home"):
        label = f"real, {name[1:7]} MHz FDD, middle 5 MHz"
        out[label] = (5e6, theirs(f"lte_fdd_{name}", np.int8, 19.2e6, 5e6))
    out["ours, default, load 0.5, EPA 5 Hz"] = (5e6, ours(5e6, CellConfig(), _HEARD))
    out["ours, uplink, EPA 5 Hz"] = (
        5e6,
        lambda: simulated(SceneConfig(5e6, channel=_HEARD, uplink=UplinkConfig()), 1.5),
    )
    for freq in ("2645", "2645.3"):
        name = f"lte_tdd_f{freq}_s1.92_g20_SamplingPPM26.2_1s"
        out[f"real, {freq} MHz TDD, middle 1.92 MHz"] = (
            1.92e6,
            theirs(name, np.uint8, 1.92e6, 1.92e6),
        )
    near = replace(_HEARD, snr_db=30.0)
    divided = SceneConfig(1.92e6, CellConfig(), near, tdd=TddConfig(2, 7))
    out["ours, default, TDD 2 and 7, EPA 5 Hz, SNR 30 dB, 1.92 MS/s"] = (
        1.92e6,
        lambda: simulated(divided, 1.5),
    )
    out["ours, default, EPA 5 Hz, 1.92 MS/s"] = (1.92e6, ours(1.92e6, CellConfig(), _HEARD))
    out["ours, steady, EPA 5 Hz, 1.92 MS/s"] = (1.92e6, ours(1.92e6, STEADY, _HEARD))
    return out


def as_table(rows: list[Statistics]) -> str:
    """Return the statistics for people."""
    titles = {
        "name": "signal",
        "level_dbfs": "level, dBFS",
        "temporal_std_db": "temporal std per bin, dB",
        "bin_spread_db": "spread of bin means, dB",
        "frame_step_db": "frame to frame, dB",
        "contrast_db": "contrast to guard, dB",
        "prefix_correlation": "prefix correlation",
        "lines_db": "envelope lines at 1, 2, 4, 6 kHz, dB",
        "busy_share": "busy share",
        "burst_ms": "mean burst, ms",
        "burst_most_ms": "longest, ms",
    }
    lines = []
    for row in rows:
        cells = []
        for name in titles:
            value = getattr(row, name)
            if isinstance(value, tuple):
                cells.append(", ".join(f"{v:.0f}" for v in value))
            elif isinstance(value, float):
                digits = 3 if name == "prefix_correlation" else 2
                cells.append(f"{value:.{digits}f}")
            else:
                cells.append("-" if value is None else str(value))
        lines.append(cells)
    return markdown_table(list(titles.values()), lines)


def words(rows: dict[str, Statistics]) -> str:
    """Return where ours differ from the independent stack, and by how much."""
    base = rows["srsRAN, 25 PRB"]
    parts = []
    for name in ("ours, default, load 0.5", "ours, steady, load 0.2"):
        row = rows[name]
        line_db = np.mean(np.subtract(row.lines_db, base.lines_db))
        parts.append(
            f"- **{name}** against srsRAN: temporal std {_diff(row, base, 'temporal_std_db')}, "
            f"spread of bin means {_diff(row, base, 'bin_spread_db')}, frame to frame "
            f"{_diff(row, base, 'frame_step_db')}, contrast {_diff(row, base, 'contrast_db')} dB; "
            f"envelope lines {line_db:+.1f} dB on the mean; bursts {row.burst_ms:.1f} against "
            f"{base.burst_ms:.1f} ms."
        )
    return "\n".join(parts) + _REASONS


def _diff(row: Statistics, base: Statistics, name: str) -> str:
    return f"{getattr(row, name) - getattr(base, name):+.2f}"


def draw(shown: dict[str, FloatArray], path: Path) -> None:
    """Write the picture: spectrograms one below the other, each in its own 30 dB of colour."""
    figure, axes = pyplot.subplots(
        (len(shown) + 1) // 2,
        2,
        figsize=(10.5, 1.75 * ((len(shown) + 1) // 2)),
        layout="constrained",
    )
    for axis, (name, levels) in zip(axes.flat, shown.items(), strict=False):
        piece = np.round(levels[:_SHOWN_FRAMES] / _SHOWN_STEP_DB) * _SHOWN_STEP_DB
        top = float(np.quantile(piece, 0.998))
        axis.imshow(
            piece.T, origin="lower", aspect="auto", vmin=top - 30, vmax=top, interpolation="nearest"
        )
        axis.set_title(name, fontsize=8)
        axis.set_xticks([])
        axis.set_yticks([])
    for axis in list(axes.flat)[len(shown) :]:
        axis.set_visible(False)
    figure.supxlabel(f"time: {_SHOWN_FRAMES} frames", fontsize=8)
    figure.supylabel("frequency: the sampled band", fontsize=8)
    figure.savefig(path, dpi=72)
    pyplot.close(figure)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(_N_COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


@click.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=RESULTS / "simulator",
    show_default=True,
    help="Written as .md, .json and .png.",
)
def main(out: Path) -> None:
    """Compare the simulator with an independent LTE stack and with real captures."""
    if not DATA.is_dir():
        raise click.ClickException(f"the recordings are not here: no folder {DATA}")
    rows: dict[str, Statistics] = {}
    shown: dict[str, FloatArray] = {}
    for name, (rate_hz, get) in signals().items():
        rows[name], shown[name] = measure(name, get(), rate_hz)
        click.echo(name, err=True)
    draw(shown, out.with_suffix(".png"))
    facts = {**machine_facts(), "created_utc": datetime.now(UTC).isoformat(timespec="seconds")}
    text = "\n".join(
        [
            "# The simulator beside an independent LTE stack and real captures",
            "",
            f"`python -m benchmarks.detection.simulator`, {facts['created_utc']}, edgespec "
            f"{facts['edgespec']}, seed {SEED}. Frames of 10 averages of 128 points, as on the "
            "device. Occupied bins only; levels of a recording depend on its gain and are not "
            "compared. Lines are over the median of the envelope's spectrum from 0.5 to 7 kHz, in "
            f"pieces of {1e3 * PIECE_S:g} ms. A burst is a stretch above the middle between the "
            "10th and 95th percentile of the band's mean level.",
            "",
            as_table(list(rows.values())),
            "",
            "## Where ours differs",
            "",
            words(rows),
            "",
            f"![Spectrograms]({out.with_suffix('.png').name})",
            "",
        ]
    )
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    document = {"facts": facts, "rows": [asdict(row) for row in rows.values()]}
    out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
