"""Installs of models that are killed at random moments, and cut at the bytes of what they write.

By the store alone, many times in a second, and by the command, from its start to its end.

After each, the model that an observer would start with is run on its golden vectors.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from benchmarks.chaos.cuts import cut_at, places
from benchmarks.chaos.trial import Trial
from edgespec.errors import EdgespecError
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import load_bundle, pack_bundle, shipped_bundle_path
from edgespec.updates.store import ModelStore

__all__ = ["cut_installs", "killed_commands", "killed_installs"]

_BAND = "band0"


def killed_installs(folder: Path, n: int) -> Trial:
    """Kill a process ``n`` times that installs two models in turns and takes the second back."""
    store, contents = _store(folder)
    begun = time.perf_counter()
    _turn(store, contents[1])
    turn_s = time.perf_counter() - begun
    rng = random.Random(1)
    found, n_left = _Found(store), 0
    for _ in range(n):
        child = _installing(store, contents)
        time.sleep(rng.uniform(0.0, 6.0 * turn_s))
        os.kill(child, signal.SIGKILL)
        if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            raise RuntimeError("the installing process ended by itself")
        n_left += any(path.name.startswith(".") for path in folder.rglob("*"))
        found.look()
    note = f"{n_left} kills left a temporary file"
    return found.trial("install of a model killed at a random moment", n, note)


def killed_commands(folder: Path, n: int) -> Trial:
    """Kill `edgespec model install` ``n`` times, at moments spread over the time that it takes."""
    store, contents = _store(folder)
    config = folder / "observer.toml"
    rate_hz = load_bundle(shipped_bundle_path()).manifest.recipe.sample_rate_hz
    config.write_text(
        f'[node]\nstate_dir = "."\n[[source]]\nuri = "rtlsdr:"\nsample_rate_hz = {rate_hz}\n',
        encoding="utf-8",
    )
    paths = []
    for name, content in zip(("first", "second"), contents, strict=True):
        paths.append(folder / f"{name}.edgespec")
        paths[-1].write_bytes(content)
    # What it has compiled and measured is kept: the next ones are those of every day.
    usual_s = 0.0
    for path in paths:
        begun = time.perf_counter()
        subprocess.run(_command(path, config), check=True, capture_output=True)
        usual_s = time.perf_counter() - begun
    rng = random.Random(2)
    found, n_ended = _Found(store), 0
    for number in range(n):
        with subprocess.Popen(
            _command(paths[number % 2], config),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as child:
            time.sleep(rng.uniform(0.0, 1.2 * usual_s))
            child.kill()
        n_ended += child.returncode == 0
        found.look()
    note = f"{n_ended} were done before they were killed"
    return found.trial("`edgespec model install` killed at a random moment", n, note)


def _command(path: Path, config: Path) -> list[str]:
    return [sys.executable, "-m", "edgespec", "model", "install", str(path), "-c", str(config)]


def cut_installs(folder: Path, most: int) -> list[Trial]:
    """Cut at up to ``most`` bytes of a bundle that is installed, and of a pointer."""
    store, contents = _store(folder)
    pointer_bytes = max(path.stat().st_size for path in folder.rglob("*.json"))
    return [
        _cut(
            "a model that is installed over another",
            store,
            lambda: store.install(_BAND, contents[0], "the first"),
            lambda: store.install(_BAND, contents[1], "the second"),
            places(len(contents[1]), most),
        ),
        _cut(
            "the pointer to a model that is taken back",
            store,
            lambda: _turn(store, contents[1], is_back=False),
            lambda: store.roll_back(_BAND, "it was bad"),
            places(pointer_bytes, most),
        ),
    ]


def _cut(
    what: str,
    store: ModelStore,
    before: Callable[[], object],
    change: Callable[[], object],
    at: list[int],
) -> Trial:
    n_cuts, found = 0, _Found(store)

    def work(say: Callable[[int], None]) -> None:
        change()

    for n_bytes in at:
        before()
        n_cuts += cut_at(n_bytes, work)[1]
        found.look()
    return found.trial(f"power cut at bytes of {what}", n_cuts)


def _store(folder: Path) -> tuple[ModelStore, list[bytes]]:
    """Return a store with a model, and the bytes of two."""
    store, shipped, contents = ModelStore(folder), load_bundle(shipped_bundle_path()), []
    for name in ("first", "second"):
        manifest = replace(shipped.manifest, name=name)
        pair = (shipped.golden_inputs, shipped.golden_outputs)
        contents.append(
            pack_bundle(folder / name, manifest, shipped.model, *pair, shipped.weights)[1]
        )
    store.install(_BAND, contents[0], "by hand")
    return store, contents


def _turn(store: ModelStore, content: bytes, *, is_back: bool = True) -> None:
    store.install(_BAND, content, "by hand")
    if is_back:
        store.roll_back(_BAND, "it was bad")


def _installing(store: ModelStore, contents: list[bytes]) -> int:
    """Return a process that installs until it is killed."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    # Whatever happens, this process must not go on as if it were the other one.
    first, second = contents
    try:
        for content in cycle((second, first, second, b"")):
            if content:
                store.install(_BAND, content, "by hand")
            else:
                store.roll_back(_BAND, "it was bad")
    finally:
        os._exit(1)


class _Found:
    """Which models would run, time after time, and what was wrong with them."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._names: Counter[str] = Counter()
        self._faults: list[str] = []

    def look(self) -> None:
        """Run the golden vectors of the model that an observer would start with."""
        running = self._store.running(_BAND)
        if running.bundle is None:
            self._faults.append(f"no model is there: {running.caution}")
            return
        self._names[running.bundle.manifest.name] += 1
        try:
            check_golden(running.bundle, open_backend(running.bundle))
        except EdgespecError as error:
            self._faults.append(str(error))
        if running.caution:
            self._faults.append(running.caution)

    def trial(self, fault: str, n: int, note: str = "") -> Trial:
        """Return what came of it."""
        names = ", ".join(f"{name} {times} times" for name, times in sorted(self._names.items()))
        said = "; ".join(filter(None, (f"found: {names}", note)))
        failed = "; ".join(sorted(set(self._faults)))
        return Trial(fault, n, n, len(self._faults), failed=failed, note=said)
