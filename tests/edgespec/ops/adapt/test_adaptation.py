"""A signal in three parts: fitted on, left out, compared on."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.errors import ModelError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle
from edgespec.ops.adapt.adaptation import Adaptation, Plan
from edgespec.records import FrameFlag, Segment
from tests.made import tiny, tiny_dense

HOP_S = tiny.GEOMETRY.hop_s
DURATION_S = 1.0
N_SEGMENTS = round(DURATION_S / HOP_S)


@pytest.fixture
def parent(tmp_path: Path, rng: np.random.Generator) -> Bundle:
    return tiny_dense.write(tmp_path / "parent.edgespec", rng)


def segment(rng: np.random.Generator, shape_db: np.ndarray, **changes: object) -> Segment:
    frames = -60.0 + shape_db + rng.normal(0.0, 1.4, (12, 64))
    frames = frames.astype(np.float32)
    ticks = np.arange(12, dtype=np.int64)
    return Segment(frames[:8], frames[8:], ticks, **changes)  # type: ignore[arg-type]


def adapted(
    parent: Bundle, rng: np.random.Generator, shape_db: np.ndarray, later_db: np.ndarray
) -> Adaptation:
    made = Adaptation(parent, open_backend(parent, "litert"), DURATION_S)
    for n in range(N_SEGMENTS):
        start_s = n * HOP_S
        is_late = start_s >= made.plan.held_back_s
        made.add(segment(rng, later_db if is_late else shape_db), start_s)
    return made


def test_no_segment_is_in_two_parts() -> None:
    plan = Plan(DURATION_S, 0.012)
    found: dict[int | None, list[float]] = {}
    for start_s in np.arange(0.0, DURATION_S, 1e-3):
        found.setdefault(plan.fold_of(float(start_s)), []).append(float(start_s))
    assert sorted(key for key in found if key is not None) == [0, 1, 2, 3]
    for number in range(3):
        assert max(found[number]) + plan.segment_s <= min(found[number + 1]) + 1e-9
    assert max(found[3]) + plan.segment_s <= plan.held_back_s - 0.02


def test_the_shape_of_a_place_is_learnt(parent: Bundle, rng: np.random.Generator) -> None:
    shape = rng.normal(0.0, 6.0, 64)
    made = adapted(parent, rng, shape, shape)
    trial = made.trial()
    assert trial.is_better
    # What is left is the noise of frames, and a little of how well 640 segments tell the shape.
    assert trial.after.mean < 1.6 < trial.before.mean
    assert made.n_fitted > 600
    assert made.n_held_back == N_SEGMENTS - np.ceil(made.plan.held_back_s / HOP_S)


def test_what_is_held_back_is_never_learnt(parent: Bundle, rng: np.random.Generator) -> None:
    """Another shape comes in the last part: the layer is that of the first, and judged by it."""
    shape, other = rng.normal(0.0, 6.0, 64), rng.normal(0.0, 6.0, 64)
    seed = int(rng.integers(1 << 30))
    one = adapted(parent, np.random.default_rng(seed), shape, shape)
    two = adapted(parent, np.random.default_rng(seed), shape, other)
    assert one.new is not None
    assert two.new is not None
    assert np.array_equal(one.new.head.kernel, two.new.head.kernel)
    assert two.trial().after.mean > one.trial().after.mean + 1.0


def test_bad_segments_teach_nothing(parent: Bundle, rng: np.random.Generator) -> None:
    made = Adaptation(parent, open_backend(parent, "litert"), DURATION_S)
    shape = np.zeros(64)
    flags = np.zeros(12, np.uint8)
    flags[3] = FrameFlag.CLIPPED
    for bad in ({"flags": flags}, {"has_context": False}, {"reason": "dropped"}):
        made.add(segment(rng, shape, **bad), 0.1)
    assert made.n_unused == 3
    assert made.n_fitted == 0
    with pytest.raises(ModelError, match=r"held back are too few \(3 were left out\)"):
        made.trial()
    # The first that is held back finds nothing fitted.
    with pytest.raises(ModelError, match="0 good segments of the part that is fit"):
        made.add(segment(rng, shape), 0.9)


def test_a_signal_that_is_too_short_is_refused_before_it_is_heard(parent: Bundle) -> None:
    with pytest.raises(ModelError, match=r"0.4 s of signal are too few.*at least 0\.55 s"):
        Adaptation(parent, open_backend(parent, "litert"), 0.4)
