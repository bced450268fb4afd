"""A candidate that is valid and slow: the process of a shadow, whose network sleeps first."""

import os
import runpy
import time
from typing import Any

from edgespec.observer import radio_opening
from edgespec.observer.runtimes.runtime import open_runtime

SLEEP_S = 0.2


class Slow:
    """A runtime that takes its time."""

    def __init__(self, backend: Any) -> None:
        self._backend, self.name = backend, backend.name

    def predict(self, *windows: Any) -> Any:
        time.sleep(SLEEP_S)
        return self._backend.predict(*windows)


if __name__ == "__main__":
    radio_opening.open_runtime = lambda *given: Slow(open_runtime(*given))  # type: ignore[assignment]
    os.environ.pop("PYTHONWARNINGS", None)
    runpy.run_module("edgespec.observer.models.shadow_play", run_name="__main__")
