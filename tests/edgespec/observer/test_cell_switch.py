"""A band in another cell: its chain measures, says and writes down by what belongs to that cell."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.config import BandConfig, DetectConfig
from edgespec.detect.detectors import RESIDUAL
from edgespec.dsp.prefix.cell import Cell
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.band import BandChain
from edgespec.observer.opening import making
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.cell_scales import ScalesPlan
from edgespec.observer.scoring.yardstick import Terms
from edgespec.observer.snapshot import snapshot_of
from edgespec.records import Event, IqBlock, SampleFormat, SourceInfo
from tests.made import tiny_dense
from tests.made.chain import chain_of
from tests.made.tiny import RECIPE

RATE_HZ, HOP = RECIPE.sample_rate_hz, RECIPE.hop_samples
INFO = SourceInfo("made", RATE_HZ, 806e6, SampleFormat.CI16, is_live=False)
DETECT = DetectConfig(detectors=("model", "zscore", "energy"), warmup_s=0.1)
N_WARMUP = round(DETECT.warmup_s / RECIPE.geometry.hop_s)
HOME = Cell("lte", 1, "fdd", "normal", 1e6, 0.0, 0.0, 0.0, 20.0, 0.99, 2.0)
AWAY = replace(HOME, identity=2)


class Followed:
    """In place of what cancels a cell: says which is there, and nothing of what is left of it."""

    watched = heard = None
    doubt = ""

    def __init__(self) -> None:
        self.cell: Cell | None = HOME
        self.learnt = self

    def known(self) -> tuple[()]:
        return ()

    def noise_says(self) -> None:
        """Nothing is heard of the noise."""

    def take(self, least: float) -> None:
        """Nothing is left."""

    def is_cells(self, region: object) -> bool:
        return False

    def process(self, block: IqBlock) -> None:
        """The cell stays."""

    def freeze(self, is_frozen: bool) -> None:
        """Nothing is tracked."""


class Walk:
    """A chain that hears noise in one cell and the other."""

    def __init__(self, chain: BandChain, followed: Followed, rng: np.random.Generator) -> None:
        self.chain, self.followed, self._rng = chain, followed, rng
        self._start = 0

    def hear(self, level: float, n_hops: int) -> Iterator[Event]:
        for _ in range(n_hops):
            samples = np.rint(self._rng.normal(0.0, level, (HOP, 2))).astype(np.int16)
            block = IqBlock(samples, RATE_HZ, 806e6, self._start, utc_ns=0)
            self._start += HOP
            yield from self.chain.process(block)

    def model(self) -> str | None:
        return self.chain.info.model_sha256


@pytest.fixture
def bundles(tmp_path: Path) -> tuple[Bundle, Bundle]:
    made = [
        tiny_dense.write(tmp_path / f"{name}.edgespec", np.random.default_rng(seed))
        for seed, name in enumerate(("usual", "own"))
    ]
    return made[0], made[1]


@pytest.fixture
def walk(
    bundles: tuple[Bundle, Bundle], rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> Walk:
    followed = Followed()
    # Frames of this size are too few for a cell.
    monkeypatch.setattr(making, "_open_cancelled", lambda *args, **options: followed)
    usual, own = (
        Basis.of_bundle(bundle, open_backend(bundle, "litert"), DETECT) for bundle in bundles
    )

    def terms(cell: str, basis: Basis) -> Terms:
        far = {"": 1e6, "lte-1": 2e6, "lte-2": 20.0}[cell]
        return Terms(dict.fromkeys((*basis.names, RESIDUAL), far))

    plan = ScalesPlan(terms, {"lte-2": own})
    assert usual.bundle is not None
    assert usual.backend is not None
    options: dict[str, Any] = {"scales": plan, "max_block_samples": HOP, "computing": "plain"}
    chain = chain_of(usual.bundle, usual.backend, INFO, BandConfig(), DETECT, **options)
    made = Walk(chain, followed, rng)
    assert list(made.hear(100.0, 2 * N_WARMUP)) == []
    return made


def test_model_thresholds_and_scales_are_those_of_the_cell(
    walk: Walk, bundles: tuple[Bundle, Bundle]
) -> None:
    usual, own = bundles
    assert (walk.model(), walk.chain.thresholds["energy"]) == (usual.sha256, 2e6)
    home = walk.chain.scorer
    walk.followed.cell = AWAY
    assert list(walk.hear(100.0, N_WARMUP // 2)) == []
    # Both are still those that it came with.
    assert (walk.model(), walk.chain.thresholds["energy"]) == (usual.sha256, 2e6)
    assert walk.chain.scorer is home
    assert list(walk.hear(100.0, N_WARMUP)) == []
    assert (walk.model(), walk.chain.thresholds["energy"]) == (own.sha256, 20.0)
    now = snapshot_of(walk.chain)
    assert now.warmup_left_s == 0.0
    assert set(now.scores) == {"forecast", "zscore", "energy"}
    assert max(now.scores.values()) < 10.0
    events = list(walk.hear(1000.0, 8))
    assert events[0].model_sha256 == own.sha256
    assert events[0].threshold == 20.0


def test_back_home_all_is_as_it_was(walk: Walk, bundles: tuple[Bundle, Bundle]) -> None:
    home = walk.chain.scorer.reference()
    walk.followed.cell = AWAY
    list(walk.hear(100.0, 2 * N_WARMUP))
    walk.followed.cell = replace(HOME, frame_start=9.0)
    assert list(walk.hear(100.0, 1)) == []
    assert walk.model() == bundles[0].sha256
    for name, values in walk.chain.scorer.reference().items():
        np.testing.assert_array_equal(values, home[name])


def test_behind_a_retune_the_usual_model_learns_anew(
    walk: Walk, bundles: tuple[Bundle, Bundle]
) -> None:
    walk.followed.cell = AWAY
    list(walk.hear(100.0, 2 * N_WARMUP))
    walk.chain.retune(walk.chain.grid)
    assert walk.model() == bundles[0].sha256
    assert walk.chain.warmup_left_s > 0.0
    assert walk.chain.thresholds["energy"] == 1e6
