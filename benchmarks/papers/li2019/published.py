"""What the paper published, as data: Li et al. 2019, "Scaling deep learning models for spectrum
anomaly detection" (S1). Errors are in dB, with the standard deviation over segments behind them.

ROC curves (Figures 4, 5, 12 and 13) and quantiles (Figures 8 to 11) are pictures there: only what
the text says of them can be cited.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "AUTOENCODER_PERCENT",
    "BANDS",
    "CROSS_BAND",
    "CROSS_CELL",
    "DATA_RATIO",
    "FAULTS",
    "MOBILITY",
    "PLACES",
    "RIVALS",
    "TIMES",
    "UNIFIED",
    "UPLINK",
    "Published",
]


@dataclass(frozen=True, slots=True)
class Published:
    """A mean in dB, and its standard deviation where the paper has one."""

    mean_db: float
    std_db: float | None = None

    def __str__(self) -> str:
        return f"{self.mean_db:.2f}" + ("" if self.std_db is None else f" ({self.std_db:.2f})")


def _matrix(
    tests: tuple[str, ...], columns: Mapping[str, tuple[tuple[float, float], ...]]
) -> dict[tuple[str, str], Published]:
    return {
        (train, test): Published(*figures)
        for train, column in columns.items()
        for test, figures in zip(tests, column, strict=True)
    }


#: Table 1(a), by (trained on, tested on), 880 MHz.
PLACES = _matrix(
    ("place 1", "place 2", "place 3", "mixed"),
    {
        "place 1": ((2.71, 0.38), (3.41, 0.64), (2.68, 0.46), (3.70, 1.79)),
        "place 2": ((5.21, 12.74), (2.46, 0.76), (4.56, 7.03), (4.86, 13.84)),
        "place 3": ((2.97, 0.56), (3.67, 1.09), (2.63, 0.26), (4.07, 1.88)),
        "unified": ((2.67, 0.32), (2.47, 0.24), (2.61, 0.29), (2.59, 0.23)),
    },
)

#: Table 1(b).
TIMES = _matrix(
    ("day", "night", "mixed"),
    {
        "day": ((2.59, 0.23), (2.63, 0.23), (2.59, 0.18)),
        "night": ((2.74, 0.22), (2.71, 0.27), (2.74, 0.18)),
        "unified": ((2.53, 0.18), (2.61, 0.22), (2.55, 0.22)),
    },
)

#: Table 1(c).
MOBILITY = _matrix(
    ("static", "walk", "drive", "mixed"),
    {
        "static": ((2.52, 0.21), (2.47, 0.29), (2.64, 0.29), (2.66, 0.30)),
        "walk": ((2.47, 0.23), (2.62, 0.23), (2.58, 0.26), (2.54, 0.27)),
        "drive": ((2.57, 0.33), (2.67, 0.27), (2.59, 0.26), (2.61, 0.23)),
        "unified": ((2.43, 0.23), (2.56, 0.18), (2.57, 0.23), (2.58, 0.19)),
    },
)

#: Table 2, early 2018 and June 2018.
BANDS: Mapping[str, tuple[Published, Published]] = {
    "880 MHz": (Published(2.58, 0.19), Published(2.61, 0.21)),
    "750 MHz": (Published(2.70, 0.25), Published(2.72, 0.24)),
    "730 MHz": (Published(2.54, 0.26), Published(2.52, 0.25)),
    "830 MHz uplink": (Published(3.14, 0.78), Published(3.11, 0.73)),
}
UNIFIED = Published(2.58, 0.19)
UPLINK = Published(3.14, 0.78)

#: Sections 5.1 and 5.2, Figure 8: another cell of the 880 MHz band.
CROSS_CELL = {
    "self": Published(2.59),
    "zero-shot": Published(3.36, 0.56),
    "1L, 5 min": Published(2.65),
}

#: Sections 5.1 and 5.2, Figure 9: from 880 to 730 MHz.
CROSS_BAND = {
    "self": Published(2.70, 0.25),
    "zero-shot": Published(3.54, 0.71),
    "1L": Published(3.13),
}

#: Section 5.2: a day of data for a model of its own against five minutes for a transfer.
DATA_RATIO = 288

#: Section 4.3: by how much the autoencoder's error is larger.
AUTOENCODER_PERCENT = (3.0, 8.0)

#: Table 3: percent detected at 1% false alarms at 880, 750 and 730 MHz.
FAULTS: Mapping[str, tuple[float, float, float]] = {
    "power-step:3": (58, 60, 53),
    "power-step:5": (78, 81, 78),
    "frequencies-down:0.33": (52, 57, 54),
    "frequencies-down:0.66": (87, 90, 88),
    "frequencies-down:1": (100, 100, 100),
}

#: Figure 4: our scores, and what the paper calls them.
RIVALS = {"one-class-svm": "one-class SVM", "kalman": "Kalman filter", "rss-rule": "RSS rule"}
