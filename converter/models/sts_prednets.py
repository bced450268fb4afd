"""Predictive recurrent networks, one for each time scale (Li et al. 2020, 'STS-PredNets').

Each has layers of spatio-temporal LSTM cells (Wang et al. 2017, 'PredRNN', eq. 3): beside the
memory that goes on in time, another one climbs through the layers of a step and goes on from the
top to the bottom of the next. Convolutions go over bins; some frames together are one step.
"""

from collections.abc import Callable
from typing import Any

from converter.models.conv_lstm import check_sizes, steps
from converter.models.window import Window, open_window
from edgespec.records import Geometry

__all__ = ["with_sides"]


def with_sides(*sides: str) -> Callable[..., Any]:
    """Return what builds the network with these side inputs; none is the variant -C."""

    def build(
        geometry: Geometry,
        *,
        n_layers: int = 2,
        n_filters: int = 16,
        n_kernel: int = 3,
        step_frames: int = 8,
        residual_of: str = "",
    ) -> Any:
        """Return an untrained Keras model: ``(n_context, n_bins)`` -> ``(n_horizon * n_bins,)``.

        ``n_layers`` of cells with ``n_filters`` channels over ``n_kernel`` bins; a step has
        ``step_frames`` of the context, and one of the side inputs.
        """
        check_sizes(geometry, n_layers, n_filters, n_kernel, step_frames)
        window = open_window(geometry, sides, residual_of)
        layers = window.keras.layers
        branches = [
            _branch(window, steps(window, frames, n), n_layers, n_filters, n_kernel)
            for frames, n in ((window.context, step_frames), *((s, 1) for s in window.sides))
        ]
        x = branches[0] if len(branches) == 1 else layers.Concatenate()(branches)
        x = layers.Conv1D(geometry.n_horizon, 1, name="horizon")(x)
        return window.model(layers.Permute((2, 1))(x), "sts-prednets")

    return build


def _branch(window: Window, x: Any, n_layers: int, n_filters: int, n_kernel: int) -> Any:
    """Return what the top layer says behind the last step, ``(n_bins, n_filters)``."""
    layers = window.keras.layers
    cells = [_Cell(layers, n_filters, n_kernel) for _ in range(n_layers)]
    embed = layers.Conv1D(n_filters, 1)
    n_steps, n_bins, n_frames = x.shape[1:]
    flat = layers.Reshape((n_steps * n_bins, n_frames))(x)
    hidden: list[Any] = []
    memories: list[Any] = []
    climbing = None
    for step in range(n_steps):
        cut = (step * n_bins, (n_steps - 1 - step) * n_bins)
        below = embed(layers.Cropping1D(cut)(flat))
        if climbing is None:
            climbing = layers.Rescaling(0.0)(below)
            hidden, memories = [climbing] * n_layers, [climbing] * n_layers
        for number, cell in enumerate(cells):
            hidden[number], memories[number], climbing = cell(
                below, hidden[number], memories[number], climbing
            )
            below = hidden[number]
    return hidden[-1]


class _Cell:
    """One spatio-temporal LSTM cell, whose weights all steps share."""

    def __init__(self, layers: Any, n_filters: int, n_kernel: int) -> None:
        self._layers = layers

        def gate(activation: str) -> Any:
            return layers.Conv1D(n_filters, n_kernel, padding="same", activation=activation)

        kinds = ("tanh", "sigmoid", "sigmoid")
        self._in_time = [gate(kind) for kind in kinds]
        self._through_layers = [gate(kind) for kind in kinds]
        self._out = gate("sigmoid")
        self._both = layers.Conv1D(n_filters, 1, activation="tanh")

    def __call__(self, x: Any, hidden: Any, memory: Any, climbing: Any) -> tuple[Any, Any, Any]:
        """Return the new hidden state and both memories, each ``(n_bins, n_filters)``."""
        layers = self._layers
        memory = self._gated(self._in_time, [x, hidden], memory)
        climbing = self._gated(self._through_layers, [x, climbing], climbing)
        out = self._out(layers.Concatenate()([x, hidden, memory, climbing]))
        both = self._both(layers.Concatenate()([memory, climbing]))
        return layers.Multiply()([out, both]), memory, climbing

    def _gated(self, gates: list[Any], seen: list[Any], memory: Any) -> Any:
        layers = self._layers
        joined = layers.Concatenate()(seen)
        new, taken, kept = (gate(joined) for gate in gates)
        return layers.Add()([layers.Multiply()([kept, memory]), layers.Multiply()([taken, new])])
