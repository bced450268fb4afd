"""What a look at a band found, as numbers and as lines for people."""

from dataclasses import asdict, dataclass
from typing import Any

from edgespec.dsp.prefix.cell import Cell
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.ops.look.listed import Listed
from edgespec.ops.look.planes import LeftOfCell, Plane
from edgespec.ops.look.reference import Reference
from edgespec.ops.rhythm import RhythmBefore
from edgespec.ops.survey.lines import cell_lines
from edgespec.ops.survey.spectrum import Spectrum
from edgespec.records import FloatArray
from edgespec.sources.sigmf import Annotation
from edgespec.units import format_hz, format_utc
from edgespec.wire.levels import level_payload, scale_payload

__all__ = ["Excess", "Look"]

_N_SHOWN = 6
#: More than this share of I and Q at their limits is no chance.
_CLIPPED = 1e-3
#: A peak beyond it is of a recording of other numbers than shares of full scale.
_SCALED = 2.0


@dataclass(frozen=True, slots=True)
class Excess:
    """Frequencies where the largest mean over a horizon is clear of what is normal, by how much."""

    lower_hz: float
    upper_hz: float
    excess_db: float


@dataclass(frozen=True, slots=True)
class Look:
    """What was heard in ``duration_s`` of a source.

    ``mean_dbfs``, ``median_dbfs`` and ``max_dbfs`` are float32 ``(n_bins,)``, over time, of the
    means that scores are made of: a horizon of ``horizon_s`` each. ``clipped_share`` is None where
    samples do not say whether they clip, ``peak`` the largest modulus of I or Q, 1 at full scale.
    ``spectrum`` has finer bins. ``excess`` is what is clear of ``reference``, the last run's
    normal; ``listed`` what a mask says, None without one. ``scale`` is what levels mean, ``rhythm``
    what the band's observer knows of it where there is no cell.
    """

    source: str
    sample_rate_hz: float
    center_freq_hz: float
    utc_ns: int
    duration_s: float
    n_dropped: int
    level_dbfs: float
    peak: float
    clipped_share: float | None
    spectrum: Spectrum
    power: Plane
    horizon_s: float
    mean_dbfs: FloatArray
    median_dbfs: FloatArray
    max_dbfs: FloatArray
    reference: Reference | None = None
    excess: tuple[Excess, ...] = ()
    cell: Cell | None = None
    left: LeftOfCell | None = None
    annotations: tuple[Annotation, ...] = ()
    listed: Listed | None = None
    scale: LevelScale = UNCALIBRATED
    rhythm: RhythmBefore | None = None

    @property
    def occupied_share(self) -> float:
        """Share of the band that somebody occupies, 0 to 1."""
        return sum(p.upper_hz - p.lower_hz for p in self.spectrum.parts) / self.sample_rate_hz

    def as_json(self) -> dict[str, Any]:
        """Return an object of schema ``edgespec.look/1``."""
        reference, cell, center_hz = self.reference, self.cell, self.center_freq_hz
        return {
            "schema": "edgespec.look/1",
            "source": self.source,
            "utc": format_utc(self.utc_ns) if self.utc_ns else None,
            "sample_rate_hz": self.sample_rate_hz,
            "center_freq_hz": center_hz,
            "duration_s": self.duration_s,
            "n_dropped": self.n_dropped,
            **self._levels("level", self.level_dbfs),
            "peak": round(self.peak, 4),
            "clipped_share": self.clipped_share,
            **self._levels("floor", self.spectrum.floor_dbfs),
            "occupied_share": round(self.occupied_share, 4),
            "occupied": [
                {
                    "lower_hz": part.lower_hz + center_hz,
                    "upper_hz": part.upper_hz + center_hz,
                    **self._levels("level", part.level_dbfs),
                }
                for part in self.spectrum.parts
            ],
            "peaks": [
                {
                    "freq_hz": one.offset_hz + center_hz,
                    **self._levels("level", one.level_dbfs),
                }
                for one in self.spectrum.peaks(_N_SHOWN)
            ],
            "reference_age_s": None if reference is None else reference.age_s,
            "excess": [asdict(one) for one in self.excess],
            "cell": None if cell is None else asdict(cell),
            "cell_left_db": None if self.left is None else round(self.left.left_db, 2),
            "n_annotations": len(self.annotations),
            "mask": None if self.listed is None else self._mask_payload(self.listed),
            "rhythm": None if self.rhythm is None else self.rhythm.as_json(),
            **scale_payload(self.scale, self.utc_ns),
        }

    def _levels(self, name: str, level_dbfs: float) -> dict[str, Any]:
        """Return a level in dBFS and in what it is known in beside, null where in nothing."""
        level_dbfs = round(level_dbfs, 2)
        return {f"{name}_dbfs": level_dbfs, **level_payload(name, level_dbfs, self.scale)}

    def as_text(self) -> str:
        """Return the same as lines for people."""
        head = f"{self.source}: {self.duration_s:.3g} s at {format_hz(self.sample_rate_hz)}"
        if self.center_freq_hz:
            head += f" around {format_hz(self.center_freq_hz)}"
        lines = [head + (f", from {format_utc(self.utc_ns)}" if self.utc_ns else "")]
        lines.append(
            f"level {self.scale.text(self.level_dbfs)}, peak {self.peak:.2f} of full scale"
        )
        if self.clipped_share is not None:
            lines[-1] += f", {self.clipped_share:.2%} clipped"
        if (self.clipped_share or 0.0) > _CLIPPED:
            lines[-1] += ": the receiver is overloaded, lower its gain"
        if self.peak > _SCALED:
            lines[-1] += ": its numbers are not scaled to 1, so levels compare with each other only"
        if self.n_dropped:
            lines.append(f"{self.n_dropped} samples were lost before; this is what came after")
        spectrum = self.spectrum
        lines.append(
            f"occupied: {self.occupied_share:.0%} of the band, above a floor of "
            f"{self.scale.text(spectrum.floor_dbfs)} a bin"
        )
        for part in spectrum.parts[:_N_SHOWN]:
            where = self._from_to(part.lower_hz, part.upper_hz, self.center_freq_hz)
            lines.append(f"  {where}, {self.scale.text(part.level_dbfs)} a bin")
        peaks = [
            f"{_mhz(one.offset_hz + self.center_freq_hz)} {self.scale.text(one.level_dbfs)}"
            for one in spectrum.peaks(_N_SHOWN)
        ]
        lines.append(f"strongest peaks: {', '.join(peaks) or 'none'}")
        lines += [*self._normal_lines(), *self._cell_lines(), *self._mask_lines()]
        age = self.scale.age_text(self.utc_ns)
        return "\n".join([*lines, f"levels {age}"] if age else lines)

    def _normal_lines(self) -> list[str]:
        if self.reference is None:
            return ["normal: no last run of this source and gain is known"]
        age = f"normal of the last run, {self.reference.age_s / 3600:.1f} h ago"
        if not self.excess:
            return [f"{age}: nothing is clear of it"]
        said = [
            f"  {self._from_to(one.lower_hz, one.upper_hz)}, up to {one.excess_db:+.1f} dB"
            for one in self.excess[:_N_SHOWN]
        ]
        return [f"{age}: clear of it are", *said]

    def _cell_lines(self) -> list[str]:
        if self.cell is None:
            rhythm = [] if self.rhythm is None else [f"rhythm of the band: {self.rhythm}"]
            return ["no cell that could be cancelled", *rhythm]
        lines = cell_lines("cell", self.cell)
        if self.left is not None:
            lines.append(f"  {self.left.left_db:.1f} dB of it are left when it is cancelled")
        return lines

    def _mask_lines(self) -> list[str]:
        if self.listed is None:
            return []
        lines = ["mask:" if self.listed.rows else "mask: nothing of it lies in this band"]
        for row, level_dbfs in self.listed.rows:
            where = self._from_to(row.lower_hz, row.upper_hz)
            words = self.listed.words_of(row, level_dbfs, self.scale)
            lines.append(f"  {row.name}, {where}: up to {self.scale.text(level_dbfs)}, {words}")
        for lower_hz, upper_hz in self.listed.unlisted_hz[:_N_SHOWN]:
            lines.append(f"  not listed: {self._from_to(lower_hz, upper_hz)}")
        return lines

    def _mask_payload(self, listed: Listed) -> dict[str, Any]:
        return {
            "listed": [
                {
                    "what": row.name,
                    "lower_hz": row.lower_hz,
                    "upper_hz": row.upper_hz,
                    "max_dbfs": row.max_dbfs,
                    "min_dbfs": row.min_dbfs,
                    **self._levels("level", level_dbfs),
                }
                for row, level_dbfs in listed.rows
            ],
            "not_listed": [
                {"lower_hz": lower, "upper_hz": upper} for lower, upper in listed.unlisted_hz
            ],
        }

    @staticmethod
    def _from_to(lower_hz: float, upper_hz: float, center_hz: float = 0.0) -> str:
        return f"{_mhz(lower_hz + center_hz)} to {_mhz(upper_hz + center_hz)}"


def _mhz(freq_hz: float) -> str:
    return f"{freq_hz / 1e6:.4f} MHz"
