"""Rays as Sionna RT traces them, where it and the LLVM it needs are installed."""

import os
import sys
import warnings

import numpy as np
import pytest

from converter.raytrace.room import Box, Room
from converter.raytrace.tracer import TraceOptions, Tracer, load_sionna
from edgespec.errors import EdgespecError

# Third parties warn while they load.
pytestmark = pytest.mark.filterwarnings("ignore")

LIGHT_M_PER_S = 299_792_458.0
FREQUENCY_HZ = 3.7e9


@pytest.fixture(scope="module", autouse=True)
def sionna() -> None:
    if "tensorflow" in sys.modules:
        pytest.skip("its LLVM beside TensorFlow's ends the process at exit: run this file alone")
    before = os.environ.get("DRJIT_LIBLLVM_PATH")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load_sionna()
    except EdgespecError as error:
        pytest.skip(str(error))
    finally:
        if before is None:
            os.environ.pop("DRJIT_LIBLLVM_PATH", None)


def room(*boxes: Box) -> Room:
    return Room((12.0, 10.0, 4.0), "concrete", boxes, FREQUENCY_HZ)


def free_space_db(source_m: np.ndarray, places_m: np.ndarray) -> np.ndarray:
    distance_m = np.linalg.norm(places_m - source_m, axis=1)
    return 20 * np.log10(LIGHT_M_PER_S / FREQUENCY_HZ / (4 * np.pi * distance_m))


def test_without_bounces_it_is_free_space_also_at_the_height_of_the_source() -> None:
    source_m = np.array([2.0, 3.0, 1.5])
    places_m = np.array([[6.1, 3.0, 1.5], [2.0, 8.2, 1.5], [7.3, 7.1, 1.5], [5.0, 5.0, 3.0]])
    tracer = Tracer(room(), TraceOptions(200_000, 0, has_diffraction=False))
    gain = tracer.gain(source_m, tracer.cells(places_m, 0.25))
    # A quarter of a metre at four is 0.5 dB, and the rays are counted.
    np.testing.assert_allclose(10 * np.log10(gain), free_space_db(source_m, places_m), atol=0.7)
    # The plain radio map has its cells in the plane of the source: no ray meets them.
    plane = tracer.plane_gain(source_m, 1.5, 0.5)
    assert np.count_nonzero(plane > 0) < 0.02 * plane.size


def test_metal_shades_and_walls_reflect() -> None:
    source_m, behind_m = np.array([2.0, 5.0, 1.5]), np.array([[9.0, 5.0, 1.5]])
    box = Box((4.0, 2.0, 0.0), (6.0, 8.0, 3.0), "metal")
    dark = Tracer(room(box), TraceOptions(200_000, 0, has_diffraction=False))
    assert dark.gain(source_m, dark.cells(behind_m, 0.25))[0] == 0.0
    lit = Tracer(room(box), TraceOptions(200_000, 3))
    gain_db = 10 * np.log10(lit.gain(source_m, lit.cells(behind_m, 0.25)))[0]
    assert -40 < gain_db - free_space_db(source_m, behind_m)[0] < -1
    with pytest.raises(EdgespecError, match="free space"):
        lit.cells(np.array([[5.0, 5.0, 1.5]]), 0.25)


def test_gain_is_the_same_in_both_directions() -> None:
    box = Box((4.0, 2.0, 0.0), (6.0, 8.0, 3.0), "metal")
    tracer = Tracer(room(box), TraceOptions(400_000, 4))
    ends_m = np.array([[2.0, 3.0, 1.5], [9.0, 7.0, 2.2]])
    there = tracer.gain(ends_m[0], tracer.cells(ends_m[1:], 0.25))[0]
    back = tracer.gain(ends_m[1], tracer.cells(ends_m[:1], 0.25))[0]
    assert abs(10 * np.log10(there / back)) < 1.5
