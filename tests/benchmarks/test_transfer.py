"""A layer at a new place learns from what is said to have been heard, and its table adds up."""

import math

import numpy as np
import pytest

from benchmarks.detection.transfer import Learner, excess_db, markdown
from edgespec.dsp.transform import log_power_floor_db
from edgespec.errors import ModelError
from edgespec.inference.network import Dense
from edgespec.inference.refit import N_FOLDS

SHAPE = N_HORIZON, N_BINS = 4, 16
N = 400


def test_a_learner_knows_what_came_within_its_amount_and_no_more(
    rng: np.random.Generator,
) -> None:
    n_out = N_HORIZON * N_BINS
    kernel = rng.standard_normal((5, n_out)).astype(np.float32)
    head = Dense("linear", kernel, np.zeros(n_out, np.float32))
    here = 0.5 * rng.standard_normal(n_out).astype(np.float32)
    inputs = np.tanh(rng.standard_normal((N, 5))).astype(np.float32)
    outputs = inputs @ kernel
    noise = 0.1 * rng.standard_normal(outputs.shape).astype(np.float32)
    targets = outputs + here + noise
    # What comes behind the amount is of another place.
    targets[N // 2 :] -= 40.0
    learner = Learner("shipped", head, (1.0,), SHAPE)
    for n, (output, target) in enumerate(zip(outputs, targets, strict=True)):
        at_s = n * 2.0 / N
        learner.add(at_s, at_s + 0.5 / N, output, target, 1.0)
    assert {*learner.found} == {"affine, 1 s", "refit, 1 s"}
    assert learner.last is not None
    slopes, offset = learner.found["refit, 1 s"]
    change = learner.space.features(outputs[0]) @ slopes + offset
    np.testing.assert_allclose(change, here, atol=0.15)


def test_a_segment_over_two_folds_teaches_nothing(rng: np.random.Generator) -> None:
    n_out = N_HORIZON * N_BINS
    head = Dense(
        "linear", rng.standard_normal((5, n_out)).astype(np.float32), np.zeros(n_out, np.float32)
    )
    learner = Learner("shipped", head, (1.0,), SHAPE)
    for n in range(N):
        at_s = n / N
        output = rng.standard_normal(5).astype(np.float32) @ head.kernel
        # Each is longer than a fold.
        learner.add(at_s, at_s + 1.01 / N_FOLDS, output, output + 9.0, 1.0)
    with pytest.raises(ModelError, match="0 windows are too few"):
        learner.settle()


@pytest.mark.parametrize("n_averages", [1, 10])
def test_excess_is_what_is_left_of_the_floor(n_averages: int) -> None:
    floor_db = log_power_floor_db(n_averages)
    assert excess_db(floor_db, n_averages) == 0.0
    assert excess_db(0.5 * floor_db, n_averages) == 0.0
    assert excess_db(math.hypot(floor_db, 3.0), n_averages) == pytest.approx(3.0)


def test_the_table_sets_every_layer_against_that_of_the_place() -> None:
    floor_db = log_power_floor_db(10)

    def row(name: str, excess: dict[str, float]) -> dict[str, object]:
        errors = {layer: math.hypot(floor_db, value) for layer, value in excess.items()}
        return {"observer": name, "amounts_s": [10.0, 60.0], "errors_db": errors}

    own = "shipped: refit, 60 s"
    rows = [
        row("a", {"shipped: as it is": 4.0, own: 3.0}),
        row("b", {"shipped: as it is": 3.5, own: 3.0, "from the one before: as it is": 5.0}),
    ]
    lines = {
        line.split("|")[1].strip(): line for line in markdown(rows, 10).splitlines() if "|" in line
    }
    cells = [cell.strip() for cell in lines["shipped: as it is"].split("|")[2:]]
    assert cells[0] == "2"
    assert cells[2] == "3.750"
    assert cells[3] == "+0.750 [+0.500, +1.000]"
    assert cells[4] == "+1.000"
    assert "+0.000 [+0.000, +0.000]" in lines[own]
    assert lines["from the one before: as it is"].split("|")[2].strip() == "1"
    assert lines["a"].rstrip(" |").endswith("-")
