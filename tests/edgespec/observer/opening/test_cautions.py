"""What a configuration says that works, but hardly does what was meant."""

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgespec.cli import main
from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig, SourceConfig
from edgespec.config import mask as mask_module
from edgespec.config.mask import Mask, MaskRow
from edgespec.observer.opening.cautions import cautions
from edgespec.observer.opening.mask_place import mask_caution
from edgespec.observer.startup import open_observer
from edgespec.ops.checks.finding import Subject
from edgespec.ops.doctor import run_check

BAND_HZ = (804e6, 808e6)
INSIDE, ACROSS = MaskRow(805e6, 806e6, "BTS"), MaskRow(807e6, 900e6, "all")
BELOW, ABOVE = MaskRow(925e6, 926e6, "link"), MaskRow(1e6, 2e6, "AM")


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (Mask((INSIDE, ACROSS)), ""),
        (Mask((INSIDE, BELOW, ABOVE)), "2 of the 3 entries of its mask lie outside, .*'link', 925"),
        (Mask((BELOW, ABOVE)), "band lte is from 804 MHz to 808 MHz, and nothing of its mask"),
        # A plan lists far more than one band.
        (Mask((INSIDE, BELOW, ABOVE), is_plan=True), ""),
        (Mask((BELOW, ABOVE), is_plan=True), "nothing of its mask lies there"),
    ],
)
def test_entries_that_no_band_shows_are_told(mask: Mask, says: str) -> None:
    found = mask_caution("lte", mask, BAND_HZ)
    assert bool(found) == bool(says)
    assert re.search(says, found)


def test_a_source_without_a_frequency_makes_a_mask_mute() -> None:
    assert "does not say its frequency" in mask_caution("lte", Mask((INSIDE,)), (-1e6, 1e6))


def config_of(folder: Path, rows: str, **source: object) -> Config:
    (folder / "mask.csv").write_text(f"start,stop,what\n{rows}\n")
    return Config(
        node=NodeConfig(state_dir=folder, computing="plain"),
        source=(SourceConfig(**{"uri": "sim:lte-dl?duration_s=1", **source}),),
        band=(BandConfig(id="lte", mask=folder / "mask.csv"),),
        detect=DetectConfig(detectors=("zscore",)),
    )


@pytest.mark.parametrize(
    ("source", "is_known"),
    [
        ({"center_freq_hz": 806e6, "sample_rate_hz": 1.92e6}, True),
        ({"uri": "sim:lte-dl?center_freq=806M&sample_rate=1.92M"}, True),
        ({"uri": "rtl_tcp:h:1?center_freq=806M"}, True),
        # The recording knows, and it is not opened.
        ({"uri": "sigmf:a.sigmf-meta"}, False),
    ],
)
def test_it_is_said_before_anything_is_opened(
    tmp_path: Path, source: dict[str, object], is_known: bool
) -> None:
    config = config_of(tmp_path, "925M,926M,link", **source)
    assert [("nothing of its mask" in words) for words in cautions(config)] == [True] * is_known
    assert cautions(config_of(tmp_path, "806M,806.1M,link", **source)) == []


def test_it_is_said_once_at_the_start_and_the_mask_is_read_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    before = mask_module.read_bounded
    monkeypatch.setattr(
        mask_module, "read_bounded", lambda path, *rest: (read.append(path), before(path, *rest))[1]
    )
    config = config_of(tmp_path, "925M,926M,link", center_freq_hz=806e6, sample_rate_hz=1.92e6)
    with caplog.at_level(logging.WARNING):
        observer = open_observer(config)
    for radio in observer.radios:
        radio.source.close()
    assert caplog.text.count("nothing of its mask lies there") == 1
    assert read == [tmp_path / "mask.csv"]


def test_config_check_and_doctor_say_it(tmp_path: Path) -> None:
    config = config_of(tmp_path, "925M,926M,link", center_freq_hz=806e6, sample_rate_hz=1.92e6)
    path = tmp_path / "edgespec.toml"
    path.write_text(
        "[[source]]\nuri = 'sim:lte-dl'\ncenter_freq_hz = 806e6\nsample_rate_hz = 1.92e6\n"
        "[[band]]\nid = 'lte'\nmask = 'mask.csv'\n"
    )
    done = CliRunner().invoke(main, ["config", "check", str(path)])
    assert done.exit_code == 0
    assert "caution: band lte is from 805.04 MHz to 806.96 MHz, and nothing" in done.output
    check = run_check("source", Subject(config))
    assert check.status == "warn"
    assert "nothing of its mask lies there" in check.detail


def test_turns_in_which_fallen_noise_is_not_seen_are_told() -> None:
    config = Config(
        source=(SourceConfig(uri="sim:lte-dl", sample_rate_hz=1.92e6, dwell_s=3.0),),
        band=(
            BandConfig(id="low", center_freq_hz=806e6),
            BandConfig(id="high", center_freq_hz=1806e6),
        ),
    )
    assert cautions(config) == []
    short = replace(config, band=(replace(config.band[0], dwell_s=1.5), config.band[1]))
    (said,) = cautions(short)
    assert "source radio0 has turns of 1.5 s" in said
    assert "give a dwell_s of 2.1 or more" in said


def test_a_part_without_a_model_is_as_wide_as_what_will_be_watched(tmp_path: Path) -> None:
    """Of 1.92 MHz about 806 MHz, half of it about 806.2 MHz, and not the model's 5 MHz."""
    config = config_of(
        tmp_path, "805.8M,806.6M,x\n807M,808M,y", center_freq_hz=806e6, sample_rate_hz=1.92e6
    )
    part = replace(config.band[0], center_freq_hz=806.2e6)
    (said,) = cautions(replace(config, band=(part,)))
    assert "is from 805.72 MHz to 806.68 MHz, and 1 of the 2" in said
