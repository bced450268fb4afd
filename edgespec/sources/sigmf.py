"""``sigmf:PATH``: a SigMF recording, its metadata and its data (SigMF 1.2.5)."""

import hashlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgespec.errors import SourceError, UsageError
from edgespec.records import SourceInfo
from edgespec.sources.playback import Playback, Stretch, format_of_datatype, samples_in_file
from edgespec.sources.uri import SourceUri

__all__ = ["load_metadata", "open_sigmf", "sigmf_pair", "stretches_of"]

_META, _DATA = ".sigmf-meta", ".sigmf-data"
_NS = 1_000_000_000
#: Gaps between the dates of two captures that are put down to the coarseness of the dates.
_DATE_SLACK_S = 1e-3


def open_sigmf(uri: SourceUri, *, center_freq_hz: float | None = None) -> Playback:
    """Return the recording that ``uri`` names as a source.

    The path is that of the metadata, of the data, or of both without their ending.
    ``center_freq_hz`` counts where the recording does not say its own.

    Raises:
        UsageError: the URI names no file.
        SourceError: a file is missing, truncated or not what its metadata says.
    """
    if not uri.rest:
        raise UsageError("sigmf: names no file; write sigmf:PATH")
    meta_path, data_path = sigmf_pair(Path(uri.rest))
    metadata = load_metadata(meta_path)
    head = metadata["global"]
    sample_format = format_of_datatype(head["core:datatype"], str(meta_path))
    if head.get("core:num_channels", 1) != 1:
        raise SourceError(
            f"{meta_path} has {head['core:num_channels']} channels; 1 is accepted: split it"
        )
    _check_conforming(metadata, meta_path)
    n_samples = samples_in_file(data_path, sample_format)
    stretches = stretches_of(metadata, n_samples, center_freq_hz, meta_path)
    _check_annotations(metadata, n_samples, meta_path)
    if uri.flag("verify"):
        _check_hash(head, data_path)
    loop = uri.flag("loop")
    info = SourceInfo(
        uri.text,
        float(head["core:sample_rate"]),
        stretches[0].center_freq_hz,
        sample_format,
        is_live=uri.flag("realtime"),
        n_samples=None if loop else sum(s.n_samples for s in stretches),
    )
    return Playback(data_path, info, stretches, loop=loop)


def sigmf_pair(path: Path) -> tuple[Path, Path]:
    """Return metadata and data file of a recording.

    Raises:
        SourceError: one of them is missing.
    """
    base = path.name
    for suffix in (_META, _DATA):
        base = base.removesuffix(suffix)
    pair = path.with_name(base + _META), path.with_name(base + _DATA)
    missing = [p for p in pair if not p.is_file()]
    if len(missing) == 2:
        raise SourceError(
            f"there is no SigMF recording at {path}: neither {pair[0].name} nor {pair[1].name} "
            "exists; check the path"
        )
    if missing:
        raise SourceError(
            f"the SigMF recording {path} is half there: {missing[0]} is missing; copy both files"
        )
    return pair


def load_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of a recording, checked against the SigMF schema.

    Raises:
        SourceError: it is not JSON, not SigMF, or says no usable sample rate.
    """
    try:
        metadata: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}: check its permissions") from error
    except ValueError as error:
        raise SourceError(
            f"{path} is not JSON ({error}): it is damaged or not SigMF metadata"
        ) from error
    head = metadata.get("global") if isinstance(metadata, dict) else None
    if not isinstance(head, dict) or not isinstance(head.get("core:datatype"), str):
        raise SourceError(
            f"{path} is not SigMF metadata: it has no 'global' object with 'core:datatype'"
        )
    rate_hz = head.get("core:sample_rate")
    if not (isinstance(rate_hz, int | float) and math.isfinite(rate_hz) and rate_hz > 0):
        raise SourceError(
            f"{path} says core:sample_rate {rate_hz!r}; it must be a positive number of Hz: add "
            "it, or play the data as raw:PATH?datatype=...&sample_rate=..."
        )
    _check_schema(metadata, path)
    return metadata


def stretches_of(
    metadata: dict[str, Any], n_samples: int, center_freq_hz: float | None, path: Path
) -> tuple[Stretch, ...]:
    """Return the captures of a recording as stretches; those without a gap become one.

    A gap is what ``core:global_index`` or the dates of two captures say is missing; where the
    centre frequency changes, at least 1 sample is.

    Raises:
        SourceError: a capture begins beyond the end, or they are not in order.
    """
    head = metadata["global"]
    rate_hz, offset = head["core:sample_rate"], head.get("core:offset", 0)
    captures = metadata.get("captures") or [{"core:sample_start": offset}]
    starts = [capture["core:sample_start"] - offset for capture in captures]
    if starts != sorted(set(starts)) or starts[0] < 0 or starts[-1] >= n_samples:
        raise SourceError(
            f"{path} has captures that start at samples {starts[:8]}, but the data has "
            f"{n_samples} samples: the data is truncated, or belongs to other metadata"
        )
    out: list[Stretch] = []
    for i, (capture, start) in enumerate(zip(captures, starts, strict=True)):
        stop = starts[i + 1] if i + 1 < len(starts) else n_samples
        frequency_hz = float(capture.get("core:frequency", center_freq_hz or 0.0))
        utc_ns = _utc_ns(capture.get("core:datetime"), path)
        n_dropped = 0
        if out:
            n_dropped = _gap(captures[i - 1], capture, out[-1], utc_ns, rate_hz)
            n_dropped = max(n_dropped, int(frequency_hz != out[-1].center_freq_hz))
        if out and not n_dropped:
            last = out.pop()
            start, utc_ns = last.sample_start, last.utc_ns
        out.append(Stretch(start, stop - start, frequency_hz, utc_ns, n_dropped))
    return tuple(out)


def _gap(
    before: dict[str, Any],
    after: dict[str, Any],
    last: Stretch,
    utc_ns: int | None,
    rate_hz: float,
) -> int:
    """Return how many samples are missing between two captures."""
    n_between = after["core:sample_start"] - before["core:sample_start"]
    if "core:global_index" in before and "core:global_index" in after:
        n_all = after["core:global_index"] - before["core:global_index"]
        return max(0, int(n_all - n_between))
    if utc_ns is None or last.utc_ns is None:
        return 0
    gap_s = (utc_ns - last.utc_ns) / _NS - last.n_samples / rate_hz
    return round(gap_s * rate_hz) if gap_s > _DATE_SLACK_S else 0


def _utc_ns(stamp: str | None, path: Path) -> int | None:
    """Return nanoseconds since 1970 of an RFC 3339 date."""
    if stamp is None:
        return None
    try:
        date = datetime.fromisoformat(stamp)
    except ValueError as error:
        raise SourceError(
            f"{path} has the core:datetime {stamp!r}; it must look like 2026-01-31T12:00:00Z"
        ) from error
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    whole = int(date.replace(microsecond=0).timestamp())
    return whole * _NS + date.microsecond * 1000


def _check_schema(metadata: dict[str, Any], path: Path) -> None:
    from sigmf.validate import validate

    try:
        validate({"captures": [], "annotations": [], **metadata})
    except Exception as error:
        # The validators of sigmf raise classes of several packages; all of them mean the same.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"{path} is not valid SigMF metadata: {reason}") from error


def _check_conforming(metadata: dict[str, Any], path: Path) -> None:
    """Refuse recordings whose data file holds more than samples, or lies elsewhere."""
    head = metadata["global"]
    odd = [k for k in ("core:dataset", "core:trailing_bytes", "core:metadata_only") if head.get(k)]
    odd += ["core:header_bytes" for c in metadata.get("captures", ()) if c.get("core:header_bytes")]
    if odd:
        raise SourceError(
            f"{path} describes a non-conforming data set ({odd[0]}), which is not read: play the "
            "data as raw:PATH?datatype=...&sample_rate=..."
        )


def _check_annotations(metadata: dict[str, Any], n_samples: int, path: Path) -> None:
    offset = metadata["global"].get("core:offset", 0)
    for item in metadata.get("annotations", ()):
        stop = item["core:sample_start"] - offset + item.get("core:sample_count", 0)
        if stop > n_samples:
            raise SourceError(
                f"{path} has an annotation up to sample {stop}, but the data has {n_samples} "
                "samples: the data is truncated, or belongs to other metadata"
            )


def _check_hash(head: dict[str, Any], data_path: Path) -> None:
    expected = head.get("core:sha512")
    if expected is None:
        raise SourceError(f"{data_path} cannot be verified: its metadata has no core:sha512")
    with data_path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha512").hexdigest()
    if actual != expected:
        raise SourceError(
            f"{data_path} has the SHA-512 {actual[:12]}..., its metadata says {expected[:12]}...: "
            "the data was changed or damaged; get it again"
        )
