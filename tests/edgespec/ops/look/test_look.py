"""``edgespec look``: what it says and draws of a band, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgespec import figures
from edgespec.cli import main
from edgespec.config import Config, override
from edgespec.config.mask import Mask, MaskRow
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.observer.kept.heard import Heard
from edgespec.observer.kept.kept import KeptNormal, save_kept
from edgespec.ops import silence
from edgespec.ops.look.measure import look_at
from edgespec.ops.look.opening import open_view
from edgespec.ops.look.report import Look
from tests.made import band
from tests.made.lte_cell import noise
from tests.made.rtl_tcp_server import RtlTcpServer

RATE_HZ = 1e6
TONE_HZ = 250e3
CELL = (
    "sim:lte-dl?seed=4&sample_rate=1.92M&pci=77&snr_db=20&bits=8&center_freq=806M"
    "&kind=wideband&isr_db=0&bandwidth_hz=300k&offset_hz=400k&start_s=0.3"
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["look", *map(str, arguments)])


def tone_in_noise(folder: Path, rng: np.random.Generator, start_s: float = 0.25) -> str:
    """Write half a second of noise, with a tone of -20 dBFS from ``start_s`` on."""
    n = round(0.5 * RATE_HZ)
    samples = noise(rng, n, 1e-5)
    on = np.arange(round(start_s * RATE_HZ), n)
    samples[on] += 0.1 * np.exp(2j * np.pi * TONE_HZ / RATE_HZ * on)
    return band.write_sigmf(folder / "tone", band.cf32(samples), **{"core:sample_rate": RATE_HZ})


def looked(uri: str, duration_s: float = 0.5) -> Look:
    view = open_view(override(Config(), source=uri), None, lambda config: None)
    return look_at(
        view.source, view.recipe, duration_s, normal=view.normal, annotations=view.annotations
    )


def test_a_tone_is_the_strongest_peak_and_all_that_is_occupied(tmp_path, rng) -> None:
    uri = tone_in_noise(tmp_path, rng, start_s=0.0)
    result = run("--source", uri, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert found["schema"] == "edgespec.look/1"
    assert found["duration_s"] == pytest.approx(0.5)
    assert found["level_dbfs"] == pytest.approx(-20.0, abs=0.1)
    assert found["clipped_share"] is None
    (peak, *_) = found["peaks"]
    assert peak["freq_hz"] == pytest.approx(band.CENTER_HZ + TONE_HZ, abs=RATE_HZ / 512)
    (part,) = found["occupied"]
    assert part["lower_hz"] < band.CENTER_HZ + TONE_HZ < part["upper_hz"]
    assert found["occupied_share"] == pytest.approx(
        (part["upper_hz"] - part["lower_hz"]) / RATE_HZ, abs=1e-3
    )
    assert (found["cell"], found["reference_age_s"], found["excess"]) == (None, None, [])
    text = run("--source", uri).stdout
    assert "strongest peaks: 806.2500 MHz -20" in text
    assert "not scaled to 1" not in text
    # Some recordings hold the converter's numbers as floats.
    text = replace(looked(uri), peak=9862.0).as_text()
    assert "peak 9862.00 of full scale: its numbers are not scaled to 1" in text
    assert "no cell" in text


def test_clipping_is_said_with_what_helps(tmp_path) -> None:
    samples = np.tile(np.array([[255, 128], [0, 128], [200, 60], [90, 130]], "u1"), (25_000, 1))
    uri = band.write_sigmf(tmp_path / "loud", samples, **{"core:sample_rate": RATE_HZ})
    assert json.loads(run("--source", uri, "--json").stdout)["clipped_share"] == 0.25
    assert (
        "25.00% clipped: the receiver is overloaded, lower its gain" in run("--source", uri).stdout
    )


def test_the_picture_shows_where_and_when_the_tone_is(tmp_path, rng) -> None:
    """The file is opened: the tone's columns are as bright as the colours go, when it is on."""
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    from edgespec.ops.look.picture import draw_look, look_figure

    found = looked(tone_in_noise(tmp_path, rng))
    figure = look_figure(found)
    draw_look(found, tmp_path / "now.png")
    pixels = imread(tmp_path / "now.png")[..., :3]
    figure.set_dpi(110)
    figure.draw_without_rendering()
    (panel,) = (axes for axes in figure.axes if axes.images)
    (image,) = panel.images

    def colour(offset_hz: float, time_s: float) -> np.ndarray:
        x, y = panel.transData.transform(((band.CENTER_HZ + offset_hz) / 1e6, time_s))
        return pixels[len(pixels) - 1 - round(y), round(x)]

    highest, lowest = (np.array(image.cmap(share))[:3] for share in (1.0, 0.0))
    for time_s in (0.3, 0.4, 0.48):
        np.testing.assert_allclose(colour(TONE_HZ, time_s), highest, atol=0.15)
        assert np.abs(colour(-TONE_HZ, time_s) - lowest).max() < 0.35
    for time_s in (0.02, 0.1, 0.22):
        assert np.abs(colour(TONE_HZ, time_s) - lowest).max() < 0.35


def test_the_curves_are_what_was_heard(tmp_path, rng) -> None:
    pytest.importorskip("matplotlib")
    from edgespec.ops.look.picture import look_figure

    found = looked(tone_in_noise(tmp_path, rng))
    curves = {line.get_label(): line.get_xydata() for line in look_figure(found).axes[0].lines}
    tone = int(np.argmin(np.abs(found.power.freqs_hz - band.CENTER_HZ - TONE_HZ)))
    assert curves["max"][tone, 0] == pytest.approx((band.CENTER_HZ + TONE_HZ) / 1e6)
    assert curves["max"][tone, 1] == pytest.approx(-20.0, abs=0.2)
    # It is there half of the time: the mean of levels in dB lies halfway down to the noise.
    quiet_dbfs = np.median(curves["now, on average"][:, 1])
    halfway = (curves["max"][tone, 1] + quiet_dbfs) / 2
    assert curves["now, on average"][tone, 1] == pytest.approx(halfway, abs=1.0)


def test_a_cell_is_cancelled_beside_the_power_and_an_interferer_is_left(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    from edgespec.ops.look.picture import look_figure

    found = looked(CELL, 0.5)
    assert found.cell is not None
    assert found.cell.identity == 77
    assert found.left is not None
    plane = found.left.plane
    before, after = (
        plane.level_db[rows].mean(axis=0) for rows in (slice(0, 400), slice(-300, None))
    )
    rise_db = after - before
    where_hz = plane.freqs_hz[rise_db.argmax()] - 806e6
    assert abs(where_hz - 400e3) < 200e3
    assert rise_db.max() > 15.0
    images = [axes.images[0] for axes in look_figure(found).axes if axes.images]
    assert [image.get_array().shape[1] for image in images] == [128, plane.level_db.shape[1]]
    assert "of it are left" in found.as_text()


def kept_of(view, found: Look, age_s: float, change: np.ndarray) -> None:
    """Keep, as a run of so long ago would, what was normal: what is found, and a change of it."""
    n = view.recipe.n_horizon
    rows = (found.power.level_db[: len(found.power.level_db) // n * n]).reshape(-1, n, 128)[:40]
    heard = Heard("", (rows + change).astype("f2"), np.full(len(rows), np.nan, "f4"),
                  np.zeros((len(rows), 128), "f2"))  # fmt: skip
    grid = view.recipe.framing.grid(found.center_freq_hz)
    mean = heard.rows_dbfs().mean(axis=0)
    utc_ns = found.utc_ns - round(age_s * 1e9)
    kept = KeptNormal(utc_ns, view.kept.source, None, grid.range_hz, "", mean, heard)
    save_kept(view.kept.path, kept)


def test_what_is_clear_of_the_last_runs_normal_is_said_and_drawn(tmp_path, rng) -> None:
    pytest.importorskip("matplotlib")

    from edgespec.ops.look.picture import look_figure

    uri = tone_in_noise(tmp_path, rng, start_s=0.0)
    config = override(Config(), source=uri)
    config = replace(config, node=replace(config.node, state_dir=tmp_path / "state"))
    found = looked(uri)
    tone = int(np.argmin(np.abs(found.power.freqs_hz - band.CENTER_HZ - TONE_HZ)))
    for change_db, n_clear in ((0.0, 0), (-40.0, 1)):
        change = np.zeros(128, "f4")
        change[tone - 4 : tone + 5] = change_db
        view = open_view(config, None, lambda one: None)
        kept_of(view, found, 7200.0, change)
        now = look_at(view.source, view.recipe, 0.5, normal=view.normal)
        assert now.reference is not None
        assert now.reference.age_s == pytest.approx(7200.0, abs=1.0)
        assert len(now.excess) == n_clear
        labels = [line.get_label() for line in look_figure(now).axes[0].lines]
        assert "threshold of a bin" in labels
    (one,) = now.excess
    assert one.lower_hz < band.CENTER_HZ + TONE_HZ < one.upper_hz
    # A bin of noise swings by 2 dB around its mean.
    assert one.excess_db == pytest.approx(41.0, abs=2.0)
    assert "2.0 h ago: clear of it are" in now.as_text()


def test_what_another_source_learnt_is_no_reference(tmp_path, rng) -> None:

    uri = tone_in_noise(tmp_path, rng)
    config = override(Config(), source=uri)
    config = replace(config, node=replace(config.node, state_dir=tmp_path / "state"))
    found = looked(uri)
    view = open_view(config, None, lambda one: None)
    kept_of(view, found, 10.0, np.zeros(128, "f4"))
    view.source.close()
    other = replace(config, source=(replace(config.source[0], gain_db=20.0),))
    view = open_view(other, None, lambda one: None)
    assert look_at(view.source, view.recipe, 0.5, normal=view.normal).reference is None


def test_the_mask_says_who_is_too_strong_and_what_is_not_listed(tmp_path, rng) -> None:
    uri = tone_in_noise(tmp_path, rng, start_s=0.0)
    path, config = tmp_path / "mask.csv", tmp_path / "edgespec.toml"
    config.write_text(f"[[source]]\nuri = {json.dumps(uri)}\n[[band]]\nmask = 'mask.csv'\n")

    def seen(*rows: str) -> tuple[dict, str]:
        path.write_text("\n".join(("start,stop,what,max_dbfs,min_dbfs", *rows)))
        found = json.loads(run("-c", config, "--json").stdout)["mask"]
        return found, run("-c", config).stdout

    found, text = seen("806.2M,806.3M,BTS,-26,-30", "805.6M,805.7M,link,,-30", "807M,808M,x")
    assert [one["what"] for one in found["listed"]] == ["BTS", "link"]
    tone_dbfs, noise_dbfs = (one["level_dbfs"] for one in found["listed"])
    assert tone_dbfs == pytest.approx(-20.0, abs=0.2)
    # -50 dBFS in 128 bins, each as wide as one and a half, and the largest of some means.
    assert noise_dbfs == pytest.approx(-68.5, abs=1.5)
    assert found["not_listed"] == []
    assert "BTS, 806.2000 MHz to 806.3000 MHz: up to -20.0 dBFS, 6.0 dB over its -26.0" in text
    assert "dBFS, not there: its least are -30.0 dBFS" in text
    found, text = seen("805.6M,805.7M,link")
    (one,) = found["not_listed"]
    assert one["lower_hz"] < band.CENTER_HZ + TONE_HZ < one["upper_hz"]
    assert "dBFS, within its level" in text
    assert "  not listed: 806.2" in text
    path.write_text("start,stop,what\n1,0,x\n")
    assert run("-c", config).exit_code == 3


def test_a_calibrated_band_is_shown_in_what_arrives(tmp_path, rng) -> None:
    uri = tone_in_noise(tmp_path, rng, start_s=0.0)
    config = tmp_path / "edgespec.toml"
    (tmp_path / "mask.csv").write_text("start,stop,what,max_dbm\n806.2M,806.3M,BTS,-66\n")
    config.write_text(
        f"[[source]]\nuri = {json.dumps(uri)}\n[[band]]\nmask = 'mask.csv'\n"
        "full_scale_dbm = -40.0\ncalibrated = '2026-11-28'\n"
    )
    found = json.loads(run("-c", config, "--json").stdout)
    assert found["level_dbm"] == pytest.approx(found["level_dbfs"] - 40.0)
    assert (found["level_dbuv_m"], found["calibrated"]) == (None, "2026-11-28")
    for one in (*found["occupied"], *found["peaks"], *found["mask"]["listed"]):
        assert one["level_dbm"] == pytest.approx(one["level_dbfs"] - 40.0)
    text = run("-c", config).stdout
    assert "level -60.0 dBm" in text
    assert "up to -60.0 dBm, 6.0 dB over its -66.0 dBm" in text
    assert text.splitlines()[-1].startswith("levels calibrated ")
    assert "dBFS" not in text


def test_a_calibrated_band_of_an_automatic_gain_is_refused(tmp_path) -> None:
    config = tmp_path / "edgespec.toml"
    config.write_text(
        "[[source]]\nuri = 'rtl_tcp:127.0.0.1:1?gain=auto&center_freq=806M'\n"
        "[[band]]\nfull_scale_dbm = -40.0\n"
    )
    done = run("-c", config)
    assert done.exit_code == 3
    assert "holds at one gain" in done.output


def test_the_picture_of_a_calibrated_band_is_in_what_arrives(tmp_path, rng) -> None:
    pytest.importorskip("matplotlib")
    from edgespec.ops.look.picture import look_figure

    found = looked(tone_in_noise(tmp_path, rng))
    scale = LevelScale(-40.0, 24.0)
    plain, ours = (look_figure(replace(found, scale=one)) for one in (UNCALIBRATED, scale))
    for before, after in zip(plain.axes[0].lines, ours.axes[0].lines, strict=True):
        moved = np.asarray(after.get_ydata()) - np.asarray(before.get_ydata())
        assert moved == pytest.approx(scale.offset_db, abs=1e-3)
    assert ours.axes[0].get_ylabel() == "dBuV/m a bin"
    (image,), (was,) = ours.axes[1].images, plain.axes[1].images
    moved = np.asarray(image.get_array()) - np.asarray(was.get_array())
    assert moved == pytest.approx(scale.offset_db, abs=1e-3)
    assert scale.text(found.level_dbfs) in ours.get_suptitle()


def test_the_mask_is_drawn_where_it_lies(tmp_path, rng) -> None:
    pytest.importorskip("matplotlib")
    from edgespec.ops.look.picture import look_figure

    view = open_view(
        override(Config(), source=tone_in_noise(tmp_path, rng)), None, lambda config: None
    )
    rows = (MaskRow(806.2e6, 806.3e6, "BTS $1", -26.0), MaskRow(700e6, 900e6, "all"))
    found = look_at(view.source, view.recipe, 0.5, mask=Mask(rows))
    before = look_figure(replace(found, listed=None)).axes[0]
    panel = look_figure(found).axes[0]
    assert panel.get_xlim() == before.get_xlim()
    drawn = [line.get_xydata().tolist() for line in panel.lines]
    assert [[806.2, -26.0], [806.3, -26.0]] in [np.round(one, 6).tolist() for one in drawn]
    assert [one.get_text() for one in panel.texts] == [r"BTS \$1", "all"]


def test_annotations_of_a_recording_are_drawn_where_they_are(tmp_path, rng) -> None:
    pytest.importorskip("matplotlib")
    from edgespec.ops.look.picture import look_figure

    uri = tone_in_noise(tmp_path, rng)
    path = Path(uri.removeprefix("sigmf:")).with_suffix(".sigmf-meta")
    meta = json.loads(path.read_text())
    meta["annotations"] = [
        {
            "core:sample_start": 250_000,
            "core:sample_count": 100_000,
            "core:freq_lower_edge": 806.2e6,
            "core:freq_upper_edge": 806.3e6,
            "core:label": "tone$",
            "edgespec:score": 9.0,
            "edgespec:threshold": 4.0,
        },
        {"core:sample_start": "nonsense"},
        "nonsense",
        {"core:sample_start": 10**9, "core:sample_count": 5},
    ]
    path.write_text(json.dumps(meta))
    found = looked(uri)
    assert [one.label for one in found.annotations] == ["tone$"]
    (panel,) = (axes for axes in look_figure(found).axes if axes.images)
    (box,) = panel.lines
    assert box.get_xydata().min(axis=0) == pytest.approx([806.2, 0.25])
    assert box.get_xydata().max(axis=0) == pytest.approx([806.3, 0.35])
    assert "9 over 4" in panel.texts[0].get_text()
    skipped = run("--source", uri, "--skip", 0.2, "--json")
    assert json.loads(skipped.stdout)["n_annotations"] == 1
    assert json.loads(skipped.stdout)["duration_s"] == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--source", "sigmf:nowhere"), 4, "nowhere"),
        (("--source", "sim:lte-dl?duration_s=0.001"), 4, "a look needs"),
        (("--source", "sim:lte-dl?duration_s=0.1", "--skip", "5"), 4, "behind the first 5 s"),
        (("--source", CELL, "--duration", "nan"), 2, "--duration"),
        (("--source", CELL, "--duration", "60"), 2, "--duration"),
        (("--source", "sim:lte-dl?sample_rate=20M", "--duration", "9"), 2, "or less"),
        (("--source", CELL, "--band", "none"), 3, "no band 'none'"),
        (("-c", "nowhere.toml"), 3, "nowhere.toml"),
        ((), 3, "no source is named"),
        (("me.wav",), 2, "argument (me.wav): a recording is named with --source, as sigmf:"),
    ],
)
def test_refusals_are_one_sentence(arguments, code, words) -> None:
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_picture_that_cannot_be_written_is_an_error(tmp_path, rng) -> None:
    pytest.importorskip("matplotlib")
    uri = tone_in_noise(tmp_path, rng)
    result = run("--source", uri, "-o", tmp_path / "none" / "now.png")
    assert result.exit_code == 3
    assert "cannot be written" in result.stderr
    assert run("--source", uri, "-o", tmp_path / "now.png").exit_code == 0
    assert (tmp_path / "now.png").read_bytes().startswith(b"\x89PNG")


def test_a_radio_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "SILENT_S", 0.2)
    with RtlTcpServer(b"\x80", n_bytes=(0,), stall=True) as server:
        got = run("--source", f"rtl_tcp:127.0.0.1:{server.port}?center_freq=806M")
    assert got.exit_code == 4
    assert "gave no samples" in got.stderr


def test_a_picture_that_cannot_be_drawn_is_refused_before_a_radio_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "can_draw", lambda: False)
    got = run("--source", "sigmf:nothing", "-o", tmp_path / "x.png")
    assert got.exit_code == 3
    assert "-m pip install matplotlib" in got.stderr
