"""What the paper published, as data: Peng et al. 2022, "Spectrum anomaly detection based on
spatio-temporal network prediction" (S2). Errors are mean and root of the mean square, in a unit
that it does not name; Figures 7 and 8 are pictures there: only what the text says of them can be
cited.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "AACHEN",
    "AUC_PERCENT",
    "CALLED",
    "DISCRIMINANTS",
    "DTW_PERCENT",
    "FIGURE_7",
    "FIGURE_8",
    "RIVAL_PERCENT",
    "SCALES",
    "SCALES_PERCENT",
    "SDR",
    "Errors",
    "Published",
]


@dataclass(frozen=True, slots=True)
class Published:
    """Mean absolute error and root mean square error."""

    mae: float
    rmse: float

    def __str__(self) -> str:
        return f"{self.mae:.4g} / {self.rmse:.4g}"


#: What the paper calls our architectures.
CALLED: Mapping[str, str] = {
    "rnn": "RNN",
    "deep-lstm": "LSTM",
    "cnn": "CNN",
    "u-net": "U-Net",
    "conv-lstm": "ConvLSTM",
    "dts-resnet-c": "DTS-ResNet-C",
    "sts-prednets-c": "STS-PredNets-C",
    "spatio-temporal-c": "Proposed-C",
    "dts-resnet": "DTS-ResNet",
    "sts-prednets": "STS-PredNets",
    "spatio-temporal-oh": "Proposed-OH",
    "spatio-temporal-od": "Proposed-OD",
    "spatio-temporal": "Proposed",
}

Errors = Mapping[tuple[str, str], Published]
_SIX = ("gsm900-ul", "gsm900-dl", "gsm1800-ul", "gsm1800-dl", "ism2400", "tv")


def _table(bands: tuple[str, ...], rows: Mapping[str, tuple[float, ...]]) -> Errors:
    return {
        (model, band): Published(*figures[2 * number : 2 * number + 2])
        for model, figures in rows.items()
        for number, band in enumerate(bands)
    }


#: Table 2, by (model, band): the six bands of Aachen, models without hours and days.
AACHEN = _table(
    _SIX,
    {
        "rnn": (0.1157, 0.3367, 0.0885, 0.2964, 0.01282, 0.1234, 0.3918, 0.7475, 0.4093, 0.8075,
                0.1676, 0.3587),
        "deep-lstm": (0.1219, 0.3033, 0.1035, 0.2940, 0.01237, 0.1236, 0.3860, 0.7305, 0.4123,
                      0.8038, 0.1641, 0.3594),
        "cnn": (0.1211, 0.3001, 0.0881, 0.2687, 0.01457, 0.0996, 0.3914, 0.7442, 0.4215, 0.8157,
                0.1699, 0.3617),
        "u-net": (0.1114, 0.2941, 0.0872, 0.2613, 0.01245, 0.0969, 0.3770, 0.7353, 0.4099, 0.8044,
                  0.1611, 0.3532),
        "dts-resnet-c": (0.1365, 0.2937, 0.1010, 0.2653, 0.01229, 0.1002, 0.3920, 0.7305, 0.4339,
                         0.8084, 0.1642, 0.3539),
        "sts-prednets-c": (0.1136, 0.3072, 0.0849, 0.2690, 0.01316, 0.1157, 0.3849, 0.7491, 0.4165,
                           0.8101, 0.1617, 0.3665),
        "spatio-temporal-c": (0.1068, 0.2850, 0.0820, 0.2553, 0.01227, 0.1022, 0.3730, 0.7212,
                              0.4079, 0.8000, 0.1571, 0.3529),
    },
)  # fmt: skip

#: Table 3: four bands of a software radio in Hefei.
SDR = _table(
    ("gsm900-ul", "gsm900-dl", "fm", "tv"),
    {
        "rnn": (0.4751, 0.7126, 0.1653, 1.2643, 0.6926, 0.7481, 0.4715, 0.6354),
        "deep-lstm": (0.4613, 0.6567, 0.1528, 1.2946, 0.6893, 0.8929, 0.4066, 0.5892),
        "cnn": (0.4651, 0.6762, 0.1733, 1.0380, 0.6995, 0.9257, 0.4701, 0.6594),
        "u-net": (0.4558, 0.6639, 0.1592, 0.9875, 0.6578, 0.8702, 0.4527, 0.6341),
        "dts-resnet-c": (0.5067, 0.6538, 0.1528, 1.0035, 0.5365, 0.8879, 0.4479, 0.6368),
        "sts-prednets-c": (0.4714, 0.6640, 0.1586, 1.0784, 0.6406, 0.9303, 0.4480, 0.6551),
        "spatio-temporal-c": (0.4281, 0.6231, 0.1472, 0.9096, 0.5134, 0.7198, 0.4015, 0.5841),
    },
)

#: Table 4: the six bands again, with hours and days.
SCALES = _table(
    _SIX,
    {
        "dts-resnet": (0.1098, 0.2895, 0.08409, 0.2600, 0.01227, 0.09890, 0.3698, 0.7214, 0.4008,
                       0.8015, 0.1606, 0.3529),
        "sts-prednets": (0.1133, 0.2958, 0.08724, 0.2649, 0.01231, 0.1050, 0.3769, 0.7344, 0.4033,
                         0.8080, 0.1624, 0.3557),
        "spatio-temporal-oh": (0.1079, 0.2846, 0.08102, 0.2553, 0.01227, 0.09835, 0.3724, 0.7226,
                               0.4039, 0.8023, 0.1603, 0.3525),
        "spatio-temporal-od": (0.1057, 0.2839, 0.08060, 0.2539, 0.01227, 0.09829, 0.3756, 0.7239,
                               0.4017, 0.7987, 0.1609, 0.3514),
        "spatio-temporal": (0.1050, 0.2816, 0.07978, 0.2536, 0.01214, 0.09790, 0.3687, 0.7173,
                            0.3899, 0.7886, 0.1531, 0.3490),
    },
)  # fmt: skip

#: Section 4.2: what hours and days take off the errors of the proposed network, MAE and RMSE.
SCALES_PERCENT = (2.3, 1.8)
#: Section 4.4: what they add to its AUC at -10 dB, in GSM900 UL and GSM1800 DL.
AUC_PERCENT = (5.8, 5.0)
#: Section 4.4: what it has over CNN and LSTM there, in GSM900 UL.
RIVAL_PERCENT = {"cnn": 8.0, "deep-lstm": 5.7}
#: Section 4.3: what DTW has over the next best at -10 dB in the TV band.
DTW_PERCENT = 8.0

#: Figure 7: networks, bands and discriminants; the root of the MSE orders as the MSE does.
FIGURE_7 = (("spatio-temporal", "cnn"), ("gsm900-ul", "gsm900-dl", "tv"))
DISCRIMINANTS: Mapping[str, str] = {
    "rmse": "MSE",
    "mae": "MAE",
    "dtw": "DTW",
    "ramp": "Ramp-score",
    "hausdorff": "Hausdorff",
}
#: Figure 8: networks and bands.
FIGURE_8 = (
    ("deep-lstm", "cnn", "u-net", "spatio-temporal-c", "spatio-temporal"),
    ("gsm900-ul", "gsm900-dl", "gsm1800-dl", "tv"),
)
