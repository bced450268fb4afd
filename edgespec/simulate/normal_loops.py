"""Normal draws of NumPy in compiled loops, bit for bit, added where they are wanted.

NumPy's float32 ziggurat (Marsaglia and Tsang 2000; ``random_standard_normal_f``) takes words of 32
bits from its bit generator, with a call for each. Here the words come in one array, which takes a
third of the time.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import exact, kernel
from edgespec.records import FloatArray

__all__ = ["LoopNormals"]

#: Where the tail begins, which is drawn by a law of its own (Marsaglia 1964).
_TAIL = 3.6541528853610088
_N_LAYERS = 256
#: Places within a layer: 23 bits of a word.
_N_PLACES = 1 << 23
_TAIL_F, _INVERSE_F = np.float32(_TAIL), np.float32(1.0 / _TAIL)
_SHARE = np.float32(1.0 / (1 << 24))
#: Beside one for every draw: a draw in a hundred takes more, and what is left over is kept.
_SPARE_WORDS = 1024

_BYTE, _SIGN_AND_LAYER = np.uint32(255), np.uint32(511)
_PLACE_BITS = np.uint32(_N_PLACES - 1)
_EIGHT, _NINE, _ONE = np.uint32(8), np.uint32(9), np.uint32(1)


class LoopNormals:
    """The draws of ``np.random.default_rng(seed).standard_normal(n, np.float32)``."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.default_rng(seed).bit_generator
        self._words = np.empty(0, np.uint32)
        self._layers = _layers()

    def add_to(self, values: FloatArray, scale: np.float32) -> None:
        """Add ``scale`` times the next draws to ``values``, float32 ``(n,)``, in place."""
        done = 0
        while done < len(values):
            n_more = max(2, len(values) - done + _SPARE_WORDS - len(self._words))
            # Of 64 bits the low half comes first, as NumPy hands them out.
            raw = self._bits.random_raw(n_more // 2).astype("<u8", copy=False)
            words = np.concatenate((self._words, raw.view("<u4")))
            used, done = _add(words, values, done, scale, *self._layers)
            self._words = words[used:]


def _layers() -> tuple[NDArray[np.uint32], FloatArray, FloatArray]:
    """Return of each layer of the ziggurat: places that need no second look, width, height.

    Widths come twice, the second time below zero: the sign is drawn beside the layer, and half of
    all branches on it would be guessed wrong.

    All layers have one area, and the lowest holds the tail:
    ``x[i] = sqrt(-2 log(area / x[i + 1] + f(x[i + 1])))``, ``f(x) = exp(-x^2 / 2)``.
    """
    foot = math.exp(-0.5 * _TAIL * _TAIL)
    area = _TAIL * foot + math.sqrt(math.pi / 2) * math.erfc(_TAIL / math.sqrt(2))
    x = np.empty(_N_LAYERS + 1)
    x[-1], x[-2], x[0] = area / foot, _TAIL, 0.0
    for i in range(_N_LAYERS - 2, 0, -1):
        x[i] = math.sqrt(-2.0 * math.log(area / x[i + 1] + math.exp(-0.5 * x[i + 1] ** 2)))
    widths = np.concatenate((x[-1:], x[1:-1]))
    inner = np.concatenate((x[-2:-1], x[:-2]))
    sure = np.rint(inner / widths * _N_PLACES).astype(np.uint32)
    height = np.exp(-0.5 * x[:-1] ** 2)
    width = (widths / _N_PLACES).astype(np.float32)
    return sure, np.concatenate((width, -width)), height.astype(np.float32)


@exact
def _share_of(word):  # type: ignore[no-untyped-def]
    return np.float32(word >> _EIGHT) * _SHARE


@exact
def _add_exactly(words, values, done, scale, sure, width, height):  # type: ignore[no-untyped-def]
    at = 0
    while done < len(values) and at < len(words):
        # A draw that the words are too few for is left, and begun anew with more of them.
        word, next_at = words[at], at + 1
        layer = word & _BYTE
        place = (word >> _NINE) & _PLACE_BITS
        x = np.float32(np.int32(place)) * width[word & _SIGN_AND_LAYER]
        is_drawn = place < sure[layer]
        if not is_drawn:
            if layer == 0:
                while not is_drawn and next_at + 1 < len(words):
                    beyond = -_INVERSE_F * np.log1p(-_share_of(words[next_at]))
                    level = -np.log1p(-_share_of(words[next_at + 1]))
                    next_at += 2
                    if level + level > beyond * beyond:
                        x = _TAIL_F + beyond
                        if (place >> _EIGHT) & _ONE:
                            x = -x
                        is_drawn = True
                if not is_drawn:
                    break
            elif next_at < len(words):
                share = _share_of(words[next_at])
                level = (height[layer - 1] - height[layer]) * share + height[layer]
                next_at += 1
                is_drawn = np.float64(level) < math.exp(-0.5 * np.float64(x) * np.float64(x))
            else:
                break
        at = next_at
        if is_drawn:
            values[done] += x * scale
            done += 1
    return at, done


@kernel
def _add(words, values, done, scale, sure, width, height):  # type: ignore[no-untyped-def]
    """Add draws from ``done`` on; return the words that they took, and how far they reach."""
    return _add_exactly(words, values, done, scale, sure, width, height)
