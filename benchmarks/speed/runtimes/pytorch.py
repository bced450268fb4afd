"""PyTorch on one thread, with ``nn.LSTM`` and ``nn.Linear``."""

from typing import Any

import numpy as np

from benchmarks.speed.networks import Case
from benchmarks.speed.runtimes.contestant import Contestant, LeftOutError, installed
from edgespec.inference.network import Lstm
from edgespec.records import FloatArray

__all__ = ["pytorch_contestant"]


def pytorch_contestant(case: Case) -> Contestant:
    """Return the network in inference mode.

    Raises:
        LeftOutError: PyTorch is not installed, or its LSTM does not have these gates.
    """
    network = case.network
    if any(lstm.gate != "sigmoid" for lstm in network.lstms):
        raise LeftOutError("nn.LSTM has no hard gates")
    torch = installed("torch")
    torch.set_num_threads(1)
    lstms = [_lstm(torch, layer) for layer in network.lstms]
    denses = [
        (torch.from_numpy(layer.kernel.T.copy()), torch.from_numpy(layer.bias), layer.activation)
        for layer in network.denses
    ]
    windows = torch.from_numpy(case.windows)
    activations = {"linear": None, "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}

    def run(number: int) -> FloatArray:
        with torch.inference_mode():
            x = windows[number % len(windows)][None]
            for lstm in lstms:
                x, _ = lstm(x)
            x = x[:, -1] if lstms else x.reshape(1, -1)
            for weight, bias, activation in denses:
                x = torch.nn.functional.linear(x, weight, bias)
                if activations[activation] is not None:
                    x = activations[activation](x)
            result: FloatArray = x.numpy()
            return result

    return run


def _lstm(torch: Any, layer: Lstm) -> Any:
    # Its gates have the order of Keras.
    made = torch.nn.LSTM(layer.n_inputs, layer.n_outputs, batch_first=True).eval()
    with torch.no_grad():
        made.weight_ih_l0.copy_(torch.from_numpy(layer.kernel.T.copy()))
        made.weight_hh_l0.copy_(torch.from_numpy(layer.recurrent.T.copy()))
        made.bias_ih_l0.copy_(torch.from_numpy(layer.bias))
        made.bias_hh_l0.copy_(torch.from_numpy(np.zeros_like(layer.bias)))
    return made
