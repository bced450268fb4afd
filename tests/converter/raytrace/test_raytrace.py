"""Path gain by ray tracing: the scene, the maps and what learns from them; without the tracer."""

import ctypes.util
import json
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

import edgespec.twin
from converter.cli import main
from converter.raytrace import llvm, tracer
from converter.raytrace.fit import fit_log_distance, random_places, with_fit
from converter.raytrace.forest import rounded_down
from converter.raytrace.llvm import choose_llvm, llvm_version
from converter.raytrace.maps import TracedMaps, cell_axes, save_maps
from converter.raytrace.mesh import BODY_FACES, Mesh, bodies, box_mesh, write_ply
from converter.raytrace.room import Box, Room, room_of
from converter.raytrace.scene import write_scene
from converter.raytrace.tracer import TraceOptions
from edgespec.errors import ConfigError, EdgespecError, UsageError
from edgespec.twin.propagation.forest import FlatForest, Forest, load_forest
from edgespec.twin.propagation.log_distance import LogDistance
from edgespec.twin.propagation.maps import Maps
from edgespec.twin.propagation.path_gain import GAIN_FLOOR_DB
from edgespec.twin.site import Site, Unit, Wall, load_site
from tests import naive

SITES = Path(edgespec.twin.__file__).parent / "sites"
HALL = SITES / "hall.toml"
LIGHT_M_PER_S = 299_792_458.0


@pytest.fixture
def site() -> Site:
    return load_site(HALL)


@pytest.fixture
def small() -> Site:
    """A room of 8 x 6 x 3 m with one box of metal and four units."""
    units = tuple(
        Unit(f"u{i}", x, y, 1.5) for i, (x, y) in enumerate([(1, 1), (7, 1), (1, 5), (7, 5)])
    )
    walls = (Wall((3.0, 2.0, 0.0), (5.0, 4.0, 2.0), 12.0, "press"),)
    return replace(
        load_site(HALL),
        name="small",
        size_m=(8.0, 6.0, 3.0),
        unit=units,
        wall=walls,
        transmitter=(),
    )


def volume_m3(mesh: Mesh) -> float:
    """Signed volume by the divergence theorem: positive if all normals point outwards."""
    corners = mesh.vertices_m[mesh.faces]
    return float(np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)


def is_closed(mesh: Mesh) -> bool:
    """Whether each edge is run through once in each direction."""
    edges = [
        (a, b)
        for face in mesh.faces.tolist()
        for a, b in zip(face, face[1:] + face[:1], strict=True)
    ]
    return len(set(edges)) == len(edges) and {(b, a) for a, b in edges} == set(edges)


def test_a_box_is_closed_and_its_normals_point_outwards() -> None:
    mesh = box_mesh((1.0, 2.0, 0.0), (4.0, 4.0, 5.0))
    assert is_closed(mesh)
    assert volume_m3(mesh) == pytest.approx(3 * 2 * 5)


def test_bodies_are_closed_around_their_places_and_have_no_face_along_a_wall() -> None:
    centres_m, radii_m = np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 1.0]]), np.array([0.5, 0.1])
    mesh = bodies(centres_m, radii_m)
    assert is_closed(mesh)
    assert len(mesh.faces) == 2 * BODY_FACES
    assert volume_m3(mesh) == pytest.approx(2.53615 * (0.5**3 + 0.1**3), rel=1e-5)
    for place, (centre_m, radius_m) in enumerate(zip(centres_m, radii_m, strict=True)):
        faces = mesh.faces[place * BODY_FACES : (place + 1) * BODY_FACES]
        distance_m = np.linalg.norm(mesh.vertices_m[np.unique(faces)] - centre_m, axis=1)
        np.testing.assert_allclose(distance_m, radius_m)
    corners = mesh.vertices_m[mesh.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1)[:, None]
    assert np.abs(normal).max() < 0.99


def test_a_mesh_is_written_as_it_is(tmp_path: Path) -> None:
    mesh = box_mesh((0.0, 0.0, 0.0), (1.0, 2.0, 3.0))
    write_ply(mesh, tmp_path / "box.ply")
    header, body = (tmp_path / "box.ply").read_bytes().split(b"end_header\n")
    assert b"element vertex 8\n" in header
    assert b"element face 12\n" in header
    np.testing.assert_array_equal(np.frombuffer(body[:96], "<f4").reshape(8, 3), mesh.vertices_m)
    rows = np.frombuffer(body[96:], np.dtype([("n", "u1"), ("corner", "<i4", (3,))]))
    assert set(rows["n"].tolist()) == {3}
    np.testing.assert_array_equal(rows["corner"], mesh.faces)


def test_a_scene_names_every_body_and_its_material(tmp_path: Path, site: Site) -> None:
    root = ElementTree.parse(write_scene(room_of(site), tmp_path)).getroot()
    materials = {bsdf.get("id") for bsdf in root.findall("bsdf")}
    assert materials == {"concrete", "metal"}
    shapes = root.findall("shape")
    assert len(shapes) == 1 + len(site.wall)
    for shape in shapes:
        (name,) = [s.get("value") for s in shape.findall("string") if s.get("name") == "filename"]
        assert (tmp_path / str(name)).is_file()
    used = [ref.get("id") for shape in shapes for ref in shape.findall("ref")]
    assert used == ["concrete", *["metal"] * 6]


def test_clearance_is_the_distance_to_the_nearest_surface(rng: np.random.Generator) -> None:
    room = Room(
        (10.0, 8.0, 4.0), "concrete", (Box((2.0, 2.0, 0.0), (4.0, 5.0, 3.0), "metal"),), 1e9
    )
    places_m = rng.uniform(-1.0, 11.0, (500, 3))
    clearance_m = room.clearance_m(places_m)
    box_low, box_high = np.array([2.0, 2.0, 0.0]), np.array([4.0, 5.0, 3.0])
    for place_m, found_m in zip(places_m, clearance_m, strict=True):
        inside = np.all(place_m > 0) and np.all(place_m < (10, 8, 4))
        in_box = np.all(place_m >= box_low) and np.all(place_m <= box_high)
        assert (found_m > 0) == (inside and not in_box)
        if found_m > 0:
            to_shell_m = min(*place_m, *(np.array([10, 8, 4]) - place_m))
            nearest_m = np.clip(place_m, box_low, box_high)
            assert found_m == pytest.approx(min(to_shell_m, np.linalg.norm(place_m - nearest_m)))


def test_a_site_that_cannot_be_traced_is_refused_in_a_sentence(small: Site) -> None:
    outside = replace(small, wall=(Wall((3.0, 2.0, 0.0), (9.0, 4.0, 2.0), 12.0, "press"),))
    with pytest.raises(ConfigError, match=r"'press' reaches from .* to .*inside of the room"):
        room_of(outside)
    buried = replace(small, unit=(*small.unit, Unit("deep", 4.0, 3.0, 1.0)))
    with pytest.raises(ConfigError, match=r"'deep' at .* inside of a wall"):
        room_of(buried)
    room = room_of(small)
    with pytest.raises(UsageError, match="height 3 m"):
        cell_axes(room, 0.5, (3.0,))
    with pytest.raises(UsageError, match="cells of 7 m"):
        cell_axes(room, 7.0, (1.5,))
    with pytest.raises(UsageError, match="make 480000000 of them"):
        cell_axes(room, 0.001, tuple(np.linspace(0.1, 2.9, 10)))


def test_maps_are_read_back_as_they_were_traced(tmp_path: Path, small: Site, rng) -> None:
    room, path = room_of(small), tmp_path / "maps.npz"
    axes = cell_axes(room, 0.5, (1.5,))
    centres_m = axes.centres_m
    gain_db = rng.uniform(-90, -50, (4, *axes.shape)).astype(np.float32)
    gain_db[:, room.clearance_m(centres_m).reshape(axes.shape) <= 0] = np.nan
    # In another order than the site's units, and with one that the site does not have.
    places_m = np.concatenate([small.units_xyz_m[::-1], [[4.0, 5.5, 2.5]]])
    traced = TracedMaps(
        np.concatenate([gain_db[::-1], gain_db[:1]]), axes, places_m, room.frequency_hz, (1.0,)
    )
    save_maps(traced, path, TraceOptions())
    maps = Maps(replace(small, propagation=replace(small.propagation, model="maps", file=path)))
    free = np.isfinite(gain_db.reshape(4, -1)[0])
    found_db = maps.gains_db(centres_m[free])
    # float16 keeps 11 bits: 1/32 dB below 128 dB.
    np.testing.assert_allclose(found_db, gain_db.reshape(4, -1)[:, free].T, atol=1 / 32)
    assert len(maps.grid().xyz_m) == np.count_nonzero(free)
    in_metal = maps.gains_db(np.array([[4.0, 3.0, 1.5]]))
    np.testing.assert_array_equal(in_metal, GAIN_FLOOR_DB)
    with np.load(path) as file:
        assert json.loads(str(file["meta"]))["n_rays"] == 1_000_000


def test_the_maps_of_the_example_site_serve_every_height(site: Site) -> None:
    propagation = replace(site.propagation, model="maps", file=SITES / "hall-maps.npz")
    for height_m in (1.5, 4.8):
        units = tuple(replace(unit, z_m=height_m) for unit in site.unit)
        maps = Maps(replace(site, unit=units, propagation=propagation))
        grid = maps.grid()
        # 40 x 40 m less six lines of 14 x 4 m, in cells of 0.5 m.
        assert len(grid.xyz_m) == (1600 - 6 * 56) * 4
        assert (grid.gain_db < -20).all()
        assert (grid.gain_db > -120).all()
        units_m = np.array([unit.xyz_m for unit in units])
        nearest = np.linalg.norm(grid.xyz_m[:, None] - units_m, axis=2).argmin(axis=0)
        # Right beside a unit it is heard as in free space, give or take what surfaces add.
        beside_db = grid.gain_db[nearest, np.arange(len(units))]
        distance_m = np.linalg.norm(grid.xyz_m[nearest] - units_m, axis=1)
        free_db = 20 * np.log10(LIGHT_M_PER_S / site.center_freq_hz / (4 * np.pi * distance_m))
        assert np.abs(beside_db - free_db).max() < 3.5
    moved = replace(site, unit=(replace(site.unit[0], x_m=5.0), *site.unit[1:]))
    with pytest.raises(ConfigError, match="nothing for unit 'hall-01'"):
        Maps(replace(moved, propagation=propagation))


@pytest.fixture
def handmade() -> FlatForest:
    """Two trees: x below 3 or not, and then the distance to the second unit below 2 or not."""
    return FlatForest(
        feature=np.array([0, -1, -1, 3, -1, -1], np.int16),
        threshold=np.array([3, 0, 0, 2, 0, 0], np.float32),
        child=np.array([1, 0, 1, 4, 2, 3], np.int32),
        value=np.array([[-50, -60], [-70, -40], [-55, -30], [-65, -90]], np.float32),
        root=np.array([0, 3], np.int32),
        unit=np.array([-1, -1], np.int32),
        units_xyz_m=np.array([[1.0, 1.0, 1.5], [7.0, 1.0, 1.5]]),
    )


def test_a_forest_gives_the_mean_of_its_leaves(handmade: FlatForest) -> None:
    places_m = np.array([[2.0, 1.0, 1.5], [6.0, 1.0, 1.5], [3.0, 5.0, 1.5]])
    expected = [[-57.5, -75.0], [-62.5, -35.0], [-57.5, -75.0]]
    np.testing.assert_allclose(handmade.gains_db(places_m), expected)
    for place_m, gain_db in zip(places_m, expected, strict=True):
        assert naive.forest_gains(handmade, place_m) == pytest.approx(gain_db)


def write_forest(forest: FlatForest, path: Path, **changed: object) -> Path:
    arrays = {name: getattr(forest, name) for name in FlatForest.__slots__} | changed
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"child": None}, "it has no child"),
        ({"child": np.array([0, 0, 1, 4, 2, 3], np.int32)}, "do not end"),
        ({"child": np.array([1, 0, 1, 4, 2, 9], np.int32)}, "do not end"),
        ({"child": np.array([1, 0, 1, 5, 2, 3], np.int32)}, "do not end"),
        ({"feature": np.array([9, -1, -1, 3, -1, -1], np.int16)}, "do not end"),
        ({"root": np.array([0, 6], np.int32)}, "do not end"),
        ({"value": np.zeros((4, 1), np.float32)}, "do not end"),
        ({"threshold": np.zeros(5, np.float32)}, "do not end"),
        ({"unit": np.array([-1, 0], np.int32)}, "do not end"),
        ({"feature": np.array([], np.int16)}, "do not end"),
    ],
)
def test_a_broken_forest_is_refused(
    tmp_path: Path, handmade: FlatForest, changed: dict[str, object], words: str
) -> None:
    load_forest(write_forest(handmade, tmp_path / "whole.npz"))
    with pytest.raises(ConfigError, match=words):
        load_forest(write_forest(handmade, tmp_path / "broken.npz", **changed))


@pytest.mark.parametrize("reader", ["forest", "maps"])
@pytest.mark.parametrize(
    "damage", ["text", "empty", "cut", "flipped", "npy", "none", "other", "words"]
)
def test_a_file_that_is_none_of_ours_is_refused(
    tmp_path: Path, small: Site, reader: str, damage: str
) -> None:
    path = tmp_path / "file.npz"
    whole = (SITES / "hall-maps.npz").read_bytes()
    if damage == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif damage == "other":
        np.savez(path, something=np.zeros(3))
    elif damage == "words":
        np.savez(path, feature=np.array(["a"]), gain_db=np.array(["a"]))
    elif damage == "flipped":
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 :])
    elif damage != "none":
        path.write_bytes({"text": b"no npz", "empty": b"", "cut": whole[:5000]}[damage])
    propagation = replace(small.propagation, model=reader, file=path)
    with pytest.raises(ConfigError, match=r"propagation.file '.*file.npz'.*raytrace"):
        (Forest if reader == "forest" else Maps)(replace(small, propagation=propagation))


@pytest.mark.converter
@pytest.mark.parametrize("is_joint", [True, False])
def test_a_compiled_forest_gives_what_was_grown(
    tmp_path: Path, small: Site, rng: np.random.Generator, is_joint: bool
) -> None:
    from converter.raytrace.forest import ForestOptions, fit_trees, flatten, save_forest
    from edgespec.twin.propagation.forest import features_of

    room, units_m = room_of(small), small.units_xyz_m
    places_m = random_places(room, 60, 1.5, rng)
    gain_db = LogDistance(small).gains_db(places_m) + rng.normal(0, 3, (60, 4))
    options = ForestOptions(n_trees=5, min_leaf=2, is_joint=is_joint)
    grown = fit_trees(places_m, gain_db, units_m, options)
    save_forest(flatten(grown, units_m), tmp_path / "forest.npz", options)
    seen_m = random_places(room, 40, 1.5, rng)
    features = features_of(seen_m, units_m)
    expected = grown[0].predict(features)
    if not is_joint:
        expected = np.stack([forest.predict(features) for forest in grown], axis=1)
    loaded = load_forest(tmp_path / "forest.npz")
    # scikit-learn keeps the values of leaves in float64.
    np.testing.assert_allclose(loaded.gains_db(seen_m), expected, atol=1e-4)
    np.testing.assert_allclose(naive.forest_gains(loaded, seen_m[0]), expected[0], atol=1e-4)
    propagation = replace(small.propagation, model="forest", file=tmp_path / "forest.npz")
    detect = replace(small.detect, min_units=2)
    fewer = replace(small, unit=small.unit[2:], propagation=propagation, detect=detect)
    np.testing.assert_allclose(Forest(fewer).gains_db(seen_m), expected[:, 2:], atol=1e-4)
    assert Forest(fewer).grid().gain_db.shape[1] == 2


def test_a_threshold_between_two_features_stays_between_them(rng: np.random.Generator) -> None:
    # scikit-learn puts it in their middle, which float32 may not have.
    low = rng.uniform(0, 50, 1000).astype(np.float32)
    high = np.nextafter(low, np.float32(np.inf))
    middle = (low.astype(np.float64) + high) / 2
    threshold = rounded_down(middle)
    assert threshold.dtype == np.float32
    assert (low <= threshold).all()
    assert (high > threshold).all()


def test_a_fit_finds_the_model_that_made_the_gains(small: Site, rng: np.random.Generator) -> None:
    made = replace(
        small,
        propagation=replace(small.propagation, exponent=2.7, reference_db=-41.5),
        wall=(replace(small.wall[0], loss_db=9.0),),
    )
    places_m = random_places(room_of(small), 400, 1.5, rng)
    gain_db = LogDistance(made).gains_db(places_m)
    fit = fit_log_distance(small, places_m, gain_db)
    assert (fit.exponent, fit.reference_db, fit.wall_loss_db) == pytest.approx((2.7, -41.5, 9.0))
    assert fit.rmse_db < 1e-9
    np.testing.assert_allclose(LogDistance(with_fit(small, fit)).gains_db(places_m), gain_db)
    open_room = replace(small, wall=())
    gain_db = LogDistance(replace(made, wall=())).gains_db(places_m)
    assert fit_log_distance(open_room, places_m, gain_db).wall_loss_db == 0.0


def test_random_places_are_free_and_fill_the_room(small: Site, rng: np.random.Generator) -> None:
    room = room_of(small)
    places_m = random_places(room, 2000, 1.5, rng)
    assert (room.clearance_m(places_m) > 0).all()
    share = np.mean((places_m[:, 0] > 3) & (places_m[:, 0] < 5))
    # Of 44 free square metres, 8 are beside the box.
    assert share == pytest.approx(8 / 44, abs=0.04)
    full = replace(room, boxes=(Box((0.0, 0.0, 0.0), (8.0, 6.0, 2.0), "metal"),))
    with pytest.raises(EdgespecError, match="full of walls"):
        random_places(full, 10, 1.5, rng)


def test_llvm_is_looked_for_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DRJIT_LIBLLVM_PATH", raising=False)
    monkeypatch.setattr(llvm, "_FOLDERS", (str(tmp_path),))
    with pytest.raises(EdgespecError, match="there is none here; on Debian: apt-get install"):
        choose_llvm()
    old = tmp_path / "libLLVM-14.so.1"
    old.write_bytes(b"")
    with pytest.raises(EdgespecError, match="19 or newer, and there is none here"):
        choose_llvm()
    monkeypatch.setenv("DRJIT_LIBLLVM_PATH", str(old))
    with pytest.raises(EdgespecError, match="LLVM before 16: ray tracing dies with it"):
        choose_llvm()
    monkeypatch.setenv("DRJIT_LIBLLVM_PATH", str(tmp_path / "libLLVM.so.77"))
    with pytest.raises(EdgespecError, match="no LLVM that loads"):
        choose_llvm()


def test_a_library_without_a_version_is_an_old_llvm() -> None:
    path = ctypes.util.find_library("c")
    if path is None:
        pytest.skip("no C library by that name here")
    assert llvm_version(Path(path)) == 0


@dataclass
class FakeCells:
    centres_m: np.ndarray

    @property
    def n_cells(self) -> int:
        return len(self.centres_m)


class FakeTracer:
    """Free space without walls, and no ray tracer."""

    def __init__(self, room: Room, options: TraceOptions) -> None:
        self.room = room

    def cells(self, centres_m: np.ndarray, radius_m: float) -> FakeCells:
        assert 0 < radius_m < 0.5
        return FakeCells(centres_m)

    def gain(self, source_m: np.ndarray, cells: FakeCells) -> np.ndarray:
        distance_m = np.maximum(np.linalg.norm(cells.centres_m - source_m, axis=1), 0.5)
        gain = (LIGHT_M_PER_S / self.room.frequency_hz / (4 * np.pi * distance_m)) ** 2
        # One cell is met by no ray.
        gain[0] = 0.0
        return gain


def test_the_command_writes_maps_and_says_what_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    monkeypatch.setattr(tracer, "Tracer", FakeTracer)
    out = tmp_path / "maps.npz"
    arguments = ["raytrace", str(HALL), "-o", str(out), "--cell", "1", "--also-at", "4.5", "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (result["units"], result["cells"]) == (24, 1600 - 6 * 56 - 1)
    assert result["log_distance"]["exponent"] == pytest.approx(2.0, abs=0.05)
    assert result["log_distance"]["wall_loss_db"] == pytest.approx(0.0, abs=0.3)
    assert "24/24 unit at (34.0, 11.0, 4.5) m" in done.stderr
    assert "1 cells without a ray" in done.stderr
    propagation = replace(site.propagation, model="maps", file=out)
    place_m = np.array([[14.5, 20.5, 1.5]])
    distance_m = np.linalg.norm(place_m - site.units_xyz_m, axis=1)
    expected = 20 * np.log10(LIGHT_M_PER_S / site.center_freq_hz / (4 * np.pi * distance_m))
    found = Maps(replace(site, propagation=propagation)).gains_db(place_m)[0]
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize(
    ("is_installed", "words"),
    [(False, "pip install 'edgespec[raytrace]'"), (True, "apt-get install libllvm19")],
)
def test_the_command_says_in_one_sentence_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_installed: bool, words: str
) -> None:
    found = object() if is_installed else None
    monkeypatch.setattr(tracer.importlib.util, "find_spec", lambda name: found)
    monkeypatch.delenv("DRJIT_LIBLLVM_PATH", raising=False)
    monkeypatch.setattr(llvm, "_FOLDERS", (str(tmp_path),))
    done = CliRunner().invoke(main, ["raytrace", str(HALL), "-o", str(tmp_path / "maps.npz")])
    assert done.exit_code == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "maps.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["-o", "nowhere/maps.npz"], 2, "make its folder first"),
        (["-o", "maps.npz", "--forest", "nowhere/forest.npz"], 2, "make its folder first"),
        (["-o", "maps.npz", "--also-at", "9"], 3, "inside of a wall or outside of the room"),
        (["-o", "maps.npz", "--height", "5"], 2, "height 5 m"),
        (["-o", "maps.npz", "--rays", "1"], 2, "--rays"),
    ],
)
def test_what_cannot_be_traced_is_said_before_it_is_tried(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    exit_code: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tracer, "Tracer", None)
    done = CliRunner().invoke(main, ["raytrace", str(HALL), *arguments])
    assert (done.exit_code, words in done.stderr) == (exit_code, True), done.output
