"""``raw:PATH?datatype=cu8&sample_rate=1.92e6``: samples without a word about them."""

from pathlib import Path

from edgespec.errors import UsageError
from edgespec.records import SourceInfo
from edgespec.sources.playback import (
    DATATYPES,
    Playback,
    Stretch,
    format_of_datatype,
    samples_in_file,
)
from edgespec.sources.uri import SourceUri

__all__ = ["open_raw"]


def open_raw(uri: SourceUri, *, center_freq_hz: float | None = None) -> Playback:
    """Return the file that ``uri`` names as a source.

    Raises:
        UsageError: no path, datatype or sample rate is given.
        SourceError: the file cannot be read or is truncated.
    """
    if not uri.rest:
        raise UsageError("raw: names no file; write raw:PATH?datatype=cu8&sample_rate=1.92e6")
    missing = [key for key in ("datatype", "sample_rate") if key not in uri.options]
    if missing:
        examples = {"datatype": "datatype=cu8", "sample_rate": "sample_rate=1.92e6"}
        raise UsageError(
            f"{uri.text!r} does not say the {' and the '.join(missing)} of its samples; add "
            f"{' and '.join(examples[key] for key in missing)} to the query (datatypes: "
            f"{', '.join(DATATYPES)})"
        )
    sample_rate_hz = uri.number("sample_rate")
    if sample_rate_hz is None or sample_rate_hz <= 0:
        raise UsageError(f"sample_rate in {uri.text!r} is {sample_rate_hz}; it must be positive")
    path = Path(uri.rest)
    sample_format = format_of_datatype(uri.options["datatype"], f"raw:{path}")
    n_samples = samples_in_file(path, sample_format)
    in_uri_hz = uri.number("center_freq")
    frequency_hz = in_uri_hz if in_uri_hz is not None else center_freq_hz or 0.0
    loop = uri.flag("loop")
    info = SourceInfo(
        uri.text,
        sample_rate_hz,
        frequency_hz,
        sample_format,
        is_live=uri.flag("realtime"),
        n_samples=None if loop else n_samples,
    )
    return Playback(path, info, (Stretch(0, n_samples, frequency_hz),), loop=loop)
