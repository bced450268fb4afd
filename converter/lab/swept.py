"""What an experiment file asks of swept bands: places, networks, and what is told apart there."""

from dataclasses import dataclass, field

from converter.data.sweeps.windows import N_FUTURE, N_PAST
from converter.simulate.swept.population import swept_specs
from converter.simulate.swept.scene import SweptSpec
from edgespec.option import about, check_record

__all__ = ["SweptDetection", "SweptPopulation"]


@dataclass(frozen=True, slots=True)
class SweptPopulation:
    """Places at which a band is swept for ``days``, simulated: each is in one split only.

    A segment is ``n_past`` sweeps and the ``n_future`` behind them. What is scored lies behind
    ``first_day``, so that hours and days are known.
    """

    band: str
    train: int = field(default=6, metadata=about("Places to fit to", minimum=1))
    validation: int = field(default=2, metadata=about("Places to stop by", minimum=1))
    calibration: int = field(default=4, metadata=about("Places to set thresholds by", minimum=1))
    test: int = field(default=6, metadata=about("Places to tell of", minimum=1))
    days: float = field(default=4.2, metadata=about("Days of each place", above=0, maximum=366))
    first_day: float = field(default=3.0, metadata=about("Days before what is scored", minimum=0))
    n_past: int = field(default=N_PAST, metadata=about("Sweeps that are seen", minimum=1))
    n_future: int = field(default=N_FUTURE, metadata=about("Sweeps that are judged", minimum=2))

    def __post_init__(self) -> None:
        check_record(self)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Places to train on, validate, calibrate and test."""
        return self.train, self.validation, self.calibration, self.test

    def specs(self, seed: int) -> list[SweptSpec]:
        """Return what is simulated."""
        return swept_specs([self.band], sum(self.counts), self.days, seed)


@dataclass(frozen=True, slots=True)
class SweptDetection:
    """Scores of segments with and without an anomaly, at places that nobody was fitted to.

    ``models`` are of ``swept_models``, ``baselines`` those that forecast, fitted to ``n_windows``
    segments of the train places; each is scored by its root mean square error and by each of
    ``discriminants``. Of each place ``n_warmup`` segments teach a scale and ``n_segments`` behind
    them are normal; at test places each of ``kinds``, at each of ``isrs_db``, is added to the
    futures of ``n_anomalies`` of these.
    """

    name: str
    population: str
    models: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()
    discriminants: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    isrs_db: tuple[float, ...] = (-10.0, -5.0, 0.0, 5.0, 10.0)
    n_windows: int = field(default=2000, metadata=about("Segments to fit bars to", minimum=1))
    n_warmup: int = field(default=32, metadata=about("Segments that teach a scale", minimum=8))
    n_segments: int = field(default=200, metadata=about("Normal segments of a place", minimum=8))
    n_anomalies: int = field(default=20, metadata=about("Of a kind, an ISR, a place", minimum=1))

    def __post_init__(self) -> None:
        check_record(self)
