"""Keras as it is used where models are made, and compiled by TensorFlow."""

from typing import Any

import numpy as np

from benchmarks.speed.networks import Case
from benchmarks.speed.runtimes.contestant import Contestant, LeftOutError
from converter.models.runtime import load_tensorflow
from converter.training.modeldir import load_model
from edgespec.errors import ModelError
from edgespec.records import FloatArray

__all__ = ["compiled", "predict"]


def predict(case: Case) -> Contestant:
    """Return ``model.predict``, which is made for many windows at once.

    Raises:
        LeftOutError: Keras is not installed.
    """
    model = _load(case)

    def run(number: int) -> FloatArray:
        window = case.windows[number % len(case.windows)]
        result: FloatArray = model.predict(window[None], verbose=0)
        return result

    return run


def compiled(case: Case) -> Contestant:
    """Return the model as one XLA program.

    Raises:
        LeftOutError: TensorFlow is not installed.
    """
    model = _load(case)
    tensorflow = load_tensorflow()
    call = tensorflow.function(
        lambda x: model(x, training=False),
        jit_compile=True,
        input_signature=[tensorflow.TensorSpec((1, *case.windows.shape[1:]), tensorflow.float32)],
    )

    def run(number: int) -> FloatArray:
        window = case.windows[number % len(case.windows)]
        return np.asarray(call(window[None]))

    return run


def _load(case: Case) -> Any:
    try:
        return load_model(case.folder)[1]
    except ModelError as error:
        raise LeftOutError(str(error)) from error
