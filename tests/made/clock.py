"""A clock that goes on when a test says so."""

__all__ = ["Clock"]


class Clock:
    """Stands for the functions of ``time`` that code under test asks."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000_000

    def sleep(self, seconds: float) -> None:
        """Let time go by, without any."""
        self.now_ns += round(1e9 * seconds)

    def monotonic_ns(self) -> int:
        return self.now_ns

    def perf_counter(self) -> float:
        return 1e-9 * self.now_ns
