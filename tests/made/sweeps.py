"""Sweeps of a made band, and the files that programs write of them."""

import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

START = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
LOWER_HZ, STEP_HZ = 88e6, 100e3

Levels = NDArray[np.float32]


def levels(n_sweeps: int = 200, n_points: int = 40, seed: int = 1) -> Levels:
    """Return noise of 0.7 dB on a floor of -60 dB with three stations, ``(n_sweeps, n_points)``."""
    rng = np.random.default_rng(seed)
    usual_db = np.full(n_points, -60.0)
    stations = np.array([n_points // 8, n_points // 2, 3 * n_points // 4])
    usual_db[stations] = -30.0, -42.0, -35.0
    noise_db = rng.normal(0.0, 0.7, (n_sweeps, n_points))
    return (usual_db + noise_db).astype(np.float32)


def rtl_power_line(
    when: datetime, lower_hz: float, row: Iterable[float], step_hz: float = STEP_HZ
) -> str:
    values = list(row)
    upper_hz = lower_hz + step_hz * len(values)
    stamp = f"{when:%Y-%m-%d, %H:%M:%S}"
    # It writes the last level twice.
    text = ", ".join(f"{value:.2f}" for value in (*values, values[-1]))
    return f"{stamp}, {lower_hz:.0f}, {upper_hz:.0f}, {step_hz:.2f}, 1024, {text}\n"


def rtl_power_text(table: Levels, n_hops: int = 1, interval_s: float = 1.0) -> str:
    """Return what rtl_power writes: all hops of a sweep with one time."""
    parts = np.array_split(np.arange(table.shape[1]), n_hops)
    return "".join(
        rtl_power_line(
            START + timedelta(seconds=interval_s * number),
            LOWER_HZ + STEP_HZ * part[0],
            row[part],
        )
        for number, row in enumerate(table)
        for part in parts
    )


def fftw_text(table: Levels, n_hops: int = 1) -> str:
    """Return what soapy_power writes as rtl_power_fftw does, with times of UTC."""
    parts = np.array_split(np.arange(table.shape[1]), n_hops)
    text = ""
    for number, row in enumerate(table):
        for part in parts:
            when = START + timedelta(seconds=number)
            text += f"# soapy_power output\n# Acquisition start: {when:%Y-%m-%d %H:%M:%S} UTC\n#\n"
            for point in part:
                text += f"{LOWER_HZ + STEP_HZ * point} {row[point]}\n"
            text += "\n"
        text += "\n"
    return text


def soapy_binary(table: Levels, n_hops: int = 1) -> bytes:
    """Return the records of soapy_power, version 2."""
    parts = np.array_split(np.arange(table.shape[1]), n_hops)
    octets = b""
    for number, row in enumerate(table):
        for part in parts:
            begin_s = START.timestamp() + number
            lower_hz = LOWER_HZ + STEP_HZ * part[0]
            values = row[part].astype("<f4").tobytes()
            octets += b"SDRFF" + struct.pack(
                "<BdddddQQ2x",
                *(2, begin_s, begin_s + 0.5, lower_hz, lower_hz + STEP_HZ * len(part), STEP_HZ),
                *(1024, len(values)),
            )
            octets += values
    return octets


def table_file(path: Path, table: Levels, interval_s: float = 1.0) -> Path:
    """Write the arrays of a table of sweeps."""
    np.savez(
        path,
        utc_s=START.timestamp() + interval_s * np.arange(len(table)),
        freqs_hz=LOWER_HZ + STEP_HZ * np.arange(table.shape[1]),
        levels_db=table,
    )
    return path
