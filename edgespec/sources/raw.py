"""``raw:PATH?datatype=cu8&sample_rate=1.92e6``: samples without a word about them.

``raw:-`` reads what another program writes into this one, a FIFO or a device works by its path.
Options: ``offset`` (bytes to leave out at the start), ``center_freq``, ``realtime``, and ``loop``
for what lies in a file.
"""

import stat
from pathlib import Path

from edgespec.door import brief
from edgespec.errors import SourceError, UsageError
from edgespec.records import SourceInfo
from edgespec.sources.datatypes import Datatype, parse_datatype
from edgespec.sources.oddities import Oddities
from edgespec.sources.playback import Layout, Playback, Stretch
from edgespec.sources.ranges import frequency_in, rate_in
from edgespec.sources.source import Source
from edgespec.sources.stream import Stream, open_stream
from edgespec.sources.uri import SourceUri

__all__ = ["datatype_of", "open_raw"]


def open_raw(uri: SourceUri, *, center_freq_hz: float | None = None) -> Source:
    """Return the file or the stream that ``uri`` names as a source.

    Raises:
        UsageError: no path, datatype or sample rate is given.
        SourceError: it cannot be read, or holds no sample.
    """
    datatype, sample_rate_hz = datatype_of(uri)
    in_uri_hz = frequency_in(uri)
    frequency_hz = in_uri_hz if in_uri_hz is not None else center_freq_hz or 0.0
    if uri.rest == "-" or not stat.S_ISREG(_mode(Path(uri.rest))):
        return _open_stream(uri, datatype, sample_rate_hz, frequency_hz)
    return _open_file(uri, datatype, sample_rate_hz, frequency_hz)


def datatype_of(uri: SourceUri) -> tuple[Datatype, float]:
    """Return datatype and sample rate in Hz that ``uri`` gives.

    Raises:
        UsageError: no path, datatype or sample rate is given, or one is none.
        SourceError: there is no such datatype.
    """
    if not uri.rest:
        raise UsageError("raw: names no file; write raw:PATH?datatype=cu8&sample_rate=1.92e6")
    sample_rate_hz = rate_in(uri)
    missing = [key for key in ("datatype", "sample_rate") if key not in uri.options]
    if missing or sample_rate_hz is None:
        examples = {"datatype": "datatype=cu8", "sample_rate": "sample_rate=1.92e6"}
        raise UsageError(
            f"{uri.text!r} does not say the {' and the '.join(missing)} of its samples; add "
            f"{' and '.join(examples[key] for key in missing)} to the query (datatypes are those "
            "of SigMF: cu8, ci16_le, cf32_le, rf64_be, ...)"
        )
    frequency_in(uri)
    datatype = parse_datatype(uri.options["datatype"], f"raw:{brief(uri.rest)}")
    return datatype, sample_rate_hz


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError as error:
        raise SourceError(
            f"cannot read {brief(path, 160)}: {error.strerror}: check the path and its permissions"
        ) from error


def _open_file(
    uri: SourceUri, datatype: Datatype, sample_rate_hz: float, frequency_hz: float
) -> Playback:
    path, oddities = Path(uri.rest), Oddities()
    offset = uri.whole("offset") or 0
    n_bytes = path.stat().st_size
    n_samples, n_left = divmod(max(0, n_bytes - offset), datatype.sample_bytes)
    if not n_samples:
        behind = f" behind the offset of {offset}" if offset else ""
        raise SourceError(
            f"{brief(path, 160)} has {n_bytes} bytes, and not one sample of "
            f"{datatype.sample_bytes} bytes{behind}: it is truncated or has another datatype"
        )
    if n_left:
        oddities.add(
            f"{n_left} bytes at the end are less than a sample, and are left out: it is truncated, "
            "or has another datatype, or a header (offset=)"
        )
    oddities.tell(path)
    loop = uri.flag("loop")
    info = SourceInfo(
        uri.text,
        sample_rate_hz,
        frequency_hz,
        datatype.sample_format,
        is_live=uri.flag("realtime"),
        n_samples=None if loop else n_samples,
    )
    return Playback(
        path, info, Layout(datatype), (Stretch(offset, n_samples, frequency_hz),), loop=loop
    )


def _open_stream(
    uri: SourceUri, datatype: Datatype, sample_rate_hz: float, frequency_hz: float
) -> Stream:
    if uri.flag("loop"):
        raise UsageError(f"{uri.text!r} cannot be looped, since it is no file; leave out loop")
    info = SourceInfo(
        uri.text,
        sample_rate_hz,
        frequency_hz,
        datatype.sample_format,
        is_live=uri.flag("realtime"),
    )
    return open_stream(uri.rest, info, Layout(datatype), uri.whole("offset") or 0)
