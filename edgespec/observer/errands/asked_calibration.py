"""A calibration that somebody asks a running observer for, which goes on watching."""

import os
import pickle
import select
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event as Flag
from threading import Thread
from typing import Any

from edgespec.apart import begin_apart, last_words
from edgespec.config import Config
from edgespec.detect.calibration import check_enough
from edgespec.detect.peaks import block_s_of
from edgespec.errors import EdgespecError, SourceError, UsageError
from edgespec.observer.band import BandChain
from edgespec.observer.block_stream import block_bytes
from edgespec.observer.ear import Ear
from edgespec.observer.errands.asked_recording import band_asked
from edgespec.observer.errands.errands import check_fields
from edgespec.wire.request import Request
from edgespec.wire.text import decode

__all__ = ["AskedCalibration", "calibration_asked"]

_USUAL_S, _MOST_S = 1800.0, 86_400.0
#: A slow board may take so many times as long, and some minutes to begin and to end.
_MOST_TIMES, _MORE_S = 3.0, 900.0
_POLL_S = 0.2
_MODULE = "edgespec.ops.calibration.beside"


@dataclass(frozen=True, slots=True)
class AskedCalibration:
    """Normal signal of a band, heard by another process beside the watching.

    Args:
        config: of an observer of that band alone.
        ear: where it is heard.
        duration_s: how much of it, behind a warm-up.
        is_kept: whether thresholds are to be those that it comes to.
        renew: lets the band go by its calibration, once it is kept.
    """

    config: Config
    ear: Ear
    duration_s: float
    is_kept: bool
    renew: Callable[[], None]

    @property
    def band(self) -> str:
        """Id of the band."""
        return self.config.band[0].id

    @property
    def told(self) -> dict[str, Any]:
        """What is said when it is taken."""
        per_day = self.config.detect.budget_per_day
        return {
            "band": self.band,
            "duration_s": self.duration_s,
            "false_events_per_day": per_day,
            "apply": self.is_kept,
        }

    def do(self, stopping: Flag, tell: Callable[[float], None]) -> dict[str, Any]:
        """Hear the band and return what it came to; what is stopped changes nothing.

        Raises:
            SourceError: the radio fell silent.
            EdgespecError: it was stopped, or it takes too long.
            OSError: the process failed.
        """
        info = self.ear.info
        if self.ear.center_freq_hz is not None:
            info = replace(info, center_freq_hz=self.ear.center_freq_hz)
        given = (self.config, replace(info, is_live=False, n_samples=None), self.duration_s)
        lines: list[str] = []
        with begin_apart((_MODULE,), self.config.node.state_dir / "matplotlib") as process:
            try:
                listener = Thread(target=_follow, args=(process, lines, tell), daemon=True)
                listener.start()
                self._feed(process, pickle.dumps((*given, self.is_kept)), stopping)
                words = last_words(process)
                listener.join()
            finally:
                process.kill()
        if process.returncode:
            raise OSError(0, words)
        said = decode(lines[-1])
        if self.is_kept:
            self.renew()
        return {**said, "apply": self.is_kept}

    def _feed(self, process: "subprocess.Popen[bytes]", head: bytes, stopping: Flag) -> None:
        """Give a process what it begins with, and blocks until it has heard enough."""
        # It was begun with pipes.
        file = -1 if process.stdin is None else process.stdin.fileno()
        until_s = time.monotonic() + _MOST_TIMES * self.duration_s + _MORE_S
        os.set_blocking(file, False)
        data: memoryview | None = memoryview(head)
        with self.ear.listen() as ring:
            while process.poll() is None:
                if stopping.is_set():
                    raise EdgespecError("it was cancelled: nothing has changed")
                if time.monotonic() > until_s:
                    raise EdgespecError("it takes too long: this host is too slow for it")
                if data is None:
                    # It has heard enough: whatever becomes of the radio now, it is heeded no more.
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(_POLL_S)
                    continue
                if data:
                    data = _written(file, data)
                    continue
                block = ring.next_block(_POLL_S)
                if block is not None:
                    data = memoryview(block_bytes(block))
                elif ring.finished or self.ear.is_silent:
                    raise SourceError("the radio has fallen silent: nothing has changed")


def calibration_asked(
    config: Config,
    ears: Mapping[str, Ear],
    chains: Mapping[str, BandChain],
    renew: Callable[[str], None],
    request: Request,
) -> AskedCalibration:
    """Return the calibration that is asked for.

    Args:
        config: of the observer.
        ears: where its bands are heard, by their ids.
        chains: of its bands, by their ids.
        renew: lets a band go by its calibration.
        request: of the command ``calibrate``.

    Raises:
        UsageError: it cannot be had, or not so.
        ModelError: it is too little signal.
    """
    check_fields(request, "band", "duration_s", "apply")
    duration_s = _USUAL_S if request.duration_s is None else request.duration_s
    if duration_s > _MOST_S:
        raise UsageError(f"duration_s is {duration_s:g}: {_MOST_S:g} s are the most")
    band, ear = band_asked(config, ears, request)
    check_enough(duration_s, block_s_of(chains[band.id].geometry.hop_s))
    is_kept = request.apply is not False
    return AskedCalibration(config.only(band), ear, duration_s, is_kept, lambda: renew(band.id))


def _written(file: int, data: memoryview) -> memoryview | None:
    """Return what a pipe has not taken yet; None where nobody reads it any more."""
    select.select([], [file], [], _POLL_S)
    try:
        return data[os.write(file, data) :]
    except BlockingIOError:
        return data
    except BrokenPipeError:
        return None


def _follow(
    process: "subprocess.Popen[bytes]", lines: list[str], tell: Callable[[float], None]
) -> None:
    """Keep the last line of a process, and tell the shares in those before it."""
    for line in process.stdout or ():
        text = line.decode(errors="replace").strip()
        lines[:] = [text]
        if not text.startswith("{"):
            tell(float(text))
