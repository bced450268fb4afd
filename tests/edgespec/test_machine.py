"""A board's power mode and clock are told as its files have them, and nothing where there are none.

The files are written as a Jetson has them; no board was there to read them from.
"""

from pathlib import Path

import pytest

from edgespec.machine import power_facts

STATUS, MODES = "var/lib/nvpmodel/status", "etc/nvpmodel.conf"
CLOCK = "sys/devices/system/cpu/cpu0/cpufreq"
TWO_MODES = "# modes\n< POWER_MODEL ID=0 NAME=15W >\n...\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, {}),
        ({STATUS: "pmode:0002\n", MODES: TWO_MODES}, {"power mode": "2 MAXN_SUPER"}),
        ({STATUS: "pmode:0000 fmode:quiet\n", MODES: TWO_MODES}, {"power mode": "0 15W"}),
        # One that the list does not have, or no list: the number alone.
        ({STATUS: "pmode:0012\n", MODES: TWO_MODES}, {"power mode": "12"}),
        ({STATUS: "pmode:0001\n"}, {"power mode": "1"}),
        ({STATUS: "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")}, {}),
        ({f"{CLOCK}/scaling_governor": "schedutil\n"}, {"clock": "schedutil"}),
        (
            {
                f"{CLOCK}/scaling_governor": "performance\n",
                f"{CLOCK}/scaling_min_freq": "729600\n",
                f"{CLOCK}/scaling_max_freq": "1510400\n",
            },
            {"clock": "performance 0.73 to 1.51 GHz"},
        ),
        ({f"{CLOCK}/scaling_min_freq": "729600\n", f"{CLOCK}/scaling_max_freq": "<unknown>"}, {}),
    ],
)
def test_what_is_told(tmp_path: Path, files: dict[str, str], told: dict[str, str]) -> None:
    write(tmp_path, files)
    assert power_facts(tmp_path) == told


def test_what_cannot_be_read_is_not_told(tmp_path: Path) -> None:
    (tmp_path / STATUS).mkdir(parents=True)
    assert power_facts(tmp_path) == {}
