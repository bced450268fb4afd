"""A map of a walk as a file."""

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.decode.text import parse_object
from edgespec.door import door
from edgespec.errors import ConfigError
from edgespec.newfile import replace_file, unwritable
from edgespec.npz import read_npz
from edgespec.twin.site import Site
from edgespec.twin.walk.trees import Trees
from edgespec.twin.walk.walk_map import WalkMap

__all__ = ["KeptMap", "load_map", "save_map"]

_SCHEMA = "edgespec.twin-walk/1"
_ADVICE = "make one with `edgespec twin train SITE.toml --walk WALK.csv`"
#: A unit further than this from where it stood at the walk was moved, in metres.
_SAME_PLACE_M = 0.5

_TREE = {
    "feature": np.int16,
    "threshold": np.float32,
    "child": np.int32,
    "place_m": np.float32,
    "root": np.int32,
    "absent_db": np.float64,
    "unit": np.int64,
}

#: A map, and the power of the transmitter that was carried, in dBm.
KeptMap = tuple[WalkMap, float]


def save_map(path: Path, walk_map: WalkMap, site: Site, power_dbm: float) -> None:
    """Write a map as npz.

    Raises:
        ConfigError: the file cannot be written.
    """
    meta = {
        "schema": _SCHEMA,
        "site": site.name,
        "nodes": walk_map.nodes,
        "level_unit": site.level_unit,
        "weight": walk_map.weight,
        "freedom": walk_map.freedom,
        "power_dbm": power_dbm,
        "tree_error_m": walk_map.tree_error_m,
        "tree_fewest": walk_map.trees and walk_map.trees.fewest,
    }
    trees = walk_map.trees
    arrays = {} if trees is None else {f"tree_{name}": getattr(trees, name) for name in _TREE}
    content = BytesIO()
    np.savez(
        content,
        meta=np.array(json.dumps(meta)),
        units_xyz_m=site.units_xyz_m,
        x_m=walk_map.x_m,
        y_m=walk_map.y_m,
        signal_db=walk_map.signal_db,
        error_db=walk_map.error_db,
        floor_db=walk_map.floor_db,
        is_known=walk_map.is_known.astype(np.uint8),
        **arrays,
    )
    try:
        replace_file(path, content.getvalue())
    except OSError as error:
        raise unwritable(path, error) from None


def load_map(path: Path, site: Site) -> KeptMap:
    """Read a map for the units of a site; one that was not there at the walk is not known.

    Raises:
        ConfigError: no such file, no map, or one of another site or of units that were moved.
    """
    what = f"propagation.file {str(path)!r}"
    with door(what, ConfigError, _ADVICE):
        kept, name, places_m, level_unit = _from_arrays(read_npz(path))
        if (name, level_unit) != (site.name, site.level_unit):
            raise ConfigError(
                f"{what} is of site {name!r} in {level_unit}, not of {site.name!r} in "
                f"{site.level_unit}; {_ADVICE}"
            )
        walk_map, power_dbm = kept
        chosen = [
            walk_map.nodes.index(node) if node in walk_map.nodes else -1 for node in site.nodes
        ]
        for unit, index in zip(site.unit, chosen, strict=True):
            off_m = float(np.linalg.norm(places_m[index] - np.array(unit.xyz_m)))
            if index >= 0 and off_m > _SAME_PLACE_M:
                raise ConfigError(
                    f"{what} was learnt with unit {unit.node!r} {off_m:.1f} m from where the site "
                    f"file has it, {unit.xyz_m}: correct the position, or walk again"
                )
        return walk_map.of_units(site.nodes, np.array(chosen)), power_dbm


def _from_arrays(
    arrays: Mapping[str, NDArray[Any]],
) -> tuple[KeptMap, str, NDArray[np.float64], str]:
    """Return map, site, places of units and unit of levels; what is wrong raises anything."""
    meta = parse_object(str(arrays["meta"]), ConfigError, "meta of a map of a walk", _ADVICE)
    if meta["schema"] != _SCHEMA:
        raise ValueError(f"schema {meta['schema']!r:.80}")
    nodes = tuple(str(node) for node in meta["nodes"])
    x_m, y_m = (np.asarray(arrays[name], np.float64) for name in ("x_m", "y_m"))
    shape = (len(y_m), len(x_m), len(nodes))
    signal_db, error_db = (
        np.asarray(arrays[name], np.float32) for name in ("signal_db", "error_db")
    )
    floor_db = np.asarray(arrays["floor_db"], np.float64)
    is_known = np.asarray(arrays["is_known"]) != 0
    places_m = np.asarray(arrays["units_xyz_m"], np.float64)
    weight, freedom, power_dbm = (float(meta[name]) for name in ("weight", "freedom", "power_dbm"))
    if (
        min(shape[:2]) < 2
        or signal_db.shape != shape
        or error_db.shape != shape
        or floor_db.shape != shape[2:]
        or is_known.shape != shape[2:]
        or places_m.shape != (len(nodes), 3)
    ):
        raise ValueError(f"arrays of {shape} cells and units do not fit each other")
    steps = np.concatenate([np.diff(x_m), np.diff(y_m)])
    numbers = (signal_db, error_db, floor_db, places_m, steps, weight, freedom, power_dbm)
    if not all(np.isfinite(one).all() for one in numbers):
        raise ValueError("numbers that are not finite")
    if error_db.min() <= 0 or steps.min() <= 0 or not 0 < weight <= 10 or not 1 <= freedom <= 1000:
        raise ValueError("deviations, steps, weight or freedom out of range")
    trees = _trees_of(arrays, meta, len(nodes))
    error_m = None if trees is None else float(meta["tree_error_m"])
    if error_m is not None and not 0 < error_m < np.inf:
        raise ValueError(f"trees that are off by {error_m} m")
    walk_map = WalkMap(
        nodes, x_m, y_m, signal_db, error_db, floor_db, is_known, weight, freedom, trees, error_m
    )
    return (walk_map, power_dbm), str(meta["site"]), places_m, str(meta["level_unit"])


def _trees_of(
    arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any], n_units: int
) -> Trees | None:
    """Return the trees of a file, None where it has none."""
    if "tree_root" not in arrays:
        return None
    kept = {name: np.asarray(arrays[f"tree_{name}"], kind) for name, kind in _TREE.items()}
    trees = Trees(**kept, fewest=int(meta["tree_fewest"]))
    is_of_units = len(trees.absent_db) == n_units and np.array_equal(trees.unit, np.arange(n_units))
    if not is_of_units or not trees.is_sound():
        raise ValueError("trees that do not end in leaves")
    return trees
