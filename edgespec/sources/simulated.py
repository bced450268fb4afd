"""``sim:lte-dl?isr_db=0&kind=tone&...``: a simulated cell, with an interferer where one is named.

``sim:lte-ul?...`` are the users of a cell in its place, ``sim:nr-dl?...`` an NR cell, with ``pci
load spacing`` (15k or 30k) of these and without faults. Options: ``seed sample_rate center_freq
duration_s realtime`` and, beside that, ``patient`` (a slow observer is waited for, as no radio
would: it loses nothing); of the cell ``cell`` (A to H) ``pci load n_users user_groups clock_s`` (a
time of day, which brings the day's load curve) and ``neighbour_db`` (a second cell at that level);
of the channel ``profile doppler_hz rician_k_db snr_db cfo_hz shadow_db``; of the receiver ``bits``
(8: cu8, 12, 14 or 16: ci16, 0: cf32) ``level_dbfs`` and ``agc_every_s``; of the interferer ``kind
isr_db offset_hz bandwidth_hz start_s stop_s every_s period_s duty sweep_hz_per_s start_jitter_s
offset_jitter_hz`` and its own way ``own_profile own_doppler_hz``; of a fault ``fault fault_start_s
fault_stop_s step_db share``. Without ``kind`` there is no interferer, without ``fault`` no fault.

Tuned elsewhere, it is another scene of that kind, which goes on while nobody listens to it. An
interferer is in all of them, at its ``offset_hz``, or at its ``freq``, in Hz, where that is shown.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import Event
from typing import Any

from numpy.typing import NDArray

from edgespec.errors import UsageError
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.simulate.cells import CELLS, DAY_CURVE
from edgespec.simulate.config import (
    FAULTS,
    CellConfig,
    ChannelConfig,
    FaultConfig,
    InterfererConfig,
    NeighbourConfig,
    NrConfig,
    ReceiverConfig,
    SceneConfig,
    UplinkConfig,
)
from edgespec.simulate.interferers import KINDS
from edgespec.simulate.resample import frame_samples
from edgespec.simulate.scene import Annotation, Scene
from edgespec.sources.pace import Pacer
from edgespec.sources.ranges import frequency_in, rate_in
from edgespec.sources.uri import SourceUri, choose

__all__ = ["SIGNALS", "Simulated", "check_simulated", "open_simulated", "scene_from_uri"]

SIGNALS = ("lte-dl", "lte-ul", "nr-dl")
_FORMAT_OF_BITS = {
    0: SampleFormat.CF32,
    8: SampleFormat.CU8,
    12: SampleFormat.CI16,
    14: SampleFormat.CI16,
    16: SampleFormat.CI16,
}
#: What an NR cell does not have.
_LTE_KEYS = ("cell", "n_users", "user_groups", "clock_s", "neighbour_db", "fault")
_CELL_KEYS = ("cell", "pci", "user_groups", "clock_s", "neighbour_db")
_INTERFERER_KEYS = (
    *("isr_db", "offset_hz", "bandwidth_hz", "start_s", "stop_s", "every_s", "period_s", "duty"),
    *("sweep_hz_per_s", "start_jitter_s", "offset_jitter_hz"),
)
#: ... and where it is, whatever is tuned to.
_AT_KEYS = ("freq",)
_OWN_KEYS = ("own_profile", "own_doppler_hz")
_FAULT_KEYS = ("fault_start_s", "fault_stop_s", "step_db", "share")
_NEIGHBOUR_DELAY_S = 3.37e-3
_NS = 1_000_000_000
_MOST_S = 1e9
_DEFAULT_RATE_HZ = 5e6


def open_simulated(
    uri: SourceUri,
    *,
    center_freq_hz: float | None = None,
    sample_rate_hz: float | None = None,
) -> "Simulated":
    """Return the simulated source that ``uri`` describes.

    Raises:
        UsageError: an unknown signal, or a value outside its range.
    """
    config = check_simulated(uri, sample_rate_hz)
    in_uri_hz = frequency_in(uri)
    seed = _seed(uri)

    def scene_at(center_freq_hz: float, number: int) -> Scene:
        return Scene(_shown(config, uri, center_freq_hz), seed + number)

    duration_s = uri.number("duration_s")
    if duration_s is not None and not 1 / config.sample_rate_hz <= duration_s <= _MOST_S:
        raise UsageError(
            f"duration_s in {uri.text!r} is {duration_s:g}; it must be positive, at most "
            f"{_MOST_S:g}"
        )
    info = SourceInfo(
        uri.text,
        config.sample_rate_hz,
        in_uri_hz if in_uri_hz is not None else center_freq_hz or 0.0,
        config.receiver.sample_format,
        is_live=uri.flag("realtime") and not uri.flag("patient"),
        n_samples=None if duration_s is None else round(duration_s * config.sample_rate_hz),
    )
    return Simulated(info, scene_at, by_the_clock=uri.flag("realtime"))


def check_simulated(uri: SourceUri, sample_rate_hz: float | None = None) -> SceneConfig:
    """Return the scene that ``uri`` describes, without making it.

    Raises:
        UsageError: an unknown signal, or a value outside its range.
    """
    choose(uri.rest, SIGNALS, f"the signal in {uri.text!r}")
    frequency_in(uri)
    config = scene_from_uri(uri, rate_in(uri) or sample_rate_hz or _DEFAULT_RATE_HZ)
    frame_samples(config.sample_rate_hz)
    return config


class Simulated:
    """A scene as a source, as fast as possible or by the clock; endless without a duration.

    Args:
        info: what it delivers.
        scene_at: returns the scene at a centre frequency, so many having been made before.
        by_the_clock: as fast as a radio would.
    """

    #: A tuner of its kind is there at once, and is never lost.
    settle_s = 0.0
    n_reconnects = 0

    def __init__(
        self,
        info: SourceInfo,
        scene_at: Callable[[float, int], Scene],
        *,
        by_the_clock: bool = False,
    ) -> None:
        self.info = info
        self._scene_at = scene_at
        self._scenes = {info.center_freq_hz: scene_at(info.center_freq_hz, 0)}
        self._scene = self._scenes[info.center_freq_hz]
        self._pacer = Pacer(info.sample_rate_hz) if by_the_clock else None
        self._closed = Event()
        self._start_ns = time.time_ns()

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Fill ``out`` from the scene; see :class:`~edgespec.sources.source.Source`."""
        start = self._scene.n_samples
        n = len(out)
        if self.info.n_samples is not None:
            n = min(n, self.info.n_samples - start)
        if self._closed.is_set() or n <= 0:
            return None
        self._scene.read_into(out[:n])
        for other in self._scenes.values():
            # What nobody listens to goes on.
            other.skip(start + n - other.n_samples)
        if self._pacer is not None:
            self._pacer.wait(n, start + n)
            if self._closed.is_set():
                return None
        return IqBlock(
            samples=out[:n],
            sample_rate_hz=self.info.sample_rate_hz,
            center_freq_hz=self.info.center_freq_hz,
            sample_start=start,
            utc_ns=self._start_ns + round(start / self.info.sample_rate_hz * _NS),
            received_ns=time.monotonic_ns(),
        )

    def tune(self, center_freq_hz: float, gain_db: float | None = None) -> None:
        """Go on with the scene at another centre, as it is now; it has no gain to set."""
        if center_freq_hz not in self._scenes:
            made = self._scene_at(center_freq_hz, len(self._scenes))
            made.skip(self._scene.n_samples)
            self._scenes[center_freq_hz] = made
        self._scene = self._scenes[center_freq_hz]
        self.info = replace(self.info, center_freq_hz=center_freq_hz)

    def annotations(self, n_samples: int) -> list[Annotation]:
        """Return what was put into the first ``n_samples`` of the scene that goes on."""
        return self._scene.annotations(n_samples)

    def close(self) -> None:
        """End it; a reader that waits for the clock returns."""
        self._closed.set()
        if self._pacer is not None:
            self._pacer.close()


def scene_from_uri(uri: SourceUri, sample_rate_hz: float) -> SceneConfig:
    """Return the scene that the options of ``uri`` describe.

    Raises:
        UsageError: a value cannot be understood or lies outside its range.
    """
    channel = ChannelConfig(
        profile=uri.options.get("profile", ChannelConfig().profile),
        **_numbers(uri, ("doppler_hz", "rician_k_db", "snr_db", "cfo_hz", "shadow_db")),
    )
    is_nr = uri.rest == "nr-dl"
    if not is_nr and "spacing" in uri.options:
        raise UsageError(f"{uri.text!r} gives spacing, which LTE does not have; take sim:nr-dl")
    scene = SceneConfig(
        sample_rate_hz,
        CellConfig() if is_nr else _cell(uri),
        channel,
        _receiver(uri),
        _interferers(uri),
        _faults(uri),
    )
    if is_nr:
        return replace(scene, nr=_nr_cell(uri))
    if uri.rest == "lte-ul":
        no_use = [key for key in _CELL_KEYS if key in uri.options]
        if no_use:
            raise UsageError(f"{uri.text!r} gives {no_use[0]}, which an uplink does not have")
        users = {**_numbers(uri, ("load",)), **_wholes(uri, ("n_users",))}
        return replace(scene, uplink=UplinkConfig(**users))
    level_db = uri.number("neighbour_db")
    if level_db is None:
        return scene
    other = CellConfig(pci=(scene.cell.pci + 101) % 504)
    neighbour = NeighbourConfig(other, level_db, _NEIGHBOUR_DELAY_S, channel)
    return replace(scene, neighbours=(neighbour,))


def _shown(config: SceneConfig, uri: SourceUri, center_freq_hz: float) -> SceneConfig:
    """Return a scene as it is at a centre: with an interferer where its ``freq`` lies in it."""
    freq_hz = uri.number("freq")
    if freq_hz is None:
        return config
    offset_hz = freq_hz - center_freq_hz
    if abs(offset_hz) >= 0.5 * config.sample_rate_hz:
        return replace(config, interferers=())
    shown = tuple(replace(one, offset_hz=offset_hz) for one in config.interferers)
    return replace(config, interferers=shown)


def _nr_cell(uri: SourceUri) -> NrConfig:
    no_use = [key for key in _LTE_KEYS if key in uri.options]
    if no_use:
        raise UsageError(f"{uri.text!r} gives {no_use[0]}, which sim:nr-dl does not have")
    given = {**_numbers(uri, ("load",)), **_wholes(uri, ("pci",))}
    spacing_hz = uri.number("spacing")
    if spacing_hz is not None:
        given["spacing_hz"] = spacing_hz
    return NrConfig(**given)


def _cell(uri: SourceUri) -> CellConfig:
    name = uri.options.get("cell", "A")
    cell = CELLS[choose(name, CELLS, f"the cell in {uri.text!r}")]
    given = {**_numbers(uri, ("load",)), **_wholes(uri, ("pci", "n_users", "user_groups"))}
    clock_s = uri.number("clock_s")
    if clock_s is not None:
        given |= {"clock_s": clock_s, "load_curve": DAY_CURVE}
    return replace(cell, **given)


def _receiver(uri: SourceUri) -> ReceiverConfig:
    bits = _whole(uri, "bits", uri.number("bits") if "bits" in uri.options else 12)
    if bits not in _FORMAT_OF_BITS:
        accepted = ", ".join(str(b) for b in _FORMAT_OF_BITS)
        raise UsageError(f"bits in {uri.text!r} is {bits}; accepted are {accepted}")
    level = _numbers(uri, ("level_dbfs", "agc_every_s"))
    return ReceiverConfig(sample_format=_FORMAT_OF_BITS[bits], adc_bits=bits, **level)


def _interferers(uri: SourceUri) -> tuple[InterfererConfig, ...]:
    keys = (*_INTERFERER_KEYS, *_OWN_KEYS, *_AT_KEYS)
    _refuse_without(uri, "kind", keys, "interferer", KINDS)
    if "freq" in uri.options and "offset_hz" in uri.options:
        raise UsageError(f"{uri.text!r} gives both freq and offset_hz of an interferer; keep one")
    if "kind" not in uri.options:
        return ()
    kind = choose(uri.options["kind"], KINDS, f"the interferer in {uri.text!r}")
    own = None
    if any(key in uri.options for key in _OWN_KEYS):
        own = ChannelConfig(
            profile=uri.options.get("own_profile", "flat"),
            doppler_hz=uri.number("own_doppler_hz") or 0.0,
            rician_k_db=None,
        )
    return (InterfererConfig(kind=kind, channel=own, **_numbers(uri, _INTERFERER_KEYS)),)


def _faults(uri: SourceUri) -> tuple[FaultConfig, ...]:
    _refuse_without(uri, "fault", _FAULT_KEYS, "fault", FAULTS)
    if "fault" not in uri.options:
        return ()
    kind = choose(uri.options["fault"], FAULTS, f"the fault in {uri.text!r}")
    numbers = _numbers(uri, _FAULT_KEYS)
    named = {key.removeprefix("fault_"): value for key, value in numbers.items()}
    return (FaultConfig(kind=kind, **named),)


def _refuse_without(
    uri: SourceUri, name: str, keys: tuple[str, ...], what: str, known: Iterable[str]
) -> None:
    """Refuse options of something that is not there."""
    lonely = [key for key in keys if key in uri.options]
    if lonely and name not in uri.options:
        raise UsageError(
            f"{uri.text!r} gives {lonely[0]} but no {what}; add {name}=, one of {', '.join(known)}"
        )


def _numbers(uri: SourceUri, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the options among ``keys`` that are given."""
    return {key: uri.number(key) for key in keys if key in uri.options}


def _wholes(uri: SourceUri, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: _whole(uri, key, uri.number(key)) for key in keys if key in uri.options}


def _seed(uri: SourceUri) -> int:
    return _whole(uri, "seed", uri.number("seed") if "seed" in uri.options else 0)


def _whole(uri: SourceUri, key: str, value: float | None) -> int:
    if value is None or value < 0 or value != int(value):
        raise UsageError(f"{key} in {uri.text!r} is {value:g}; it must be a whole number from 0")
    return int(value)
