"""What holds a board back, by trees of files as a Pi and a Jetson have them; none was here."""

from pathlib import Path

import pytest

from edgespec.board import TROUBLES, Board, BoardState, BoardWatch, throttled_words

PI_4 = "devices/platform/soc/soc:firmware/get_throttled"
PI_5 = "devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\n")
    return root


def jetson(root: Path, *counts: int) -> Path:
    files = {
        "class/hwmon/hwmon0/name": "ina3221",
        "class/hwmon/hwmon3/name": "soctherm_oc",
        "class/thermal/thermal_zone0/type": "cpu-thermal",
        "class/thermal/thermal_zone0/temp": "48500",
        "class/thermal/thermal_zone1/type": "gpu-thermal",
        # A zone that is switched off cannot be read.
        "class/thermal/thermal_zone1/temp": "",
        "class/thermal/cooling_device0/type": "pwm-fan",
        "class/thermal/cooling_device0/cur_state": "3",
        "class/thermal/cooling_device1/type": "cpu-throttle-alert",
        "class/thermal/cooling_device1/cur_state": "0",
        "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1510400",
    }
    for number, count in enumerate(counts, start=1):
        files[f"class/hwmon/hwmon3/oc{number}_event_cnt"] = str(count)
    return write(root, files)


@pytest.mark.parametrize("path", [PI_4, PI_5])
@pytest.mark.parametrize(
    ("bits", "now", "since_boot"),
    [
        ("0", (), ()),
        ("50005", ("undervoltage", "throttled"), ("undervoltage", "throttled")),
        ("80008", ("too hot",), ("too hot",)),
        ("20000", (), ("clock capped",)),
        ("nonsense", (), ()),
    ],
)
def test_the_firmware_of_a_pi_is_spelled_out(
    tmp_path: Path, path: str, bits: str, now: tuple[str, ...], since_boot: tuple[str, ...]
) -> None:
    board = Board(write(tmp_path, {path: bits}))
    assert board.tells
    state = board.read()
    assert (state.troubles, state.since_boot) == (now, since_boot)
    if bits != "nonsense":
        assert throttled_words(f"throttled=0x{bits}") == state.words


def test_words_say_when() -> None:
    state = BoardState(("throttled",), ("undervoltage", "throttled"))
    assert state.words == ("throttled now", "undervoltage since boot")
    assert throttled_words("VCHI initialization failed") == ()


def test_the_voltage_of_a_pi_without_the_firmwares_file(tmp_path: Path) -> None:
    root = write(tmp_path, {"class/hwmon/hwmon1/name": "rpi_volt"})
    assert Board(root).read().troubles == ()
    write(root, {"class/hwmon/hwmon1/in0_lcrit_alarm": "1"})
    assert Board(root).read().troubles == ("undervoltage",)


def test_a_jetson_tells_heat_clock_and_a_weak_supply(tmp_path: Path) -> None:
    state = Board(jetson(tmp_path, 2, 0, 37)).read()
    # What was since boot is not now, and a fan slows nothing down.
    assert state.troubles == ()
    assert state.since_boot == ("undervoltage", "peak overcurrent")
    assert state.n_over_current == (("undervoltage", 2), ("peak overcurrent", 37))
    assert state.temperatures_c == (("cpu-thermal", 48.5),)
    assert state.clock_hz == 1_510_400_000.0
    write(tmp_path, {"class/thermal/cooling_device1/cur_state": "1"})
    assert Board(tmp_path).read().troubles == ("throttled",)


def test_a_computer_that_tells_nothing_has_no_trouble(tmp_path: Path) -> None:
    board = Board(tmp_path)
    assert not board.tells
    assert board.read() == BoardState()


def test_a_watch_looks_once_in_a_while_and_says_what_begins_and_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    now_s = [0.0]
    watch = BoardWatch(Board(write(tmp_path, {PI_4: "4"})), clock=lambda: now_s[0])
    assert watch.troubles() == ("throttled",)
    write(tmp_path, {PI_4: "0"})
    assert watch.troubles() == ("throttled",)
    assert caplog.text.count("held back: throttled") == 1
    now_s[0] = 10.0
    assert watch.troubles() == ()
    assert "not held back any more" in caplog.text


def test_an_overcurrent_is_a_trouble_when_it_is_counted_not_since_boot(tmp_path: Path) -> None:
    now_s = [0.0]
    watch = BoardWatch(Board(jetson(tmp_path, 0, 0, 37)), clock=lambda: now_s[0])
    assert watch.troubles() == ()
    write(tmp_path, {"class/hwmon/hwmon3/oc3_event_cnt": "38"})
    now_s[0] = 10.0
    assert watch.troubles() == ("peak overcurrent",)
    now_s[0] = 20.0
    assert watch.troubles() == ()


def test_what_was_over_between_two_looks_is_a_trouble_once(tmp_path: Path) -> None:
    """The firmware keeps it; a file that cannot be read for once, or is gone, makes no new one."""
    now_s, path = [0.0], tmp_path / PI_4
    watch = BoardWatch(Board(write(tmp_path, {PI_4: "20000"})), clock=lambda: now_s[0])

    def troubles(bits: str | None) -> tuple[str, ...]:
        path.unlink() if bits is None else path.write_text(bits)
        now_s[0] += 10.0
        return watch.troubles()

    path.write_text("20000")
    assert watch.troubles() == ()
    said = [troubles(bits) for bits in ("30000", "30000", "", "30000", None)]
    assert said == [("undervoltage",), (), (), (), ()]
    path.write_text("30000")
    assert troubles("30001") == ("undervoltage",)


def test_a_counter_that_cannot_be_read_for_once_counts_nothing_twice(tmp_path: Path) -> None:
    now_s = [0.0]
    watch = BoardWatch(Board(jetson(tmp_path, 0, 0, 37)), clock=lambda: now_s[0])
    for count in ("37", "", "37"):
        write(tmp_path, {"class/hwmon/hwmon3/oc3_event_cnt": count})
        assert watch.troubles() == ()
        now_s[0] += 10.0


def test_every_word_is_known(tmp_path: Path) -> None:
    every = Board(write(jetson(tmp_path, 1, 1, 1), {PI_4: "f000f"})).read()
    assert {*every.troubles, *every.since_boot} == set(TROUBLES)
