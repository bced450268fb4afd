"""What a board takes, by trees of files as a Jetson has them and answers as a Pi 5 gives."""

from pathlib import Path

import pytest

from edgespec.power import PowerMeter, pmic_rails
from tests.made.board_tree import PMIC, jetson_power, silent, write_tree


def test_the_input_of_a_jetson_is_all_of_it(tmp_path: Path) -> None:
    meter = PowerMeter(
        silent, jetson_power(tmp_path, {"VDD_IN": (5000, 1400), "VDD_SOC": (5000, 300)})
    )
    assert meter.rails_w() == pytest.approx({"VDD_IN": 7.0, "VDD_SOC": 1.5})
    assert meter.read_w() == pytest.approx(7.0)
    assert meter.what == "the whole board (VDD_IN)"


def test_without_an_input_rails_are_added_and_named(tmp_path: Path) -> None:
    root = jetson_power(tmp_path, {"GPU": (5000, 200), "CPU": (4000, 500)})
    # A channel that is switched off cannot be read, and a battery is no rail of the board.
    write_tree(root, {"class/hwmon/hwmon0/in3_label": "OFF", "class/hwmon/hwmon0/curr3_input": "",
                      "class/hwmon/hwmon9/name": "BAT0", "class/hwmon/hwmon9/in1_input": "7000",
                      "class/hwmon/hwmon9/curr1_input": "1000"})  # fmt: skip
    meter = PowerMeter(silent, root)
    assert meter.read_w() == pytest.approx(3.0)
    assert meter.what == "2 rails: CPU, GPU"


def test_the_regulator_of_a_pi_5_is_the_sum_of_its_rails(tmp_path: Path) -> None:
    meter = PowerMeter(lambda command: PMIC if command[0] == "vcgencmd" else None, tmp_path)
    assert meter.read_w() == pytest.approx(0.9 * 2.0 + 1.1 * 0.5)
    assert meter.what.startswith("2 rails of the regulator, without")


@pytest.mark.parametrize(
    ("answer", "rails"),
    [
        ("VDD_CORE_A=1.5A\nVDD_CORE_V=0.8V", {"VDD_CORE": 1.2}),
        ("EXT5V_V volt(24)=5.1V", {}),
        ("VDD_CORE_A current(7)=1.5A", {}),
        ('error=1 error_msg="Command not registered"', {}),
        ("VDD_CORE_A current(7)=A\nVDD_CORE_V volt(15)=-V", {}),
        ("", {}),
    ],
)
def test_what_the_regulator_says_of_a_rail(answer: str, rails: dict[str, float]) -> None:
    assert pmic_rails(answer) == pytest.approx(rails)


def test_a_computer_that_tells_nothing_has_no_figure(tmp_path: Path) -> None:
    meter = PowerMeter(silent, tmp_path)
    assert (meter.read_w(), meter.rails_w(), meter.what) == (None, {}, "")
