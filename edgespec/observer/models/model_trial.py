"""Whether a model that took the place of another keeps its promise: false events, and time."""

from edgespec.observer.band import BandChain
from edgespec.observer.latency import LatencyHistogram
from edgespec.observer.models.trial_watch import TrialWatch

__all__ = ["TRIAL_S", "ModelTrial"]

#: So much signal is judged; what goes well for a day is no news any more.
TRIAL_S = 86_400.0
#: So many calls are looked at together, and so often in a row they must take too long.
_CALLS, _TIMES = 200, 3


class ModelTrial:
    """Judges the model of a band from its switch on, for a day of signal.

    Its promise of false events is broken where a detector makes more than are bearable, by the
    proof that raises thresholds (:class:`~edgespec.observer.scoring.budget_watch.BudgetWatch`);
    what the model before would have told, too, is not counted. Its promise of time is broken where
    three times in a row 200 calls of the network take longer, on average, than the signal that they
    are for: it can never catch up.

    Args:
        chain: the band, which goes by the model from now on.
        watch: counts its events.
    """

    def __init__(self, chain: BandChain, watch: TrialWatch) -> None:
        self._watch = watch
        self._call = chain.scorer.inference
        self._hop_s = chain.geometry.hop_s
        self._segments = chain.n_segments
        self._n, self._total_ns = _counts(self._call)
        self._n_late = 0

    def is_over(self, chain: BandChain) -> bool:
        """Whether all that is judged was heard."""
        return (chain.n_segments - self._segments) * self._hop_s >= TRIAL_S

    def broken(self, chain: BandChain) -> str:
        """Return which promise is broken, in words; '' where none is."""
        if excess := self._watch.excess:
            return excess
        n, total_ns = _counts(self._call)
        n_calls = n - self._n
        if n_calls < _CALLS:
            return ""
        call_s = (total_ns - self._total_ns) / n_calls / 1e9
        self._n, self._total_ns = n, total_ns
        self._n_late = self._n_late + 1 if call_s > self._hop_s else 0
        if self._n_late < _TIMES:
            return ""
        return (
            f"its network takes {_ms(call_s)} a call, and a segment comes every {_ms(self._hop_s)}"
        )


def _counts(call: LatencyHistogram | None) -> tuple[int, int]:
    return (0, 0) if call is None else (call.n, call.total_ns)


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
