"""libSoapySDR by its C interface: no package of Python's own, and so of no version of Python.

What is bound is that of ABI 0.8 (``SoapySDR/Device.h``), for receiving alone. A call that fails
returns a null pointer or leaves a message behind; both become :class:`SoapyError`.
"""

import ctypes as c
from collections.abc import Callable
from typing import Any

__all__ = ["RX", "ArgInfo", "Kwargs", "Library", "Range", "SoapyError"]

_NAME = "libSoapySDR.so.0.8"
RX = 1
_Strings = c.POINTER(c.c_char_p)


class SoapyError(Exception):
    """What the library, or a module of it, says is wrong."""


class Kwargs(c.Structure):
    """``SoapySDRKwargs``: pairs of key and value."""

    _fields_ = (("size", c.c_size_t), ("keys", _Strings), ("vals", _Strings))

    def as_dict(self) -> dict[str, str]:
        """Return a copy of them."""
        return {_text(self.keys[i]): _text(self.vals[i]) for i in range(self.size)}


class Range(c.Structure):
    """``SoapySDRRange``."""

    _fields_ = (("minimum", c.c_double), ("maximum", c.c_double), ("step", c.c_double))


class ArgInfo(c.Structure):
    """``SoapySDRArgInfo``: a setting that a device has."""

    _fields_ = (
        *((name, c.c_char_p) for name in ("key", "value", "name", "description", "units")),
        ("type", c.c_int),
        ("range", Range),
        ("n_options", c.c_size_t),
        ("options", _Strings),
        ("option_names", _Strings),
    )


_P, _I, _Z, _D, _S, _B = c.c_void_p, c.c_int, c.c_size_t, c.c_double, c.c_char_p, c.c_bool
_CHANNEL = (_P, _I, _Z)
_LENGTH = c.POINTER(_Z)
#: Result and arguments of what is called, without ``SoapySDRDevice_``.
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "lastStatus": (_I, ()),
    "lastError": (_S, ()),
    "enumerateStrArgs": (c.POINTER(Kwargs), (_S, _LENGTH)),
    "makeStrArgs": (_P, (_S,)),
    "unmake": (_I, (_P,)),
    "getNumChannels": (_Z, (_P, _I)),
    "getStreamFormats": (_Strings, (*_CHANNEL, _LENGTH)),
    "getNativeStreamFormat": (_S, (*_CHANNEL, c.POINTER(_D))),
    "setupStream": (_P, (_P, _I, _S, _LENGTH, _Z, _P)),
    "closeStream": (_I, (_P, _P)),
    "activateStream": (_I, (_P, _P, _I, c.c_longlong, _Z)),
    "deactivateStream": (_I, (_P, _P, _I, c.c_longlong)),
    "readStream": (
        _I,
        (_P, _P, c.POINTER(_P), _Z, c.POINTER(_I), c.POINTER(c.c_longlong), c.c_long),
    ),
    "listAntennas": (_Strings, (*_CHANNEL, _LENGTH)),
    "setAntenna": (_I, (*_CHANNEL, _S)),
    "hasFrequencyCorrection": (_B, _CHANNEL),
    "setFrequencyCorrection": (_I, (*_CHANNEL, _D)),
    "listGains": (_Strings, (*_CHANNEL, _LENGTH)),
    "hasGainMode": (_B, _CHANNEL),
    "setGainMode": (_I, (*_CHANNEL, _B)),
    "getGainRange": (Range, _CHANNEL),
    "setGain": (_I, (*_CHANNEL, _D)),
    "setGainElement": (_I, (*_CHANNEL, _S, _D)),
    "getGain": (_D, _CHANNEL),
    "setFrequency": (_I, (*_CHANNEL, _D, _P)),
    "getFrequency": (_D, _CHANNEL),
    "setSampleRate": (_I, (*_CHANNEL, _D)),
    "getSampleRate": (_D, _CHANNEL),
    "getSampleRateRange": (c.POINTER(Range), (*_CHANNEL, _LENGTH)),
    "setBandwidth": (_I, (*_CHANNEL, _D)),
    "getSettingInfo": (c.POINTER(ArgInfo), (_P, _LENGTH)),
    "writeSetting": (_I, (_P, _S, _S)),
}
#: What may be called again and again, or when something broke: nobody asks how it went.
_UNASKED = ("lastStatus", "lastError", "readStream")


class Library:
    """The loaded library; ``library.getGain(device, RX, 0)`` calls ``SoapySDRDevice_getGain``.

    Lists that it returns are small, of what is asked once, and never given back to it.

    Raises:
        SoapyError: it is not installed, or another one.
    """

    def __init__(self, name: str = _NAME) -> None:
        try:
            self._library = c.CDLL(name)
            for function, (result, arguments) in _FUNCTIONS.items():
                bound = getattr(self._library, f"SoapySDRDevice_{function}")
                bound.restype, bound.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            raise SoapyError(
                f"{name} cannot be loaded ({error}): sudo apt install libsoapysdr0.8 and the "
                "module of your radio, such as soapysdr-module-rtlsdr or soapysdr-module-uhd"
            ) from error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _FUNCTIONS:
            raise AttributeError(name)
        function = getattr(self._library, f"SoapySDRDevice_{name}")

        def asked(*arguments: Any) -> Any:
            result = function(*arguments)
            is_code = function.restype is _I and result != 0
            if is_code or self.lastStatus():
                raise SoapyError(_text(self.lastError()) or f"{name} failed ({result})")
            return result

        found = function if name in _UNASKED else asked
        setattr(self, name, found)
        return found

    def devices(self, arguments: str) -> list[dict[str, str]]:
        """Return what is there and fits, each by its pairs of key and value."""
        n = c.c_size_t()
        found = self.enumerateStrArgs(arguments.encode(), c.byref(n))
        return [found[i].as_dict() for i in range(n.value)]

    def strings(self, name: str, *arguments: Any) -> list[str]:
        """Return the list of strings that a function returns."""
        n = c.c_size_t()
        found = getattr(self, name)(*arguments, c.byref(n))
        return [_text(found[i]) for i in range(n.value)]

    def ranges(self, name: str, *arguments: Any) -> list[tuple[float, float]]:
        """Return the list of ranges that a function returns, lowest and highest of each."""
        n = c.c_size_t()
        found = getattr(self, name)(*arguments, c.byref(n))
        return [(found[i].minimum, found[i].maximum) for i in range(n.value)]

    def settings(self, device: int) -> list[str]:
        """Return the keys of a device's settings."""
        n = c.c_size_t()
        found = self.getSettingInfo(device, c.byref(n))
        return [_text(found[i].key) for i in range(n.value)]


def _text(octets: bytes | None) -> str:
    return "" if octets is None else octets.decode(errors="replace")
