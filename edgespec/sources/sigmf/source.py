"""``sigmf:PATH``: a SigMF recording as a source.

Options: ``channel`` (from 0, where there are several), ``sample_rate`` (where the metadata says
none that can be), ``verify realtime loop``.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgespec.door import brief
from edgespec.errors import SourceError, UsageError
from edgespec.records import SourceInfo
from edgespec.sources.datatypes import parse_datatype
from edgespec.sources.oddities import Oddities
from edgespec.sources.playback import Layout, Playback, Stretch
from edgespec.sources.ranges import RATES_SAID, is_sample_rate, rate_in
from edgespec.sources.sigmf.annotations import annotations_in
from edgespec.sources.sigmf.captures import count_odd_annotations, stretches_of
from edgespec.sources.sigmf.files import Extent, find_data, find_recording
from edgespec.sources.sigmf.metadata import Metadata, load_metadata, number, whole
from edgespec.sources.uri import SourceUri

__all__ = ["data_path", "open_sigmf"]

_MOST_CHANNELS = 4096
_HASH_BYTES = 1 << 20


def open_sigmf(uri: SourceUri, *, center_freq_hz: float | None = None) -> Playback:
    """Return the recording that ``uri`` names as a source.

    ``center_freq_hz`` counts where the recording does not say its own. What is odd in it is a
    warning in the log.

    Raises:
        UsageError: the URI names no file, or a channel that is not there.
        SourceError: a file is missing or empty, or nothing says how its samples are to be read.
    """
    if not uri.rest:
        raise UsageError("sigmf: names no file; write sigmf:PATH")
    oddities = Oddities()
    metadata, where, extent = _find(Path(uri.rest), oddities)
    layout = _layout(metadata.head, uri, where, oddities)
    rate_hz = _sample_rate(metadata.head, uri, where, oddities)
    n_bytes = extent.n_bytes - _trailing_bytes(metadata.head, extent.n_bytes, oddities)
    if n_bytes < layout.frame_bytes:
        raise SourceError(
            f"{brief(extent.path, 160)} has {n_bytes} bytes of data, less than one sample of "
            f"{layout.frame_bytes} bytes: it is truncated or has another datatype"
        )
    stretches = stretches_of(
        metadata, n_bytes, layout.frame_bytes, rate_hz, center_freq_hz, oddities
    )
    stretches = tuple(_moved(stretch, extent.byte_start) for stretch in stretches)
    _check_end(metadata, layout, stretches[-1], extent.byte_start, n_bytes, oddities)
    if uri.flag("verify"):
        _check_hash(metadata.head, extent)
    oddities.tell(where)
    loop = uri.flag("loop")
    info = SourceInfo(
        uri.text,
        rate_hz,
        stretches[0].center_freq_hz,
        layout.datatype.sample_format,
        is_live=uri.flag("realtime"),
        n_samples=None if loop else sum(s.n_samples for s in stretches),
        quiet_s=None if loop else _quiet_s(metadata, rate_hz),
        normal_path=None if loop else _normal_path(where),
    )
    return Playback(extent.path, info, layout, stretches, loop=loop)


def _quiet_s(metadata: Metadata, rate_hz: float) -> float | None:
    """Return when the first event of ours begins in a recording, None where there is none."""
    begins = [
        one.sample_start / rate_hz
        for one in annotations_in(metadata)
        if one.score is not None and one.sample_start >= 0
    ]
    return min(begins, default=None)


def _normal_path(where: Path) -> Path | None:
    """Return the file beside a recording of ours that says what was normal; None: there is none."""
    path = where.with_suffix(".normal")
    return path if where.suffix == ".sigmf-meta" and path.is_file() else None


def data_path(path: Path) -> Path:
    """Return the file that holds the samples of a recording.

    Raises:
        SourceError: the recording cannot be found.
    """
    return _find(path, Oddities())[2].path


def _find(path: Path, oddities: Oddities) -> tuple[Metadata, Path, Extent]:
    recording = find_recording(path, oddities)
    metadata = load_metadata(recording.meta, recording.meta_path, oddities)
    extent = recording.data or find_data(recording.meta_path, metadata.head, oddities)
    return metadata, recording.meta_path, extent


def _layout(head: Mapping[str, Any], uri: SourceUri, where: Path, oddities: Oddities) -> Layout:
    datatype = parse_datatype(head["core:datatype"], brief(where, 160), oddities)
    if not datatype.is_complex:
        oddities.add(
            "its samples are real: they are played with Q = 0, so the spectrum is mirrored"
        )
    n_channels = whole(head.get("core:num_channels", 1))
    if n_channels is None or not 1 <= n_channels <= _MOST_CHANNELS:
        oddities.add(f"core:num_channels is {brief(repr(head['core:num_channels']), 40)}: 1 is")
        n_channels = 1
    channel = uri.whole("channel")
    if channel is not None and channel >= n_channels:
        raise UsageError(
            f"channel in {brief(repr(uri.text), 160)} is {channel}; the recording has "
            f"{n_channels}, and they count from 0"
        )
    if n_channels > 1 and channel is None:
        oddities.add(f"it has {n_channels} channels, of which the first is played; ?channel=1")
    return Layout(datatype, n_channels, channel or 0)


def _sample_rate(head: Mapping[str, Any], uri: SourceUri, where: Path, oddities: Oddities) -> float:
    given_hz, found_hz = rate_in(uri), number(head.get("core:sample_rate"))
    if found_hz is not None and is_sample_rate(found_hz):
        if given_hz is not None and given_hz != found_hz:
            oddities.add(f"core:sample_rate is {found_hz:.10g}, taken is {given_hz:.10g}")
        return given_hz or found_hz
    said = brief(repr(head.get("core:sample_rate")), 40)
    if given_hz is None:
        raise SourceError(
            f"{brief(where, 160)} says core:sample_rate {said}, which must be {RATES_SAID}: "
            "correct it, or add ?sample_rate=1.92M to the source"
        )
    oddities.add(f"core:sample_rate is {said}, taken is {given_hz:.10g}")
    return given_hz


def _trailing_bytes(head: Mapping[str, Any], n_bytes: int, oddities: Oddities) -> int:
    n_trailing = whole(head.get("core:trailing_bytes", 0))
    if n_trailing is None or not 0 <= n_trailing <= n_bytes:
        said = brief(repr(head.get("core:trailing_bytes")), 40)
        oddities.add(f"core:trailing_bytes is {said}, but there are {n_bytes} bytes: ignored")
        return 0
    return n_trailing


def _moved(stretch: Stretch, n_bytes: int) -> Stretch:
    return Stretch(
        stretch.byte_start + n_bytes,
        stretch.n_samples,
        stretch.center_freq_hz,
        stretch.utc_ns,
        stretch.n_dropped,
    )


def _check_end(
    metadata: Metadata, layout: Layout, last: Stretch, byte_start: int, n_bytes: int, odd: Oddities
) -> None:
    """Say what is left over behind the last sample, and what the annotations think is there."""
    n_left = byte_start + n_bytes - last.byte_start - last.n_samples * layout.frame_bytes
    if n_left:
        odd.add(f"{n_left} bytes at the end are less than a sample, and are left out")
    n_odd = count_odd_annotations(metadata, n_bytes // layout.frame_bytes)
    if n_odd:
        odd.add(f"{n_odd} annotations are malformed or go on behind the end of the data")


def _check_hash(head: Mapping[str, Any], extent: Extent) -> None:
    expected = head.get("core:sha512")
    if not isinstance(expected, str):
        raise SourceError(
            f"{brief(extent.path, 160)} cannot be verified: its metadata has no core:sha512"
        )
    found = hashlib.sha512()
    with extent.path.open("rb") as file:
        file.seek(extent.byte_start)
        n_left = extent.n_bytes
        while n_left > 0 and (octets := file.read(min(n_left, _HASH_BYTES))):
            found.update(octets)
            n_left -= len(octets)
    actual = found.hexdigest()
    if actual != expected.strip().lower():
        raise SourceError(
            f"{brief(extent.path, 160)} has the SHA-512 {actual[:12]}..., its metadata says "
            f"{brief(expected, 15)}: the data was changed or damaged; get it again"
        )
