"""From captures to stretches: what follows without a gap, at which centre, and what is missing."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from edgespec.door import brief
from edgespec.sources.dates import utc_ns_of
from edgespec.sources.oddities import Oddities
from edgespec.sources.playback import Stretch
from edgespec.sources.ranges import FREQS_SAID, is_frequency
from edgespec.sources.sigmf.metadata import Metadata, number, whole

__all__ = ["count_odd_annotations", "stretches_of"]

_NS = 1_000_000_000
#: Gaps between the dates of two captures that are put down to the coarseness of the dates.
_DATE_SLACK_S = 1e-3
#: A date may lie this much too early: many programs write whole seconds.
_DATE_STEP_S = 1.0
#: What is missing for longer was not recorded, rather than lost, or one of the clocks was wrong.
_LONGEST_GAP_S = 3600.0
_LONGEST_GAP_SAMPLES = 1 << 40


@dataclass(frozen=True, slots=True)
class _Capture:
    """A capture in numbers: ``sample_start`` counts from the start of the data."""

    sample_start: int
    header_bytes: int
    center_freq_hz: float
    utc_ns: int | None
    global_index: int | None


def stretches_of(
    metadata: Metadata,
    n_bytes: int,
    frame_bytes: int,
    rate_hz: float,
    center_freq_hz: float | None,
    oddities: Oddities,
) -> tuple[Stretch, ...]:
    """Return the captures of a recording as stretches; those without a gap become one.

    A gap is what ``core:global_index`` or the dates of two captures say is missing. Where that is
    longer than an hour, or less than nothing, the gap is one of unknown length: one sample.

    Args:
        metadata: what the recording says.
        n_bytes: bytes of data, without those that trail behind the samples.
        frame_bytes: bytes of one sample of every channel.
        rate_hz: sample rate.
        center_freq_hz: what counts where a capture says none; 0 stands for unknown.
        oddities: takes what is odd.
    """
    captures = [
        _read_capture(item, metadata.head, center_freq_hz or 0.0, oddities)
        for item in metadata.captures
    ]
    if any(b.sample_start < a.sample_start for a, b in pairwise(captures)):
        oddities.add("its captures are not in order, and are sorted")
        captures.sort(key=lambda capture: capture.sample_start)
    stretches = _cut(captures, n_bytes, frame_bytes, oddities)
    if not stretches:
        if captures:
            oddities.add(
                f"its captures begin at sample {captures[0].sample_start}, but the data has "
                f"{n_bytes // frame_bytes} samples: it is truncated, or belongs to other metadata; "
                "it is played without a date"
            )
        whole_file = _Capture(0, 0, center_freq_hz or 0.0, None, None)
        stretches = [(whole_file, Stretch(0, n_bytes // frame_bytes, center_freq_hz or 0.0))]
    return tuple(_join(stretches, rate_hz, oddities))


def count_odd_annotations(metadata: Metadata, n_samples: int) -> int:
    """Return how many annotations are malformed or go on past the end of the data."""
    offset = whole(metadata.head.get("core:offset", 0)) or 0
    n_odd = 0
    for item in metadata.annotations:
        start = whole(item.get("core:sample_start")) if isinstance(item, dict) else None
        count = whole(item.get("core:sample_count", 0)) if isinstance(item, dict) else None
        n_odd += start is None or count is None or start - offset + count > n_samples
    return n_odd


def _read_capture(
    item: dict[str, Any], head: dict[str, Any], center_freq_hz: float, oddities: Oddities
) -> _Capture:
    offset = whole(head.get("core:offset", 0)) or 0
    start = _whole_or_odd(item, "core:sample_start", offset, oddities) - offset
    if start < 0:
        oddities.add(f"a capture begins {-start} samples before the data, and is moved to it")
        start = 0
    header_bytes = _whole_or_odd(item, "core:header_bytes", 0, oddities)
    if "core:frequency" in item:
        found = number(item["core:frequency"])
        if found is None or not is_frequency(found):
            oddities.add(
                f"a capture has the frequency {brief(item['core:frequency'], 40)}, no number "
                f"{FREQS_SAID}: it is unknown"
            )
        else:
            center_freq_hz = found
    stamp = item.get("core:datetime")
    utc_ns = utc_ns_of(stamp)
    if stamp is not None and utc_ns is None:
        oddities.add(
            f"a capture has the date {brief(repr(stamp), 60)}, which is no moment between 1970 and "
            "2262 written as 2026-01-31T12:00:00Z; its time is unknown"
        )
    return _Capture(
        sample_start=start,
        header_bytes=max(0, header_bytes),
        center_freq_hz=center_freq_hz,
        utc_ns=utc_ns,
        global_index=whole(item.get("core:global_index")),
    )


def _whole_or_odd(item: dict[str, Any], key: str, default: int, oddities: Oddities) -> int:
    if key not in item:
        if key == "core:sample_start":
            oddities.add("a capture has no core:sample_start, and is taken for the first")
        return default
    value = whole(item[key])
    if value is None or number(item[key]) != value:
        oddities.add(f"a capture has {key} {brief(repr(item[key]), 40)}, no whole number")
    return default if value is None else value


def _cut(
    captures: list[_Capture], n_bytes: int, frame_bytes: int, oddities: Oddities
) -> list[tuple[_Capture, Stretch]]:
    """Return each capture with where its samples lie; those without any are left out."""
    out: list[tuple[_Capture, Stretch]] = []
    header_bytes = 0
    n_beyond = n_empty = 0
    for i, capture in enumerate(captures):
        header_bytes += capture.header_bytes
        start = capture.sample_start * frame_bytes + header_bytes
        n_samples = max(0, n_bytes - start) // frame_bytes
        if not n_samples:
            n_beyond += 1
            # A header that does not fit into the file is none.
            header_bytes -= capture.header_bytes
            continue
        if i + 1 < len(captures):
            n_samples = min(n_samples, captures[i + 1].sample_start - capture.sample_start)
        if not n_samples:
            n_empty += 1
            continue
        out.append((capture, Stretch(start, n_samples, capture.center_freq_hz, capture.utc_ns)))
    if n_beyond and out:
        oddities.add(f"{n_beyond} of its captures begin behind the end of the data")
    if n_empty:
        oddities.add(f"{n_empty} of its captures begin at the sample of the next, and are empty")
    return out


def _join(
    stretches: list[tuple[_Capture, Stretch]], rate_hz: float, oddities: Oddities
) -> list[Stretch]:
    out: list[Stretch] = []
    before: tuple[_Capture, Stretch] | None = None
    n_unknown = 0
    for capture, stretch in stretches:
        n_dropped: int | None = 0
        if before is not None:
            n_dropped = _gap(before[0], capture, before[1].n_samples, rate_hz)
        n_unknown += n_dropped is None
        last = out[-1] if out else None
        n_here = 1 if n_dropped is None else n_dropped
        follows = (
            last is not None
            and not n_here
            and last.center_freq_hz == stretch.center_freq_hz
            and not capture.header_bytes
        )
        if last is not None and follows:
            n_samples = last.n_samples + stretch.n_samples
            out[-1] = Stretch(
                last.byte_start, n_samples, last.center_freq_hz, last.utc_ns, last.n_dropped
            )
        else:
            out.append(
                Stretch(
                    stretch.byte_start,
                    stretch.n_samples,
                    stretch.center_freq_hz,
                    stretch.utc_ns,
                    n_here,
                )
            )
        before = capture, stretch
    if n_unknown:
        oddities.add(f"{n_unknown} times its captures jump in time: gaps of unknown length")
    return out


def _gap(before: _Capture, after: _Capture, n_between: int, rate_hz: float) -> int | None:
    """Return how many samples are missing between two captures; None where nobody can say."""
    if before.global_index is not None and after.global_index is not None:
        n_missing = after.global_index - before.global_index - n_between
        gap_s = n_missing / rate_hz
        earliest_s = 0.0
    elif before.utc_ns is not None and after.utc_ns is not None:
        gap_s = (after.utc_ns - before.utc_ns) / _NS - n_between / rate_hz
        earliest_s = -_DATE_STEP_S
        if earliest_s <= gap_s <= _DATE_SLACK_S:
            return 0
        n_missing = round(gap_s * rate_hz) if gap_s < _LONGEST_GAP_S else _LONGEST_GAP_SAMPLES
    else:
        return 0
    if gap_s < earliest_s or gap_s > _LONGEST_GAP_S or n_missing >= _LONGEST_GAP_SAMPLES:
        return None
    return n_missing
