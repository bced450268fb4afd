"""The converter bounds the cell state of every fused LSTM at 10; Keras does not.

A trained LSTM lets single cells run past 10, and from then on the outputs differ by a tenth of
their spread and more. The bound is an option of the operator, so it is taken out of the file.
"""

from converter.models.runtime import load_tensorflow

__all__ = ["without_cell_clip"]


def without_cell_clip(content: bytes) -> bytes:
    """Return a TFLite file whose LSTM operators do not clip their cell state."""
    load_tensorflow()
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    clipped = [
        operator.builtinOptions
        for subgraph in model.subgraphs
        for operator in subgraph.operators
        if getattr(operator.builtinOptions, "cellClip", 0.0)
    ]
    if not clipped:
        return content
    for options in clipped:
        options.cellClip = 0.0
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
