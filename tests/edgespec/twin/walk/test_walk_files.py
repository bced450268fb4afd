"""Files of walks: what is read, and what is said of what cannot be."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.errors import ConfigError
from edgespec.twin.walk.checks import check_walk
from edgespec.twin.walk.table import read_walk
from edgespec.twin.walk.walk import Walk
from tests.made.walked_site import ground, walk_of

WIDE = "time,x,y,g-0,g-1\n2026-11-29T10:00:00Z,10,20,-70,-80\n2026-11-29T10:00:04Z,12,20,-71,\n"


def read(folder: Path, text: str | bytes) -> Walk:
    path = folder / "walk.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_walk(path, ground())


def refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    assert "walk.csv" in str(caught.value)
    return str(caught.value)


def same(one: Walk, other: Walk) -> None:
    np.testing.assert_allclose(one.places_m, other.places_m, atol=0.05)
    np.testing.assert_array_equal(one.levels_db, other.levels_db)


def test_a_row_a_place(tmp_path: Path) -> None:
    walk = read(tmp_path, WIDE)
    assert walk.places_m.tolist() == [[10.0, 20.0], [12.0, 20.0]]
    assert walk.levels_db[:, :2].tolist()[0] == [-70.0, -80.0]
    assert np.isnan(walk.levels_db[1, 1])
    assert np.isnan(walk.levels_db[:, 2:]).all()
    assert walk.days.tolist() == [20786, 20786]


def test_other_ways_to_write_the_same_walk(tmp_path: Path) -> None:
    walk = read(tmp_path, WIDE)
    times = "1795946400", "1795946404"
    long = (
        f"time,x,y,unit,rss_dbm\n{times[0]},10,20,g-0,-70\n{times[0]},10,20,g-1,-80\n"
        f"{times[1]},12,20,g-0,-71\n{times[1]},12,20,g-1,nan\n"
    )
    same(read(tmp_path, long), walk)
    german = "sep=;\n" + WIDE.replace(",", ";").replace("10;20", "10,0;20,0")
    german = german.replace("-71", "\N{MINUS SIGN}71").replace("-71;", "-71;#N/A")
    same(
        read(tmp_path, b"\xef\xbb\xbf# of Sunday\r\n" + german.replace("\n", "\r\n").encode()), walk
    )
    # 10 m and 12 m east, 20 m north of 40.76 N, 111.84 W.
    placed = "lat,lon,g-1,altitude,g-0\n40.76018026,-111.83988141,-80,1400,-70\n"
    placed += "40.76018026,-111.83985769,,1400,-71\n"
    same(read(tmp_path, placed), walk)


def test_rows_that_say_nothing_new_are_counted(tmp_path: Path) -> None:
    rows = WIDE.splitlines()
    walk = read(tmp_path, "\n".join([*rows, rows[1], rows[2], "", "2026-11-29T10:00:08Z,,,-1,-2"]))
    assert (len(walk), walk.n_repeated, walk.n_unplaced) == (2, 2, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("1,2,-70\n", "its first line is '1, 2, -70'; it must name the columns"),
        ("x,y,node\n1,2,g-0\n", "the column 'node' and none of what was read: name one level"),
        ("x;y;g-0\n1.010,5;2;-70\n", "line 2: '1.010,5' is no number"),
        ("x,y,lat,lon,g-0\n1,2,40,8,0\n3,4,40,8,-70\n", "reads 0 dBFS in 1 of 2 rows"),
        ("time,x,y,g-0\n46355.4,1,2,-70\n", "'46355.4' is a day of a spreadsheet"),
        ("time,x,y,g-0\n0001-01-01,1,2,-70\n", "'0001-01-01' is no time"),
        (b"\xff\xfe\x00", "is not in UTF-8: save it in UTF-8"),
        (b"x,y,g-0,H\xf6he\n1,2,-70,3\n", "is not in UTF-8: save it in UTF-8"),
        ("g-0,g-1\n-70,-80\n", "no columns of positions"),
        ("x,y\n1,2\n", "no column of a unit of site 'ground'"),
        ("x,y,g-0,g-0\n1,2,-70,-70\n", "the column 'g-0' twice"),
        ("x,y,g-O\n1,2,-70\n", "'g-O', and site 'ground' has no such unit; did you mean"),
        ("x,y,node,level\n1,2,roof-9,-70\n", "line 2: site 'ground' has no unit 'roof-9'"),
        ("x,y,g-0\n1,2,-70\n3,4\n", "line 3 has 2 fields and the header 3"),
        ("x,y,g-0\n1,2,-70\n3,4,loud\n", "line 3: 'loud' is no number"),
        ("x,y,g-0\n1,2,-70\n3,4,inf\n", "line 3: 'inf' is no number"),
        ("time,x,y,g-0\nnoon,1,2,-70\n", "line 2: 'noon' is no time"),
        ("time,x,y,g-0\n1795946400000,1,2,-70\n", "1970 (no milliseconds)"),
        ("x,y,g-0\n1e308,2,-70\n", "are at x 1e+308 m, y 2 m, is off"),
        ("x,y,g-0\n1,2,-70\n5000,4,-71\n", "line 3: x 5000 and y 4 are at x 5000 m, y 4 m"),
        ("lat,lon,g-0\n-111.8399,40.7602,-70\n", "exchange the two columns' names"),
        ("lat,lon,g-0\n40.9,-111.84,-70\n", "is off the site (0 to 400 m"),
        ("x,y,g-0\n1,2,1e-7\n3,4,2e-9\n", "line 2: unit 'g-0' reads 1e-07, and never less than 0"),
        ("x,y,g-0\n1,2,70\n3,4,85\n", "levels in dBFS are negative: write the sign"),
        ("x,y,g-0\n1,2,-70\n3,4,-280\n", "line 3: unit 'g-0' reads -280 dBFS"),
        ("x,y,g-0\n1,2,-70\n3,4,-70\n", "-70 dBFS in all of 2 rows"),
        (
            "time,x,y,node,level\n9,1,2,g-0,-70\n9,1,2,g-0,-75\n",
            "line 3: unit 'g-0' has two levels at one time and place, -70 and -75",
        ),
        ("x,y,g-0\n,,-70\n", "has no row with a position and a level; 1 have no position"),
        ("x,y,node,level,g-0\n1,2,g-1,-70,-71\n", "not both"),
    ],
)
def test_what_cannot_be_read_is_said_with_file_line_and_value(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    assert said in refusal(tmp_path, text).replace("which is off", "is off")


def test_places_without_an_origin_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "walk.csv"
    path.write_text("lat,lon,g-0\n40.7602,-111.8399,-70\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="add latitude_deg and longitude_deg"):
        read_walk(path, ground(latitude_deg=None))


def test_exchanged_axes_are_refused_and_exchanged_units_named(rng: np.random.Generator) -> None:
    places_m, levels_db = walk_of(300, rng)
    days = np.zeros(300, np.int64)
    site = ground()
    assert check_walk(site, Walk(places_m, levels_db, days)) == ()
    with pytest.raises(ConfigError, match="if x and y are exchanged"):
        check_walk(site, Walk(places_m[:, ::-1], levels_db, days))
    with pytest.raises(ConfigError, match="hardly belong together"):
        check_walk(site, Walk(rng.permutation(places_m), levels_db, days))
    (first, second) = check_walk(site, Walk(places_m, levels_db[:, [4, 1, 2, 3, 0, 5]], days))
    assert "'g-0' heard falls with the distance from 'g-4'" in first
    assert "'g-4' heard falls with the distance from 'g-0'" in second


def test_a_level_that_stands_for_nothing_heard_is_doubted(rng: np.random.Generator) -> None:
    places_m, levels_db = walk_of(300, rng)
    days = np.zeros(300, np.int64)
    levels_db[5::30, 2] = -200.0
    (doubt,) = check_walk(ground(), Walk(places_m, levels_db, days))
    assert "10 of 300 levels of 'g-2' are -200" in doubt
    assert "leave those cells empty" in doubt
    # A receiver whose lowest readings are its own noise is none of them.
    levels_db[:, 2] = np.maximum(levels_db[:, 1], np.quantile(levels_db[:, 1], 0.2))
    assert not any(
        "cells empty" in one for one in check_walk(ground(), Walk(places_m, levels_db, days))
    )
