"""Hours of what simulated observers hear, ten looks a second, without a sample being made.

The way from the cell (multipath, shadows) is the simulator's own, as functions of time. Traffic is
its fluid limit: bursts of the same law arrive at the same rate and are sent as fast as there is
room. Of the resource grid what counts here is kept: reference signals and control, or data, in
each subcarrier of six subframes.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from converter.simulate.specs import RecordingSpec
from edgespec.records import FloatArray
from edgespec.simulate.config import CellConfig, ChannelConfig
from edgespec.simulate.fading import Fading
from edgespec.simulate.numerology import N_RBG, SUBCARRIER_HZ
from edgespec.simulate.shadowing import Shadowing
from edgespec.simulate.traffic import burst, mean_burst

__all__ = ["LOOKS_PER_S", "N_BINS", "looks_of"]

#: One look a tenth frame of 10 ms, of 128 subcarriers around the centre, as at 1.92 MS/s.
LOOKS_PER_S, N_BINS = 10, 128
_FRAME_S, _FRAMES_PER_LOOK = 0.01, 10
_N_SUBFRAMES, _FRAME_GROUPS = 6, 10 * N_RBG
#: Share of the elements that a cell without traffic uses: reference signals a port, and control.
_REFERENCE, _CONTROL = 0.048, 0.02
#: Independent values of a bin in a subframe of a look.
_N_VALUES = 16.0
_CHUNK_S = 60
_DAY_S = 86_400.0

Doubles = NDArray[np.float64]


def looks_of(spec: RecordingSpec, seconds: float) -> Iterator[FloatArray]:
    """Yield the levels in dB of one minute after the other, float32 ``(600, N_BINS)``."""
    scene, rng = spec.scene, np.random.default_rng((spec.seed, 77))
    ways = [(1.0, _Cell(scene.cell, scene.channel, spec.seed))]
    for number, other in enumerate(scene.neighbours):
        share = 10.0 ** (other.level_db / 10.0)
        ways.append((share, _Cell(other.cell, other.channel, spec.seed + 1 + number)))
    noise = 10.0 ** (-scene.channel.snr_db / 10.0)
    level_dbfs = scene.receiver.level_dbfs
    for start_s in range(0, int(seconds), _CHUNK_S):
        power = noise + sum(share * cell.power(start_s) for share, cell in ways)
        power = power * rng.gamma(_N_VALUES, 1.0 / _N_VALUES, power.shape)
        yield (level_dbfs + 10.0 * np.log10(power).mean(axis=1)).astype(np.float32)


class _Cell:
    """Power of one cell at the observer, in loaded elements at a gain of 1."""

    def __init__(self, cell: CellConfig, channel: ChannelConfig, seed: int) -> None:
        self._cell = cell
        self._rng = np.random.default_rng((seed, 78))
        self._fading = Fading(channel, seed)
        freqs_hz = (np.arange(N_BINS) - N_BINS / 2) * SUBCARRIER_HZ
        self._steering = np.exp(-2j * np.pi * self._fading.delays_s[:, None] * freqs_hz)
        self._shadow = Shadowing(channel.shadow_db, channel.shadow_s, seed)
        n_queues = cell.n_users if cell.user_groups else 1
        self._backlog = np.zeros(n_queues)
        self._home = self._rng.integers(0, N_RBG, n_queues)
        # The middle five or six of thirteen groups are seen.
        subcarrier = np.arange(N_BINS) - N_BINS // 2 + 150
        self._group_of_bin = np.minimum(subcarrier // 24, N_RBG - 1)

    def power(self, start_s: float) -> Doubles:
        """Return a minute, float64 ``(600, 6, N_BINS)``."""
        n_looks = _CHUNK_S * LOOKS_PER_S
        at_s = start_s + np.arange(n_looks) / LOOKS_PER_S
        times_s = (at_s[:, None] + np.arange(_N_SUBFRAMES) * 1e-3).ravel()
        gain = np.abs(self._fading.taps(times_s) @ self._steering) ** 2
        gain *= 10.0 ** (self._shadow.gain_db(times_s) / 10.0)[:, None]
        busy = self._busy(start_s)[..., self._group_of_bin]
        idle = _REFERENCE * self._cell.n_ports + _CONTROL
        return gain.reshape(busy.shape) * np.where(busy, 1.0, idle)

    def _busy(self, start_s: float) -> NDArray[np.bool_]:
        """Return which groups are in use, bool ``(n_looks, n_subframes, N_RBG)``."""
        cell, rng = self._cell, self._rng
        n_frames = round(_CHUNK_S / _FRAME_S)
        n_looks, n_queues = n_frames // _FRAMES_PER_LOOK, len(self._backlog)
        load = cell.load
        if cell.load_curve:
            clock_s = cell.clock_s + start_s
            load *= cell.load_curve[int(clock_s % _DAY_S / _DAY_S * len(cell.load_curve))]
        rate = load * _FRAME_GROUPS / mean_burst(cell.burst_groups) / n_queues
        counts = rng.poisson(rate, (n_frames, n_queues))
        sizes = np.array([burst(u, cell.burst_groups) for u in rng.random(int(counts.sum()))])
        ends = np.concatenate([[0.0], np.cumsum(sizes)])[np.cumsum(counts.ravel())]
        arrived = np.diff(ends, prepend=0.0).reshape(counts.shape)
        most = cell.user_groups or N_RBG
        busy = np.zeros((n_looks, _N_SUBFRAMES, N_RBG), bool)
        for queue in range(n_queues):
            sent = self._sent(arrived[:, queue], queue, 10.0 * most)[::_FRAMES_PER_LOOK]
            in_subframe = np.clip(sent[:, None] - most * np.arange(_N_SUBFRAMES), 0, most)
            home = self._homes(queue, n_looks) if cell.user_groups else np.zeros(n_looks, int)
            place = (np.arange(N_RBG) - home[:, None, None]) % N_RBG
            busy |= place < np.ceil(in_subframe)[..., None]
        return busy

    def _sent(self, arrived: Doubles, queue: int, most: float) -> Doubles:
        """Return what a queue sends in each frame (Lindley's recursion)."""
        walk = np.cumsum(arrived - most) + self._backlog[queue]
        backlog = walk - np.minimum(np.minimum.accumulate(walk), 0.0)
        before = np.concatenate([[self._backlog[queue]], backlog[:-1]])
        self._backlog[queue] = backlog[-1]
        return before + arrived - backlog

    def _homes(self, queue: int, n_looks: int) -> NDArray[np.int64]:
        """Return where a user is, look by look: in a tenth of a second a quarter of them move."""
        moves = self._rng.random(n_looks) < 1.0 - 0.97**_FRAMES_PER_LOOK
        places = self._rng.integers(0, N_RBG, n_looks)
        last = np.maximum.accumulate(np.where(moves, np.arange(n_looks), -1))
        homes = np.where(last < 0, self._home[queue], places[last])
        self._home[queue] = homes[-1]
        return homes
