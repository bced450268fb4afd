"""A simulated site for the tests of the twin: units that report what they hear."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edgespec.twin
from edgespec.records import RssReport
from edgespec.twin.central import SiteTwin
from edgespec.twin.collector import Snapshot, history_of
from edgespec.twin.expected import Expectation
from edgespec.twin.level_kind import MEASURED
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.propagation.path_gain import PathGain
from edgespec.twin.site import Site, load_site
from edgespec.twin.trained import TrainedTwin, train_history
from edgespec.wire.transmitters import Transmitter
from edgespec.wire.verdict import TwinVerdict

FloatArray = NDArray[np.float64]

START_NS = 1_795_000_000_000_000_000
SECOND_NS = 1_000_000_000


def hall(**detect: object) -> Site:
    """Return the example site, with other options of detection."""
    site = load_site(Path(edgespec.twin.__file__).parent / "sites" / "hall.toml")
    return replace(site, detect=replace(site.detect, **detect))


def write_maps(path: Path, site: Site, gain_db: np.ndarray, **other: np.ndarray) -> Site:
    """Write maps of cells of 1 m at z 1 m and 2 m, and return the site that reads them."""
    arrays = {
        "gain_db": gain_db.astype(np.float32),
        "x_m": np.arange(4) + 0.5,
        "y_m": np.arange(3) + 0.5,
        "z_m": np.array([1.0, 2.0]),
        "units_xyz_m": site.units_xyz_m,
    }
    np.savez(path, **{**arrays, **other})
    return replace(site, propagation=replace(site.propagation, model="maps", file=path))


@dataclass
class World:
    """The hall as it is: true transmitters, static errors of each unit, and a jammer or none."""

    site: Site
    rng: np.random.Generator
    error_db: float = 3.0
    noise_db: float = 0.5
    transmitters: tuple[Transmitter, ...] = ()
    jammers: list[Transmitter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gain: PathGain = path_gain(self.site)
        self.transmitters = self.transmitters or self.site.transmitter
        self._static_db = self.rng.normal(0.0, self.error_db, (len(self.site.unit), 1))
        self._truth = Expectation(self.site, self.gain)

    def levels_db(self) -> FloatArray:
        """Return what the units measure now: ``(n_units, n_subbands)``."""
        self._truth.set((*self.transmitters, *self.jammers))
        signal_mw = self._truth.parts_mw.sum(axis=0) * 10.0 ** (self._static_db / 10.0)
        level_db = 10.0 * np.log10(signal_mw + self._truth.noise_mw)
        return np.asarray(level_db + self.rng.normal(0.0, self.noise_db, level_db.shape))

    def trained(self, n_snapshots: int = 300) -> TrainedTwin:
        """Return what training on normal snapshots gives."""
        expectation = Expectation(self.site, self.gain)
        kind = np.full(len(self.site.unit), MEASURED, np.uint8)
        pending = [
            (
                Snapshot(i, 0, self.levels_db(), kind, kind != MEASURED),
                expectation.level_dbm,
                expectation.is_occupied,
            )
            for i in range(n_snapshots)
        ]
        return train_history(self.site, self.gain.grid(), history_of(pending))


def jammer(x_m: float, y_m: float, power_dbm: float = 20.0, **more: object) -> Transmitter:
    return replace(Transmitter("jammer", x_m, y_m, 1.5, power_dbm), **more)


def report(site: Site, unit: int, utc_ns: int, levels_db: FloatArray) -> RssReport:
    """Return the report of one unit for the interval that ends at ``utc_ns``."""
    return RssReport(
        node=site.nodes[unit],
        site=site.name,
        band=site.band,
        utc_ns=utc_ns,
        duration_s=site.detect.interval_s,
        edges_hz=site.edges_hz,
        levels_db=tuple(levels_db.tolist()),
        level_unit=site.level_unit,
        clipped_share=0.0,
        n_frames=1000,
        sequence=1,
    )


class Clock:
    """Feeds a twin snapshot by snapshot."""

    def __init__(self, twin: SiteTwin) -> None:
        self.twin = twin
        self.interval_ns = round(twin.site.detect.interval_s * SECOND_NS)
        self.now_ns = START_NS - START_NS % self.interval_ns

    def tell(
        self, levels_db: FloatArray, units: list[int] | None = None, clipped: tuple[int, ...] = ()
    ) -> TwinVerdict:
        """Report one interval from some units or all, and return the verdict on it."""
        site = self.twin.site
        self.now_ns += self.interval_ns
        for unit in range(len(site.unit)) if units is None else units:
            one = report(site, unit, self.now_ns, levels_db[unit])
            share = 0.5 if unit in clipped else 0.0
            self.twin.accept(replace(one, clipped_share=share), self.now_ns)
        grace_ns = round(site.detect.grace_s * SECOND_NS)
        (verdict,) = self.twin.advance(self.now_ns + grace_ns)
        return verdict
