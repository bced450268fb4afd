"""``sweep:RADIO?start=...&stop=...``: a radio that is tuned over a span, one block a sweep.

``RADIO`` is the URI of a radio that can be tuned (rtl_tcp, rtlsdr, soapy, sim), whose options stand
among those of the sweep. ``start`` and ``stop`` in Hz; ``step`` (distance of two points; else a
512th of the span), ``dwell_s`` (at each place; .1), ``crop`` (share of the sample rate that is left
out at either edge; .15), ``dc_bins`` (beside the middle, that the receiver's own offset fills; 1),
``sample_rate`` (2.4e6). Points are dBFS as the front end's are, so ``band.full_scale_dbm`` holds.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.records import SampleFormat, SourceInfo
from edgespec.sources.dwell import DwellSource, Turn
from edgespec.sources.request import Request, Tuning
from edgespec.sources.source import Source, TunableSource
from edgespec.sources.sweeps.hop_plan import HOP_KEYS, HopPlan
from edgespec.sources.uri import SourceUri
from edgespec.sweep_block import SweepBlock
from edgespec.units import POWER_FLOOR_DBFS

__all__ = ["HoppingSource", "open_hopping", "power_dbfs", "radio_uri", "rate_of"]

_LOG = logging.getLogger(__name__)
_RATE_HZ = 2.4e6
_READ_FFTS = 64
_NS = 1_000_000_000


def radio_uri(uri: SourceUri, request: Request) -> str:
    """Return the URI of the radio that a sweep tunes, with the rate that it is to have.

    Raises:
        UsageError: it says itself where the radio is tuned to.
    """
    if "center_freq" in uri.options:
        raise UsageError(
            f"{uri.text!r:.160} gives center_freq, but a sweep says where its radio is tuned to: "
            "take it out"
        )
    options = {key: value for key, value in uri.options.items() if key not in HOP_KEYS}
    options.setdefault("sample_rate", f"{request.sample_rate_hz or _RATE_HZ!r}")
    return f"{uri.rest}?" + "&".join(f"{key}={value}" for key, value in options.items())


def rate_of(uri: SourceUri, configured_hz: float | None) -> float:
    """Return the sample rate that the radio of a sweep is asked for."""
    return uri.number("sample_rate") or configured_hz or _RATE_HZ


def open_hopping(
    uri: SourceUri, request: Request, open_radio: Callable[[Request], Source]
) -> "HoppingSource":
    """Return a radio as a source of sweeps.

    Args:
        uri: of the sweep.
        request: what the configuration wants of the radio.
        open_radio: opens the radio of :func:`radio_uri`.

    Raises:
        UsageError: a value of the URI is outside of its range.
        SourceError: the radio cannot be opened, or tuned there.
    """
    centers_hz = HopPlan.of(uri, rate_of(uri, request.sample_rate_hz)).centers_hz
    later = tuple(Tuning(center_hz) for center_hz in centers_hz[1:])
    radio = open_radio(replace(request, center_freq_hz=centers_hz[0], later=later))
    try:
        # Radios round the rate that they are asked for.
        plan = HopPlan.of(uri, radio.info.sample_rate_hz)
        _LOG.info("%.160s: %s", uri.text, plan.words(cast(TunableSource, radio).settle_s))
        return HoppingSource(cast(TunableSource, radio), plan, uri.text)
    except BaseException:
        radio.close()
        raise


class HoppingSource:
    """Sweeps of a radio as a source; its clock counts sweeps, however long each takes.

    Each hop is the mean of the power spectra of its dwell, a Hann taper on each, without overlap.
    Where the radio was opened anew within a sweep, sweeps may be missing before the next: one is
    said to be.

    Args:
        radio: open, and tuned to the first place; closed with this source.
        plan: where it is tuned to.
        uri: that of this source.
    """

    def __init__(self, radio: TunableSource, plan: HopPlan, uri: str) -> None:
        self._plan = plan
        self._n_dwell = round(plan.dwell_s * plan.sample_rate_hz)
        turns = [Turn(center_hz, plan.dwell_s) for center_hz in plan.centers_hz]
        self._radio = radio
        self._source: Source = radio if len(turns) < 2 else DwellSource(radio, turns)
        settle_s = radio.settle_s if len(turns) > 1 else 0.0
        interval_s = plan.n_hops * (plan.dwell_s + settle_s)
        self._format: SampleFormat = radio.info.sample_format
        self._buffer = self._format.empty(_READ_FFTS * plan.n_fft)
        self._grid = plan.grid(interval_s)
        self._n_sweeps = self._n_reconnects = 0
        self.info = SourceInfo(
            uri,
            1.0 / interval_s,
            (plan.start_hz + plan.stop_hz) / 2.0,
            SampleFormat.CF32,
            is_live=radio.info.is_live,
            grid=self._grid,
        )

    def read(self, out: NDArray[Any]) -> SweepBlock | None:
        """Return the next sweep, None at the end of the radio; ``out`` is not needed."""
        plan = self._plan
        power = np.empty(plan.n_hops * plan.n_kept)
        utc_ns: int | None = None
        for hop in range(plan.n_hops):
            found = self._hop()
            if found is None:
                return None
            power[hop * plan.n_kept : (hop + 1) * plan.n_kept] = plan.kept(found[0])
            utc_ns = found[1] if utc_ns is None else utc_ns
        n_dropped = int(self._radio.n_reconnects != self._n_reconnects)
        self._n_reconnects = self._radio.n_reconnects
        number = self._n_sweeps + n_dropped
        self._n_sweeps = number + 1
        floor = 10.0 ** (POWER_FLOOR_DBFS / 10.0)
        levels_db = 10.0 * np.log10(np.maximum(power[: plan.n_points], floor))
        return SweepBlock(
            levels_db.astype(np.float32)[None, :],
            self.info.sample_rate_hz,
            self.info.center_freq_hz,
            number,
            utc_ns or 0,
            n_dropped,
            time.monotonic_ns(),
            grid=self._grid,
        )

    def close(self) -> None:
        """Close the radio; a read in another thread returns."""
        self._source.close()

    def _hop(self) -> tuple[NDArray[np.float64], int] | None:
        """Return the mean power of a dwell, ``(n_fft,)``, and its time; None at the end."""
        n_fft, n_left = self._plan.n_fft, self._n_dwell
        total, n_ffts, utc_ns = np.zeros(n_fft), 0, None
        held = np.empty(0, np.complex64)
        while n_left > 0:
            block = self._source.read(self._buffer[: min(len(self._buffer), n_left)])
            if block is None:
                return None
            utc_ns = block.utc_ns if utc_ns is None else utc_ns
            n_left -= block.n_samples
            new = self._format.to_complex(block.samples)
            held = new if block.n_dropped else np.concatenate([held, new])
            n_whole = len(held) // n_fft
            if n_whole:
                total += power_dbfs(held[: n_whole * n_fft], n_fft)
                n_ffts += n_whole
                held = held[n_whole * n_fft :]
        return total / max(n_ffts, 1), utc_ns or 0


def power_dbfs(samples: NDArray[np.complex64], n_fft: int) -> NDArray[np.float64]:
    """Return the sum of the power spectra of whole FFTs, float64 ``(n_fft,)``, FFT-shifted.

    ``P[q] = sum_m |sum_k w[k] x[m N + k] exp(-2j pi q k / N)|^2 / (sum_k w[k])^2``: that of the
    front end, linear, so that a complex exponential of modulus 1 on a bin is 1 for each of them.
    """
    taper = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n_fft) / n_fft)
    rows = samples.reshape(-1, n_fft) * (taper / taper.sum()).astype(np.float32)
    spectra = np.fft.fft(rows, axis=1)
    power = (spectra.real**2 + spectra.imag**2).sum(axis=0, dtype=np.float64)
    shifted: NDArray[np.float64] = np.fft.fftshift(power)
    return shifted
