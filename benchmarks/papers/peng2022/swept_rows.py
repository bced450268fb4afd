"""What a run has come to: errors and areas of each forecaster in each band, by place."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.report.resamples import Draws, Floats
from edgespec.decode.text import parse_object, read_bounded
from edgespec.errors import SourceError

__all__ = ["BandRow", "SweptRows", "read_rows"]

_ADVICE = "fill the folder with `python -m benchmarks.papers.peng2022.run`"
_MOST_BYTES = 64_000_000


@dataclass(frozen=True, slots=True, eq=False)
class BandRow:
    """One forecaster in one band.

    ``mae_db`` and ``mse`` are of each place, ``auc[discriminant]`` ``(n_places, n_isrs,
    n_classes)``.
    """

    band: str
    name: str
    places: tuple[str, ...]
    mae_db: NDArray[np.float64]
    mse: NDArray[np.float64]
    auc: dict[str, NDArray[np.float64]]
    facts: dict[str, Any]
    cpu_s: float

    def draws(self) -> Draws:
        """Return the places as they are, and drawn anew: alike for all rows of a band."""
        return Draws(self.places, self.band)

    def mae(self) -> Floats:
        """Return the mean absolute error in dB, ``(1 + n,)``."""
        return self.draws().mean(self.mae_db)

    def rmse(self) -> Floats:
        """Return the root of the mean square error in dB, ``(1 + n,)``."""
        return np.sqrt(self.draws().mean(self.mse))

    def area(
        self,
        discriminant: str,
        isrs: Sequence[int] | slice = slice(None),
        classes: Sequence[int] | slice = slice(None),
    ) -> Floats:
        """Return the mean area over some ISRs and classes, by number, ``(1 + n,)``."""
        picked = self.auc[discriminant][:, isrs][:, :, classes]
        return self.draws().mean(picked.mean(axis=(1, 2)))


@dataclass(frozen=True, slots=True, eq=False)
class SweptRows:
    """All rows of a folder, and the experiment that they are of.

    ``left_out`` are bands whose rows are not told, since some are missing: ``N of M``.
    """

    experiment: dict[str, Any]
    isrs_db: tuple[float, ...]
    classes: tuple[str, ...]
    rows: dict[tuple[str, str], BandRow]
    machines: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def bands(self) -> list[str]:
        """Bands with a row, in the order of the experiment."""
        return [band for band in self.experiment["bands"] if any(b == band for b, _ in self.rows)]

    @property
    def networks(self) -> list[str]:
        """Networks of the experiment."""
        return list(self.experiment["networks"])

    @property
    def bars(self) -> list[str]:
        """Bars of the experiment."""
        return list(self.experiment["bars"])

    @property
    def missing(self) -> list[str]:
        """What was asked for and not run: a band of which nothing was, or BAND/NAME."""
        found = []
        for band in self.experiment["bands"]:
            if band not in self.left_out:
                names = [f"{band}/{n}" for n in self.asked_in(band) if (band, n) not in self.rows]
                found += names if band in self.bands else [band]
        return found

    def asked_in(self, band: str) -> list[str]:
        """Return the bars and networks that the experiment asks for in a band."""
        networks = self.experiment["networks"].items()
        return [*self.bars, *(n for n, one in networks if band in (one.get("bands") or [band]))]

    def whole(self) -> "SweptRows":
        """Return it without the bands in which something is missing.

        Raises:
            SourceError: there is no other.
        """
        left_out = {}
        for band in self.bands:
            asked = self.asked_in(band)
            n_rows = sum((band, name) in self.rows for name in asked)
            if n_rows < len(asked):
                left_out[band] = f"{n_rows} of {len(asked)}"
        kept = {key: row for key, row in self.rows.items() if key[0] not in left_out}
        if not kept:
            counts = ", ".join(f"{band} has {count}" for band, count in left_out.items())
            raise SourceError(f"no band has all of its rows: {counts}; {_ADVICE}")
        return replace(self, rows=kept, left_out=left_out)

    @property
    def n_places(self) -> int:
        """Test places of a band, the fewest."""
        return min((len(row.places) for row in self.rows.values()), default=0)

    def kind(self, name: str) -> str:
        """Return the architecture of a network."""
        return str(self.experiment["networks"][name].get("architecture") or name)

    def of_kind(self, band: str, architecture: str) -> BandRow | None:
        """Return the plain network of an architecture in a band, None where it was not run."""
        for name in self.networks:
            plain = not self.is_of_residual(name)
            if plain and self.kind(name) == architecture and (band, name) in self.rows:
                return self.rows[band, name]
        return None

    def is_of_residual(self, name: str) -> bool:
        """Whether a network forecasts what is beyond the mean of the context."""
        return bool(self.experiment["networks"][name].get("hyper", {}).get("residual_of"))

    def isr(self, isr_db: float) -> int:
        """Return the number of the ISR nearest to one."""
        return int(np.argmin(np.abs(np.array(self.isrs_db) - isr_db)))


def read_rows(work: Path) -> SweptRows:
    """Return what a run has written so far.

    Raises:
        SourceError: the folder holds no such run, or a file of it is damaged.
    """
    experiment = _object(work / "experiment.json")
    found: dict[tuple[str, str], BandRow] = {}
    machines, classes, isrs_db, keys = set(), (), (), set()
    for path in sorted((work / "rows").glob("*/*.json")):
        table = _object(path)
        try:
            if not _is_asked(experiment, table):
                continue
            row = _row(table)
            machine = table["machine"]
            classes, isrs_db = tuple(table["classes"]), tuple(table["isrs_db"])
            keys.add(table["key"])
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(f"{path} is no row of a run ({error!r:.80}): {_ADVICE}") from None
        found[row.band, row.name] = row
        machines.add(f"{machine['cpu']}, {machine['date'][:10]}")
    if not found:
        raise SourceError(f"{str(work)!r} has no rows: {_ADVICE}")
    if len(keys) > 1:
        raise SourceError(
            f"{str(work)!r} has rows of {len(keys)} settings, which cannot be compared: run the "
            "experiment again, which replaces what is old"
        )
    return SweptRows(experiment, isrs_db, classes, found, tuple(sorted(machines)))


def _is_asked(experiment: dict[str, Any], table: dict[str, Any]) -> bool:
    names = (*experiment["bars"], *experiment["networks"])
    return table["band"] in experiment["bands"] and table["name"] in names


def _row(table: dict[str, Any]) -> BandRow:
    places = table["places"]
    return BandRow(
        table["band"],
        table["name"],
        tuple(place["place"] for place in places),
        np.array([place["mae_db"] for place in places], np.float64),
        np.array([place["mse"] for place in places], np.float64),
        {
            name: np.array([place["auc"][name] for place in places], np.float64)
            for name in places[0]["auc"]
        },
        table["facts"],
        float(table["cpu_s"]),
    )


def _object(path: Path) -> dict[str, Any]:
    content = read_bounded(path, SourceError, _ADVICE, _MOST_BYTES)
    return dict(parse_object(content, SourceError, str(path), _ADVICE))
