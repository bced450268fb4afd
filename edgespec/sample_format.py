"""How a source delivers IQ: the type, zero and full scale of its numbers."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SampleFormat"]


class SampleFormat(StrEnum):
    """How a source delivers IQ, by the SigMF name without byte order."""

    CF32 = "cf32"
    CU8 = "cu8"
    CI8 = "ci8"
    CI16 = "ci16"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one element: complex64, or the integer of I and of Q."""
        return np.dtype({"cf32": "c8", "cu8": "u1", "ci8": "i1", "ci16": "i2"}[self.value])

    @property
    def datatype(self) -> str:
        """SigMF's name of it in a file, where numbers of several bytes are little-endian."""
        return self.value if self.dtype.itemsize == 1 else f"{self.value}_le"

    @property
    def sample_bytes(self) -> int:
        """Bytes of one complex sample."""
        return {"cf32": 8, "cu8": 2, "ci8": 2, "ci16": 4}[self.value]

    @property
    def zero(self) -> float:
        """Value that stands for zero; 127.5 for offset binary."""
        return 127.5 if self is SampleFormat.CU8 else 0.0

    @property
    def full_scale(self) -> float:
        """Distance from ``zero`` that stands for 1.0, the modulus of 0 dBFS."""
        return {"cf32": 1.0, "cu8": 127.5, "ci8": 128.0, "ci16": 32768.0}[self.value]

    def empty(self, n_samples: int) -> NDArray[Any]:
        """Return a buffer: complex64 ``(n_samples,)`` or integers ``(n_samples, 2)``, I, Q."""
        shape = (n_samples,) if self is SampleFormat.CF32 else (n_samples, 2)
        return np.empty(shape, self.dtype)

    def to_complex(self, samples: NDArray[Any]) -> NDArray[np.complex64]:
        """Return samples as complex64 ``(n_samples,)``, full scale 1.0; always a copy."""
        if self is SampleFormat.CF32:
            return samples.astype(np.complex64)
        parts = samples.astype(np.float32)
        parts -= np.float32(self.zero)
        parts *= np.float32(1.0 / self.full_scale)
        out: NDArray[np.complex64] = parts.view(np.complex64)[:, 0]
        return out
