"""Every baseline by the name it has in a table."""

from collections.abc import Callable

from converter.baselines.baseline import Baseline
from converter.baselines.bin_deviation import BinDeviation
from converter.baselines.cfar import Cfar, cell_average, ordered_statistic
from converter.baselines.context_mean import ContextMean
from converter.baselines.cyclic_prefix import CyclicPrefix
from converter.baselines.forecast_error import ForecastError
from converter.baselines.kalman import KalmanFilter
from converter.baselines.kurtosis import SpectralKurtosis
from converter.baselines.last_frame import LastFrame
from converter.baselines.linear import LinearForecast, frames, trend_and_rest
from converter.baselines.outliers import NoveltyDetector, isolation_forest, one_class_svm
from converter.baselines.pca import PcaReconstruction
from converter.baselines.random_score import RandomScore
from converter.baselines.rss import RssDeviation, RssRule
from converter.baselines.untrained import UntrainedNetwork
from converter.baselines.weighted_mean import WeightedMean
from edgespec.errors import UsageError
from edgespec.records import Geometry

__all__ = ["BASELINES", "make_baseline"]

#: How each is made from the geometry and a seed; heavy libraries are loaded when it is fitted. None
#: has the name of a detector of the device: those compute something else.
BASELINES: dict[str, Callable[[Geometry, int], Baseline]] = {
    "random": lambda geometry, seed: RandomScore(seed),
    "last-frame": lambda geometry, seed: ForecastError(LastFrame()),
    "context-mean": lambda geometry, seed: ForecastError(ContextMean()),
    "weighted-mean": lambda geometry, seed: ForecastError(WeightedMean()),
    "linear-ar": lambda geometry, seed: ForecastError(LinearForecast(geometry, frames)),
    "residual-ar": lambda geometry, seed: ForecastError(
        LinearForecast(geometry, frames, of_residual=True)
    ),
    "dlinear": lambda geometry, seed: ForecastError(LinearForecast(geometry, trend_and_rest)),
    "untrained": lambda geometry, seed: ForecastError(UntrainedNetwork(geometry, seed)),
    "bin-deviation": lambda geometry, seed: BinDeviation(),
    "rss-deviation": lambda geometry, seed: RssDeviation(),
    "rss-rule": lambda geometry, seed: RssRule(),
    "os-cfar": lambda geometry, seed: Cfar(ordered_statistic),
    "ca-cfar": lambda geometry, seed: Cfar(cell_average),
    "kalman": lambda geometry, seed: KalmanFilter(),
    "pca": lambda geometry, seed: PcaReconstruction(seed),
    "isolation-forest": lambda geometry, seed: NoveltyDetector(isolation_forest, seed),
    "one-class-svm": lambda geometry, seed: NoveltyDetector(one_class_svm, seed),
    "spectral-kurtosis": lambda geometry, seed: SpectralKurtosis(),
    "cyclic-prefix": lambda geometry, seed: CyclicPrefix(),
}


def make_baseline(name: str, geometry: Geometry, seed: int = 0) -> Baseline:
    """Return a new baseline that has not learnt anything.

    Raises:
        UsageError: the name is unknown.
    """
    if name not in BASELINES:
        raise UsageError(f"baseline {name!r} is unknown; choose one of {', '.join(BASELINES)}")
    return BASELINES[name](geometry, seed)
