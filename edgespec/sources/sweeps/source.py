"""``rtl_power:PATH``: sweeps that another program measured, one block a sweep.

The file says by its first bytes what it is: a table of rtl_power, the text of rtl_power_fftw, the
records of soapy_power (it writes all three), or the arrays of a table (npz). ``-`` is standard
input, and a FIFO will do. Options: ``follow`` (go on as the file grows), ``interval_s`` (from one
sweep to the next; else the first ones say it), ``zone`` (of local times; else that of this
machine), ``realtime`` and ``loop`` of a file that is complete.
"""

import logging
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from threading import Event
from typing import Any

from numpy.typing import NDArray

from edgespec.door import brief
from edgespec.errors import SourceError, UsageError
from edgespec.records import SampleFormat, SourceInfo
from edgespec.sources.pace import Pacer
from edgespec.sources.sweeps.axis import Axis, usual_axis
from edgespec.sources.sweeps.count import SweepCount, usual_interval_s
from edgespec.sources.sweeps.fftw_text import fftw_text_hops
from edgespec.sources.sweeps.octets import Octets, open_octets
from edgespec.sources.sweeps.rtl_power import rtl_power_hops
from edgespec.sources.sweeps.soapy_binary import MAGIC as SOAPY_MAGIC
from edgespec.sources.sweeps.soapy_binary import soapy_binary_hops
from edgespec.sources.sweeps.stitch import Sweep, stitched
from edgespec.sources.sweeps.table_file import MAGIC as ZIP_MAGIC
from edgespec.sources.sweeps.table_file import sweeps_of
from edgespec.sources.sweeps.wall_clock import WallClock, zone_named
from edgespec.sources.uri import SourceUri
from edgespec.sweep_block import SweepBlock, sweep_grid
from edgespec.sweep_file import read_table

__all__ = ["SweepSource", "open_sweeps"]

_LOG = logging.getLogger(__name__)
_NS = 1_000_000_000
#: Of a stream, so many sweeps say how fast they come; of a file all, where it is no larger.
_N_FIRST, _WHOLE_BYTES = 3, 64_000_000
_N_FIRST_OF_LARGE = 64


def open_sweeps(uri: SourceUri, *, keeps_points: bool = False) -> "SweepSource":
    """Return the sweeps that ``uri`` names; of a stream, its first ones are waited for.

    ``keeps_points`` is that of :class:`~edgespec.sources.sweeps.axis.Axis`.

    Raises:
        UsageError: a value of the URI is none.
        SourceError: it cannot be opened, or holds no sweeps.
    """
    zone = zone_named(uri.options.get("zone"))
    interval_s = uri.number("interval_s")
    if interval_s is not None and interval_s <= 0:
        raise UsageError(f"interval_s in {uri.text!r} is {interval_s:g}; it must be positive")
    octets = open_octets(uri.rest, follow=uri.flag("follow"))
    try:
        sweeps, resolution_s, n_first = _sweeps(octets, uri.rest, WallClock(zone, octets.name))
        if interval_s is not None and octets.is_endless:
            n_first = 1
        first = list(islice(sweeps, n_first))
        if not first:
            raise SourceError(f"{octets.name} holds no sweep: check what writes it")
        interval_s = interval_s or usual_interval_s([sweep.utc_s for sweep in first])
        if interval_s is None:
            raise SourceError(
                f"{octets.name}: the times of its first {len(first)} sweeps do not say how often "
                "they come: add ?interval_s=SECONDS"
            )
        is_whole = not octets.is_endless and len(first) < n_first
        return SweepSource(
            octets,
            first,
            sweeps,
            uri,
            interval_s=interval_s,
            resolution_s=resolution_s,
            is_whole=is_whole,
            keeps_points=keeps_points,
        )
    except BaseException:
        octets.close()
        raise


def _sweeps(octets: Octets, path: str, clock: WallClock) -> tuple[Iterator[Sweep], float, int]:
    """Return the sweeps, what their times are rounded to, and how many are looked at first."""
    n_first = _N_FIRST
    if not octets.is_endless:
        # So many sweeps never fit into so few bytes.
        is_small = (octets.n_bytes or 0) <= _WHOLE_BYTES
        n_first = _WHOLE_BYTES if is_small else _N_FIRST_OF_LARGE
    octets.leave_out_mark()
    begin = octets.peek(len(SOAPY_MAGIC))
    if begin.startswith(ZIP_MAGIC):
        if not octets.is_file:
            raise SourceError(f"{octets.name} is a pipe, and a table in npz must be a file")
        return sweeps_of(read_table(Path(path))), 0.0, _WHOLE_BYTES
    if begin == SOAPY_MAGIC:
        return stitched(soapy_binary_hops(octets), octets.name), 0.0, n_first
    if begin.startswith(b"#"):
        return stitched(fftw_text_hops(octets, clock), octets.name), 1.0, n_first
    return stitched(rtl_power_hops(octets, clock), octets.name), 1.0, n_first


class SweepSource:
    """Sweeps as a source; see :func:`open_sweeps`.

    Args:
        octets: closed with it.
        first: the sweeps that were looked at to open it.
        rest: those behind them.
        uri: its options say how it plays.
        interval_s: from one sweep to the next.
        resolution_s: what times are rounded to.
        is_whole: whether ``first`` is all there is.
        keeps_points: of the axis.
    """

    def __init__(
        self,
        octets: Octets,
        first: list[Sweep],
        rest: Iterator[Sweep],
        uri: SourceUri,
        *,
        interval_s: float,
        resolution_s: float,
        is_whole: bool,
        keeps_points: bool,
    ) -> None:
        loop, by_the_clock = uri.flag("loop"), uri.flag("realtime")
        if (loop or by_the_clock) and not is_whole:
            raise UsageError(
                f"{brief(uri.text)!r} has loop or realtime, but is a stream, or too large a file: "
                "leave them out"
            )
        self._octets = octets
        self._interval_s = interval_s
        axis_hz = usual_axis(first[:_N_FIRST_OF_LARGE])
        self._axis = Axis(axis_hz, keeps_points=keeps_points)
        self._grid = sweep_grid(self._axis.freqs_hz, interval_s)
        self._first = first if loop else []
        self._sweeps: Iterator[Sweep] = chain(first, rest)
        self._count = SweepCount(interval_s, resolution_s)
        self._n_lost = 0
        self._is_other_told = False
        self._loop_s = 0.0
        self._pacer = Pacer(1.0 / interval_s) if by_the_clock else None
        self._n_given = 0
        self._closed = Event()
        self.info = SourceInfo(
            uri.text,
            1.0 / interval_s,
            float(self._axis.freqs_hz[0] + self._axis.freqs_hz[-1]) / 2.0,
            SampleFormat.CF32,
            is_live=octets.is_endless or by_the_clock,
            n_samples=len(first) if is_whole and not loop else None,
            grid=self._grid,
        )

    def read(self, out: NDArray[Any]) -> SweepBlock | None:
        """Return the next sweep, None at the end; ``out`` is not needed."""
        while not self._closed.is_set():
            sweep = self._next()
            if sweep is None:
                return None
            number, n_missing = self._count.take(sweep.utc_s + self._loop_s)
            axis_hz = self._axis.freqs_hz
            levels_db = self._axis.fit(sweep)
            if levels_db is None:
                self._tell_other(sweep)
                self._n_lost += 1 + n_missing
                continue
            if self._axis.freqs_hz is not axis_hz:
                self._grid = sweep_grid(self._axis.freqs_hz, self._interval_s)
            n_dropped, self._n_lost = n_missing + self._n_lost, 0
            self._n_given += 1
            if self._pacer is not None:
                self._pacer.wait(1, self._n_given)
            return SweepBlock(
                levels_db[None, :],
                self.info.sample_rate_hz,
                float(self._axis.freqs_hz[0] + self._axis.freqs_hz[-1]) / 2.0,
                number,
                round((sweep.utc_s + self._loop_s) * _NS),
                n_dropped,
                time.monotonic_ns(),
                grid=self._grid,
            )
        return None

    def close(self) -> None:
        """Close it; a read in another thread returns."""
        self._closed.set()
        if self._pacer is not None:
            self._pacer.close()
        self._octets.close()

    def _tell_other(self, sweep: Sweep) -> None:
        """Say once that a sweep is left out since it lies elsewhere."""
        if self._is_other_told:
            return
        self._is_other_told = True
        _LOG.warning(
            "%s: the sweep that begins at line %d, from %g to %g Hz, has other frequencies than "
            "those before: sweeps like it are left out",
            self._octets.name,
            sweep.line,
            sweep.freqs_hz[0],
            sweep.freqs_hz[-1],
        )

    def _next(self) -> Sweep | None:
        sweep = next(self._sweeps, None)
        if sweep is None and self._first and not self._closed.is_set():
            # The time of a loop runs on from its first round.
            self._loop_s += self._first[-1].utc_s - self._first[0].utc_s + self._interval_s
            self._sweeps = iter(self._first)
            sweep = next(self._sweeps)
        return sweep
