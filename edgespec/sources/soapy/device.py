"""A radio behind SoapySDR that is open, set and streaming."""

import ctypes
import re
from typing import Any

from numpy.typing import NDArray

from edgespec.sample_format import SampleFormat
from edgespec.sources.request import Tuning
from edgespec.sources.soapy.library import RX, Library, SoapyError
from edgespec.sources.soapy.settings import SoapySettings

__all__ = ["OVERFLOWS", "TIMEOUT", "SettingError", "SoapyDevice"]

#: What a read returns where nothing came, and where something was lost or came too late.
TIMEOUT, OVERFLOWS = -1, (-4, -6, -7)
_HAS_TIME = 1 << 2
#: Names of formats, and full scale of those that may go through untouched.
_FORMATS = {
    "CS8": (SampleFormat.CI8, 128.0),
    "CU8": (SampleFormat.CU8, 128.0),
    "CS16": (SampleFormat.CI16, 32768.0),
    "CF32": (SampleFormat.CF32, 1.0),
}
#: By how much what was set may differ from what was asked: crystals do not, dividers may.
_SAME_RATE, _SAME_SCALE = 1e-4, 0.01


class SettingError(SoapyError):
    """A setting that this radio does not have: trying again does not help."""


class SoapyDevice:
    """Opens it and begins to stream.

    Args:
        library: the library.
        settings: what it is set to.
        wanted: the format it must deliver; None takes the radio's own where nothing is lost.

    Attributes:
        sample_format: what it delivers.

    Raises:
        SettingError: it cannot be set so.
        SoapyError: it is not there, or somebody else has it.
    """

    def __init__(
        self, library: Library, settings: SoapySettings, wanted: SampleFormat | None
    ) -> None:
        self._library = library
        self._rate_hz = settings.sample_rate_hz
        self._stream: int | None = None
        self._device = library.makeStrArgs(_arguments(library, settings.device).encode())
        self._channel = self._device, RX, settings.channel
        try:
            self._set(settings)
            name, self.sample_format = self._format(wanted)
            channel = ctypes.c_size_t(settings.channel)
            self._stream = library.setupStream(
                self._device, RX, name.encode(), ctypes.byref(channel), 1, None
            )
            library.activateStream(self._device, self._stream, 0, 0, 0)
        except BaseException:
            self.close()
            raise
        self._buffers = (ctypes.c_void_p * 1)()
        self._flags, self._stamp_ns = ctypes.c_int(), ctypes.c_longlong()
        self._by_reference = ctypes.byref(self._flags), ctypes.byref(self._stamp_ns)

    def read(self, out: NDArray[Any], timeout_s: float) -> tuple[int, int | None]:
        """Fill ``out`` as far as one transfer goes.

        Returns the number of samples, or the code of what went wrong; and the stamp of the first in
        ns, None where the radio has none.
        """
        self._buffers[0] = out.ctypes.data
        self._flags.value = 0
        n = self._library.readStream(
            self._device,
            self._stream,
            self._buffers,
            len(out),
            *self._by_reference,
            round(timeout_s * 1e6),
        )
        return n, self._stamp_ns.value if self._flags.value & _HAS_TIME else None

    def tune(self, tuning: Tuning) -> None:
        """Tune it, also while it streams.

        Raises:
            SettingError: it does not tune there, or has no such gain.
        """
        library, channel, center_freq_hz = self._library, self._channel, tuning.center_freq_hz
        if tuning.gain_db is not None:
            self._set_whole_gain(tuning.gain_db)
        library.setFrequency(*channel, center_freq_hz, None)
        tuned_hz = library.getFrequency(*channel)
        if abs(tuned_hz - center_freq_hz) > 1e-3 * self._rate_hz:
            raise SettingError(
                f"it tunes to {tuned_hz:.10g} Hz instead of {center_freq_hz:.10g}: give "
                "a center_freq that it reaches"
            )

    def close(self) -> None:
        """Stop the stream and let the radio go."""
        device, self._device = self._device, None
        if device is None:
            return
        try:
            if self._stream is not None:
                self._library.deactivateStream(device, self._stream, 0, 0)
                self._library.closeStream(device, self._stream)
        finally:
            # Also where a signal ends this process in between.
            self._library.unmake(device)

    def _set(self, settings: SoapySettings) -> None:
        library, channel = self._library, self._channel
        n_channels = library.getNumChannels(self._device, RX)
        if settings.channel >= n_channels:
            raise SettingError(f"it has {n_channels} receivers, and channel={settings.channel}")
        self._set_own(settings)
        if settings.antenna:
            known = library.strings("listAntennas", *channel)
            if settings.antenna not in known:
                raise SettingError(
                    f"antenna={settings.antenna} is not there: it has {', '.join(known)}"
                )
            library.setAntenna(*channel, settings.antenna.encode())
        self._set_rate(settings.sample_rate_hz)
        if settings.bandwidth_hz is not None:
            library.setBandwidth(*channel, settings.bandwidth_hz)
        if settings.ppm:
            if not library.hasFrequencyCorrection(*channel):
                raise SettingError("it cannot correct its crystal: leave ppm out")
            library.setFrequencyCorrection(*channel, settings.ppm)
        for tuning in (*settings.later, Tuning(settings.center_freq_hz)):
            self.tune(tuning)
        self._set_gain(settings)

    def _set_rate(self, rate_hz: float) -> None:
        library, channel = self._library, self._channel
        ranges = library.ranges("getSampleRateRange", *channel)
        offered = ", ".join(
            f"{low:.10g}" if low == high else f"{low:.10g} to {high:.10g}" for low, high in ranges
        )
        try:
            library.setSampleRate(*channel, rate_hz)
        except SoapyError as error:
            raise SettingError(f"sample_rate={rate_hz:g}: {error}; it offers {offered}") from error
        actual_hz = library.getSampleRate(*channel)
        if abs(actual_hz - rate_hz) > _SAME_RATE * rate_hz:
            raise SettingError(
                f"it samples at {actual_hz:.10g} Hz instead of {rate_hz:.10g}; it offers {offered}"
            )

    def _set_gain(self, settings: SoapySettings) -> None:
        library, channel = self._library, self._channel
        is_automatic = settings.gain_db is None and not settings.gains
        if library.hasGainMode(*channel):
            library.setGainMode(*channel, is_automatic)
        elif is_automatic:
            raise SettingError("it has no automatic gain: give one in dB, gain=30")
        if settings.gain_db is not None:
            self._set_whole_gain(settings.gain_db)
        stages = library.strings("listGains", *channel)
        for name, gain_db in settings.gains.items():
            if name not in stages:
                raise SettingError(f"gains={name}=... is no stage: it has {', '.join(stages)}")
            library.setGainElement(*channel, name.encode(), gain_db)

    def _set_whole_gain(self, gain_db: float) -> None:
        within = self._library.getGainRange(*self._channel)
        if not within.minimum <= gain_db <= within.maximum:
            raise SettingError(
                f"gain={gain_db:g} dB is not between {within.minimum:g} and {within.maximum:g}"
            )
        self._library.setGain(*self._channel, gain_db)

    def _set_own(self, settings: SoapySettings) -> None:
        """Write what only this kind of radio has."""
        pairs = dict(settings.settings)
        known = self._library.settings(self._device)
        if settings.bias_tee:
            pairs[_bias_tee(known)] = "true"
        for key, value in pairs.items():
            if key not in known:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise SettingError(f"settings={key}=... is no setting of it: {has}")
            self._library.writeSetting(self._device, key.encode(), value.encode())

    def _format(self, wanted: SampleFormat | None) -> tuple[str, SampleFormat]:
        """Return what to ask for: the radio's own, if its full scale is that of the format."""
        offered = self._library.strings("getStreamFormats", *self._channel)
        full_scale = ctypes.c_double()
        own = self._library.getNativeStreamFormat(*self._channel, ctypes.byref(full_scale))
        name = "" if own is None else own.decode(errors="replace")
        if name in _FORMATS and name in offered and wanted is None:
            sample_format, scale = _FORMATS[name]
            if abs(full_scale.value / scale - 1.0) <= _SAME_SCALE:
                return name, sample_format
        wanted = wanted or SampleFormat.CF32
        for name, (sample_format, _) in _FORMATS.items():
            if sample_format is wanted and name in offered:
                return name, wanted
        raise SettingError(f"it gives no {wanted} but {', '.join(offered)}")


def _arguments(library: Library, device: str) -> str:
    """Return what opens the radio: for none that is named, the first there is."""
    if device:
        return device
    found = [one for one in library.devices("") if one.get("driver") != "audio"]
    if not found:
        raise SoapyError(
            "SoapySDR finds no radio: plug it in, and install its module, such as "
            "soapysdr-module-rtlsdr or soapysdr-module-uhd"
        )
    return ",".join(f"{key}={value}" for key, value in found[0].items() if key != "label")


def _bias_tee(known: list[str]) -> str:
    """Return which setting is the bias tee; modules call it biastee, bias_tx, biasT_ctrl, ..."""
    named = [key for key in known if re.match(r"bias_?(t|rx)", key, re.IGNORECASE)]
    if not named:
        has = f"its settings are {', '.join(known)}" if known else "it has no settings"
        raise SettingError(f"bias_tee=1: it has none that is known; {has}")
    return named[0]
