"""Laws of site files, path gain and expected levels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import edgespec.twin
from edgespec.config import BandConfig, NodeConfig
from edgespec.errors import ConfigError, UsageError
from edgespec.twin.expected import Expectation, antenna_gain_db, occupied_shares
from edgespec.twin.propagation.log_distance import LogDistance
from edgespec.twin.propagation.maps import Maps
from edgespec.twin.propagation.path_gain import GAIN_FLOOR_DB
from edgespec.twin.propagation.walls import inside_any, wall_losses_db
from edgespec.twin.service.forget import trained_file
from edgespec.twin.site import Wall, load_site
from edgespec.wire.topics import Topics
from edgespec.wire.transmitters import Transmitter
from tests.made.twin_site import hall, jammer, write_maps

HALL = (Path(edgespec.twin.__file__).parent / "sites" / "hall.toml").read_text(encoding="utf-8")


def message(folder: Path, text: str) -> str:
    """Return what is said to a site file that must be refused; every message names the file."""
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_site(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def moved(
    places_m: NDArray[np.float64], x_m: float = 0.0, y_m: float = 0.0, z_m: float = 0.0
) -> NDArray[np.float64]:
    return np.asarray(places_m + np.array([x_m, y_m, z_m]))


def test_the_example_is_the_hall_of_the_paper() -> None:
    site = hall()
    assert site.size_m == (40.0, 40.0, 5.0)
    assert (len(site.unit), len(site.transmitter), len(site.wall)) == (12, 3, 6)
    assert site.noise_floor_dbm == -100.0
    assert not inside_any(site.units_xyz_m, site.wall).any()
    assert len(site.edges_hz) == site.n_subbands + 1
    assert (site.edges_hz[0], site.edges_hz[-1]) == (site.freq_lower_hz, site.freq_upper_hz)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('node = "hall-02"\nx_m = 12.0', 'node = "hall-02"\nx_m = 6.0', "are in one place"),
        ('node = "hall-02"', 'node = "hall-01"', "has the node 'hall-01' twice"),
        ("min_units = 4", "min_units = 13", "12 sensing units and detect.min_units is 13"),
        ("exponent = 2.0", "exponents = 2.0", "did you mean 'exponent'?"),
        ("noise_floor_dbm", "noise_flor_dbm", "did you mean 'noise_floor_dbm'?"),
        ('model = "log-distance"\n', 'model = "maps"\n', "propagation.file is missing"),
        ('model = "log-distance"\n', 'model = "rays"\n', "one of 'log-distance', 'maps'"),
        ('name = "hall"\n', "", "name is missing; give it"),
        ("freq_upper_hz = 3710e6", "freq_upper_hz = 3e6", "above freq_lower_hz"),
        ("upper_m = [11.0, 18.0, 3.0]", "upper_m = [6.0, 18.0, 3.0]", "wall[0].upper_m"),
        ("lower_m = [7.0, 4.0, 0.0]", "lower_m = [7.0, 4.0]", "x, y, z in metres"),
        ('id = "robot-2"', 'id = "robot-1"', "transmitter has the id 'robot-1' twice"),
        ("freq_lower_hz = [3690e6]", "freq_lower_hz = []", "give both edges"),
        ("n_subbands = 8", "n_subbands = 8.5", "must be a whole number"),
        ('id = "robot-1"', 'id = "robot-1"\nactive = 1', "must be true or false"),
        ("averages = 10", "averages = 200", "learn_snapshots is 300; with averages = 200"),
        ("[detect]", "[detect", "no valid TOML"),
    ],
)
def test_a_wrong_site_file_is_refused_with_advice(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in HALL
    assert said in message(tmp_path, HALL.replace(old, new, 1))


def test_a_missing_site_file_says_what_prints_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="edgespec twin init"):
        load_site(tmp_path / "nowhere.toml")


def test_log_distance_is_free_space_without_walls() -> None:
    site = replace(hall(), wall=())
    gain = LogDistance(site)
    here_m = site.units_xyz_m[:1]
    for distance_m in (1.0, 2.0, 10.0):
        there_m = moved(here_m, x_m=distance_m)
        # Friis: (wavelength / (4 pi d))^2 with 299.79 mm/ns at 3.7 GHz, -43.81 dB at 1 m.
        wanted_db = 20 * np.log10(299_792_458.0 / 3.7e9 / (4 * np.pi * distance_m))
        np.testing.assert_allclose(gain.gains_db(there_m)[0, 0], wanted_db, atol=1e-9)


def test_walls_are_crossed_alike_in_both_directions(rng: np.random.Generator) -> None:
    site = hall()
    one_m, other_m = rng.uniform(0, 1, (2, 40, 3)) * [40.0, 40.0, 5.0]
    forth = wall_losses_db(one_m, other_m, site.wall)
    np.testing.assert_array_equal(forth, wall_losses_db(other_m, one_m, site.wall).T)
    assert 0.0 < (forth > 0).mean() < 1.0
    # Sampled points on a path lie inside of a wall where the path crosses it, and only there.
    step = np.linspace(0.0, 1.0, 4001)[:, None]
    for i in range(8):
        on_m = one_m[i] + step * (other_m[i] - one_m[i])
        n_walls = sum(bool(inside_any(on_m, (wall,)).any()) for wall in site.wall)
        assert forth[i, i] == 15.0 * n_walls


def test_a_path_along_a_wall_or_above_it_is_free() -> None:
    wall = (Wall((1.0, 1.0, 0.0), (2.0, 2.0, 3.0), 10.0),)
    ends_m = np.array([[0.0, 1.5, 1.0], [3.0, 1.5, 1.0]])
    assert wall_losses_db(ends_m[:1], ends_m[1:], wall) == 10.0
    assert wall_losses_db(moved(ends_m[:1], z_m=2.5), moved(ends_m[1:], z_m=2.5), wall) == 0.0
    assert wall_losses_db(moved(ends_m[:1], y_m=1.0), moved(ends_m[1:], y_m=1.0), wall) == 0.0


def test_cells_are_outside_of_walls_and_have_the_gain_of_their_place() -> None:
    gain = LogDistance(hall())
    grid = gain.grid()
    assert grid is gain.grid()
    assert not inside_any(grid.xyz_m, hall().wall).any()
    np.testing.assert_allclose(grid.gain_db, gain.gains_db(grid.xyz_m))
    assert len(grid.xyz_m) == 1600 - 6 * 4 * 14
    x_index = grid.index % grid.shape[2]
    np.testing.assert_allclose(grid.xyz_m[:, 0], (x_index + 0.5) * grid.cell_m)


def test_maps_are_linear_between_cells_and_know_their_units(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    site = hall()
    z_m, y_m, x_m = np.meshgrid([1.0, 2.0], np.arange(3) + 0.5, np.arange(4) + 0.5, indexing="ij")
    slope = rng.normal(size=(12, 3))
    plane_db = -80 + np.einsum("ua,azyx->uzyx", slope, np.stack([x_m, y_m, z_m]))
    gain = Maps(write_maps(tmp_path / "maps.npz", site, plane_db))
    places_m = rng.uniform([0.5, 0.5, 1.0], [3.5, 2.5, 2.0], (50, 3))
    np.testing.assert_allclose(gain.gains_db(places_m), -80 + places_m @ slope.T, atol=1e-4)
    # The units of a file may come in any order.
    order = rng.permutation(12)
    mixed = write_maps(
        tmp_path / "mixed.npz", site, plane_db[order], units_xyz_m=site.units_xyz_m[order]
    )
    np.testing.assert_array_equal(Maps(mixed).gains_db(places_m), gain.gains_db(places_m))


def test_cells_that_nothing_reaches_take_no_part(tmp_path: Path) -> None:
    gain_db = np.full((12, 2, 3, 4), -80.0)
    gain_db[:, :, :, 0] = np.nan
    gain_db[0] = np.nan
    gain = Maps(write_maps(tmp_path / "maps.npz", hall(), gain_db))
    found_db = gain.gains_db(np.array([[0.9, 1.0, 1.5], [0.2, 1.0, 1.5], [3.0, 1.0, 1.5]]))
    np.testing.assert_allclose(found_db[:, 0], GAIN_FLOOR_DB)
    np.testing.assert_allclose(found_db[:, 1], [-80.0, GAIN_FLOOR_DB, -80.0])
    assert len(gain.grid().xyz_m) == 9
    assert np.isfinite(gain.grid().gain_db).all()


def test_maps_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    site, gain_db = hall(), np.zeros((12, 2, 3, 4))
    path = tmp_path / "maps.npz"
    far = write_maps(path, site, gain_db, units_xyz_m=moved(site.units_xyz_m, z_m=3.0))
    with pytest.raises(ConfigError, match=r"'hall-01'.*3\.0 m away"):
        Maps(far)
    with pytest.raises(ConfigError, match="gain_db is"):
        Maps(write_maps(path, site, gain_db[:, :1]))
    with pytest.raises(ConfigError, match="x_m must rise"):
        Maps(write_maps(path, site, gain_db, x_m=np.zeros(4)))
    for data in (b"no maps", b"PK\x03\x04 and no more"):
        path.write_bytes(data)
        with pytest.raises(ConfigError, match="edgespec-converter raytrace"):
            Maps(far)
    path.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        Maps(far)


def test_expected_levels_add_in_power_and_keep_the_power_of_a_transmitter() -> None:
    site = hall()
    gain = LogDistance(site)
    expectation = Expectation(site, gain)
    each_mw = []
    for one in site.transmitter:
        expectation.set((one,))
        each_mw.append(10 ** (expectation.level_dbm / 10) - expectation.noise_mw)
        arriving_dbm = one.power_dbm + gain.gains_db(np.array([one.xyz_m]))[0]
        np.testing.assert_allclose(10 * np.log10(each_mw[-1].sum(axis=1)), arriving_dbm, atol=1e-6)
    expectation.set(site.transmitter)
    total_mw = np.sum(each_mw, axis=0) + expectation.noise_mw
    np.testing.assert_allclose(expectation.level_dbm, 10 * np.log10(total_mw))
    expectation.set(tuple(replace(one, active=False) for one in site.transmitter))
    # The noise of the whole band, in eight parts.
    np.testing.assert_allclose(expectation.level_dbm, -100 - 10 * np.log10(8))
    assert not expectation.is_occupied.any()


def test_shares_follow_the_edges() -> None:
    site = hall()
    half_hz = 1.25e6
    one = jammer(1, 1, freq_lower_hz=(3690e6 + half_hz,), freq_upper_hz=(3695e6,))
    np.testing.assert_allclose(occupied_shares(one, site), [1 / 3, 2 / 3, 0, 0, 0, 0, 0, 0])
    outside = replace(one, freq_lower_hz=(3680e6,), freq_upper_hz=(3692.5e6,))
    np.testing.assert_allclose(occupied_shares(outside, site)[0], 0.2)
    assert occupied_shares(jammer(1, 1), site).sum() == pytest.approx(1.0)


def test_a_sector_looks_where_it_is_turned() -> None:
    site = hall()
    north_m = site.units_xyz_m[0] + [0.0, -5.0, 0.0]
    one = Transmitter("s", *north_m, 20.0, azimuth_deg=0.0, antenna="sector", width_deg=60.0)
    assert antenna_gain_db(one, site)[0] == pytest.approx(0.0)
    # Half the width off boresight is 3 dB down; behind, all that a sector attenuates.
    assert antenna_gain_db(replace(one, azimuth_deg=30.0), site)[0] == pytest.approx(-3.0)
    assert antenna_gain_db(replace(one, azimuth_deg=180.0), site)[0] == pytest.approx(-30.0)
    with pytest.raises(ConfigError, match="azimuth_deg is missing"):
        replace(one, azimuth_deg=None)


def test_c7_a_name_that_topics_reserve_is_refused() -> None:
    """``<prefix>/twin``, ``<prefix>/models`` and ``twin/members`` are levels of their own."""
    site = hall()
    with pytest.raises(ConfigError, match=r"name is 'members'.* levels of other topics"):
        replace(site, name="members")
    for name in ("twin", "models"):
        with pytest.raises(ConfigError, match=f"node is '{name}'"):
            replace(site.unit[0], node=name)
        with pytest.raises(ConfigError, match=f"id is '{name}'"):
            NodeConfig(id=name)
    for config in (NodeConfig, BandConfig):
        with pytest.raises(ConfigError, match="site is 'members'"):
            config(site="members")
    with pytest.raises(ConfigError, match="'twin'"):
        Topics("edgespec", "twin", ("b",), ("r",))
    with pytest.raises(UsageError, match="not 'members'"):
        trained_file("members", None)
    assert replace(site, name="twin").name == "twin"
    assert NodeConfig(id="members").id == "members"
    assert NodeConfig(id="twins").id == "twins"


def test_c7_a_host_called_twin_has_another_default_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "twin.example")
    assert NodeConfig().id == "twin-1"
