"""The physical chain: kernel drivers in the way, dongles, and samples of the source.

The trees of ``/proc`` and ``/sys`` are tested as fakes; no dongle was there to test with.
"""

import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.stream import is_near_rate
from edgespec.grid import Grid
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.ops.checks.finding import Finding, Subject
from edgespec.ops.checks.software import band_bundle
from edgespec.records import IqBlock, SampleFormat
from edgespec.sources.dongles import dongles_in
from edgespec.units import db_from_ratio, format_hz

__all__ = [
    "check_kernel_drivers",
    "check_soapy_radios",
    "check_source",
    "check_usb_radios",
    "judge_samples",
]

_DVB_MODULES = ("dvb_usb_rtl28xxu", "rtl2832_sdr", "rtl2832", "rtl2830", "e4000")
_USB_SCHEMES = ("rtlsdr", "soapy")
#: How much is read to judge a source.
_READ_S = 0.1


def check_kernel_drivers(subject: Subject) -> Finding:
    """Whether the kernel's television driver holds the dongles (``usb_claim_interface -6``)."""
    modules_file = subject.machine.proc_dir / "modules"
    if not modules_file.is_file():
        return Finding("skipped", f"there is no {modules_file}")
    loaded = {line.split()[0] for line in modules_file.read_text().splitlines() if line.strip()}
    in_the_way = [name for name in _DVB_MODULES if name in loaded]
    if not in_the_way:
        return Finding("ok", "no television driver is loaded")
    blacklist = "\\n".join(f"blacklist {name}" for name in in_the_way)
    return Finding(
        "fail" if subject.scheme in _USB_SCHEMES else "warn",
        f"the kernel's television driver takes RTL-SDR dongles: {', '.join(in_the_way)}",
        f"printf '{blacklist}\\n' | sudo tee /etc/modprobe.d/edgespec.conf && "
        f"sudo modprobe -r {' '.join(in_the_way)}",
    )


def check_usb_radios(subject: Subject) -> Finding:
    """Which RTL-SDR dongles are plugged in, and whether their serials tell them apart."""
    dongles = dongles_in(subject.machine.sys_dir)
    if not dongles:
        if subject.scheme == "rtlsdr":
            return Finding(
                "fail",
                "no RTL-SDR is on the USB bus",
                "plug it in; in a container, bind /dev/bus/usb and allow c 189:* rmw",
            )
        return Finding("skipped", "no RTL-SDR is on the USB bus, and the source needs none")
    shown = ", ".join(f"{dongle.serial or 'without serial'} at {dongle.port}" for dongle in dongles)
    counts = Counter(dongle.serial for dongle in dongles)
    twice = sorted(serial for serial, count in counts.items() if count > 1)
    if twice:
        return Finding(
            "warn",
            f"{shown}: several dongles have the serial {twice[0]!r}",
            "plug in one of them alone and run: rtl_eeprom -s NEW_SERIAL",
        )
    nodes = {dongle.node for dongle in dongles if dongle.node}
    held = [(pid, name, node) for node in sorted(nodes)
            for pid, name in _holders(subject.machine.proc_dir, node)]  # fmt: skip
    if held:
        said = ", ".join(f"{name} (process {pid}) holds {node}" for pid, name, node in held)
        return Finding(
            "warn",
            f"{shown}: {said}",
            f"end it (kill {' '.join(dict.fromkeys(str(pid) for pid, _, _ in held))}), or, if it "
            "is an rtl_tcp, read from that: rtl_tcp:HOST:PORT",
        )
    return Finding("ok", shown)


def _holders(proc_dir: Path, node: str) -> list[tuple[int, str]]:
    """Return the processes that have a device file open; other users' only root may see."""
    found = []
    for process in proc_dir.glob("[0-9]*"):
        # A process may end meanwhile.
        with suppress(OSError):
            if any(str(one.readlink()) == node for one in (process / "fd").iterdir()):
                found.append((int(process.name), (process / "comm").read_text().strip()))
    return sorted(found)


def check_soapy_radios(subject: Subject) -> Finding:
    """Which radios SoapySDR finds, by the URIs that open them."""
    radios = subject.machine.soapy_radios()
    if radios:
        return Finding("ok", ", ".join(f"{one.label} (soapy:{one.device})" for one in radios))
    if subject.scheme != "soapy":
        return Finding("skipped", "SoapySDR finds no radio, and the source needs none")
    return Finding(
        "fail",
        "SoapySDR is not installed, or finds no radio",
        "sudo apt install libsoapysdr0.8 and the soapysdr-module of the radio, plug it in, and see "
        "SoapySDRUtil --find",
    )


def check_source(subject: Subject) -> Finding:
    """Whether the configured source opens and gives samples that mean something."""
    from edgespec.observer.opening.parts import check_part
    from edgespec.sources import open_source

    wanted, bundle = subject.config.source[0], band_bundle(subject)
    recipe = None if bundle is None else bundle.manifest.recipe
    if wanted.uri is None:
        return Finding(
            "skipped",
            "no source is named",
            "run 'edgespec setup', which finds radios and writes a configuration",
        )
    center_freq_hz = subject.config.band[0].center_freq_hz
    rate_hz = recipe.sample_rate_hz if recipe and center_freq_hz is None else None
    source = open_source(
        wanted.address,
        center_freq_hz=wanted.center_freq_hz,
        sample_rate_hz=wanted.sample_rate_hz or rate_hz,
        gain_db=wanted.gain_db,
        ppm=wanted.ppm,
    )
    # A radio that opens but stays silent would keep read() forever.
    timer = threading.Timer(subject.timeout_s, source.close)
    timer.start()
    try:
        info = source.info
        block = source.read(info.empty(max(1, round(_READ_S * info.sample_rate_hz))))
    finally:
        timer.cancel()
        source.close()
    if block is None or block.n_samples == 0:
        return Finding(
            "fail",
            f"{wanted.address} opened but gave no samples within {subject.timeout_s:g} s",
            "see whether another program holds the radio, and whether the recording is empty",
        )
    if info.grid is not None:
        return _judge_sweep(wanted.address, block, info.grid)
    check_part(subject.config.band[0], info, bundle)
    if rate_hz is not None and not is_near_rate(info.sample_rate_hz, rate_hz):
        return Finding(
            "fail",
            f"{wanted.address} delivers {info.sample_rate_hz:g} samples/s, and the bundle was made "
            f"for {rate_hz:g}",
            "set source.sample_rate_hz to that, or name a bundle for this rate in band.model",
        )
    rate = format_hz(info.sample_rate_hz).replace("Hz", "S/s")
    return judge_samples(
        f"{wanted.address} at {rate}",
        block,
        info.sample_format,
        subject.config.detect.max_clipped_fraction,
        subject.config.band[0].level_scale,
    )


def _judge_sweep(name: str, block: IqBlock, grid: Grid) -> Finding:
    """Return what a sweep says about the source called ``name``."""
    lower, upper = (format_hz(edge_hz) for edge_hz in grid.range_hz)
    share = float(np.mean(np.isfinite(block.samples)))
    detail = (
        f"{name}: sweeps of {grid.n_bins} points, {lower} to {upper}, one every "
        f"{grid.frame_s:.3g} s"
    )
    if share < 1.0:
        return Finding("warn", f"{detail}; {1.0 - share:.0%} of the points have no level",
                       "see what writes it")  # fmt: skip
    return Finding("ok", detail)


def judge_samples(
    name: str,
    block: IqBlock,
    sample_format: SampleFormat,
    max_clipped_fraction: float,
    scale: LevelScale = UNCALIBRATED,
) -> Finding:
    """Return what the level of a block says about the source called ``name``."""
    iq = _scaled(block.samples, sample_format)
    if not np.isfinite(iq).all():
        return Finding("warn", f"{name} gives NaN or infinity", "see how the file was written")
    level_dbfs = db_from_ratio(float(np.mean(np.sum(iq * iq, axis=1))))
    clipped = float(np.mean(np.any(_at_the_rails(block.samples, sample_format), axis=1)))
    detail = f"{name}: {block.n_samples} samples, {scale.text(level_dbfs)}, {clipped:.1%} clipped"
    if np.ptp(iq, axis=0).max() == 0.0:
        return Finding(
            "warn", f"{detail}, all the same", "see whether antenna and tuner are connected"
        )
    if clipped > max_clipped_fraction:
        return Finding(
            "warn", detail, "lower source.gain_db: of what clips, levels are lower bounds"
        )
    return Finding("ok", detail)


def _pairs(samples: NDArray[Any]) -> NDArray[Any]:
    """Return samples of any format as ``(n_samples, 2)``, I and Q."""
    return samples.view(np.float32).reshape(-1, 2) if samples.ndim == 1 else samples


def _scaled(samples: NDArray[Any], sample_format: SampleFormat) -> NDArray[np.float64]:
    """Return I and Q as float64 ``(n_samples, 2)`` with a full scale of 1."""
    pairs = _pairs(samples).astype(np.float64)
    return (pairs - sample_format.zero) / sample_format.full_scale


def _at_the_rails(samples: NDArray[Any], sample_format: SampleFormat) -> NDArray[np.bool_]:
    """Return where I or Q is the largest or smallest value of its format."""
    pairs = _pairs(samples)
    if sample_format is SampleFormat.CF32:
        return np.asarray(np.abs(pairs) >= 1.0)
    limits = np.iinfo(sample_format.dtype)
    return np.asarray((pairs == limits.min) | (pairs == limits.max))
