"""FFTW in C, compiled here and called through ctypes."""

import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgespec.framing import Framing
from edgespec.records import FloatArray, SampleFormat

__all__ = ["MissingPeerError", "compile_peer", "fftw_contestant"]

_SOURCE = Path(__file__).with_name("fftw_spectrogram.c")
_FLAGS = ("-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")


class MissingPeerError(Exception):
    """A peer cannot run here; the text says why."""


@functools.cache
def compile_peer() -> ctypes.CDLL:
    """Compile and load the peer.

    Raises:
        MissingPeerError: there is no compiler, or no FFTW.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingPeerError("no C compiler (Debian: apt install gcc libfftw3-dev)")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "peer.so"
        command = [compiler, *_FLAGS, str(_SOURCE), "-lfftw3f", "-lm", "-o", str(library)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MissingPeerError(
                "FFTW does not compile (Debian: apt install libfftw3-dev): "
                + (done.stderr.strip().splitlines() or ["no message"])[0]
            )
        peer = ctypes.CDLL(str(library))
    peer.peer_new.restype = ctypes.c_void_p
    peer.peer_new.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
    return peer


def fftw_contestant(
    framing: Framing, sample_format: SampleFormat, window: FloatArray
) -> Callable[[NDArray[Any], FloatArray], None]:
    """Return a function that fills ``out`` ``(n_frames, n_fft)`` with dBFS.

    Its plan is made once and kept as long as the process lives.

    Raises:
        MissingPeerError: there is no compiler, or no FFTW.
    """
    peer = compile_peer()
    handle = ctypes.c_void_p(peer.peer_new(framing.n_fft, framing.n_averages, window.ctypes.data))
    function = getattr(peer, f"peer_{sample_format.value}")
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long, ctypes.c_void_p]
    function.restype = None

    def run(samples: NDArray[Any], out: FloatArray) -> None:
        function(handle, samples.ctypes.data, len(out), out.ctypes.data)

    return run
