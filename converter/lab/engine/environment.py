"""The environment that tasks run in: one thread each, and a GPU for those that train only."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

__all__ = ["DEFAULTS", "SCORING", "environment"]

#: Where the user has not said otherwise. Side by side, tasks use the cores better with one thread
#: each than with many. Trainings share a GPU, so none of them may take all of its memory.
DEFAULTS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
#: Whatever the user has said, for tasks that do not train.
SCORING = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}


@contextmanager
def environment(forced: Mapping[str, str]) -> Iterator[None]:
    """Change the environment for what is started, or loaded, meanwhile."""
    before = dict(os.environ)
    os.environ.update({**DEFAULTS, **before, **forced})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
