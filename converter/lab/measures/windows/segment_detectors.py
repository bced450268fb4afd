"""Detectors of segments that need no model and no training: they learn the site in the warm-up."""

from collections.abc import Callable, Mapping
from typing import Final

from converter.lab.measures.windows.sum_threshold import SumThreshold
from edgespec.computing import Computing
from edgespec.detect.arithmetic import open_arithmetic
from edgespec.detect.detector import Detector
from edgespec.detect.detectors import DETECTORS, PLAIN_DETECTORS
from edgespec.detect.scan.arithmetic import open_arithmetic as open_scan_arithmetic
from edgespec.detect.scan.power_scan import PowerScan
from edgespec.errors import UsageError
from edgespec.records import Geometry

__all__ = ["SEGMENT_DETECTORS", "column_of", "make_segment_detector"]

_AUTO: Final = Computing.named("auto")


def _device(name: str) -> Callable[[Geometry, int], Detector]:
    return lambda geometry, n_warmup: DETECTORS[name](geometry, n_warmup, open_arithmetic(_AUTO))


def _scan(geometry: Geometry, n_warmup: int) -> Detector:
    return PowerScan(geometry, n_warmup, open_arithmetic(_AUTO), open_scan_arithmetic(_AUTO))


#: Every one by its name: how it is made from the geometry and the segments that it learns from.
SEGMENT_DETECTORS: Mapping[str, Callable[[Geometry, int], Detector]] = {
    **{name: _device(name) for name in PLAIN_DETECTORS},
    PowerScan.name: _scan,
    SumThreshold.name: SumThreshold,
}


def make_segment_detector(name: str, geometry: Geometry, n_warmup: int) -> Detector:
    """Return a new detector.

    Raises:
        UsageError: the name is unknown, or its detector needs a model.
    """
    if name not in SEGMENT_DETECTORS:
        raise UsageError(
            f"the detector {name!r} is not one that needs no model; choose of "
            f"{', '.join(SEGMENT_DETECTORS)}"
        )
    return SEGMENT_DETECTORS[name](geometry, n_warmup)


def column_of(name: str) -> str:
    """Return the name of a detector's scores: those of the device are told by it."""
    return name if name == SumThreshold.name else f"device-{name}"
