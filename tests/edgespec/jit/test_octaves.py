"""Logarithm and power of float32 beside those of numpy."""

import numpy as np
from numpy.typing import NDArray

from edgespec.jit import exp2, kernel, log2

Float32Array = NDArray[np.float32]


@kernel
def each_exp2(octaves: Float32Array, out: Float32Array) -> None:
    for i in range(len(out)):
        out[i] = exp2(octaves[i])


@kernel
def each_log2(values: Float32Array, out: Float32Array) -> None:
    for i in range(len(out)):
        out[i] = log2(values[i])


def test_powers_of_two_are_those_of_numpy_within_two_roundings() -> None:
    octaves = np.linspace(-126.0, 127.0, 4001, dtype=np.float32)
    found = np.empty_like(octaves)
    each_exp2(octaves, found)
    np.testing.assert_allclose(found, np.exp2(octaves.astype(np.float64)), rtol=2.5e-7)


def test_what_no_float32_is_as_small_as_is_the_smallest() -> None:
    octaves = np.array([-126.0, -126.5, -200.0, -1e30, -np.inf], np.float32)
    found = np.empty_like(octaves)
    each_exp2(octaves, found)
    np.testing.assert_array_equal(found, np.float32(2.0**-126))


def test_logarithms_are_those_of_numpy() -> None:
    values = np.exp2(np.linspace(-126.0, 127.9, 4001)).astype(np.float32)
    found = np.empty_like(values)
    each_log2(values, found)
    wanted = np.log2(values.astype(np.float64))
    np.testing.assert_allclose(found, wanted, rtol=1.2e-7, atol=4e-7)
    near_one = np.linspace(0.9, 1.1, 1001, dtype=np.float32)
    found = np.empty_like(near_one)
    each_log2(near_one, found)
    np.testing.assert_allclose(found, np.log2(near_one.astype(np.float64)), rtol=0, atol=4e-7)


def test_each_undoes_the_other() -> None:
    octaves = np.linspace(-30.0, 30.0, 601, dtype=np.float32)
    powers, back = np.empty_like(octaves), np.empty_like(octaves)
    each_exp2(octaves, powers)
    each_log2(powers, back)
    np.testing.assert_allclose(back, octaves, rtol=2e-7, atol=1e-6)
