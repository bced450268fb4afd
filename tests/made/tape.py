"""A source that plays an array, a sink that keeps what it is told, and a monitor between them."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.config import BandConfig, DetectConfig
from edgespec.errors import SourceError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.band import BandChain
from edgespec.observer.monitor import Monitor, Radio
from edgespec.records import Event, IqBlock, ObserverState, RssReport, SampleFormat, SourceInfo
from tests.made import band, tiny, tiny_network
from tests.made.chain import chain_of

__all__ = ["DETECT", "WARMUP_S", "Notebook", "Tape", "chain_for", "monitor_for"]

WARMUP_S = 0.2
DETECT = DetectConfig(warmup_s=WARMUP_S, hold_off_s=0.02, detectors=("model", "zscore"))


class Tape:
    """A source that plays an array, then breaks, goes on in silence for a while, or ends."""

    def __init__(
        self, samples: NDArray[np.complex64], *, is_live: bool = False, breaks: bool = False
    ) -> None:
        self.info = SourceInfo(
            "tape:1", band.RATE_HZ, band.CENTER_HZ, SampleFormat.CF32, is_live, len(samples)
        )
        self.closed = threading.Event()
        self.silent_at: dict[int, float] = {}
        #: What is done before the block that begins at a sample or behind it.
        self.calls: dict[int, Callable[[], object]] = {}
        self._samples = samples
        self._breaks = breaks
        self._at = 0

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        n = min(len(out), len(self._samples) - self._at)
        if self.closed.is_set() or (n == 0 and not self._breaks):
            return None
        if n == 0:
            raise SourceError("the cable was pulled")
        for at in [at for at in self.calls if at <= self._at]:
            self.calls.pop(at)()
        for at in [at for at in self.silent_at if at <= self._at]:
            self.closed.wait(self.silent_at.pop(at))
        if self.info.is_live:
            # As a radio does, but twenty times as fast.
            time.sleep(0.05 * n / band.RATE_HZ)
        out[:n] = self._samples[self._at : self._at + n]
        utc_ns = round(self._at / band.RATE_HZ * 1e9)
        now_ns = time.monotonic_ns()
        block = IqBlock(out[:n], band.RATE_HZ, band.CENTER_HZ, self._at, utc_ns, 0, now_ns)
        self._at += n
        return block

    def close(self) -> None:
        self.closed.set()


class Notebook:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.states: list[ObserverState] = []
        self.reports: list[RssReport] = []
        self.n_closes = 0
        self.on_state: Callable[[ObserverState], object] = lambda state: None

    @property
    def types(self) -> list[str]:
        return [event.event_type.value for event in self.events]

    def event(self, event: Event) -> None:
        assert not self.n_closes
        self.events.append(event)

    def state(self, state: ObserverState) -> None:
        assert not self.n_closes
        self.states.append(state)
        self.on_state(state)

    def rss(self, report: RssReport) -> None:
        assert not self.n_closes
        self.reports.append(report)

    def close(self) -> None:
        self.n_closes += 1


def chain_for(
    tape: Tape, name: str = "band0", bundle: Bundle | None = None, **detect: Any
) -> BandChain:
    bundle = bundle or tiny_network.bundle()
    return chain_of(
        bundle,
        open_backend(bundle),
        tape.info,
        BandConfig(id=name),
        replace(DETECT, **detect),
        max_block_samples=tiny.RECIPE.hop_samples,
        computing="plain",
    )


def monitor_for(tape: Tape, *notebooks: Notebook, **options: Any) -> Monitor:
    radio = Radio("r0", tape, [chain_for(tape)])
    return Monitor([radio], notebooks, **{"state_s": 60.0, **options})
