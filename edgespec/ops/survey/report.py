"""What a survey heard: a cell and its neighbours, or what was there in its place."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from edgespec.dsp.cells import find_named_cell
from edgespec.dsp.prefix.bandwidth import Bandwidth, measure_bandwidth
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.folded import find_prefix
from edgespec.dsp.prefix.search import find_others
from edgespec.errors import SourceError
from edgespec.framing import Recipe
from edgespec.ops.collect import collect
from edgespec.ops.good_frames import check_good
from edgespec.ops.survey.lines import cell_lines
from edgespec.ops.survey.spectrum import Spectrum, mean_spectrum
from edgespec.ops.survey.wifi import WifiHeard, hear_wifi
from edgespec.sources import open_source
from edgespec.sources.schemes import refuse_sweeps
from edgespec.units import db_from_ratio, format_hz

__all__ = ["Survey", "survey"]

#: A cell needs two whole radio frames.
_LEAST_S = 0.03
_N_PARTS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Survey:
    """What was heard in ``duration_s`` of a source.

    ``cell`` is the strongest cell, or None: one of LTE, else of NR, else one whose prefixes alone
    are known. ``bandwidth`` is that of an LTE cell, ``others`` were heard beside it; ``wifi`` is
    what was heard of Wi-Fi. ``is_searched``: there was enough to look for cells.
    ``level_dbfs`` is the mean power, ``peak`` the largest modulus of I or Q, 1 at full scale.
    """

    source: str
    sample_rate_hz: float
    center_freq_hz: float
    duration_s: float
    level_dbfs: float
    peak: float
    spectrum: Spectrum
    cell: Cell | None = None
    bandwidth: Bandwidth | None = None
    others: tuple[Cell, ...] = ()
    wifi: WifiHeard | None = None
    is_searched: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return an object of schema ``edgespec.survey/1``."""
        return {
            "schema": "edgespec.survey/1",
            "source": self.source,
            "sample_rate_hz": self.sample_rate_hz,
            "center_freq_hz": self.center_freq_hz,
            "duration_s": self.duration_s,
            "level_dbfs": round(self.level_dbfs, 2),
            "peak": round(self.peak, 4),
            "floor_dbfs": round(self.spectrum.floor_dbfs, 2),
            "occupied": [asdict(part) for part in self.spectrum.parts],
            "cell": _cell_object(self.cell) if self.cell else None,
            "n_resource_blocks": self.bandwidth.n_blocks if self.bandwidth else None,
            "n_resource_blocks_is_least": self.bandwidth.is_least if self.bandwidth else None,
            "others": [_cell_object(other) for other in self.others],
            "is_searched": self.is_searched,
            "wifi": asdict(self.wifi) if self.wifi else None,
        }

    def as_text(self) -> str:
        """Return the same as lines for people."""
        head = f"{self.source}: {self.duration_s:.3g} s at {format_hz(self.sample_rate_hz)}"
        if self.center_freq_hz:
            head += f" around {format_hz(self.center_freq_hz)}"
        lines = [f"{head}, {self.level_dbfs:.1f} dBFS, peak {self.peak:.2f} of full scale"]
        if not self.is_searched:
            lines.append(f"too short to look for cells, which takes {_LEAST_S:g} s")
        elif self.cell is None:
            lines.append("no cell: no synchronisation signal that reference signals prove")
        else:
            lines += cell_lines("cell", self.cell, self.bandwidth)
            for other in self.others:
                lines += cell_lines("beside it", other)
            if self.cell.technology == "lte" and not self.others:
                lines.append("no other cell beside it")
        lines += [self.wifi.as_line()] if self.wifi else []
        lines.append(f"occupied, above a floor of {self.spectrum.floor_dbfs:.1f} dBFS a bin:")
        for part in self.spectrum.parts[:_N_PARTS_SHOWN]:
            low, high = (
                format_hz(edge + self.center_freq_hz) for edge in (part.lower_hz, part.upper_hz)
            )
            lines.append(f"  {low} to {high}, {part.level_dbfs:.1f} dBFS a bin")
        if not self.spectrum.parts:
            lines.append("  nothing")
        return "\n".join(lines)


def survey(
    uri: str, duration_s: float, progress: Callable[[str], None] = lambda text: None
) -> Survey:
    """Return what is heard in the first seconds of a source.

    Where a live source lost samples, what came before is left out. ``progress`` is told what may
    take long.

    Raises:
        UsageError: the URI cannot be understood, or the sample rate is below 1.92 MS/s.
        SourceError: the source cannot be opened, holds not one good frame, or holds less than 30 ms
            and no Wi-Fi.
    """
    refuse_sweeps(uri, "survey")
    source = open_source(uri)
    try:
        heard = collect(source, duration_s)
    finally:
        source.close()
    samples, rate_hz = heard.to_complex(), heard.info.sample_rate_hz
    check_good(heard, Recipe.for_rate(rate_hz))
    is_long = len(samples) >= _LEAST_S * rate_hz
    wifi = hear_wifi(samples, rate_hz)
    if not is_long and wifi is None:
        raise SourceError(
            f"the source {uri!r} gave {len(samples) / rate_hz:.3g} s of signal; a survey needs "
            f"{_LEAST_S:g} s without a gap: take a longer recording, or try again"
        )
    parts = samples.view(np.float32)
    found = Survey(
        source=uri,
        sample_rate_hz=rate_hz,
        center_freq_hz=heard.center_freq_hz,
        duration_s=len(samples) / rate_hz,
        level_dbfs=db_from_ratio(2.0 * float(np.mean(parts * parts, dtype=np.float64))),
        peak=float(max(parts.max(), -parts.min())),
        spectrum=mean_spectrum(samples, rate_hz),
        wifi=wifi,
        is_searched=is_long,
    )
    if not is_long:
        return found
    progress("looking for cells")
    cell = find_named_cell(samples, rate_hz)
    if cell is None or cell.technology != "lte":
        return replace(found, cell=cell or find_prefix(samples, rate_hz))
    others = tuple(find_others(samples, rate_hz, cell))
    return replace(found, cell=cell, bandwidth=measure_bandwidth(samples, cell), others=others)


def _cell_object(cell: Cell) -> dict[str, Any]:
    return asdict(cell) | {"identity": cell.identity if cell.is_named else None}
