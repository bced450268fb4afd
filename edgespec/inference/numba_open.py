"""Our own runtime, for bundles that hold their weights; Numba is loaded when one is opened."""

from edgespec.errors import ModelError
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.inference.network import network_from_npz
from edgespec.inference.widths import Widths

__all__ = ["open_numba"]


def open_numba(bundle: Bundle, n_threads: int = 1, widths: Widths | None = None) -> Backend:
    """Return the model of a bundle in compiled loops; it takes one thread, however many it may.

    Vectors are the widest, unless ``widths`` says otherwise. A network that begins with an LSTM
    layer gives a :class:`~edgespec.inference.backend.StreamingBackend`.

    Raises:
        ImportError: Numba is not installed.
        ModelError: the bundle has side inputs, or no weights, or others than its geometry asks for.
    """
    manifest = bundle.manifest
    if manifest.side_inputs:
        raise ModelError(
            f"bundle {manifest.name!r} has side inputs, which the backend numba does not take: use "
            "the backend litert"
        )
    if bundle.weights is None:
        raise ModelError(
            f"bundle {manifest.name!r} ({manifest.model.architecture}, "
            f"{manifest.model.quantisation}) has no weights.npz, which the backend numba needs: "
            "use the backend litert, or 'edgespec-converter add-weights' if it is of float32 or "
            "float16"
        )
    network = network_from_npz(bundle.weights, f"weights.npz of bundle {str(bundle.path)!r}")
    from edgespec.inference.numba_autoregression import NumbaLinearBackend, NumbaSumBackend
    from edgespec.inference.numba_network import NumbaBackend, NumbaLstmBackend

    if network.autoregression is not None and not network.lstms:
        return NumbaLinearBackend(bundle, network.autoregression)
    backend = NumbaLstmBackend if network.lstms else NumbaBackend
    made = backend(bundle, network, widths or Widths())
    if network.autoregression is not None and isinstance(made, NumbaLstmBackend):
        return NumbaSumBackend(bundle, made, network.autoregression)
    return made
