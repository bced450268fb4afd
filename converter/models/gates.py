"""Gate functions that Keras 3 no longer has. Importing this registers them for saved models."""

from typing import Any

import keras

__all__ = ["keras2_hard_sigmoid"]


@keras.saving.register_keras_serializable(package="edgespec")  # type: ignore[untyped-decorator]
def keras2_hard_sigmoid(x: Any) -> Any:
    """Return ``clip(0.2 x + 0.5, 0, 1)``, the default LSTM gate of Keras 1 and 2.

    Keras 3 gave the name ``hard_sigmoid`` to ``clip(x / 6 + 0.5, 0, 1)``, which is another
    function.
    """
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
