"""A Keras model as a SavedModel that the TFLite converter turns into fused LSTM operators.

The converter replaces a function annotated ``api_implements: lstm_...`` by one
UNIDIRECTIONAL_SEQUENCE_LSTM; the body of the function is only what it falls back to. It needs the
weights as constants. An LSTM that the operator cannot express stays a loop of Keras.
"""

import uuid
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

__all__ = ["looped_layers", "save_fused"]


def looped_layers(model: Any) -> list[Any]:
    """Return the recurrent layers of a model that stay loops: neither fused nor unrolled."""
    kinds = (keras.layers.RNN, keras.layers.Bidirectional)
    recurrent = [one for one in model.layers if isinstance(one, kinds)]
    return [one for one in recurrent if not (_is_fusible(one) or getattr(one, "unroll", False))]


def _is_fusible(layer: Any) -> bool:
    """Return whether the fused operator computes exactly what this layer computes."""
    return (
        isinstance(layer, keras.layers.LSTM)
        and layer.activation is keras.activations.tanh
        and layer.recurrent_activation is keras.activations.sigmoid
        and layer.use_bias
        and not (layer.go_backwards or layer.stateful or layer.return_state)
    )


def save_fused(model: Any, folder: Path) -> None:
    """Write a SavedModel with a static batch of one, every fusible LSTM annotated.

    Its first input is called ``window``, the others are called as those of the model are.
    """
    forward = _with_fused_layers(model)
    names = ["window", *(one.name for one in model.inputs[1:])]
    function = tf.function(
        # A model of one input takes it as it is, one of several takes a list.
        lambda *given: forward(given[0] if len(given) == 1 else list(given), training=False),
        input_signature=[
            tf.TensorSpec((1, *one.shape[1:]), tf.float32, name=name)
            for name, one in zip(names, model.inputs, strict=True)
        ],
    )
    module = tf.Module()
    module.weights = [variable.value for variable in forward.variables]
    module.function = function
    tf.saved_model.save(module, str(folder), signatures=function.get_concrete_function())


def _with_fused_layers(model: Any) -> Any:
    def clone(layer: Any) -> Any:
        if _is_fusible(layer):
            return _FusedLstm(layer)
        return layer.__class__.from_config(layer.get_config())

    inputs = [keras.Input(one.shape[1:], batch_size=1, name=one.name) for one in model.inputs]
    twin = keras.models.clone_model(
        model,
        input_tensors=inputs[0] if len(inputs) == 1 else inputs,
        clone_function=clone,
    )
    for layer in model.layers:
        weights = layer.get_weights()
        if weights and not isinstance(twin.get_layer(layer.name), _FusedLstm):
            twin.get_layer(layer.name).set_weights(weights)
    return twin


class _FusedLstm(keras.layers.Layer):  # type: ignore[misc]
    """One LSTM layer whose weights are constants and whose loop is one annotated function."""

    def __init__(self, lstm: Any) -> None:
        super().__init__(name=lstm.name)
        self._n_units = lstm.units
        self._return_sequences = lstm.return_sequences
        self._constants = tuple(np.asarray(weight) for weight in lstm.get_weights())
        self._run = tf.function(
            _lstm,
            autograph=False,
            experimental_attributes={
                "api_implements": f"lstm_{uuid.uuid4().hex}",
                "api_preferred_device": "CPU",
                "time_major": False,
                "go_backwards": False,
            },
        )

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """Return the last output or all of them."""
        state = tf.zeros((1, self._n_units))
        weights = (tf.constant(weight) for weight in self._constants)
        last, sequence, *_ = self._run(inputs, state, state, *weights)
        return sequence if self._return_sequences else last

    def compute_output_shape(self, input_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape that Keras plans with."""
        time = input_shape[1:2] if self._return_sequences else ()
        return (input_shape[0], *time, self._n_units)


def _lstm(
    inputs: Any, hidden: Any, cell: Any, kernel: Any, recurrent_kernel: Any, bias: Any
) -> tuple[Any, ...]:
    """Return last output, all outputs, last hidden and cell state, and a run-time mark.

    The order of arguments and results is what the converter's pattern expects. Gates are in the
    order of Keras: input, forget, cell, output (Hochreiter and Schmidhuber 1997, Gers 2000).
    """
    steps = tf.transpose(inputs, [1, 0, 2])
    n_steps = inputs.shape[1]

    def step(t: Any, h: Any, c: Any, outputs: Any) -> tuple[Any, ...]:
        z = tf.matmul(tf.gather(steps, t), kernel) + tf.matmul(h, recurrent_kernel) + bias
        i, f, g, o = tf.split(z, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return t + 1, h, c, outputs.write(t, h)

    outputs = tf.TensorArray(tf.float32, size=n_steps, element_shape=hidden.shape)
    _, hidden, cell, outputs = tf.while_loop(
        lambda t, *_: t < n_steps, step, (0, hidden, cell, outputs)
    )
    return hidden, tf.transpose(outputs.stack(), [1, 0, 2]), hidden, cell, tf.constant(1.0)
