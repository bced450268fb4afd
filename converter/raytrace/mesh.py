"""Triangles: boxes of a scene, and the small closed bodies on which power is collected."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["BODY_FACES", "Mesh", "bodies", "box_mesh", "write_ply"]

FloatArray = NDArray[np.float64]

_GOLDEN = (1.0 + 5.0**0.5) / 2.0

#: Corners of an icosahedron of circumradius 1, turned so that none of its faces is parallel to a
#: wall: rays along a face would hardly ever meet it.
_TURN_RAD = (0.37, 0.71, 0.19)


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """``vertices_m`` float64 ``(n_vertices, 3)`` and ``faces`` uint32 ``(n_faces, 3)``."""

    vertices_m: FloatArray
    faces: NDArray[np.uint32]


def box_mesh(lower_m: tuple[float, ...], upper_m: tuple[float, ...]) -> Mesh:
    """Return the twelve triangles of a box, normals outwards.

    Faces share their corners: that is how edges, at which waves are diffracted, are recognised.
    """
    corners = np.array(np.meshgrid((0, 1), (0, 1), (0, 1), indexing="ij")).reshape(3, -1).T
    low, high = np.array(lower_m, np.float64), np.array(upper_m, np.float64)
    quads = (
        (0, 2, 6, 4),  # bottom
        (1, 5, 7, 3),  # top
        (0, 4, 5, 1),  # y low
        (2, 3, 7, 6),  # y high
        (0, 1, 3, 2),  # x low
        (4, 6, 7, 5),  # x high
    )
    faces = [side for a, b, c, d in quads for side in ((a, b, c), (a, c, d))]
    return Mesh(low + corners * (high - low), np.array(faces, np.uint32))


def _icosahedron() -> Mesh:
    """Return the twenty triangles of an icosahedron of circumradius 1, normals outwards."""
    corners = []
    for one in (-1.0, 1.0):
        for other in (-_GOLDEN, _GOLDEN):
            corners += [(0.0, one, other), (one, other, 0.0), (other, 0.0, one)]
    vertices = np.array(corners)
    edge = 2.0
    near = np.abs(np.linalg.norm(vertices[:, None] - vertices[None], axis=2) - edge) < 1e-9
    faces = []
    for a in range(12):
        for b in range(a + 1, 12):
            for c in range(b + 1, 12):
                if near[a, b] and near[b, c] and near[a, c]:
                    normal = np.cross(vertices[b] - vertices[a], vertices[c] - vertices[a])
                    faces.append((a, b, c) if normal @ vertices[a] > 0 else (a, c, b))
    return Mesh(vertices / np.hypot(1.0, _GOLDEN) @ _turn().T, np.array(faces, np.uint32))


def _turn() -> FloatArray:
    """Return the rotation by ``_TURN_RAD`` about x, y and z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(_TURN_RAD):
        one, other = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[one, one] = step[other, other] = np.cos(angle)
        step[one, other], step[other, one] = -np.sin(angle), np.sin(angle)
        matrix = step @ matrix
    return matrix


#: Triangles of one body of :func:`bodies`.
BODY_FACES = 20


def bodies(centres_m: FloatArray, radii_m: FloatArray) -> Mesh:
    """Return an icosahedron around each place: the faces ``20 i`` to ``20 i + 19`` are of place i.

    A plane of cells at the height of a source would miss all that stays in that plane: the direct
    path and what walls reflect. A closed body is met from everywhere.
    """
    body = _icosahedron()
    n_corners = len(body.vertices_m)
    vertices_m = centres_m[:, None, :] + radii_m[:, None, None] * body.vertices_m
    offsets = np.arange(len(centres_m), dtype=np.uint32)[:, None, None] * np.uint32(n_corners)
    return Mesh(vertices_m.reshape(-1, 3), (offsets + body.faces).reshape(-1, 3))


def write_ply(mesh: Mesh, path: Path) -> None:
    """Write a mesh as PLY, binary and little-endian (Turk 1994)."""
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(mesh.vertices_m)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(mesh.faces)}\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    rows = np.empty(len(mesh.faces), np.dtype([("n", "u1"), ("corner", "<i4", (3,))]))
    rows["n"], rows["corner"] = 3, mesh.faces
    content = header.encode("ascii") + mesh.vertices_m.astype("<f4").tobytes() + rows.tobytes()
    path.write_bytes(content)
