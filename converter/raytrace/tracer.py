"""Ray tracing by Sionna RT: the only file that imports it."""

import importlib
import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.raytrace.llvm import choose_llvm
from converter.raytrace.mesh import BODY_FACES, bodies
from converter.raytrace.room import Room
from converter.raytrace.scene import write_scene
from edgespec.errors import EdgespecError

__all__ = ["TraceOptions", "Tracer", "load_sionna"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """How much is traced: rays from a source, and how often each may bounce."""

    n_rays: int = 1_000_000
    depth: int = 5
    has_diffraction: bool = True


def load_sionna() -> ModuleType:
    """Return ``sionna.rt``, after a look whether its compiler has the LLVM it needs.

    Raises:
        EdgespecError: one of them is not installed; the message says what to install.
    """
    if importlib.util.find_spec("sionna") is None:
        raise EdgespecError("ray tracing needs Sionna RT: pip install 'edgespec[raytrace]'")
    choose_llvm()
    try:
        return importlib.import_module("sionna.rt")
    except ImportError as error:
        raise EdgespecError(
            f"Sionna RT does not load ({error}): pip install 'edgespec[raytrace]' again"
        ) from error


class Tracer:
    """Path gain from one source to many places of a room, isotropic antennas at both ends.

    A source is polarised vertically, a place collects both polarisations. Powers of paths are
    added, phases left out, as the solver of radio maps does (Hoydis et al. 2022).
    """

    def __init__(self, room: Room, options: TraceOptions) -> None:
        self._sionna = load_sionna()
        self._room = room
        self._options = options
        with tempfile.TemporaryDirectory() as folder:
            self._scene = self._sionna.load_scene(str(write_scene(room, Path(folder))))
        self._scene.frequency = room.frequency_hz
        antenna = {"num_rows": 1, "num_cols": 1, "pattern": "iso", "polarization": "V"}
        self._scene.tx_array = self._sionna.PlanarArray(**antenna)
        self._solver = self._sionna.RadioMapSolver()

    def cells(self, centres_m: FloatArray, radius_m: float) -> "Cells":
        """Return places ``(n, 3)`` as something that power can be collected on.

        Each is a small body of that radius, smaller where a surface is nearer.

        Raises:
            EdgespecError: one of them is not in free space.
        """
        free_m = self._room.clearance_m(centres_m)
        if len(centres_m) == 0 or free_m.min() <= 0:
            raise EdgespecError("places must be in free space to be reached by rays")
        mesh = bodies(centres_m, np.minimum(radius_m, 0.98 * free_m))
        return Cells(self._as_mesh(mesh.vertices_m, mesh.faces), len(centres_m))

    def _as_mesh(self, vertices_m: FloatArray, faces: NDArray[np.uint32]) -> Any:
        mitsuba = importlib.import_module("mitsuba")
        mesh = mitsuba.Mesh("cells", len(vertices_m), len(faces))
        content = mitsuba.traverse(mesh)
        content["vertex_positions"] = vertices_m.astype(np.float32).ravel()
        content["faces"] = faces.ravel()
        content.update()
        return mesh

    def gain(self, source_m: FloatArray, cells: "Cells", seed: int = 1) -> FloatArray:
        """Return the linear path gain from a source to the cells: float64 ``(n_cells,)``.

        Rays leave the source along a fixed lattice; ``seed`` draws only where edges diffract.
        """
        gain = self._solve(source_m, seed, measurement_surface=cells.surface)
        return np.asarray(gain.reshape(cells.n_cells, BODY_FACES).mean(axis=1))

    def plane_gain(self, source_m: FloatArray, height_m: float, cell_m: float) -> FloatArray:
        """Return the linear path gain to the cells of a plane: float64 ``(n_y, n_x)``.

        The plain radio map, for comparison: at the height of the source it misses what stays in
        that plane (:func:`converter.raytrace.mesh.bodies`).
        """
        mitsuba = importlib.import_module("mitsuba")
        size_m = self._room.size_m
        return self._solve(
            source_m,
            1,
            center=mitsuba.Point3f(size_m[0] / 2, size_m[1] / 2, height_m),
            orientation=mitsuba.Point3f(0, 0, 0),
            size=mitsuba.Point2f(*size_m[:2]),
            cell_size=mitsuba.Point2f(cell_m, cell_m),
        )

    def _solve(self, source_m: FloatArray, seed: int, **where: Any) -> FloatArray:
        for name in list(self._scene.transmitters):
            self._scene.remove(name)
        position = [float(value) for value in source_m]
        self._scene.add(self._sionna.Transmitter("source", position=position))
        found = self._solver(
            self._scene,
            samples_per_tx=self._options.n_rays,
            max_depth=self._options.depth,
            diffraction=self._options.has_diffraction,
            refraction=self._room.is_transparent,
            seed=seed,
            **where,
        )
        return np.asarray(found.path_gain.numpy()[0], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Places that collect power, as the ray tracer holds them."""

    surface: Any
    n_cells: int
