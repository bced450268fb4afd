"""Power cuts at the bytes of what a warm-up learnt, reserved numbers, new files, machine code."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numba
import numpy as np

from benchmarks.chaos.cuts import cut_at, places, replaced_trial
from benchmarks.chaos.trial import Trial
from edgespec.alarm.outbox.reservation import BLOCK, Reservation
from edgespec.config.template import template
from edgespec.jit import cache
from edgespec.newfile import write_new
from edgespec.observer.kept import kept_arrays
from edgespec.observer.kept.heard import Heard
from edgespec.observer.kept.kept import KeptNormal, load_kept, save_kept

__all__ = ["other_files"]

_WHOLE = 1 << 40
#: Each compiles twice.
_MOST_COMPILED = 40


def other_files(folder: Path, most: int) -> list[Trial]:
    """Cut at up to ``most`` bytes of each."""
    return [
        _learnt(folder / "learnt", most),
        _learnt_in_place(folder / "torn", most),
        _reserved(folder / "reserved", most),
        _new(folder / "new", most),
        _machine_code(folder / "code", min(most, _MOST_COMPILED)),
    ]


def _normal() -> KeptNormal:
    rng = np.random.default_rng(1)
    heard = Heard(
        "forecast",
        rng.normal(-60.0, 5.0, (4, 3, 64)).astype(np.float16),
        rng.normal(3.0, 1.0, 4).astype(np.float32),
        rng.normal(0.0, 1.0, (4, 64)).astype(np.float16),
    )
    levels = rng.normal(-60.0, 5.0, 64)
    return KeptNormal(10**18, "rtl_tcp:host", 29.7, (8e8, 8.05e8), "ab", levels, heard)


def _learnt(folder: Path, most: int) -> Trial:
    """What a warm-up learnt is that of the last run or of this one."""
    path = folder / "a.json"
    old = _normal()
    new = replace(old, utc_ns=old.utc_ns + 1)
    save_kept(path, old)

    def work(say: Callable[[int], None]) -> None:
        save_kept(path, new)

    def is_good() -> bool:
        found = load_kept(path)
        return found is not None and found.utc_ns in (old.utc_ns, new.utc_ns)

    before = path.read_bytes()
    return replaced_trial("what a warm-up learnt", path, before, work, is_good, most)


def _learnt_in_place(folder: Path, most: int) -> Trial:
    """The file itself is cut, or zeros from some byte on: said, and as if there were none."""
    path = folder / "a.json"
    save_kept(path, _normal())
    whole = path.read_bytes()
    n_tried = n_believed = n_silent = 0
    for at in places(len(whole) - 1, most):
        for rest in (b"", bytes(len(whole) - at)):
            torn = whole[:at] + rest
            if torn == whole:
                # It ends with zeros.
                continue
            path.write_bytes(torn)
            with mock.patch.object(kept_arrays._LOG, "warning") as warning:
                n_believed += load_kept(path) is not None
            n_silent += not warning.called
            n_tried += 1
    faults = [f"{n_believed} torn ones are believed"] if n_believed else []
    faults += [f"{n_silent} times nothing is said"] if n_silent else []
    name = "what a warm-up learnt, cut or zeros from any byte on"
    note = "not used, which is said: the warm-up learns anew"
    return Trial(name, n_tried, n_tried, 0, failed="; ".join(faults), note=note)


def _reserved(folder: Path, most: int) -> Trial:
    """Numbers that were reserved once are never given again."""
    path = folder / "reserved"
    folder.mkdir(parents=True)
    Reservation(folder).cover(0)
    before = path.read_bytes()

    def work(say: Callable[[int], None]) -> None:
        Reservation(folder).cover(BLOCK)

    def is_good() -> bool:
        return Reservation(folder).after_a_start(0) in (BLOCK, 2 * BLOCK)

    return replaced_trial("the reserved sequence numbers", path, before, work, is_good, most)


def _new(folder: Path, most: int) -> Trial:
    """A configuration that is written for the first time is whole, or not there."""
    folder.mkdir(parents=True)
    path = folder / "c.toml"
    text = template()

    def work(say: Callable[[int], None]) -> None:
        write_new(path, text)

    n_cuts = n_torn = 0
    for at in places(len(text.encode()), most):
        path.unlink(missing_ok=True)
        n_cuts += cut_at(at, work)[1]
        n_torn += path.exists() and path.read_text(encoding="utf-8") != text
    failed = f"{n_torn} times a piece of it is left" * bool(n_torn)
    name = "power cut at bytes of a new configuration"
    return Trial(name, n_cuts, n_cuts, n_torn, failed=failed)


def _sum(left: int, right: int) -> int:
    return left + right


def _machine_code(folder: Path, most: int) -> Trial:
    """Torn machine code is compiled again; nothing else comes of it."""

    def work(say: Callable[[int], None]) -> None:
        # All of it in this process: what was compiled before is not known here.
        numba.config.CACHE_DIR = str(folder)
        cache._folder.cache_clear()
        say(cache.kept(numba.njit(_sum))(2, 3))

    cut_at(_WHOLE, work)
    n_bytes = max(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    n_cuts = n_wrong = 0
    for at in places(n_bytes, most):
        shutil.rmtree(folder)
        n_cuts += cut_at(at, work)[1]
        n_wrong += cut_at(_WHOLE, work) != ([5], False)
    failed = f"after {n_wrong} cuts a kernel does not run" * bool(n_wrong)
    return Trial("power cut at bytes of machine code", n_cuts, n_cuts, n_wrong, failed=failed)
