"""The smallest experiments: one without a network, and one with the whole chain."""

from pathlib import Path
from tempfile import TemporaryDirectory

from converter.lab.experiment import Experiment
from converter.lab.toml import load_experiment

#: 4 ms segments of 64 bins, a second of signal in all.
HEAD = """
name = "tiny"
seed = 1

[geometry]
sample_rate_hz = 1e6
n_fft = 64
n_averages = 4
n_context = 8
n_horizon = 4
hop_frames = 4

[defaults.observers]
train = 2
train_s = 0.3
validation = 1
validation_s = 0.2
calibration = 2
calibration_s = 0.4
test = 2
test_s = 0.1
n_seeds = 1

[defaults.models]
epochs = 1
n_windows = 100
hyper = {n_units = 4}

[defaults.detections]
warmup_s = 0.3
normal_s = 0.1
n_stretches = 1

[populations.unified]
[populations.cell-b]
cells = ["B"]
"""

PLAIN = (
    HEAD
    + """
[detections.main]
population = "unified"
baselines = ["random", "last-frame", "linear-ar"]
detectors = ["zscore"]
kinds = ["tone"]
isrs_db = [0.0]
faults = ["power-step:3"]

[detections.cell-b]
population = "cell-b"
detectors = ["energy"]
kinds = ["tone"]
isrs_db = [0.0]
"""
)

CHAIN = (
    HEAD
    + """
[observers.unified]
calibration_s = 1.2

[models.unified]
population = "unified"

[models.cell-b-closed-form]
population = "cell-b"
teacher = "unified"
method = "closed-form"
seconds = 0.3

[quantisations.unified-float16]
model = "unified"

[predictions.figure-8]
models = ["unified", "cell-b-closed-form"]
populations = ["unified", "cell-b"]

[detections.main]
population = "unified"
models = ["unified", "unified-float16"]
baselines = ["last-frame"]
detectors = ["energy"]
kinds = ["tone"]
isrs_db = [0.0]

[episodes.device]
population = "unified"
model = "unified-float16"
kinds = ["tone"]
isrs_db = [0.0]
warmup_s = 0.6
normal_s = 0.5
on_s = 0.1
off_s = 0.2
false_alarm_rate = 0.01
"""
)


def parse_experiment(text: str) -> Experiment:
    """The experiment of a file that holds the text."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "experiment.toml"
        path.write_text(text)
        return load_experiment(path)
