"""``edgespec survey``: what it lists, draws and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from edgespec.cli import main
from edgespec.ops.survey.spectrum import mean_spectrum
from tests.made import band
from tests.made.lte_cell import cell_wave, noise, received
from tests.made.wifi import packet

CELL = "sim:lte-dl?seed=4&sample_rate=1.92M&pci=77&snr_db=20&cfo_hz=2k&center_freq=806M"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["survey", *map(str, arguments)])


def test_a_cell_and_its_neighbour_are_listed() -> None:
    result = run("--source", f"{CELL}&neighbour_db=-3", "--json")
    # On a busy machine it says that it goes on.
    errors = [line for line in result.stderr.splitlines() if not line.startswith("survey: looking")]
    assert (result.exit_code, errors) == (0, [])
    found = json.loads(result.stdout)
    assert found["schema"] == "edgespec.survey/1"
    cell = found["cell"]
    assert (cell["identity"], cell["duplex"], cell["prefix"]) == (77, "fdd", "normal")
    # At 3 dB below, it counts as noise; the carrier is where it was put.
    assert 0 < cell["snr_db"] < 15
    assert abs(cell["cfo_hz"] - 2e3) < 100
    assert (found["n_resource_blocks"], found["n_resource_blocks_is_least"]) == (15, True)
    (other,) = found["others"]
    assert other["identity"] != 77


def test_people_get_lines() -> None:
    result = run("--source", CELL, "--duration", 0.1)
    assert result.exit_code == 0
    first, cell, quality, others, *_ = result.stdout.splitlines()
    assert "0.1 s at 1.92 MHz around 806 MHz" in first
    assert cell.startswith("cell: LTE FDD, identity 77, normal prefix, ")
    assert "at least 15 resource blocks" in quality
    assert others == "no other cell beside it"


@pytest.mark.parametrize(
    ("spacing", "rate", "wide"), [("15k", "3.84M", "3.6"), ("30k", "7.68M", "7.2")]
)
def test_a_cell_of_nr_is_listed(spacing, rate, wide) -> None:
    uri = f"sim:nr-dl?pci=777&spacing={spacing}&sample_rate={rate}&snr_db=20&cfo_hz=2k"
    result = run("--source", uri, "--duration", 0.1, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    cell = found["cell"]
    assert (cell["technology"], cell["identity"], cell["duplex"]) == ("nr", 777, "")
    assert cell["spacing_hz"] == {"15k": 15e3, "30k": 30e3}[spacing]
    assert abs(cell["cfo_hz"] - 2e3) < 150
    assert (found["n_resource_blocks"], found["others"], found["wifi"]) == (None, [], None)
    _, first, second, *_ = run("--source", uri, "--duration", 0.1).stdout.splitlines()
    assert first.startswith(f"cell: NR, identity 777, subcarriers {spacing[:2]} kHz apart, ")
    assert second.startswith(f"  block of {wide} MHz ")


def test_a_cell_whose_block_is_elsewhere_has_no_name() -> None:
    uri = "sim:nr-dl?spacing=30k&load=0.8&sample_rate=3.84M"
    result = run("--source", uri, "--duration", 0.2, "--json")
    cell = json.loads(result.stdout)["cell"]
    assert (cell["technology"], cell["identity"], cell["spacing_hz"]) == ("nr", None, 30e3)
    assert "cell: NR by its cyclic prefixes alone" in run("--source", uri).stdout


def test_packets_of_wifi_are_listed_where_there_is_no_time_for_cells(tmp_path, rng) -> None:
    samples = noise(rng, 40_000, 1e-3)
    for at in (3000, 20_000):
        one = packet(rng, 40)
        samples[at : at + len(one)] += one
    uri = band.write_sigmf(
        tmp_path / "wifi", band.cf32((0.1 * samples).astype("c8")), **{"core:sample_rate": 20e6}
    )
    result = run("--source", uri, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["is_searched"], found["cell"]) == (False, None)
    assert found["wifi"]["n_packets"] == 2
    assert found["wifi"]["airtime"] == pytest.approx(2 * 176e-6 * 20e6 / 40_000, abs=0.02)
    lines = run("--source", uri).stdout
    assert "too short to look for cells" in lines
    assert "Wi-Fi: 2 packets, 17" in lines


def test_the_recording_of_wifi_is_listed(shared_data) -> None:
    (path,) = shared_data.glob("wifi*.sigmf-meta")
    assert "Wi-Fi: 59 packets" in run("--source", f"sigmf:{path}").stdout


def test_a_band_without_a_cell_is_no_error(tmp_path, rng) -> None:
    n = 100_000
    tone = 0.1 * np.exp(2j * np.pi * 300e3 / 1.92e6 * np.arange(n))
    samples = (tone + noise(rng, n, 1e-4)).astype(np.complex64)
    uri = band.write_sigmf(tmp_path / "tone", band.cf32(samples), **{"core:sample_rate": 1.92e6})
    result = run("--source", uri, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["cell"] is None
    assert found["others"] == []
    assert found["level_dbfs"] == pytest.approx(-20.0, abs=0.1)
    (part,) = found["occupied"]
    assert part["lower_hz"] < 300e3 < part["upper_hz"]
    assert part["upper_hz"] - part["lower_hz"] < 30e3
    assert "no cell" in run("--source", uri).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--source", "sim:lte-dl?sample_rate=1.4M"), 2, "from 1.92 MS/s up"),
        (("--source", "sim:lte-dl?sample_rate=2M&duration_s=0.02"), 4, "gave 0.02 s of signal"),
        (("--source", "sigmf:nowhere"), 4, "nowhere"),
        (("--source", CELL, "--duration", "nan"), 2, "--duration"),
        (("--source", CELL, "--duration", "60"), 2, "--duration"),
        ((), 2, "--source"),
    ],
)
def test_refusals_are_one_sentence(arguments, code, words) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_progress_is_no_part_of_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgespec.screen.progress._FIRST_S", 0.0)
    result = run("--source", CELL, "--duration", 0.05, "--json")
    assert json.loads(result.stdout)["cell"]["identity"] == 77
    lines = result.stderr.splitlines()
    assert lines
    assert all(line.startswith("survey: looking for cells") for line in lines)


def test_a_picture_is_drawn_with_and_without_a_cell(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    others = (
        "sim:lte-dl?sample_rate=1.92M&snr_db=-40",
        "sim:nr-dl?sample_rate=3.84M",
        "sim:nr-dl?spacing=30k&load=0.9&sample_rate=3.84M",
    )
    for number, uri in enumerate((CELL, *others)):
        path = tmp_path / f"{number}.png"
        result = run("--source", uri, "--duration", 0.05, "--picture", path)
        assert result.exit_code == 0, result.output
        assert path.read_bytes().startswith(b"\x89PNG")
    nowhere = tmp_path / "none" / "x.png"
    result = run("--source", CELL, "--duration", 0.05, "--picture", nowhere)
    assert result.exit_code == 3
    assert "cannot be written" in result.stderr


def test_a_tone_has_its_level_in_the_spectrum() -> None:
    offset_hz = 100 * 1.92e6 / 512
    tone = 0.5 * np.exp(2j * np.pi * offset_hz / 1.92e6 * np.arange(51_200))
    spectrum = mean_spectrum(tone.astype(np.complex64), 1.92e6)
    at = int(spectrum.power_dbfs.argmax())
    assert spectrum.offset_hz[at] == pytest.approx(offset_hz)
    assert spectrum.power_dbfs[at] == pytest.approx(20 * np.log10(0.5), abs=0.01)


def test_a_cell_is_one_occupied_part(rng) -> None:
    samples = received(rng, cell_wave(rng, 3, n_frames=5), 5e6, snr_db=20.0)
    (part,) = mean_spectrum(samples, 5e6).parts
    assert part.lower_hz == pytest.approx(-540e3, abs=40e3)
    assert part.upper_hz == pytest.approx(540e3, abs=40e3)


def a_recording(folder: Path, samples: NDArray[np.complex64]) -> str:
    samples.astype(np.complex64).tofile(folder / "a.raw")
    return f"raw:{folder / 'a.raw'}?datatype=cf32_le&sample_rate=1.92M"


@pytest.mark.parametrize("command", ["survey", "look"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1e37])
@pytest.mark.filterwarnings("error")
def test_samples_that_say_nothing_are_refused(tmp_path, rng, command, value) -> None:
    source = a_recording(tmp_path, value * (1.0 + rng.random(60_000)))
    result = CliRunner().invoke(main, [command, "--source", source, "--duration", "0.03"])
    assert result.exit_code == 4
    assert "gave no good frame" in result.stderr


@pytest.mark.parametrize("command", ["survey", "look"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e37])
@pytest.mark.filterwarnings("error")
def test_what_is_no_number_is_left_out(tmp_path, rng, command, value) -> None:
    samples = noise(rng, 120_000, 0.01)
    samples[90_000:] = value
    source = a_recording(tmp_path, samples)
    result = CliRunner().invoke(main, [command, "--source", source, "--duration", "0.06", "--json"])
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert -40.0 < found["level_dbfs"] < -15.0
    assert 0.0 < found["peak"] < 1.0
