"""What a soak found, as a record and as a page."""

from dataclasses import dataclass

from benchmarks.chaos.soak.air import RATE_HZ
from benchmarks.chaos.soak.judge import BandFindings, percentiles
from benchmarks.chaos.soak.watched import WATCHDOG_S
from benchmarks.chaos.trial import Trial
from converter.report.markdown_table import markdown_table

__all__ = ["Findings"]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is known of a soak; ``failed`` says in words why the observer did not last it.

    ``memory`` is seconds and MB, once a minute. ``begin_to_subscriber_ms`` is from the begin of an
    interferer on the air to its first message at the subscriber, of all that came within 1.5 s.
    """

    minutes: float
    failed: str
    faults: dict[str, int]
    left_out: tuple[str, ...]
    messages: Trial
    bands: tuple[BandFindings, ...]
    slope_mb_per_hour: float
    memory_mb: tuple[float, float]
    memory: tuple[tuple[float, float], ...]
    longest_pause_s: float
    is_watchdog_fed: bool
    begin_to_subscriber_ms: tuple[float, ...]
    machine: dict[str, str]

    def as_text(self) -> str:
        """Return the page."""
        messages, told = self.messages, [one for band in self.bands for one in band.told_ms]
        order = "in order" if messages.in_order else "**not in order**"
        lines = [
            "# A soak: two bands in real time, a fault every minute",
            "",
            f"Made by `python -m benchmarks.chaos.soak --minutes {self.minutes:g}`.",
            "",
            self._bands(),
            "",
            f"- Messages of events: {messages.n_said} said, {messages.n_lost} lost, "
            f"{messages.n_repeated} repeated, {order}"
            + (f" (**{messages.failed}**)" if messages.failed else "")
            + ".",
            f"- Sample to alarm, as the observer says: {_spread(told)}.",
            f"- Begin of an interferer to the subscriber: {_spread(self.begin_to_subscriber_ms)}.",
            f"- Memory: {self.memory_mb[0]:g} to {self.memory_mb[1]:g} MB in the second half, "
            f"slope {self.slope_mb_per_hour:+.1f} MB an hour; "
            f"{self.memory[:2][-1][1]:g} MB after a minute.",
            f"- Watchdog: at most {self.longest_pause_s:g} s without a sign of life, of "
            f"{WATCHDOG_S:g} s{'' if self.is_watchdog_fed else ': **starved**'}.",
            f"- Faults: {'; '.join(f'{name}: {n}' for name, n in sorted(self.faults.items()))}.",
        ]
        lines += [f"- Left out: {one}." for one in self.left_out]
        lines += [f"- **Failed: {self.failed}**"] if self.failed else []
        known = ", ".join(f"{key} {value}" for key, value in self.machine.items())
        return "\n".join([*lines, "", f"{known}."])

    def _bands(self) -> str:
        columns = (
            *("band", "interferers found", "near an outage", "other events"),
            *("samples counted less on air, ms", "called dropped, s", "not sent, s"),
            "begin of events less interferers', ms (first, median, last, range)",
        )
        rows = []
        for band in self.bands:
            errors = band.error_ms
            said = "-"
            if errors:
                half = percentiles(errors)[0]
                said = (
                    f"{errors[0]:+.1f}, {half:+.1f}, {errors[-1]:+.1f}, "
                    f"{min(errors):+.1f} to {max(errors):+.1f}"
                )
            rows.append(
                (
                    band.band,
                    f"{band.n_found} of {band.n_judged}",
                    f"{band.n_found_else} of {band.n_else}",
                    str(band.n_strangers),
                    f"{1e3 * (band.counted - band.on_air) / RATE_HZ:+.0f}",
                    f"{band.n_dropped / RATE_HZ:.2f}",
                    f"{band.n_not_sent / RATE_HZ:.2f}",
                    said,
                )
            )
        return markdown_table(columns, rows)


def _spread(values_ms: list[float] | tuple[float, ...]) -> str:
    half, most, longest = percentiles(values_ms)
    return f"median {half:.1f} ms, p99 {most:.1f} ms, most {longest:.1f} ms of {len(values_ms)}"
