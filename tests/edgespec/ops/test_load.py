"""How a board bears its work, by trees of files that the work itself changes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgespec.board import Board
from edgespec.ops.bench import BenchReport, Timing
from edgespec.ops.load import Load, watch_load
from edgespec.ops.sent_report import sent_report
from edgespec.ops.tables import load_line
from edgespec.power import PowerMeter
from tests.made.board_tree import jetson_power, silent, write_tree

ZONE = "class/thermal/thermal_zone0"
CLOCK = "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
OVER = "class/hwmon/hwmon3"


def board_at(root: Path, milliamperes: int, millidegrees: int, khz: int, over: int) -> Path:
    jetson_power(root, {"VDD_IN": (5000, milliamperes)})
    return write_tree(
        root,
        {f"{ZONE}/type": "cpu-thermal", f"{ZONE}/temp": str(millidegrees), CLOCK: str(khz),
         f"{OVER}/name": "soctherm_oc", f"{OVER}/oc3_event_cnt": str(over)},
    )  # fmt: skip


def watched(root: Path, n_hops: int) -> Load:
    """Return how a board was that takes 4 W, and 10 W with the first hop; then it slows down."""
    done = 0

    def one_hop() -> None:
        nonlocal done
        done += 1
        if done == 1:
            board_at(root, 2000, 61_500, 1_500_000, 7)
        elif done == n_hops:
            board_at(root, 2000, 85_000, 600_000, 8)

    board_at(root, 800, 48_000, 1_500_000, 7)
    board, meter = Board(root), PowerMeter(silent, root)
    # The work is over when its hops are, whatever the time.
    load = watch_load(one_hop, 0.02, board, meter, idle_s=0.0, every_s=60.0)
    while load.n_hops < n_hops:
        done = 0
        board_at(root, 800, 48_000, 1_500_000, 7)
        load = watch_load(one_hop, 2 * load.seconds, board, meter, idle_s=0.0, every_s=60.0)
    return load


def test_energy_heat_and_clock_are_those_of_the_work(tmp_path: Path) -> None:
    load = watched(tmp_path, 3)
    assert (load.idle_w, load.load_w) == pytest.approx((4.0, 10.0))
    assert load.power_of == "the whole board (VDD_IN)"
    assert load.mj_per_hop == pytest.approx(1e3 * 10.0 * load.seconds / load.n_hops)
    assert load.extra_mj_per_hop == pytest.approx(1e3 * 6.0 * load.seconds / load.n_hops)
    assert (load.start_c, load.max_c) == ({"cpu-thermal": 48.0}, {"cpu-thermal": 85.0})
    assert load.clock_hz == (6e8, 6e8)
    # It was counted before, and once more meanwhile.
    assert load.since_boot == ("peak overcurrent",)
    assert load.troubles == ("peak overcurrent",)
    line = load_line(load)
    for words in ("cpu-thermal 48 to 85 C", "4.00 W idle, 10.00 W at work", "held back: peak"):
        assert words in line


def test_a_computer_that_tells_nothing_has_time_and_hops_alone(tmp_path: Path) -> None:
    load = watch_load(int, 0.01, Board(tmp_path), PowerMeter(silent, tmp_path), idle_s=0.0)
    assert load.n_hops >= 1
    assert load.seconds >= 0.01
    assert load == Load(load.seconds, load.n_hops, {}, {}, (), (), None)
    assert load_line(load).endswith("no sensor of power; not held back")


def report_of(source: str, model: dict[str, str]) -> BenchReport:
    timing = Timing("whole path", "hop", 20, 1e-3, 2e-3, 3e-3, 4e-3, 3.0, 2.0)
    machine = {"cpu": "Raspberry Pi 5 Model B Rev 1.0"}
    return BenchReport((timing,), (), 1.0, 200.0, machine, model, source, "2026-11-29T00:00:00Z")


@pytest.mark.parametrize(
    "source",
    ["rtlsdr:MARK?center_freq=806M", "rtl_tcp:MARK:1234", "sigmf:/home/MARK/x", "wav:MARK",
     "soapy:driver=uhd,serial=MARK", "sim:lte-dl?center_freq=MARK"],
)  # fmt: skip
def test_what_is_sent_names_nobody_and_nowhere(source: str) -> None:
    model = {"name": "MARK", "sha256": "MARK", "quantisation": "float16", "backend": "numba"}
    sent: dict[str, Any] = sent_report([report_of(source, model)])
    assert "MARK" not in json.dumps(sent)
    (one,) = sent["bands"]
    assert one["signal"] == source.partition(":")[0] + ":"
    assert one["model"] == {"name": "another", "quantisation": "float16", "backend": "numba"}
    assert one["sample_rate_hz"] == 1_500_000
    assert sent["machine"]["cpu"].startswith("Raspberry")


def test_what_is_sent_holds_how_the_board_was(tmp_path: Path) -> None:
    load = watch_load(int, 0.01, Board(tmp_path), PowerMeter(silent, tmp_path), idle_s=0.0)
    report = replace(report_of("sim:lte-dl", {"name": "no model"}), load=load)
    (one,) = sent_report([report])["bands"]
    assert (one["load"]["n_hops"], one["model"]) == (load.n_hops, {"name": "none"})
