"""A network small enough to write by hand, and a calibrated bundle around it, without TensorFlow.

It expects of every bin of the horizon the mean of that bin over the context: what a forecaster
comes to that has learnt nothing else. The tests that use it are about the observer, not about
how well a model forecasts.
"""

from pathlib import Path

import flatbuffers
import numpy as np
import tiny
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from converter.calibrate import CalibrationRun, score_recording
from edgespec.detect.registry import DETECTORS
from edgespec.detect.threshold import fit_thresholds
from edgespec.dsp.scipy_frames import ScipyFrames
from edgespec.inference.backends import open_backend
