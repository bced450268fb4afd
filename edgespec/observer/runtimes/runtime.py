"""The runtime of a band's network, checked before anything runs."""

from edgespec.computing import Computing
from edgespec.config import Config
from edgespec.inference.backend import Backend
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.runtimes.choice import OURS, candidates_for, open_fastest

__all__ = ["open_runtime"]


def open_runtime(config: Config, bundle: Bundle) -> Backend:
    """Open a bundle's network and check it on its golden vectors before anything runs.

    The backend ``auto`` is the fastest here: see :mod:`edgespec.observer.runtimes.choice`.

    Raises:
        ModelError: the runtime cannot be used, or gives other results.
    """
    band, computing = config.band[0], Computing.named(config.node.computing)
    if computing is Computing.COMPILED:
        from edgespec.jit import leave_out_blas

        leave_out_blas()
    if band.backend in ("auto", OURS):
        # One name alone still has the widths of its vectors to choose.
        names = candidates_for(computing) if band.backend == "auto" else (OURS,)
        return open_fastest(bundle, config.node.state_dir, names)
    backend = open_backend(bundle, band.backend)
    check_golden(bundle, backend)
    return backend
