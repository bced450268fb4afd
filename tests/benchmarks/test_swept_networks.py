"""A network that is measured is the one that Keras has, with its inputs where they belong."""

import pytest

from benchmarks.speed.swept_networks import GEOMETRY, NETWORKS, prepare
from converter.models.architectures import MODELS
from edgespec.records import Geometry
from tests.made import tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]


def test_every_network_of_the_paper_is_measured_at_its_geometry() -> None:
    missing = set(MODELS) - set(NETWORKS)
    assert missing == {"autoencoder", "ar-lstm", "offset-lstm"}
    assert (GEOMETRY.n_context, GEOMETRY.n_horizon, GEOMETRY.n_bins) == (80, 40, 80)


@pytest.mark.parametrize("name", ["lstm", "spatio-temporal"])
def test_what_is_timed_says_what_keras_says(name: str) -> None:
    small = {"n_units": 8} | ({} if name == "lstm" else {"n_filters": 2})
    facts, call = prepare(name, Geometry(16, 1.0, n_context=8, n_horizon=4), small)
    assert facts["relative_error"] < 1e-5
    assert not any(op.startswith("Flex") for op in facts["operators"])
    assert facts["bytes"] > 4 * facts["n_parameters"]
    call(1)
