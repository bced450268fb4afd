"""Several bands in one process: whose events they are, and what one leaves to the others."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from edgespec.alarm.outbox.journal import Kind, Record, unpack
from edgespec.cli import main
from edgespec.config import BandConfig, Config, MqttConfig, NodeConfig, SourceConfig
from edgespec.errors import ConfigError, SourceError
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.radio_opening import open_radio
from edgespec.observer.startup import Observer, check_config, open_observer
from edgespec.records import Event
from tests.made import band, tiny, tiny_network
from tests.made.broker import wait_for
from tests.made.observer import run
from tests.made.tape import DETECT, Notebook, Tape, chain_for

HOP = tiny.RECIPE.hop_samples


def kinds(events: list[Event], name: str) -> list[str]:
    return [event.event_type.value for event in events if event.band == name]


def untimed(events: list[Event], name: str) -> list[Event]:
    """Return the events of a band without what differs from run to run."""
    return [
        replace(event, event_id="", latency_s=0.0, band="")
        for event in events
        if event.band == name
    ]


@pytest.fixture
def tones(rng: np.random.Generator) -> list[NDArray[np.complex64]]:
    """0.6 s with a tone from 0.4 to 0.5 s, with none, and with one from 0.45 s to the end."""
    spans = ((0.4, 0.5), None, (0.45, 0.6))
    signals = [band.noise(rng, 0.6) for _ in spans]
    return [
        band.cf32(signal if span is None else band.with_tone(signal, *span))
        for signal, span in zip(signals, spans, strict=True)
    ]


def test_bands_of_several_sources_say_what_each_would_say_alone(
    tones: list[NDArray[np.complex64]],
) -> None:
    names = ["a", "b", "c"]
    alone = {}
    for name, samples in zip(names, tones, strict=True):
        notebook, tape = Notebook(), Tape(samples)
        Monitor([Radio(name, tape, [chain_for(tape, name)])], [notebook], state_s=60.0).run()
        alone[name] = untimed(notebook.events, name)
    notebook, tapes = Notebook(), [Tape(samples) for samples in tones]
    radios = [
        Radio(name, tape, [chain_for(tape, name)]) for name, tape in zip(names, tapes, strict=True)
    ]
    states = Monitor(radios, [notebook], state_s=60.0).run()
    assert {name: untimed(notebook.events, name) for name in names} == alone
    assert [kinds(notebook.events, name) for name in names] == [
        ["new", "update", "end"],
        [],
        ["new", "update", "end"],
    ]
    assert [state.band for state in states] == names
    assert [state.n_events for state in states] == [1, 0, 1]
    assert {state.model_sha256 for state in states} == {tiny_network.bundle().sha256}
    assert {event.model_sha256 for event in notebook.events} == {tiny_network.bundle().sha256}
    assert all(tape.closed.is_set() for tape in tapes)
    assert notebook.n_closes == 1


def test_bands_of_one_source_see_the_same_samples(tones: list[NDArray[np.complex64]]) -> None:
    """Two sets of detectors on one radio, read once."""
    tape, notebook = Tape(tones[0]), Notebook()
    chains = [
        chain_for(tape, "all"),
        chain_for(tape, "plain", detectors=("zscore",)),
        chain_for(tape, "deaf", false_alarm_rate=0.001, hold_off_s=10.0),
    ]
    states = Monitor([Radio("r", tape, chains)], [notebook], state_s=60.0).run()
    assert {state.n_samples for state in states} == {len(tones[0])}
    assert len({state.n_segments for state in states}) == 1
    assert [set(state.scores) for state in states[:2]] == [{"forecast", "zscore"}, {"zscore"}]
    assert states[0].scores["zscore"] == states[1].scores["zscore"]
    assert (
        kinds(notebook.events, "all") == kinds(notebook.events, "plain") == ["new", "update", "end"]
    )


def test_bands_with_hops_of_their_own_share_a_reader(
    tones: list[NDArray[np.complex64]], tmp_path: Path
) -> None:
    """The source is read by the shortest hop; every chain takes what comes."""
    short = replace(tiny.RECIPE, hop_frames=tiny.GEOMETRY.hop_frames // 2)
    bundle = tiny_network.write(
        tmp_path / "short.edgespec",
        np.random.default_rng(0),
        made_with=short,
    )
    alone, notebook = Notebook(), Notebook()
    tape = Tape(tones[0])
    Monitor([Radio("r", tape, [chain_for(tape, "long")])], [alone], state_s=60.0).run()
    tape = Tape(tones[0])
    chains = [chain_for(tape, "long"), chain_for(tape, "short", bundle=bundle)]
    monitor = Monitor([Radio("r", tape, chains)], [notebook], state_s=60.0)
    long, short_hops = monitor.run()
    assert untimed(notebook.events, "long") == untimed(alone.events, "long")
    assert abs(short_hops.n_segments - 2 * long.n_segments) <= 2
    assert monitor.workers[0].latency.n == long.n_segments


def test_a_source_that_breaks_ends_its_own_bands_alone(
    tones: list[NDArray[np.complex64]], caplog: pytest.LogCaptureFixture
) -> None:
    """The others are worked off to their ends; then the error is told."""
    notebook = Notebook()
    well, broken = Tape(tones[2]), Tape(tones[0][: 20 * HOP], breaks=True)

    def told() -> list[str]:
        return sorted(r.message for r in caplog.records if r.levelno == logging.ERROR)

    # Which of the two is looked at first is the scheduler's business.
    well.calls = {300_000: lambda: wait_for(lambda: len(told()) == 2, "both bands are told")}
    radios = [
        Radio("broken", broken, [chain_for(broken, "x"), chain_for(broken, "y")]),
        Radio("well", well, [chain_for(well, "z")]),
    ]
    monitor = Monitor(radios, [notebook], state_s=60.0)
    with pytest.raises(SourceError, match="the cable was pulled"):
        monitor.run()
    assert kinds(notebook.events, "z") == ["new", "update", "end"]
    assert [worker.n_samples for worker in monitor.workers] == [20 * HOP] * 2 + [len(tones[2])]
    assert told() == [
        f"band {name} has ended (the cable was pulled); the others go on" for name in "xy"
    ]
    assert well.closed.is_set()
    assert broken.closed.is_set()


def test_a_band_that_breaks_leaves_its_source_to_the_others(
    tones: list[NDArray[np.complex64]],
) -> None:
    tape, notebook = Tape(tones[0]), Notebook()
    chains = [chain_for(tape, "broken"), chain_for(tape, "well")]
    process, n_calls = chains[0].process, 0

    def breaks(block: Any) -> Any:
        nonlocal n_calls
        n_calls += 1
        if n_calls > 50:
            raise ZeroDivisionError("a bug")
        return process(block)

    chains[0].process = breaks  # type: ignore[method-assign]
    monitor = Monitor([Radio("r", tape, chains)], [notebook], state_s=60.0)
    with pytest.raises(ZeroDivisionError):
        monitor.run()
    assert kinds(notebook.events, "well") == ["new", "update", "end"]
    assert monitor.workers[1].n_samples == len(tones[0])


def test_stop_ends_every_band(tones: list[NDArray[np.complex64]]) -> None:
    tapes = [Tape(np.tile(samples[:200_000], 200)) for samples in tones]
    radios = [Radio(str(k), tape, [chain_for(tape, str(k))]) for k, tape in enumerate(tapes)]
    notebook = Notebook()
    monitor = Monitor(radios, [notebook], state_s=0.05)
    notebook.on_state = lambda state: monitor.stop() if state.n_segments > 50 else None
    states = monitor.run()
    assert all(state.n_samples < 40_000_000 for state in states)
    assert all(tape.closed.is_set() for tape in tapes)


def test_every_band_hears_the_duration(tones: list[NDArray[np.complex64]]) -> None:
    tapes = [Tape(samples) for samples in tones]
    radios = [Radio(str(k), tape, [chain_for(tape, str(k))]) for k, tape in enumerate(tapes)]
    for state in Monitor(radios, [Notebook()], state_s=60.0).run(0.25):
        assert 0.25 <= state.n_samples / band.RATE_HZ < 0.25 + 2 * HOP / band.RATE_HZ


# --- opened from a configuration


def two_bands(tmp_path: Path, samples: list[NDArray[np.complex64]], **changes: Any) -> Config:
    uris = [band.write_sigmf(tmp_path / f"r{k}", part) for k, part in enumerate(samples)]
    model = tiny_network.bundle().path
    config = Config(
        node=NodeConfig(id="n", state_dir=tmp_path, computing="plain"),
        source=tuple(SourceConfig(id=f"r{k}", uri=uri) for k, uri in enumerate(uris)),
        band=tuple(BandConfig(id=f"b{k}", source=f"r{k}", model=model) for k in range(len(uris))),
        detect=DETECT,
    )
    return replace(config, **changes)


def test_a_configuration_of_two_bands(tones: list[NDArray[np.complex64]], tmp_path: Path) -> None:
    notebook = Notebook()
    observer = open_observer(two_bands(tmp_path, tones[:2]), [notebook])
    assert [(info.band, info.source) for info in observer.bands] == [
        (f"b{k}", f"sigmf:{tmp_path}/r{k}") for k in range(2)
    ]
    first, second = observer.monitor.run()
    assert (first.band, first.n_events) == ("b0", 1)
    assert (second.band, second.n_events) == ("b1", 0)
    assert kinds(notebook.events, "b0") == ["new", "update", "end"]


def test_the_brokers_journal_has_an_event_before_the_screen_shows_it(
    tones: list[NDArray[np.complex64]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.alarm.mqtt.KEPT_S", 60.0)
    kept: list[int] = []

    class Screen(Notebook):
        def event(self, event: Event) -> None:
            super().event(event)
            kept.append(n_kept())

    def n_kept() -> int:
        data = (tmp_path / "spool/events.journal").read_bytes()
        return sum(record.kind in (Kind.EVENT, Kind.UPDATE) for record in unpack(data)
                   if isinstance(record, Record))  # fmt: skip

    mqtt = MqttConfig(url="mqtt://127.0.0.1:1")
    config = two_bands(tmp_path, tones[:1], mqtt=mqtt)
    open_observer(config, [Screen()]).monitor.run()
    assert kept == [1, 2, 3]


def test_o2_an_observer_claims_its_topics_until_its_end(
    tones: list[NDArray[np.complex64]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def opened(state_dir: Path) -> Observer:
        state_dir.mkdir(exist_ok=True)
        mqtt = MqttConfig(url="mqtt://127.0.0.1:1", topic_prefix="claimed")
        return open_observer(two_bands(state_dir, tones[:1], mqtt=mqtt))

    first = opened(tmp_path)
    opened(tmp_path / "second").monitor.run()
    assert caplog.text.count("another observer on this host has the node id 'n'") == 1
    first.monitor.run()
    opened(tmp_path / "third").monitor.run()
    assert caplog.text.count("another observer on this host") == 1


def test_what_cannot_be_opened_leaves_nothing_open(
    tones: list[NDArray[np.complex64]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two sources is missing."""
    tape = Tape(tones[0])

    def opened(uri: str, **_: object) -> Tape:
        if uri.startswith("gone"):
            raise SourceError("it is gone")
        return tape

    monkeypatch.setattr("edgespec.observer.radio_opening.open_source", opened)
    config = two_bands(tmp_path, tones[:2])
    config = replace(config, source=(config.source[0], replace(config.source[1], uri="gone:")))
    with pytest.raises(SourceError, match="it is gone"):
        open_observer(config)
    assert tape.closed.is_set()


def test_bands_of_one_radio_need_one_rate(
    tones: list[NDArray[np.complex64]], tmp_path: Path
) -> None:
    other = tiny_network.write(
        tmp_path / "other.edgespec",
        np.random.default_rng(0),
        made_with=replace(tiny.RECIPE, sample_rate_hz=2.0 * band.RATE_HZ),
    )
    config = two_bands(tmp_path, tones[:1])
    bands = (config.band[0], replace(config.band[0], id="b1", model=other.path))
    with pytest.raises(
        ConfigError, match=r"1000000 for b0, 2000000 for b1.*same rate.*center_freq_hz"
    ):
        open_observer(replace(config, band=bands))


@pytest.mark.parametrize("sample_format", ["cf32", "cu8"])
def test_parts_of_one_radio_are_bands(
    rng: np.random.Generator, tmp_path: Path, sample_format: str
) -> None:
    """A radio of 2 MHz, a tone in its lower half; the whole is a band as well."""
    rate_hz, tone_hz = 2.0 * band.RATE_HZ, -0.7e6
    n = round(0.6 * rate_hz)
    signal = 0.05 * (rng.standard_normal(n) + 1j * rng.standard_normal(n))
    on = slice(round(0.4 * rate_hz), round(0.5 * rate_hz))
    signal[on] += 0.3 * np.exp(2j * np.pi * tone_hz / rate_hz * np.arange(on.start, on.stop))
    samples = band.cf32(signal) if sample_format == "cf32" else band.cu8(signal)
    uri = band.write_sigmf(tmp_path / "wide", samples, **{"core:sample_rate": rate_hz})
    whole = tiny_network.write(
        tmp_path / "whole.edgespec",
        np.random.default_rng(0),
        made_with=replace(tiny.RECIPE, sample_rate_hz=rate_hz),
    )
    low = BandConfig(
        id="low",
        center_freq_hz=band.CENTER_HZ - 0.5e6,
        model=tiny_network.bundle().path,
    )
    high = replace(low, id="high", center_freq_hz=band.CENTER_HZ + 0.5e6)
    all_of_it = replace(low, id="all", center_freq_hz=None, model=whole.path)
    config = Config(
        node=NodeConfig(id="n", state_dir=tmp_path, computing="plain"),
        source=(SourceConfig(uri=uri),),
        band=(low, high, all_of_it),
        detect=DETECT,
    )
    check_config(config)
    notebook = Notebook()
    observer = open_observer(config, [notebook])
    ranges_hz = [np.subtract(info.grid.range_hz, band.CENTER_HZ) for info in observer.bands]
    assert np.array_equal(ranges_hz, [(-1e6, 0.0), (0.0, 1e6), (-1e6, 1e6)])
    states = observer.monitor.run()
    assert [state.n_samples for state in states] == [n] * 3
    assert [state.n_events for state in states] == [1, 0, 1]
    for name, bin_hz in (("low", 1e6 / 64), ("all", 2e6 / 64)):
        assert kinds(notebook.events, name) == ["new", "update", "end"]
        end = [event for event in notebook.events if event.band == name][-1]
        assert abs(end.peak_freq_hz - (band.CENTER_HZ + tone_hz)) <= bin_hz
        assert abs(end.sample_start - on.start) <= 2 * 2 * tiny.FRAMING.frame_samples
        assert end.n_samples > 0.9 * (on.stop - on.start)


def test_parts_that_do_not_fit_are_refused_before_anything_opens(tmp_path: Path) -> None:
    """By the configuration alone, where it says what the radio is set to."""
    model = tiny_network.bundle().path
    radio = SourceConfig(uri="sim:lte-dl", center_freq_hz=806e6, sample_rate_hz=2e6)
    part = BandConfig(id="part", model=model, center_freq_hz=806.5e6)
    config = Config(node=NodeConfig(state_dir=tmp_path), source=(radio,), band=(part,))
    check_config(config)
    for radio_changes, part_changes, words in (
        ({}, {"center_freq_hz": 806.6e6}, "band part: 1 MHz about 806.6 MHz reach outside"),
        ({"sample_rate_hz": 2.5e6}, {}, "set source.sample_rate_hz to 2000000"),
        ({}, {"center_freq_hz": None}, "source.sample_rate_hz is 2000000"),
    ):
        bad = replace(
            config,
            source=(replace(radio, **radio_changes),),
            band=(replace(part, **part_changes),),
        )
        with pytest.raises(ConfigError, match=words):
            check_config(bad)


def test_a_part_at_a_rate_that_no_model_was_made_for_is_watched_without_one(
    tones: list[NDArray[np.complex64]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The widest part about its centre that the source shows."""
    uri = band.write_sigmf(tmp_path / "narrow", tones[0])
    part = BandConfig(id="part", center_freq_hz=band.CENTER_HZ + 0.1e6)
    config = Config(
        node=NodeConfig(state_dir=tmp_path, computing="plain"),
        source=(SourceConfig(uri=uri),),
        band=(part,),
    )
    check_config(config)
    radio = open_radio(config, config.source[0])
    radio.source.close()
    (chain,) = radio.chains
    rate_hz = radio.source.info.sample_rate_hz / 2
    assert chain.info.model_sha256 is None
    assert chain.grid.range_hz == pytest.approx(
        (band.CENTER_HZ + 0.1e6 - rate_hz / 2, band.CENTER_HZ + 0.1e6 + rate_hz / 2)
    )
    assert "which does not run: the widest part" in caplog.text


def test_two_bands_on_the_command_line(tones: list[NDArray[np.complex64]], tmp_path: Path) -> None:
    """Checked, then watched; every line says whose it is."""
    model = str(tiny_network.bundle().path)
    lines = [f"[detect]\nwarmup_s = {DETECT.warmup_s}\nhold_off_s = {DETECT.hold_off_s}"]
    lines += [f"[node]\nid = 'n'\nstate_dir = '{tmp_path}'\ncomputing = 'plain'"]
    for name, samples in zip("ab", (tones[0], tones[2]), strict=True):
        uri = band.write_sigmf(tmp_path / name, samples)
        lines += [f"[[source]]\nid = 'r-{name}'\nuri = '{uri}'"]
        lines += [f"[[band]]\nid = '{name}'\nsource = 'r-{name}'\nmodel = '{model}'"]
    path = tmp_path / "edgespec.toml"
    path.write_text("\n".join(lines))
    checked = CliRunner().invoke(main, ["config", "check", str(path)])
    assert checked.exit_code == 0, checked.output
    assert f"listens to sigmf:{tmp_path}/a with the model mean and sigmf:" in checked.output
    code, observer = run("monitor", "-c", path, "--json", home=tmp_path)
    assert code == 0, observer.errors
    said = observer.lines
    assert [info["band"] for info in said.infos] == ["a", "b"]
    assert {event["band"] for event in said.events} == {"a", "b"}
    assert {event["model_sha256"] for event in said.events} == {tiny_network.bundle().sha256}
    for name in "ab":
        types = [event["event_type"] for event in said.events if event["band"] == name]
        assert types == ["new", "update", "end"]
        (last,) = [state for state in said.states if state["band"] == name][-1:]
        assert (last["n_events"], last["n_samples"]) == (1, len(tones[0]))
    _, table = run("monitor", "-c", path, home=tmp_path)
    rows = [line.split() for line in table.text.splitlines() if " new " in line]
    assert sorted(row[2] for row in rows) == ["a", "b"]
