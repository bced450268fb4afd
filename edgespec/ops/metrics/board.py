"""How the computer is, as Prometheus's families: heat, clock, and what holds it back."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edgespec.board import TROUBLES, BoardState

__all__ = ["figures_of_board"]


def figures_of_board(state: BoardState) -> Iterator[Metric]:
    """Yield what is known; on a computer that tells nothing, that nothing holds it back."""
    heat = GaugeMetricFamily("edgespec_temperature_celsius", "Of a thermal zone", labels=["zone"])
    for zone, celsius in state.temperatures_c:
        heat.add_metric([zone], celsius)
    held = GaugeMetricFamily(
        "edgespec_held_back", "Whether this holds the computer back", labels=["reason"]
    )
    since_boot = GaugeMetricFamily(
        "edgespec_held_back_since_boot", "Whether it ever did since boot", labels=["reason"]
    )
    for reason in TROUBLES:
        held.add_metric([reason], float(reason in state.troubles))
        since_boot.add_metric([reason], float(reason in (*state.troubles, *state.since_boot)))
    weak = CounterMetricFamily(
        "edgespec_over_current_events", "How often the supply was too weak", labels=["reason"]
    )
    for reason, n in state.n_over_current:
        weak.add_metric([reason], n)
    yield from (heat, held, since_boot, weak)
    if state.clock_hz is not None:
        clock = GaugeMetricFamily("edgespec_clock_hertz", "Of the first processor")
        clock.add_metric([], state.clock_hz)
        yield clock
