"""The known sources and how to open one by its URI."""

from collections.abc import Callable
from dataclasses import dataclass

from edgespec.door import brief, door
from edgespec.errors import SourceError, UsageError
from edgespec.sources.reconnecting import PATIENCE_KEYS
from edgespec.sources.request import Request, Tuning
from edgespec.sources.soapy.settings import SOAPY_KEYS, soapy_settings
from edgespec.sources.source import Source
from edgespec.sources.sweeps.hop_plan import HOP_KEYS
from edgespec.sources.tuner import TUNER_KEYS, settings_of
from edgespec.sources.uri import SourceUri, parse_uri

__all__ = [
    "SOURCES",
    "SourceKind",
    "check_uri",
    "gives_sweeps",
    "open_source",
    "parse_source",
    "refuse_sweeps",
]


@dataclass(frozen=True, slots=True)
class SourceKind:
    """How a scheme is opened, how its URI is checked without that, and which options it takes.

    And whether it can be tuned while it streams, and has a gain that can be set. One that
    ``is_swept`` gives sweeps, and no samples.
    """

    open: Callable[[SourceUri, Request], Source]
    keys: tuple[str, ...]
    check: Callable[[SourceUri, Request], None] = lambda uri, request: None
    is_tunable: bool = False
    has_gain: bool = False
    is_swept: bool = False


def parse_source(text: str) -> SourceUri:
    """Return the parts of the URI of a known source; nothing is opened.

    Raises:
        UsageError: as :func:`~edgespec.sources.uri.parse_uri`, or the value of an option is none.
    """
    uri = parse_uri(text, {scheme: kind.keys for scheme, kind in SOURCES.items()})
    for key in uri.options:
        if key in _FLAGS:
            uri.flag(key)
        elif key not in _TEXTS and not (key == "gain" and uri.is_gain_automatic):
            uri.number(key)
    return uri


def check_uri(uri: SourceUri, request: Request) -> None:
    """Check all that a URI says which can be checked without opening it.

    Raises:
        UsageError: something of it cannot be understood, or is missing.
        SourceError: a radio cannot be set to it.
    """
    SOURCES[uri.scheme].check(uri, request)


def gives_sweeps(text: str) -> bool:
    """Whether the source of a URI gives sweeps, and no samples; nothing is opened.

    Raises:
        UsageError: as :func:`parse_source`.
    """
    return SOURCES[parse_source(text).scheme].is_swept


def refuse_sweeps(text: str, command: str) -> None:
    """Refuse a source of sweeps where a command takes samples.

    Raises:
        UsageError: it is one, or as :func:`parse_source`.
    """
    if gives_sweeps(text):
        raise UsageError(
            f"{text!r:.160} gives sweeps, and {command} takes samples: edgespec monitor and look "
            "take sweeps"
        )


def open_source(
    uri: str,
    *,
    center_freq_hz: float | None = None,
    sample_rate_hz: float | None = None,
    gain_db: float | None = None,
    ppm: float | None = None,
    block_samples: int = 32_768,
    is_awaited: bool = False,
    later: tuple[Tuning, ...] = (),
) -> Source:
    """Return the open source that ``uri`` names.

    Args:
        uri: ``scheme:rest?key=value&...``; see :data:`SOURCES`.
        center_freq_hz: where a radio is tuned, or what a recording without one was tuned to.
        sample_rate_hz: rate of a radio or of the simulator. A recording keeps its own; ``info``
            of the source says what it is in the end.
        gain_db: fixed gain of a radio.
        ppm: frequency error of a radio's crystal, in parts per million.
        block_samples: samples that will be asked for at a time; sizes the buffers of a network
            source.
        is_awaited: a live source that is not there yet is no error; it gives nothing until it is.
        later: what it will be tuned to later, by :class:`~edgespec.sources.dwell.DwellSource`.

    Raises:
        UsageError: the URI cannot be understood, or lacks something.
        SourceError: the source cannot be opened.
    """
    request = Request(
        center_freq_hz, sample_rate_hz, gain_db, block_samples, ppm, is_awaited, later
    )
    with door(f"the source {brief(repr(uri), 160)}", SourceError, "check it, or get it again"):
        parsed = parse_source(uri)
        return SOURCES[parsed.scheme].open(parsed, request)


def _sigmf(uri: SourceUri, request: Request) -> Source:
    from edgespec.sources.sigmf import open_sigmf

    return open_sigmf(uri, center_freq_hz=request.center_freq_hz)


def _raw(uri: SourceUri, request: Request) -> Source:
    from edgespec.sources.raw import open_raw

    return open_raw(uri, center_freq_hz=request.center_freq_hz)


def _wav(uri: SourceUri, request: Request) -> Source:
    from edgespec.sources.wav import open_wav

    return open_wav(uri, center_freq_hz=request.center_freq_hz)


def _rtl_tcp(uri: SourceUri, request: Request) -> Source:
    from edgespec.sources.rtl_tcp import open_rtl_tcp

    return open_rtl_tcp(uri, request)


def _rtlsdr(uri: SourceUri, request: Request) -> Source:
    from edgespec.sources.rtlsdr import open_rtlsdr

    return open_rtlsdr(uri, request)


def _sim(uri: SourceUri, request: Request) -> Source:
    from edgespec.sources.simulated import open_simulated

    return open_simulated(
        uri, center_freq_hz=request.center_freq_hz, sample_rate_hz=request.sample_rate_hz
    )


def _soapy(uri: SourceUri, request: Request) -> Source:
    from edgespec.sources.soapy.source import open_soapy

    return open_soapy(uri, request)


def _sweep(uri: SourceUri, request: Request) -> Source:
    from edgespec.sources.sweeps.hopping import open_hopping, radio_uri

    text = radio_uri(uri, request)
    kind = SOURCES.get(text.partition(":")[0].lower())
    if kind is None or not kind.is_tunable:
        known = ", ".join(scheme for scheme, one in SOURCES.items() if one.is_tunable)
        raise UsageError(
            f"{uri.text!r:.160} sweeps {uri.rest!r:.80}, which is no radio that can be tuned; "
            f"write sweep:RADIO?start=88M&stop=108M with one of {known}"
        )
    return open_hopping(uri, request, lambda wanted: kind.open(parse_source(text), wanted))


def _rtl_power(uri: SourceUri, request: Request) -> Source:
    from edgespec.sources.sweeps.source import open_sweeps

    return open_sweeps(uri)


def _check_raw(uri: SourceUri, request: Request) -> None:
    from edgespec.sources.raw import datatype_of

    datatype_of(uri)


def _check_rtl_tcp(uri: SourceUri, request: Request) -> None:
    from edgespec.sources.rtl_tcp import address_of

    address_of(uri)
    settings_of(uri, request)


def _check_rtlsdr(uri: SourceUri, request: Request) -> None:
    from edgespec.sources.rtlsdr import serial_of

    serial_of(uri)
    settings_of(uri, request)


def _check_sim(uri: SourceUri, request: Request) -> None:
    from edgespec.sources.simulated import check_simulated

    check_simulated(uri)


def _check_soapy(uri: SourceUri, request: Request) -> None:
    soapy_settings(uri, request)


_PLAY = ("realtime", "loop")
#: Options that are yes or no, and those that are text; the others are numbers.
_FLAGS = (*_PLAY, "verify", "follow", "agc", "bias_tee", "patient")
_TEXTS = (
    *("datatype", "zone", "direct_sampling", "antenna", "gains", "settings"),
    *("cell", "profile", "own_profile", "kind", "fault"),
)

#: Every scheme, how it is opened and which options it takes.
SOURCES: dict[str, SourceKind] = {
    "sigmf": SourceKind(_sigmf, ("channel", "sample_rate", *_PLAY, "verify")),
    "raw": SourceKind(
        _raw, ("datatype", "sample_rate", "center_freq", "offset", *_PLAY), _check_raw
    ),
    "wav": SourceKind(_wav, ("channel", "sample_rate", "center_freq", *_PLAY)),
    "rtl_power": SourceKind(_rtl_power, ("follow", "interval_s", "zone", *_PLAY), is_swept=True),
    "rtl_tcp": SourceKind(
        _rtl_tcp, (*TUNER_KEYS, *PATIENCE_KEYS), _check_rtl_tcp, is_tunable=True, has_gain=True
    ),
    "rtlsdr": SourceKind(
        _rtlsdr, (*TUNER_KEYS, *PATIENCE_KEYS), _check_rtlsdr, is_tunable=True, has_gain=True
    ),
    "sim": SourceKind(
        _sim,
        (
            "seed",
            "sample_rate",
            "center_freq",
            "duration_s",
            "realtime",
            "patient",
            "bits",
            "level_dbfs",
            "agc_every_s",
            *("cell", "pci", "load", "spacing", "n_users", "user_groups", "clock_s"),
            "neighbour_db",
            *("profile", "doppler_hz", "rician_k_db", "snr_db", "cfo_hz", "shadow_db"),
            *("kind", "isr_db", "offset_hz", "freq", "bandwidth_hz", "start_s", "stop_s"),
            "every_s",
            *("period_s", "duty", "sweep_hz_per_s", "start_jitter_s", "offset_jitter_hz"),
            *("own_profile", "own_doppler_hz"),
            *("fault", "fault_start_s", "fault_stop_s", "step_db", "share"),
        ),
        _check_sim,
        is_tunable=True,
    ),
    "soapy": SourceKind(
        _soapy, (*SOAPY_KEYS, *PATIENCE_KEYS), _check_soapy, is_tunable=True, has_gain=True
    ),
}
#: A sweep takes what its radio does; the radio refuses what is another's.
SOURCES["sweep"] = SourceKind(
    _sweep,
    (
        *HOP_KEYS,
        *dict.fromkeys(key for kind in SOURCES.values() if kind.is_tunable for key in kind.keys),
    ),
    is_swept=True,
)
