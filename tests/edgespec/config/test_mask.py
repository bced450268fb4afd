"""A mask as people write it: what it means, and what is said of each mistake in it."""

import os
from pathlib import Path

import numpy as np
import pytest

from edgespec.config.mask import Mask, MaskRow, load_mask
from edgespec.errors import ConfigError
from edgespec.level_scale import LevelScale

NS = 1_000_000_000
#: A Monday, 08:00 UTC.
MONDAY_NS = 1_768_809_600 * NS
CALIBRATED = LevelScale(-30.0)

TABLE = """\
# what the licence says
start,stop,what,max_dbm,min_dbm,hours

806M,807 MHz,BTS Alpha,-60,-85,
8.07e8,808000000,"Link, B",,,mon-fri 08:00-18:00 + sat
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "mask.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_table_is_read_as_it_is_meant(tmp_path: Path) -> None:
    alpha, link = load_mask(written(tmp_path, TABLE), CALIBRATED).rows
    assert alpha == MaskRow(806e6, 807e6, "BTS Alpha", -30.0, -55.0)
    assert (link.lower_hz, link.upper_hz, link.name, link.max_dbfs) == (
        807e6,
        808e6,
        "Link, B",
        None,
    )
    assert len(link.hours) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbfsep=,\r\n" + text.encode(),
        lambda text: text.replace(",", ";").replace('"Link; B"', "Link, B").encode(),
        lambda text: text.replace(",", "\t").replace('"Link\t B"', "Link, B").encode(),
        lambda text: text.replace(",", ";").replace('"Link; B"', "Link, B")
        .replace("-60", "-60,0").replace("8.07e8", "807,0 MHz").encode(),
    ],
)  # fmt: skip
def test_however_a_spreadsheet_writes_it(tmp_path: Path, change) -> None:
    expected = load_mask(written(tmp_path, TABLE), CALIBRATED)
    assert load_mask(written(tmp_path, change(TABLE)), CALIBRATED) == expected


@pytest.mark.parametrize(
    "comment", ["  # of; the office", '"# of; the office"', '#,"of the office, and more', '# "of']
)
def test_a_comment_is_one_whatever_it_says(tmp_path: Path, comment: str) -> None:
    expected = load_mask(written(tmp_path, TABLE), CALIBRATED)
    first, _, rest = TABLE.partition("\n\n")
    text = f"{comment}\n{first}\n{comment}\n{rest}{comment}\n"
    assert load_mask(written(tmp_path, text), CALIBRATED) == expected
    with pytest.raises(ConfigError, match="line 8: "):
        load_mask(written(tmp_path, text + "9e8\n"), CALIBRATED)


def test_an_old_mac_ends_its_lines(tmp_path: Path) -> None:
    expected = load_mask(written(tmp_path, TABLE), CALIBRATED)
    assert load_mask(written(tmp_path, TABLE.replace("\n", "\r")), CALIBRATED) == expected


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mask.csv")
    with pytest.raises(ConfigError, match=r"mask\.csv is a pipe; a mask must be a file"):
        load_mask(tmp_path / "mask.csv")


HEAD = "start,stop,what,max_dbfs,min_dbfs,max_dbm,hours\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lists nothing"),
        ("start,stop,what\n", "lists nothing"),
        ("start,stop\n8e8,9e8\n", "line 1: the columns are start, stop; they must be start"),
        ("start,stop,what,what\n", "line 1: .* each once"),
        ("start,stop,wath\n", "line 1: there is no column 'wath': did you mean 'what'"),
        (HEAD + "\n# a\n8e8,7e8,x\n", "line 4: start is '8e8' and stop '7e8'; start must be below"),
        (HEAD + "nan,9e8,x\n", "line 2: start is 'nan', which is not a number"),
        (HEAD + "8e8,inf,x\n", "line 2: stop is 'inf'"),
        (HEAD + "8e8,9e8,\n", "line 2: what must not be empty"),
        (HEAD + "925.2,925.4,x\n", "line 2: .* nobody transmits: write 925.2M for MHz"),
        (HEAD + "8e8,9e8," + "x" * 61 + "\n", "line 2: .* at most 60 printable"),
        (HEAD + "8e8,9e8,x\x1b[2J\n", "line 2: .* printable"),
        (HEAD + "8e8,9e8,x,loud\n", "line 2: max_dbfs is 'loud'; it must be a number of dB"),
        (HEAD + "8e8,9e8,x,nan\n", "line 2: max_dbfs is 'nan'"),
        (HEAD + "8e8,9e8,x,-60,-60\n", "line 2: its least level is not below its largest"),
        (HEAD + "8e8,9e8,x,-60,,-60\n", "line 2: it has max_dbfs and max_dbm; keep one"),
        (HEAD + "8e8,9e8,x,,,-60\n", "line 2: .* write full_scale_dbm in the .*band"),
        (HEAD + "8e8,9e8,x,,,,noon\n", "line 2: hours are 'noon'"),
        (HEAD + "8e8,9e8,x,,,,+\n", "line 2: hours are ''"),
        (HEAD + "8e8,9e8,x,,,,,,a\n", "line 2: it has 9 cells, and there are 7 columns"),
        (HEAD + '8e8,9e8,"x\n', "line 2: unexpected end of data"),
        (b"start,stop,what\n8e8,9e8,\xff\n", "no UTF-8 text at byte 24"),
        (HEAD + "8e8,9e8,x\n" * 4097, "line 4098: there are more than 4096 rows"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=rf"mask\.csv.*{says}"):
        load_mask(written(tmp_path, text))


GQRX = """\
# minFrequency, maxFrequency, mode, step, color, name

,,,,,,,,
# Broadcast
88000000,  108000000, WFM, 10, #902E98BB, Broadcast Radio
446000000,446094000,NFM,6250,#9000FF00,PMR446 Analog 1-8,1,Europe,"PMR, all"
"""
SDRPP = """{
    "name": "Austria", "country_code": "AT",
    "bands": [
        {"name": "FM", "type": "broadcast", "start": 88000000, "end": 108000000},
        {"name": "PMR446", "type": "other", "start": 446000000.0, "end": 446094000}
    ]
}"""
SDRSHARP = """\
<?xml version="1.0" encoding="utf-8"?>
<ArrayOfRangeEntry xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <!-- what the regulator says -->
  <RangeEntry minFrequency="88000000" maxFrequency="108000000" mode="WFM" color="50FF0000">FM
     broadcast &amp; RDS</RangeEntry>
  <RangeEntry minFrequency="446000000" maxFrequency="446094000" mode="NFM" step="6250"/>
</ArrayOfRangeEntry>
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (GQRX, ["Broadcast Radio", "PMR446 Analog 1-8"]),
        (SDRPP, ["FM", "PMR446"]),
        ("\ufeff" + SDRPP.replace("\n", "\r\n"), ["FM", "PMR446"]),
        (SDRSHARP, ["FM broadcast & RDS", "no name"]),
    ],
)
def test_a_band_plan_of_another_program_lists_without_levels(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    """What it is is seen by what is in it, whatever it is called."""
    mask = load_mask(written(tmp_path, text), CALIBRATED)
    assert mask == Mask(
        (MaskRow(88e6, 108e6, names[0]), MaskRow(446e6, 446.094e6, names[1])), is_plan=True
    )


def test_of_a_plan_a_long_name_is_cut_and_a_single_frequency_is_one(tmp_path: Path) -> None:
    text = SDRPP.replace('"FM"', f'"{"x" * 100}"').replace("446094000", "446000000")
    long, single = load_mask(written(tmp_path, text)).rows
    assert long.name == "x" * 57 + "..."
    assert single.lower_hz == single.upper_hz
    # Of an event nobody knows the edges better than a bin or two.
    assert single.holds(446e6 - 4e3, 446e6 + 4e3, slack_hz=5e3)
    assert not single.holds(446e6 - 4e3, 446e6 + 9e3, slack_hz=5e3)
    assert list(single.reached_by(np.array([445.99e6, 446e6, 446.01e6]), 5e3)) == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GQRX + "1,2\n", "line 7: it has 2 cells, and gqrx's band plans"),
        (GQRX + "3750000,3600000,USB,10,yellow,80m\n", "line 7: start is '3750000' and stop"),
        (GQRX + "88.0,108.0,WFM,10,red,x\n", "line 7: .* nobody transmits: write 88.0M"),
        (SDRPP.replace('"start": 88000000', '"start": "88M"'), r"bands\[0\]: a band plan of"),
        (SDRPP.replace("88000000", "9" * 400), r"bands\[0\]: start is '9{28}"),
        (SDRPP.replace("88000000", "true"), r"bands\[0\]: a band plan of"),
        (SDRPP.replace("[", "[7,"), r"bands\[0\]: a band plan of"),
        (SDRPP.replace('"bands"', '"brands"'), "without a list of bands"),
        (SDRPP[:-3], "it is not JSON .*line 6"),
        ('{"bands": []}', "lists nothing"),
        ("{" * 5000, "it is not JSON"),
        (SDRSHARP.replace('"88000000"', '"x"'), "line 4: start is 'x'"),
        (SDRSHARP.replace("minFrequency=", "min="), "line 4: a RangeEntry has no minFrequency"),
        (SDRSHARP.replace("/>", ">"), "line 7: it is no XML .mismatched tag"),
        (SDRSHARP.replace("broadcast", "<RangeEntry minFrequency='1' maxFrequency='2'/>"),
         "line 5: a RangeEntry within another"),
        ("<html><body/></html>", "line 1: it is XML with 'html'"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><ArrayOfRangeEntry/>', "line 1: it has a DOCTYPE"),
        ("<ArrayOfRangeEntry/>", "lists nothing"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_plan_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=rf"mask\.csv, (which is a band plan that )?.*{says}"):
        load_mask(written(tmp_path, text))


def test_a_table_that_is_not_there_or_endless(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_mask(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match="more than 1000000 bytes"):
        load_mask(written(tmp_path, "#" * 1_000_001))


@pytest.mark.parametrize("text", [TABLE, GQRX, SDRPP, SDRSHARP])
def test_whatever_the_bytes_there_is_one_error(
    tmp_path: Path, rng: np.random.Generator, text: str
) -> None:
    """Bytes of a good table, changed at random: read, or refused by name."""
    good = np.frombuffer(text.encode(), np.uint8)
    n_refused = 0
    for _ in range(300):
        bad = good.copy()
        bad[rng.integers(len(bad))] = rng.integers(160)
        try:
            load_mask(written(tmp_path, bad.tobytes()), CALIBRATED)
        except ConfigError:
            n_refused += 1
    assert 20 < n_refused < 300


ROWS = (
    MaskRow(800e6, 820e6, "LTE 800"),
    MaskRow(806e6, 807e6, "BTS"),
    MaskRow(807e6, 808e6, "Link"),
)


def test_an_emission_is_of_the_narrowest_row_that_holds_it() -> None:
    mask = Mask(ROWS)

    def name_of(*edges_hz: float, slack_hz: float = 0.0) -> str | None:
        row = mask.row_of(*edges_hz, MONDAY_NS, slack_hz)
        return None if row is None else row.name

    assert name_of(806.1e6, 806.2e6) == "BTS"
    assert name_of(806e6, 807e6) == "BTS"
    assert name_of(805.9e6, 806.2e6) == "LTE 800"
    assert name_of(805.9e6, 806.2e6, slack_hz=1e5) == "BTS"
    assert name_of(819e6, 821e6) is None
    # Two neighbours are no third one.
    assert Mask(ROWS[1:]).row_of(806.5e6, 807.5e6, MONDAY_NS) is None


def test_what_is_listed_by_the_hour_is_so_in_the_zone_of_the_mask(tmp_path: Path) -> None:
    path = written(tmp_path, "start,stop,what,hours\n8e8,9e8,x,mon 08:00-09:00\n")
    for zone, hours in (("UTC", {8}), ("Europe/Berlin", {7})):
        mask = load_mask(path, time_zone=zone)
        midnight_ns = MONDAY_NS - 8 * 3600 * NS
        listed = {hour for hour in range(24) if mask.at(midnight_ns + hour * 3600 * NS)}
        assert listed == hours
