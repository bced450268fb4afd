"""A replay of an alert's recording goes by what was normal then: the same scores come again."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from edgespec.config import Config, override
from edgespec.evidence.recording import recording_of
from edgespec.evidence.shelf import Shelf
from edgespec.evidence.tape import Cut, Tape
from edgespec.observer.band import BandChain
from edgespec.observer.radio_opening import open_radio
from edgespec.observer.recall import recall, reference_of
from edgespec.observer.site_reference import SiteReference, load_site
from edgespec.records import Event, EventType, SampleFormat
from tests.made.mutations import mutated

SCENES = {
    "residual": "sim:lte-dl?seed=4&sample_rate=1.92M&snr_db=20&load=1&kind=wideband&isr_db=-6"
    "&bandwidth_hz=300k&offset_hz=400k&start_s=3&stop_s=4&duration_s=4.2&bits=8&center_freq=806M",
    "zscore": "sim:lte-dl?seed=9&sample_rate=1.4M&snr_db=20&load=0.7&kind=tone&isr_db=0"
    "&offset_hz=200k&start_s=3&stop_s=4&duration_s=4.2&bits=8&center_freq=806M",
}
AFTER_S = 0.6


def play(uri: str, folder: Path, begin_s: float) -> tuple[list[Event], Cut, BandChain]:
    """Return the messages of the event that begins there, what is kept of it, and the chain."""
    config: Config = override(Config(), source=uri)
    config = replace(
        config,
        node=replace(config.node, state_dir=folder),
        alarm=replace(config.alarm, update_s=0.1),
        detect=replace(config.detect, warmup_s=2.0),
    )
    radio = open_radio(config, config.source[0])
    (chain,) = radio.chains
    rate_hz, cuts, said = radio.source.info.sample_rate_hz, [], []
    tape = Tape(radio.source.info, 1.0, AFTER_S, 1 << 28, cuts.append, partial(reference_of, chain))
    out = radio.source.info.sample_format.empty(chain.hop_samples)
    while (block := radio.source.read(out)) is not None:
        tape.add(block)
        for event in chain.process(block):
            said.append(event)
            tape.want(event)
    tape.finish()
    radio.source.close()
    (first,) = [
        one
        for one in said
        if one.event_type == EventType.NEW and one.sample_start > (begin_s - 0.1) * rate_hz
    ]
    (cut,) = [one for one in cuts if first.event_id in [event.event_id for event in one.events]]
    return [one for one in said if one.event_id == first.event_id], cut, chain


def scores_of(events: list[Event], first_sample: int = 0) -> dict[int, float]:
    return {
        one.sample_start + one.n_samples - first_sample: one.score
        for one in events
        if one.event_type != EventType.END
    }


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[Event], Cut]]:
    found = {}
    for name, uri in SCENES.items():
        folder = tmp_path_factory.mktemp(name)
        events, cut, _ = play(uri, folder, 3.0)
        made = recording_of(cut, SampleFormat.CU8, "roof")
        meta = Shelf(folder, 10**9, 1.0).put(made)
        assert meta is not None
        found[name] = meta, events, cut
    return found


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("name", SCENES)
def test_the_same_scores_come_again(
    name: str, kept: dict[str, tuple[Path, list[Event], Cut]], tmp_path: Path
) -> None:
    meta, live, cut = kept[name]
    assert live[0].detector == name
    again, _, chain = play(f"sigmf:{meta}", tmp_path, 0.9)
    assert again[0].sample_start == live[0].sample_start - cut.sample_start
    assert (again[0].freq_lower_hz, again[0].freq_upper_hz) == (
        live[0].freq_lower_hz,
        live[0].freq_upper_hz,
    )
    assert again[0].threshold == live[0].threshold
    expected, found = scores_of(live, cut.sample_start), scores_of(again)
    both = sorted(set(expected) & set(found))
    assert len(both) >= 5
    assert [found[at] for at in both] == pytest.approx([expected[at] for at in both], rel=0.01)
    # It was never in a warm-up, and no cell was searched.
    assert chain.warmup is not None
    assert chain.warmup.is_judged


@pytest.mark.slow_without_jit
def test_without_what_was_normal_a_replay_learns_as_ever(
    kept: dict[str, tuple[Path, list[Event], Cut]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    meta, live, _ = kept["zscore"]
    normal = meta.with_suffix(".normal")
    good = normal.read_bytes()
    try:
        normal.write_bytes(good[:-100])
        again, _, _ = play(f"sigmf:{meta}", tmp_path, 0.9)
    finally:
        normal.write_bytes(good)
    assert again[0].detector == "zscore"
    assert again[0].score == pytest.approx(live[0].score, rel=0.5)
    assert "it is not used" in caplog.text


@pytest.mark.slow_without_jit
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"range_hz": (1e6, 2e6)}, "the band lies elsewhere"),
        ({"model_sha256": "ab"}, "another model"),
        ({"thresholds": {"energy": 3.0}}, "the detectors energy"),
        ({"reference": {}}, "not used"),
        ({"reference": {"scorer.zscore.levels_db": np.ones((2, 2, 3))}}, "not used"),
    ],
)
def test_what_does_not_fit_is_not_used_and_said(
    change: dict[str, object],
    says: str,
    kept: dict[str, tuple[Path, list[Event], Cut]],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = load_site(kept["zscore"][0].with_suffix(".normal"))
    assert site is not None
    assert not recall(new_chain(SCENES["zscore"], tmp_path), replace(site, **change))
    assert says in caplog.text


def new_chain(uri: str, folder: Path) -> BandChain:
    config: Config = override(Config(), source=uri, computing="plain")
    config = replace(config, node=replace(config.node, state_dir=folder))
    radio = open_radio(config, config.source[0])
    radio.source.close()
    return radio.chains[0]


@pytest.mark.slow_without_jit
def test_f6_whatever_lies_beside_a_recording_does_no_harm(
    kept: dict[str, tuple[Path, list[Event], Cut]], tmp_path: Path
) -> None:
    meta, _, cut = kept["residual"]
    good = meta.with_suffix(".normal").read_bytes()
    assert len(good) < 300_000
    path = tmp_path / "x.normal"
    block_samples = 25_600

    @settings(suppress_health_check=[HealthCheck.too_slow], max_examples=20)
    @given(mutated(good))
    def whatever(data: bytes) -> None:
        path.write_bytes(data)
        site = load_site(path)
        if site is None:
            return
        assert isinstance(site, SiteReference)
        chain = new_chain(SCENES["residual"], tmp_path)
        if not recall(chain, site):
            return
        # Numbers that are wrong give wrong scores, and nothing worse.
        block = block_of(cut, block_samples)
        assert list(chain.process(block)) is not None

    whatever()


def block_of(cut: Cut, n: int):
    from edgespec.records import IqBlock

    return IqBlock(cut.samples[:n], cut.sample_rate_hz, cut.center_freq_hz, 0, 0)
