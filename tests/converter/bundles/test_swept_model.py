"""A bundle on a swept band: from a table through training and conversion to an alarm."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from converter.data.side_inputs import side_rows
from converter.data.sweeps.sweep_file import save_sweeps
from converter.training.modeldir import load_model
from edgespec.cli import main
from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig, SourceConfig
from edgespec.detect.threshold import LEAST_SCORES
from edgespec.errors import ConfigError, ModelError
from edgespec.inference.bundle import load_bundle, shipped_bundle_path, write_bundle
from edgespec.observer.startup import Observer, check_config, open_observer
from edgespec.records import Event, EventType
from edgespec.side_input import DAYS, HOURS
from edgespec.sweep_table import SweepTable
from tests.made import tiny_sweeps, tiny_training
from tests.made.tiny_sweeps import N_CONTEXT, N_HORIZON, STEP_S

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]

#: Behind the recording that the network was trained with.
LATER_S = 20 * 86_400.0
AT, POINT = 900, 4


def file_of(table: SweepTable, folder: Path) -> Path:
    path = folder / "site.npz"
    save_sweeps(path, table)
    return path


def with_carrier(table: SweepTable, n_sweeps: int = 12, excess_db: float = 20.0) -> SweepTable:
    levels_db = table.levels_db.copy()
    levels_db[AT : AT + n_sweeps, POINT] += excess_db
    return replace(table, levels_db=levels_db)


def config_of(path: Path, tmp_path: Path, *detectors: str) -> Config:
    return Config(
        node=NodeConfig(id="n", state_dir=tmp_path / "state"),
        source=(SourceConfig(uri=f"rtl_power:{path}"),),
        band=(BandConfig(model=tiny_sweeps.bundle(), backend="litert"),),
        detect=DetectConfig(detectors=detectors or ("model",)),
    )


def run(config: Config) -> tuple[list[Event], Observer]:
    told: list[Event] = []
    observer = open_observer(config, on_event=told.append)
    observer.monitor.run()
    return told, observer


def test_monitor_tells_a_carrier_by_what_the_network_expected(tmp_path: Path) -> None:
    path = file_of(with_carrier(tiny_sweeps.sweeps(4.5, 9, LATER_S)), tmp_path)
    config = tmp_path / "edgespec.toml"
    config.write_text(f'[node]\nstate_dir = "{tmp_path}/state"\n[detect]\ndetectors = ["model"]\n')
    arguments = ["monitor", "-c", config, "--source", f"rtl_power:{path}", "--model"]
    done = CliRunner().invoke(main, [*map(str, arguments), str(tiny_sweeps.bundle()), "--json"])
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in done.stdout.splitlines() if '"edgespec.event' in line]
    new = next(event for event in events if event["event_type"] == "new")
    assert new["detector"] == "forecast"
    assert new["model_sha256"] == load_bundle(tiny_sweeps.bundle()).sha256
    place_hz = 925e6 + 2e5 * POINT
    assert new["core:freq_lower_edge"] <= place_hz <= new["core:freq_upper_edge"]
    assert new["core:freq_upper_edge"] - new["core:freq_lower_edge"] <= 4e5


def test_it_is_quiet_otherwise_and_knows_the_hours(tmp_path: Path) -> None:
    table = tiny_sweeps.sweeps(4.5, 9, LATER_S)
    told, observer = run(config_of(file_of(table, tmp_path), tmp_path))
    new = [event for event in told if event.event_type is EventType.NEW]
    assert len(new) <= 2
    (chain,) = observer.radios[0].chains
    assert set(chain.thresholds) == {"forecast"}
    assert chain.meter.side_inputs == ""
    # The model was given what it would have been in training.
    last = chain.last
    assert last is not None
    start = last.tick_start - N_CONTEXT
    _, model = load_model(tiny_sweeps.trained())
    rows = side_rows(table, (DAYS, HOURS), np.array([start]), N_CONTEXT)
    context = table.levels_db[start : start + N_CONTEXT]
    mean, std = context.mean(), context.std()
    sides = [(side - mean) / std for side in rows.rows_db]
    expected = model.predict([(context[None] - mean) / std, *sides], verbose=0)
    expected_db = expected.reshape(N_HORIZON, -1) * std + mean
    forecast = chain.scorer.forecast
    assert forecast is not None
    np.testing.assert_allclose(forecast.power_dbfs, expected_db, rtol=0, atol=0.02)


def test_the_scan_is_beside_it_and_the_history_has_single_sweeps(tmp_path: Path) -> None:
    path = file_of(tiny_sweeps.sweeps(1.2, 9, LATER_S), tmp_path)
    config = config_of(path, tmp_path, "residual", "model", "zscore")
    observer = open_observer(config)
    (chain,) = observer.radios[0].chains
    assert set(chain.thresholds) == {"scan", "forecast"}
    assert chain.scorer.n_warmup * N_HORIZON == 60
    observer.monitor.run()
    assert chain.meter.minutes is not None
    # A sweep takes longer than a minute: each is a look of its own.
    assert chain.meter.side_inputs == "days 1 of 3"


def test_a_shorter_step_tells_a_carrier_sooner(tmp_path: Path) -> None:
    bundle = load_bundle(tiny_sweeps.bundle())
    recipe = replace(tiny_sweeps.band().recipe, hop_frames=1)
    path = tmp_path / "step.edgespec"
    write_bundle(
        path,
        replace(bundle.manifest, made_with=recipe),
        bundle.model,
        bundle.golden_inputs,
        bundle.golden_outputs,
        golden_sides=bundle.golden_sides,
    )
    table = with_carrier(tiny_sweeps.sweeps(4.0, 9, LATER_S), excess_db=30.0)
    config = config_of(file_of(table, tmp_path), tmp_path)
    told, observer = run(replace(config, band=(BandConfig(model=path, backend="litert"),)))
    (chain,) = observer.radios[0].chains
    assert chain.n_segments == table.n_sweeps - N_CONTEXT - N_HORIZON + 1
    begins_s = [
        event.start_ns / 1e9 - table.utc_s[AT]
        for event in told
        if event.event_type is EventType.NEW and event.excess_db > 8.0
    ]
    # It is in the last sweep of a target first.
    assert abs(begins_s[0]) <= STEP_S


def test_another_span_goes_on_without_the_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = tiny_sweeps.sweeps(0.6, 9, LATER_S)
    path = tmp_path / "two.csv"
    lines = []
    for number, (utc_s, row) in enumerate(zip(table.utc_s, table.levels_db, strict=True)):
        when = np.datetime64(int(utc_s), "s").astype(object)
        lower_hz = 925e6 if number < 100 else 945e6
        values = ", ".join(f"{value:.2f}" for value in (*row, row[-1]))
        lines.append(
            f"{when:%Y-%m-%d, %H:%M:%S}, {lower_hz:.0f}, {lower_hz + 20e5:.0f}, 200000.00, "
            f"64, {values}\n"
        )
    path.write_text("".join(lines))
    config = config_of(path, tmp_path, "model", "residual")
    config = replace(config, source=(SourceConfig(uri=f"rtl_power:{path}?zone=UTC"),))
    with caplog.at_level(logging.WARNING):
        run(config)
    assert "goes on without its model: the bundle" in caplog.text
    assert "945 to 946.8 MHz" in caplog.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"freqs_hz": 945e6}, "but the source gives sweeps of 10 points, 945"),
        ({"step_s": 2 * STEP_S}, "one every 720 s"),
    ],
)
def test_other_sweeps_are_refused(tmp_path: Path, change: dict[str, float], words: str) -> None:
    table = tiny_sweeps.sweeps(0.5)
    if "freqs_hz" in change:
        table = replace(table, freqs_hz=table.freqs_hz + change["freqs_hz"] - 925e6)
    else:
        table = replace(table, utc_s=table.utc_s[0] + 2 * (table.utc_s - table.utc_s[0]))
    with pytest.raises(ModelError, match=words):
        open_observer(config_of(file_of(table, tmp_path), tmp_path))


def test_samples_and_sweeps_are_not_mixed(tmp_path: Path) -> None:
    path = file_of(tiny_sweeps.sweeps(0.5), tmp_path)
    config = config_of(path, tmp_path)
    (checked,) = check_config(config)
    assert checked is not None
    of_samples = replace(config, source=(SourceConfig(uri="sim:lte-dl"),))
    with pytest.raises(ModelError, match="was made for sweeps of 10 points"):
        check_config(of_samples)
    with pytest.raises(ModelError, match="was made for samples at 5000000"):
        check_config(replace(config, band=(BandConfig(model=shipped_bundle_path()),)))
    with pytest.raises(ConfigError, match="leave it out, or name a bundle of sweeps"):
        check_config(
            replace(config, band=(BandConfig(),), detect=DetectConfig(detectors=("forecast",)))
        )


def test_a_bundle_says_what_it_was_calibrated_with(tmp_path: Path) -> None:
    manifest = load_bundle(tiny_sweeps.bundle()).manifest
    assert set(manifest.detectors) == {"forecast"}
    found = manifest.detectors["forecast"]
    assert found.n_scores >= 10 * LEAST_SCORES
    assert abs(found.mean) < 1.0
    assert 0.5 < found.std < 2.0
    assert len(found.error_std_db) == manifest.geometry.n_bins
    told = CliRunner().invoke(main, ["model", "info", str(tiny_sweeps.bundle())])
    assert "sweeps of 10 points, 925 to 926.8 MHz, one every 360 s" in told.stdout
    assert "hours" in told.stdout
    verified = CliRunner().invoke(main, ["model", "verify", str(tiny_sweeps.bundle())])
    assert verified.exit_code == 0
