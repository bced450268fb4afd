"""What a Python user would write with the FFT libraries at hand, block by block, vectorised."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.peers.fftw import MissingPeerError
from benchmarks.speed.peers.signal import to_complex
from edgespec.framing import Framing
from edgespec.records import FloatArray, SampleFormat

__all__ = ["PYTHON_PEERS", "python_contestant", "scipy_signal_contestant"]

Transform = Callable[[NDArray[np.complex64]], NDArray[np.complex64]]

#: Frames computed at once: the temporaries then stay in the cache.
_BLOCK_FRAMES = 32


def _load(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingPeerError(f"{module.split('.')[0]} is not installed") from None


def _numpy() -> Transform:
    return lambda x: np.fft.fft(x, axis=-1)


def _scipy() -> Transform:
    fft = _load("scipy.fft")
    return lambda x: fft.fft(x, axis=-1, overwrite_x=True, workers=1)


def _pyfftw() -> Transform:
    fft = _load("pyfftw.interfaces.numpy_fft")
    _load("pyfftw.interfaces.cache").enable()
    return lambda x: fft.fft(x, axis=-1, overwrite_input=True, threads=1)


def _ducc0() -> Transform:
    fft = _load("ducc0.fft")
    return lambda x: fft.c2c(x, axes=(x.ndim - 1,), out=x, nthreads=1)


#: By name: makes a function that transforms the last axis of complex64.
PYTHON_PEERS: dict[str, Callable[[], Transform]] = {
    "pyFFTW": _pyfftw,
    "ducc0": _ducc0,
    "scipy.fft": _scipy,
    "numpy.fft": _numpy,
}


def python_contestant(
    framing: Framing, sample_format: SampleFormat, window: FloatArray, name: str
) -> Callable[[NDArray[Any], FloatArray], None]:
    """Return a function that fills ``out`` ``(n_frames, n_fft)`` with dBFS.

    Raises:
        MissingPeerError: the library is not installed.
    """
    transform = PYTHON_PEERS[name]()
    shape = (-1, framing.n_averages, framing.n_fft)
    block_samples = _BLOCK_FRAMES * framing.frame_samples

    def run(samples: NDArray[Any], out: FloatArray) -> None:
        for first in range(0, len(out), _BLOCK_FRAMES):
            rows = out[first : first + _BLOCK_FRAMES]
            start = first * framing.frame_samples
            part = samples[start : start + min(block_samples, len(rows) * framing.frame_samples)]
            spectra = transform(to_complex(part, sample_format).reshape(shape) * window)
            power = (spectra.real**2 + spectra.imag**2).sum(axis=1)
            np.log10(np.fft.fftshift(power, axes=-1) + np.float32(1e-20), out=rows)
            rows *= 10.0

    return run


def scipy_signal_contestant(
    framing: Framing, sample_format: SampleFormat
) -> Callable[[NDArray[Any], FloatArray], None]:
    """Return the same with ``scipy.signal.spectrogram``, which does all but the averaging."""
    signal = _load("scipy.signal")
    taper = {"hann": "hann", "rect": "boxcar"}[framing.taper]

    def run(samples: NDArray[Any], out: FloatArray) -> None:
        block_frames = 8 * _BLOCK_FRAMES
        for first in range(0, len(out), block_frames):
            rows = out[first : first + block_frames]
            start = first * framing.frame_samples
            part = samples[start : start + len(rows) * framing.frame_samples]
            power = signal.spectrogram(
                to_complex(part, sample_format) / np.float32(sample_format.full_scale),
                window=taper,
                nperseg=framing.n_fft,
                noverlap=0,
                detrend=False,
                return_onesided=False,
                scaling="spectrum",
            )[2].T.reshape(len(rows), framing.n_averages, framing.n_fft)
            np.log10(np.fft.fftshift(power.mean(axis=1), axes=-1) + np.float32(1e-20), out=rows)
            rows *= 10.0

    return run
