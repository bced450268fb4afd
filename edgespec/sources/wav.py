"""``wav:PATH``: an IQ recording of SDRuno, HDSDR, SDR# or another program that writes wav files.

I is the left channel, Q the right one; further pairs are further channels (``channel``, from 0).
Integers of 8, 16, 24 and 32 bits and floats of 32 and 64 are read, from RIFF, RF64 and Wave64. The
centre frequency is that of the ``auxi`` chunk or of the file's name (``center_freq`` overrides it).
"""

from pathlib import Path

from edgespec.door import brief
from edgespec.errors import SourceError, UsageError
from edgespec.records import SourceInfo
from edgespec.sources.auxi import reception_of
from edgespec.sources.datatypes import Datatype
from edgespec.sources.oddities import Oddities
from edgespec.sources.playback import Layout, Playback, Stretch
from edgespec.sources.ranges import (
    RATES_SAID,
    frequency_in,
    is_sample_rate,
    rate_in,
)
from edgespec.sources.regular import check_regular
from edgespec.sources.riff import WaveFormat, read_chunks
from edgespec.sources.uri import SourceUri

__all__ = ["open_wav"]

_INTEGERS, _FLOATS = 1, 3
#: Bytes in a wav file are offset binary about 128; all else is two's complement.
_NUMBERS = {
    (_INTEGERS, 8): "b8",
    (_INTEGERS, 16): "i16",
    (_INTEGERS, 24): "i24",
    (_INTEGERS, 32): "i32",
    (_FLOATS, 32): "f32",
    (_FLOATS, 64): "f64",
}


def open_wav(uri: SourceUri, *, center_freq_hz: float | None = None) -> Playback:
    """Return the wav file that ``uri`` names as a source.

    ``center_freq_hz`` counts where neither the file nor the URI says one.

    Raises:
        UsageError: the URI names no file, or a channel that is not there.
        SourceError: the file is no wav file, or holds nothing that can be played.
    """
    if not uri.rest:
        raise UsageError("wav: names no file; write wav:PATH")
    path, oddities = Path(uri.rest), Oddities()
    check_regular(path, "give the path of a wav file (a stream is raw:-)")
    if not path.is_file():
        raise SourceError(
            f"there is no wav file at {brief(path, 160)}: check the path (a stream is raw:-)"
        )
    chunks = read_chunks(path, oddities)
    layout = _layout(chunks.format, uri, path, oddities)
    sample_rate_hz = float(chunks.format.sample_rate_hz)
    if not is_sample_rate(sample_rate_hz):
        given_hz = rate_in(uri)
        if given_hz is None:
            raise SourceError(
                f"{brief(path, 160)} says a sample rate of {sample_rate_hz:g}, which must be "
                f"{RATES_SAID}: add ?sample_rate=1.92M to the source"
            )
        sample_rate_hz = given_hz
    n_samples, n_left = divmod(chunks.n_bytes, layout.frame_bytes)
    if not n_samples:
        raise SourceError(f"{brief(path, 160)} holds not one sample: the recording was cut off")
    if n_left:
        oddities.add(f"{n_left} bytes at the end are less than a sample, and are left out")
    reception = reception_of(chunks.auxi, path.name, oddities)
    in_uri_hz = frequency_in(uri)
    known = (in_uri_hz, reception.center_freq_hz, center_freq_hz, 0.0)
    frequency_hz = next(value for value in known if value is not None)
    oddities.tell(path)
    loop = uri.flag("loop")
    info = SourceInfo(
        uri.text,
        sample_rate_hz,
        frequency_hz,
        layout.datatype.sample_format,
        is_live=uri.flag("realtime"),
        n_samples=None if loop else n_samples,
    )
    stretch = Stretch(chunks.byte_start, n_samples, frequency_hz, reception.utc_ns)
    return Playback(path, info, layout, (stretch,), loop=loop)


def _layout(wave: WaveFormat, uri: SourceUri, path: Path, oddities: Oddities) -> Layout:
    number = _NUMBERS.get((wave.tag, wave.n_bits))
    if number is None:
        raise SourceError(
            f"{brief(path, 160)} has samples of the format {wave.tag} with {wave.n_bits} bits; "
            "read are integers of 8, 16, 24, 32 and floats of 32, 64 bits: record it as one of them"
        )
    if not wave.n_channels or (wave.n_channels > 1 and wave.n_channels % 2):
        raise SourceError(
            f"{brief(path, 160)} has {wave.n_channels} wav channels; IQ takes two, or twice two"
        )
    is_complex = wave.n_channels > 1
    if not is_complex:
        oddities.add("it has one wav channel: its samples are real, and the spectrum is mirrored")
    n_channels = wave.n_channels // 2 or 1
    channel = uri.whole("channel") or 0
    if channel >= n_channels:
        raise UsageError(
            f"channel in {brief(repr(uri.text), 160)} is {channel}; the recording has "
            f"{n_channels}, and they count from 0"
        )
    if n_channels > 1 and "channel" not in uri.options:
        oddities.add(f"it has {n_channels} channels, of which the first is played; ?channel=1")
    layout = Layout(Datatype(number, is_complex=is_complex), n_channels, channel)
    if layout.frame_bytes != wave.frame_bytes:
        oddities.add(
            f"its head says {wave.frame_bytes} bytes for a sample of every channel, its format "
            f"makes {layout.frame_bytes}"
        )
    return layout
