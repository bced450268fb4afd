"""Our own runtime: LSTM and dense layers in compiled loops, one thread, no allocation per call.

The input projections of the first layer depend neither on each other nor, but for two numbers, on
how the window was standardised: of ``x = (raw - mean) / scale`` follows ``x @ W = (raw @ W - mean *
sum(W)) / scale``. What was projected for one window serves the next, which shares most frames.
"""

import functools
from collections.abc import Callable

import numpy as np
from numba import types

from edgespec.errors import ModelError
from edgespec.inference import kernels
from edgespec.inference.backend import refuse_sides
from edgespec.inference.bundle import Bundle
from edgespec.inference.network import Network
from edgespec.inference.packing import pack
from edgespec.inference.registers import TILE_ROWS, sums_at
from edgespec.inference.widths import Widths
from edgespec.jit import ahead, at_width
from edgespec.jit.vectors import default_bits
from edgespec.memory import aligned_floats
from edgespec.records import FloatArray, Scaling

__all__ = ["NumbaBackend", "NumbaLstmBackend"]

#: Projections are kept of power less a level. Where the mean is farther from it than so many
#: scales, float32 would lose digits, and the level follows. Single values are as far from the mean.
_LEVEL_SCALES = 4.0
_ONE = np.float32(1.0)
_WIDEST = Widths()


class NumbaBackend:
    """A :class:`~edgespec.inference.backend.Backend` for a :class:`Network`.

    Args:
        bundle: says what shape windows and results have.
        network: its weights.
        widths: of the vectors.

    Raises:
        ModelError: the network does not have these shapes.
    """

    name = "numba"

    def __init__(self, bundle: Bundle, network: Network, widths: Widths = _WIDEST) -> None:
        manifest = bundle.manifest
        n_frames, n_bins = self._window_shape = manifest.window_shape
        n_inputs = n_bins if network.lstms else n_frames * n_bins
        n_outputs = manifest.output_shape[0] * manifest.output_shape[1]
        if (network.n_inputs, network.n_outputs) != (n_inputs, n_outputs):
            raise ModelError(
                f"weights.npz of bundle {manifest.name!r} takes {network.n_inputs} values and "
                f"returns {network.n_outputs}, but its geometry asks for {n_inputs} and "
                f"{n_outputs}: convert the model again"
            )
        packed = self._packed = pack(network, widths)
        self._run, self._renew = _layers(widths), _renewal()
        self._network = packed.lstms, packed.denses, packed.weights
        n_units, n_wide = packed.n_units, packed.n_wide
        n_sequences = 5 * (n_frames + 1) * n_units
        n_work = sums_at(widths.project) + n_sequences + 2 * n_wide
        self._work = aligned_floats(n_work), n_units, n_wide
        self._rows = np.zeros(max(2 * n_units, n_wide), np.int64)
        self._bias = packed.first_bias
        self._projected = aligned_floats(n_frames * len(self._bias))
        self._window: FloatArray = np.empty(self._window_shape, np.float32)
        # The last layer writes whole blocks.
        self._padded_result = aligned_floats(int(packed.denses[-1, 1]))
        self._result = self._padded_result[:n_outputs].reshape(manifest.output_shape)

    def predict(self, window: FloatArray, *sides: FloatArray) -> FloatArray:
        """Return the model's output for one standardised window; see ``Backend.predict``.

        Raises:
            ModelError: the window is not of the shape of the model, or there are side inputs.
        """
        refuse_sides(sides)
        flat = self._flat(window)
        self._forward(flat, 0, 0, _ONE, self._bias, self._projected)
        return self._result

    def _forward(
        self,
        flat: FloatArray,
        first: int,
        start: int,
        gain: np.float32,
        offset: FloatArray,
        projected: FloatArray,
    ) -> None:
        self._run(
            *self._network,
            flat,
            self._window_shape[0],
            first,
            start,
            gain,
            offset,
            projected,
            *self._work,
            self._rows,
            self._padded_result,
        )

    def _flat(self, window: FloatArray) -> FloatArray:
        """Return the window in one row, as the kernels take it; most are so already."""
        if window.shape != self._window_shape:
            raise ModelError(
                f"the window is {window.shape}, but the model takes {self._window_shape}: monitor "
                "with the geometry of the bundle"
            )
        if window.dtype == np.float32 and window.flags.carray:
            return window.ravel()
        np.copyto(self._window, window)
        return self._window.reshape(-1)


class NumbaLstmBackend(NumbaBackend):
    """The same for a network that begins with an LSTM layer: it goes on from the last window.

    A :class:`~edgespec.inference.backend.StreamingBackend`.
    """

    def __init__(self, bundle: Bundle, network: Network, widths: Widths = _WIDEST) -> None:
        super().__init__(bundle, network, widths)
        n_frames, n_bins = self._window_shape
        self._hop_frames = bundle.manifest.geometry.hop_frames
        self._level_db = 0.0
        self._first = 0
        self._is_known = False
        self._ring = aligned_floats(n_frames * n_bins)
        self._sums = self._packed.column_sums
        self._ring_projected = aligned_floats(len(self._projected))
        self._offset = aligned_floats(len(self._bias))

    def predict_raw(self, window_db: FloatArray, scaling: Scaling) -> FloatArray:
        """Return the model's output for one window in dB; see ``StreamingBackend.predict_raw``.

        Raises:
            ModelError: the window is not of the shape of the model.
        """
        flat = self._flat(window_db)
        n_frames, n_bins = self._window_shape
        hop_frames, scale_db = self._hop_frames, scaling.scale_db
        shift_db = scaling.mean_db - self._level_db
        if not (self._is_known and abs(shift_db) <= _LEVEL_SCALES * scale_db):
            self._level_db = float(np.float32(scaling.mean_db))
            shift_db = scaling.mean_db - self._level_db
            hop_frames = n_frames
        # Rows of the ring are trusted again only when all that belongs to them is there.
        self._is_known = False
        self._first, n_kept = self._renew(
            flat,
            np.float32(self._level_db),
            np.float32(shift_db / scale_db),
            self._sums,
            self._bias,
            self._offset,
            self._ring,
            self._first,
            hop_frames,
            n_bins,
            n_frames,
        )
        gain = np.float32(1.0 / scale_db)
        self._forward(self._ring, self._first, n_kept, gain, self._offset, self._ring_projected)
        self._is_known = True
        return self._result


_FLOATS, _INTEGER, _NUMBER = types.float32[::1], types.int64, types.float32


@functools.cache
def _layers(widths: Widths) -> Callable[..., None]:
    """Return the loop over the layers, with kernels of these widths."""
    tile_items = sums_at(widths.project)
    project = at_width(
        kernels.project, widths.project or default_bits(), TILE_COLUMNS=tile_items // TILE_ROWS
    )
    recur = at_width(kernels.recur, widths.recur or default_bits(), WIDE=sums_at(widths.recur))
    dense = at_width(kernels.dense, widths.dense or default_bits(), WIDE=sums_at(widths.dense))
    floats, plan = _FLOATS, types.int64[:, ::1]
    number, integer = _NUMBER, _INTEGER

    @ahead(
        types.void(
            *(plan, plan, floats, floats, integer, integer, integer, number, floats, floats),
            *(floats, integer, integer, types.int64[::1], floats),
        )
    )
    def run(  # type: ignore[no-untyped-def]
        lstms, denses, weights, x, n_frames, first, start, gain, offset, projected,
        work, most_units, widest, rows, out,
    ):  # fmt: skip
        tile, z = work, work[tile_items:]
        cell = z[4 * most_units :]
        sequence = cell[most_units:]
        later = sequence[n_frames * most_units :]
        lines = later[4 * n_frames * most_units :]
        for n in range(len(lstms)):
            n_in, n_units, is_hard = lstms[n, 0], lstms[n, 1], lstms[n, 2]
            panels, recurrent = weights[lstms[n, 3] :], weights[lstms[n, 4] :]
            if n > 0:
                x, projected, first, start = sequence, later, 0, 0
                gain, offset = _ONE, weights[lstms[n, 5] :]
            project(x, n_in, panels, 4 * n_units, first, start, n_frames, n_frames, tile, projected)
            recur(
                projected, first, n_frames, gain, offset,
                recurrent, n_units, is_hard, z, cell, rows, sequence,
            )  # fmt: skip
        if len(lstms):
            x = sequence[(n_frames - 1) * lstms[-1, 1] :]
        for n in range(len(denses)):
            matrix, bias = weights[denses[n, 3] :], weights[denses[n, 4] :]
            y = lines[n % 2 * widest :] if n < len(denses) - 1 else out
            dense(x, denses[n, 0], matrix, denses[n, 1], bias, denses[n, 2], rows, y)
            x = y

    return run


@functools.cache
def _renewal() -> Callable[..., tuple[int, int]]:
    """Return the step from one window to the next."""

    @ahead(
        types.UniTuple(_INTEGER, 2)(_FLOATS, _NUMBER, _NUMBER, *(_FLOATS,) * 4, *(_INTEGER,) * 4)
    )
    def renew(  # type: ignore[no-untyped-def]
        window, level, shift, sums, bias, offset, ring, first, hop, n_bins, n_frames
    ):
        for j in range(len(offset)):
            offset[j] = bias[j] - shift * sums[j]
        return kernels.renew(window, level, ring, first, hop, n_bins, n_frames)

    return renew
