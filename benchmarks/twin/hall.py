"""The hall of Schoesser et al. 2024, sec. IV, and what its units hear and its twin expects."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import SITES
from edgespec.twin.propagation.maps import Maps
from edgespec.twin.propagation.path_gain import CellGrid, PathGain
from edgespec.twin.propagation.walls import inside_any
from edgespec.twin.site import Site, load_site

__all__ = [
    "HEIGHTS",
    "JAMMERS",
    "MAPS",
    "SITE",
    "Ether",
    "Field",
    "Gains",
    "ModelError",
    "Placements",
    "Standing",
    "candidates",
    "draw_placements",
    "draw_places",
    "draw_standing",
    "ether",
    "gains",
    "hall",
    "traced",
]

FloatArray = NDArray[np.float64]

SITE, MAPS = SITES / "hall.toml", SITES / "hall-maps.npz"

#: Sensing units at the height of the transmitters, under the ceiling, or in turns.
HEIGHTS = ("1.5 m", "5 m", "mixed")
_LOW_M, _HIGH_M = 1.5, 4.8

N_TRANSMITTERS = 3
POWER_DBM = 20.0
SOURCE_M = 1.5
NOISE_DBM = -100.0
#: Standard deviation of the error of a transmitter's position; its direction is uniform.
POSITION_ERROR_M = 0.37

#: Subbands of each transmitter; together they fill the band.
_BLOCKS = ((0, 1, 2), (3, 4, 5), (6, 7))
N_SUBBANDS = 8

#: Over the whole band, in one subband, or on the resource blocks of one transmitter.
JAMMERS = ("wide", "narrow", "mimic")


def hall(heights: str, which: tuple[int, ...] | None = None) -> Site:
    """Return the site with its units at these heights; ``which`` keeps some of the units."""
    site = load_site(SITE)
    units = []
    for number, unit in enumerate(site.unit):
        # In turns along each line and from line to line.
        is_high = heights == "5 m" or (heights == "mixed" and (number + number // 6) % 2 == 1)
        units.append(replace(unit, z_m=_HIGH_M if is_high else _LOW_M))
    if which is not None:
        units = [units[index] for index in which]
    propagation = replace(site.propagation, model="maps", file=MAPS)
    detect = replace(site.detect, min_units=min(site.detect.min_units, len(units)))
    return replace(site, unit=tuple(units), propagation=propagation, detect=detect)


def traced(heights: str) -> Maps:
    """Return the ray-traced path gains to the units at these heights."""
    return Maps(hall(heights))


def candidates(gain: PathGain, site: Site, cell_m: float = 1.0) -> CellGrid:
    """Return the cells in which a source is searched."""
    from edgespec.twin.propagation.layer import layer_of_cells

    propagation = replace(site.propagation, cell_m=cell_m)
    return layer_of_cells(replace(site, propagation=propagation), gain.gains_db)


def is_free(xyz_m: FloatArray, site: Site) -> NDArray[np.bool_]:
    """Return which places ``(n, 3)`` are inside of the hall and outside of the metal."""
    inside = np.all((xyz_m > 0) & (xyz_m < np.array(site.size_m)), axis=1)
    return np.asarray(inside & ~inside_any(xyz_m, site.wall))


def draw_places(site: Site, n: int, rng: np.random.Generator) -> FloatArray:
    """Return places of sources, uniform over what is free: float64 ``(n, 3)``."""
    places_m = np.empty((0, 3))
    while len(places_m) < n:
        drawn_m = rng.uniform(0, 1, (n, 3)) * np.array(site.size_m)
        drawn_m[:, 2] = SOURCE_M
        places_m = np.concatenate([places_m, drawn_m[is_free(drawn_m, site)]])
    return places_m[:n]


def misplace(places_m: FloatArray, site: Site, rng: np.random.Generator) -> FloatArray:
    """Return places ``(n, 3)`` moved by N(0, 0.37 m) at a uniform angle.

    What would lie in metal or outside is drawn again: no localisation would say so.
    """
    moved_m = places_m.copy()
    todo = np.arange(len(places_m))
    while len(todo):
        distance_m = rng.normal(0, POSITION_ERROR_M, len(todo))
        angle = rng.uniform(0, 2 * np.pi, len(todo))
        moved_m[todo, 0] = places_m[todo, 0] + distance_m * np.cos(angle)
        moved_m[todo, 1] = places_m[todo, 1] + distance_m * np.sin(angle)
        todo = todo[~is_free(moved_m[todo], site)]
    return moved_m


@dataclass(frozen=True, slots=True, eq=False)
class Placements:
    """Where everybody is, and where the twin believes the transmitters to be.

    ``true_m`` float64 ``(n, 3, 3)``: placement, transmitter, coordinate; ``believed_m`` ``(n,
    n_snapshots, 3, 3)``: located anew for each snapshot; ``jammer_m`` ``(n, 3)``; ``is_jammed``
    ``(n,)``; ``blocks`` ``(n, 3)``: the runs of resource blocks in the order of transmitters.
    """

    true_m: FloatArray
    believed_m: FloatArray
    jammer_m: FloatArray
    is_jammed: NDArray[np.bool_]
    blocks: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.true_m)


def draw_placements(
    site: Site,
    n: int,
    n_jammed: int,
    n_snapshots: int,
    rng: np.random.Generator,
    places_m: FloatArray | None = None,
) -> Placements:
    """Return ``n`` placements, the last ``n_jammed`` with a jammer.

    ``places_m`` float64 ``(n, 4, 3)`` gives three transmitters and the jammer instead of new ones.
    """
    if places_m is None:
        places_m = draw_places(site, 4 * n, rng).reshape(n, 4, 3)
    true_m = np.ascontiguousarray(places_m[:, :3])
    repeated_m = np.repeat(true_m[:, None], n_snapshots, axis=1)
    believed_m = misplace(repeated_m.reshape(-1, 3), site, rng)
    blocks = np.argsort(rng.uniform(size=(n, N_TRANSMITTERS)), axis=1)
    return Placements(
        true_m,
        believed_m.reshape(n, n_snapshots, 3, 3),
        np.ascontiguousarray(places_m[:, 3]),
        np.arange(n) >= n - n_jammed,
        blocks,
    )


@dataclass(frozen=True, slots=True)
class ModelError:
    """How the twin is wrong about its units, in dB.

    ``kind``: ``sample`` draws N(0, sigma) anew for each unit and snapshot (the paper's, one
    snapshot a placement); ``placement`` for each unit and placement; ``static`` once for each unit;
    ``field`` once for each unit and place of a transmitter, the same within some 5 m.
    """

    kind: str
    sigma_db: float


@dataclass(frozen=True, slots=True, eq=False)
class Ether:
    """What units hear and the twin expects.

    ``level_db`` and ``expected_dbm`` float64 ``(n, n_snapshots, n_units, n_subbands)``.
    """

    level_db: FloatArray
    expected_dbm: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """Path gains of placements in dB.

    ``true_db`` float64 ``(n, 3, n_units)``; ``believed_db`` ``(n, n_snapshots, 3, n_units)``: what
    the twin takes them for; ``jammer_db`` ``(n, n_units)``.
    """

    true_db: FloatArray
    believed_db: FloatArray
    jammer_db: FloatArray


def gains(places: Placements, truth: PathGain, twin: PathGain) -> Gains:
    """Return the gains of all transmitters and jammers."""
    n, n_snapshots = places.believed_m.shape[:2]
    believed_db = twin.gains_db(places.believed_m.reshape(-1, 3))
    return Gains(
        truth.gains_db(places.true_m.reshape(-1, 3)).reshape(n, 3, -1),
        believed_db.reshape(n, n_snapshots, 3, -1),
        truth.gains_db(places.jammer_m),
    )


def ether(
    places: Placements,
    gain: Gains,
    error: ModelError,
    standing: "Standing",
    jammer: str,
    n_subbands: int,
    rng: np.random.Generator,
    jammer_dbm: float = POWER_DBM,
) -> Ether:
    """Return levels and expectations in one band (``n_subbands`` 1) or in eight subbands."""
    n, n_snapshots, _, n_units = gain.believed_db.shape
    blocks = _occupied(places, n_subbands)
    jammed = _jammed(places, jammer, n_subbands, rng)
    believed_db = gain.believed_db
    if standing.field is not None:
        wrong_db = standing.field.at(places.believed_m.reshape(-1, 3))
        believed_db = believed_db + wrong_db.reshape(believed_db.shape)
    noise_mw = 10 ** (NOISE_DBM / 10) / n_subbands
    signal_mw = np.einsum("ptu,ptk->puk", _mw(gain.true_db), blocks)
    jammer_mw = 10 ** ((jammer_dbm + gain.jammer_db) / 10)
    signal_mw = signal_mw + jammer_mw[:, :, None] * jammed[:, None, :]
    expected_mw = np.einsum("pstu,ptk->psuk", _mw(believed_db), blocks)
    level_db = 10 * np.log10(signal_mw + noise_mw)[:, None]
    epsilon_db = standing.constant_db + _epsilon(error, n, n_snapshots, n_units, rng)
    return Ether(
        np.broadcast_to(level_db, expected_mw.shape) + epsilon_db[..., None],
        10 * np.log10(expected_mw + noise_mw),
    )


def _mw(gain_db: FloatArray) -> FloatArray:
    return np.asarray(10 ** ((POWER_DBM + gain_db) / 10))


def _occupied(places: Placements, n_subbands: int) -> FloatArray:
    """Return the share of a transmitter's power in each subband: ``(n, 3, n_subbands)``."""
    if n_subbands == 1:
        return np.ones((len(places), 3, 1))
    shares = np.zeros((3, n_subbands))
    for row, run in enumerate(_BLOCKS):
        shares[row, list(run)] = 1 / len(run)
    return shares[places.blocks]


def _jammed(
    places: Placements, jammer: str, n_subbands: int, rng: np.random.Generator
) -> FloatArray:
    """Return the share of the jammer's power in each subband, none where there is no jammer."""
    n = len(places)
    narrow = rng.integers(0, N_SUBBANDS, n)
    victim = rng.integers(0, 3, n)
    if n_subbands == 1:
        shares = np.ones((n, 1))
    elif jammer == "wide":
        shares = np.full((n, n_subbands), 1 / n_subbands)
    elif jammer == "narrow":
        shares = np.eye(n_subbands)[narrow]
    else:
        shares = _occupied(places, n_subbands)[np.arange(n), victim]
    return np.asarray(shares * places.is_jammed[:, None])


def _epsilon(
    error: ModelError, n: int, n_snapshots: int, n_units: int, rng: np.random.Generator
) -> FloatArray:
    """Return the error of each unit: broadcasts to ``(n, n_snapshots, n_units)``."""
    if error.kind == "sample":
        return rng.normal(0, error.sigma_db, (n, n_snapshots, n_units))
    if error.kind == "placement":
        return rng.normal(0, error.sigma_db, (n, 1, n_units))
    return np.zeros((1, 1, n_units))


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Gaussian random fields over the hall, by random Fourier features (Rahimi and Recht 2007).

    Their correlation falls as ``exp(-d^2 / (2 L^2))`` with the distance d. ``waves`` float64
    ``(n_units, 2, n_waves)``, ``phases`` ``(n_units, n_waves)``.
    """

    waves: FloatArray
    phases: FloatArray
    sigma_db: float

    def at(self, places_m: FloatArray) -> FloatArray:
        """Return the fields at places ``(n, 3)`` in dB: ``(n, n_units)``."""
        n_waves = self.phases.shape[1]
        total = [
            np.cos(places_m[:, :2] @ waves + phases).sum(axis=1)
            for waves, phases in zip(self.waves, self.phases, strict=True)
        ]
        return np.asarray(self.sigma_db * np.sqrt(2 / n_waves) * np.stack(total, axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What is wrong for good: a constant of each unit, or a field around it."""

    constant_db: FloatArray
    field: Field | None


def draw_standing(
    error: ModelError, n_units: int, rng: np.random.Generator, length_m: float = 5.0
) -> Standing:
    """Return the lasting part of a model error, the same in training and test."""
    if error.kind == "static":
        return Standing(rng.normal(0, error.sigma_db, n_units), None)
    if error.kind != "field":
        return Standing(np.zeros(n_units), None)
    waves = rng.normal(0, 1 / length_m, (n_units, 2, 200))
    phases = rng.uniform(0, 2 * np.pi, (n_units, 200))
    return Standing(np.zeros(n_units), Field(waves, phases, error.sigma_db))
