"""What a configuration asks of a recording, which was made as it was made."""

from edgespec.config import SourceConfig
from edgespec.dsp.stream import is_near_rate
from edgespec.records import SourceInfo
from edgespec.sources.schemes import SOURCES, parse_source
from edgespec.units import format_hz

__all__ = ["unheeded"]

#: Of the rate of a recording: how far its middle may be from what somebody calls it.
_SAME_PLACE = 0.01


def unheeded(source: SourceConfig, info: SourceInfo) -> list[str]:
    """Return what of a source's table a recording does not heed, and why; of a radio nothing.

    Args:
        source: its table.
        info: what it gives, open.
    """
    if SOURCES[parse_source(source.address).scheme].is_tunable or info.grid is not None:
        return []
    said, name = [], f"{info.uri:.160}"
    asked_hz, is_hz, rate_hz = source.center_freq_hz, info.center_freq_hz, info.sample_rate_hz
    if asked_hz and is_hz and abs(asked_hz - is_hz) > _SAME_PLACE * rate_hz:
        said.append(
            f"center_freq_hz is {format_hz(asked_hz)}, but {name} was recorded at "
            f"{format_hz(is_hz)}, and stays there: leave it out, or name another recording"
        )
    if source.sample_rate_hz and not is_near_rate(rate_hz, source.sample_rate_hz):
        said.append(
            f"sample_rate_hz is {source.sample_rate_hz:.10g}, but {name} has {rate_hz:.10g} "
            "samples/s, and keeps them: leave it out"
        )
    if source.gain_db is not None:
        said.append(f"gain_db is {source.gain_db:g}, but {name} has no gain to set: leave it out")
    return said
