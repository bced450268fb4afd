"""The claims of the paper as data: what it says and where, what is compared, and the bound."""

from functools import partial

from benchmarks.papers.claim import Bound, Claim, Finding
from benchmarks.papers.peng2022 import published
from benchmarks.papers.peng2022 import swept_measures as measures
from benchmarks.papers.peng2022.swept_rows import SweptRows

__all__ = ["CLAIMS", "judged"]

#: Areas that differ by less are as good; so "insignificant" differences are below five of these.
_POINT = 0.01
_INSIGNIFICANT = 5 * _POINT
#: "Almost perfect".
_PERFECT = 0.95

_SMALLER = (Bound("upper", "below", 0.0, "%"),)
_BETTER = (Bound("lower", "above", _POINT),)
_IN_PERCENT = "{end} bound {value:+.1f}% against 0"
_IN_AUC = "{end} bound {value:+.3f} against {tolerance:+.2f}"
_WORST = "paired difference of MAE in percent, every band: {}"
_MEAN = "paired difference in percent, mean over bands: {}"
_AREA = "paired difference of the area at the lowest ISR by DTW, mean over bands: {}"
_DTW = (
    "area by DTW less that by the best other, chosen on one half of the classes and told on the "
    "other: {}"
)

CLAIMS: tuple[Claim[SweptRows], ...] = (
    Claim(
        "proposed-c",
        "The network without hours and days has the least error in nearly every band",
        "least in 5 of 6 bands by both measures, and in all 4 (Tables 2 and 3)",
        _WORST,
        measures.proposed_less_rivals,
        _SMALLER,
        f"worst {_IN_PERCENT}",
    ),
    Claim(
        "scales-mae",
        "Several scales help: hours and days make the error smaller",
        f"MAE -{published.SCALES_PERCENT[0]}% (Tables 2 and 4, sec. 4.2)",
        _MEAN,
        partial(measures.scales_percent, "MAE"),
        _SMALLER,
        _IN_PERCENT,
    ),
    Claim(
        "scales-rmse",
        "So they do the root mean square error",
        f"RMSE -{published.SCALES_PERCENT[1]}% (Tables 2 and 4, sec. 4.2)",
        _MEAN,
        partial(measures.scales_percent, "RMSE"),
        _SMALLER,
        _IN_PERCENT,
    ),
    Claim(
        "scales-others",
        "They help the compared networks, too",
        "DTS-ResNet and STS-PredNets, Tables 2 and 4",
        _MEAN,
        measures.others_percent,
        _SMALLER,
        _IN_PERCENT,
    ),
    Claim(
        "scales-area",
        "Several scales help to detect weak anomalies",
        f"AUC +{published.AUC_PERCENT[0]}% and +{published.AUC_PERCENT[1]:g}% at -10 dB (sec. 4.4)",
        _AREA,
        measures.scales_area,
        _BETTER,
        _IN_AUC,
    ),
    *(
        Claim(
            f"proposed-over-{rival}",
            f"The better forecast detects more: the proposed network over {name}",
            f"AUC +{published.RIVAL_PERCENT[rival]:g}% at -10 dB, GSM900 UL (sec. 4.4)",
            _AREA,
            partial(measures.area_over, rival),
            _BETTER,
            _IN_AUC,
        )
        for rival, name in (("cnn", "CNN"), ("deep-lstm", "LSTM"))
    ),
    Claim(
        "dtw-low",
        "DTW wins at low ISR",
        f"AUC +{published.DTW_PERCENT:g}% over the next best at -10 dB, TV (sec. 4.3)",
        _DTW,
        partial(measures.dtw_less_best, -10.0),
        _BETTER,
        _IN_AUC,
    ),
    Claim(
        "dtw-zero",
        "DTW wins in general",
        "in words (sec. 4.3); here at 0 dB",
        _DTW,
        partial(measures.dtw_less_best, 0.0),
        _BETTER,
        _IN_AUC,
    ),
    Claim(
        "discriminants-high",
        "At +10 dB discriminants do not differ",
        "in words (sec. 4.3)",
        "largest area less least, every network of Figure 7 and band: {}",
        measures.no_difference,
        (Bound("upper", "at most", _INSIGNIFICANT),),
        f"worst {_IN_AUC}",
    ),
    Claim(
        "perfect-high",
        "At +10 dB almost all networks detect perfectly",
        "in words (sec. 4.4)",
        "area of the network of Figure 8 and the band that have the least: {}",
        measures.worst_area,
        (Bound("lower", "at least", _PERFECT),),
        "{end} bound {value:.3f} against {tolerance:g}",
    ),
    Claim(
        "convolution-smooth",
        "Convolution wins on smooth bands",
        "CNN and U-Net over RNN and LSTM, all but ISM (Table 2, sec. 4.2)",
        "MAE of the former less that of the latter in percent, mean over the smoother half of the "
        "bands, by how far each is from its mean over the past: {}",
        partial(measures.convolution_less_recurrence, "smooth"),
        _SMALLER,
        _IN_PERCENT,
    ),
    Claim(
        "recurrence-volatile",
        "Recurrence wins on volatile bands",
        "RNN and LSTM over CNN and U-Net (Table 3, sec. 4.2)",
        "the same over the more volatile half: {}",
        partial(measures.convolution_less_recurrence, "volatile"),
        (Bound("lower", "above", 0.0, "%"),),
        _IN_PERCENT,
    ),
    Claim(
        "network-over-bar",
        "A network forecasts better than what needs none",
        "taken for granted: no bar is compared",
        "best network less best bar, MAE in percent, every band: {}",
        measures.best_network_less_bar,
        _SMALLER,
        f"worst {_IN_PERCENT}",
    ),
)


def judged(rows: SweptRows) -> list[tuple[Claim[SweptRows], Finding]]:
    """Return what became of every claim."""
    return [(claim, claim.on(rows, rows.n_places)) for claim in CLAIMS]
