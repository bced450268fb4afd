"""Every runtime gives a trained model's output for one window, whatever came before it."""

import tracemalloc

import numpy as np
import pytest

from edgespec.errors import ModelError
from edgespec.inference.backends import BACKENDS, check_golden, open_backend
from tests.made import tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("architecture", tiny_training.ARCHITECTURES)
def test_windows_do_not_see_each_other(
    name: str, architecture: str, rng: np.random.Generator
) -> None:
    bundle = tiny_training.bundle(architecture, "float32")
    try:
        backend = open_backend(bundle, name)
    except ModelError as error:
        pytest.skip(str(error))
    assert check_golden(bundle, backend) <= bundle.manifest.golden_atol
    windows = rng.standard_normal((6, *bundle.manifest.window_shape), np.float32)
    forward = [backend.predict(w).copy() for w in windows]
    backward = [backend.predict(w).copy() for w in windows[::-1]][::-1]
    assert np.array_equal(forward, backward)
    assert not np.array_equal(forward[0], forward[1])


def test_the_result_is_one_buffer_and_nothing_large_is_allocated(
    rng: np.random.Generator,
) -> None:
    bundle = tiny_training.bundle("lstm", "float32")
    backend = open_backend(bundle)
    x = rng.standard_normal((8, 64), np.float32)
    first = backend.predict(x)
    tracemalloc.start()
    for _ in range(3):
        second = backend.predict(x)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert second is first
    # The result alone would be 4 x 64 x 4 = 1024 bytes; views and tuples are smaller.
    assert peak_bytes < 1024
