"""How long things take, counted in fixed bins: what a mean hides and a maximum overstates."""

from bisect import bisect_left
from collections.abc import Iterator

__all__ = ["EDGES_S", "LatencyHistogram"]

_NS = 1_000_000_000
_BINS_PER_DECADE = 10
#: Upper edges of the bins: 1 us to 100 s in steps of a quarter (26 %).
EDGES_S: tuple[float, ...] = tuple(
    1e-6 * 10.0 ** (k / _BINS_PER_DECADE) for k in range(8 * _BINS_PER_DECADE + 1)
)
_EDGES_NS = [round(edge_s * _NS) for edge_s in EDGES_S]


class LatencyHistogram:
    """Counts durations; a bin holds those up to its edge and above the edge before.

    What is shorter than the first edge falls into the first bin, what is longer than the last into
    one more without an edge. Counting costs one search in a list and allocates nothing.

    Attributes:
        n: how many durations were counted.
        max_ns: the longest of them.
        total_ns: their sum.
    """

    __slots__ = ("_counts", "max_ns", "n", "total_ns")

    def __init__(self) -> None:
        self._counts = [0] * (len(_EDGES_NS) + 1)
        self.n = 0
        self.max_ns = self.total_ns = 0

    def add(self, duration_ns: int) -> None:
        """Count one duration; a negative one counts as nothing."""
        duration_ns = max(duration_ns, 0)
        self.total_ns += duration_ns
        self._counts[bisect_left(_EDGES_NS, duration_ns)] += 1
        self.n += 1
        if duration_ns > self.max_ns:
            self.max_ns = duration_ns

    def quantile_s(self, share: float) -> float:
        """Return a time within which at least ``share`` of the durations lay.

        It is the edge of the bin that the quantile falls into, or the longest duration where that
        is shorter: never too small, and at most a quarter too large. 0 where nothing was counted.
        """
        needed, so_far = share * self.n, 0
        for edge_ns, count in zip(_EDGES_NS, self._counts, strict=False):
            so_far += count
            if count and so_far >= needed:
                return min(edge_ns, self.max_ns) / _NS
        return self.max_ns / _NS

    def bins(self) -> Iterator[tuple[float | None, int]]:
        """Yield upper edge in seconds and count of the bins that hold something.

        The edge of the last bin, which has none, is None.
        """
        for edge_s, count in zip((*EDGES_S, None), self._counts, strict=True):
            if count:
                yield edge_s, count

    def summary_s(self) -> dict[str, float]:
        """Return the median, the 99th percentile and the longest duration; empty without any."""
        if not self.n:
            return {}
        return {
            "p50": self.quantile_s(0.5),
            "p99": self.quantile_s(0.99),
            "max": self.max_ns / _NS,
        }
