"""What the runs on real recordings came to: Markdown, and pictures with the box of the event."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from benchmarks.detection.real_cases import Outcome
from converter.report.markdown_table import markdown_table
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.ops.bench import machine_facts
from edgespec.records import IqBlock, SourceInfo

__all__ = ["Results", "draw", "markdown"]

COMMAND = "python -m benchmarks.detection.real_recordings"
_COLUMNS = (
    *("recording", "case", "events", "detector", "score / threshold"),
    *("start s", "off by segments", "edges kHz", "off by bins"),
)
_SHOWN_FROM_S = 0.35


def _facts() -> dict[str, str]:
    packages = {name: version(name) for name in ("tensorflow-cpu", "keras") if _has(name)}
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%MZ")
    return {**machine_facts(), **packages, "date": now}


def _has(package: str) -> bool:
    try:
        version(package)
    except ModuleNotFoundError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that goes into the report, for JSON too."""

    training: Any
    bundles: dict[str, dict[str, Any]]
    g20: list[Outcome]
    g20_with_ewma: list[Outcome]
    synth: list[Outcome]
    shipped: list[Outcome]
    shipped_bundle: str
    synth_levels_dbfs: tuple[float, ...]
    agc: list[Outcome]
    published: dict[str, Any]
    machine: dict[str, str] = field(default_factory=_facts)
    command: str = COMMAND


def markdown(results: Results) -> str:
    """Return the report."""
    training, published = results.training, results.published
    low, median, high = results.synth_levels_dbfs
    facts = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    losses = ", ".join(
        f"{_short(name)} {card['val_loss']:.2f} ({card['epochs']} epochs, {card['seconds']:.0f} s)"
        for name, card in results.bundles.items()
    )
    events = ", ".join(
        f"from {start:.4f} s to {stop:.4f} s" for start, stop in published["events_s"]
    )
    return f"""# Real recordings, from training to the alarm

Made by `{results.command}` from recordings that are not part of the project. {facts}.

Every run is `edgespec monitor --json` on a file of samples. An interferer is added at IQ to the
last half second, at a mean power while it transmits equal to that of all that was there (ISR 0 dB),
and the sum is quantised again to 8 bits. `events` counts them; where it is not one, the row shows
the first that overlaps the injection. Start and edges are those that the event reports: the error
of the start is given in hops of the segments, that of the edges in bins, for the worse edge of the
worst message. A tone has both edges at its frequency and cannot be reported narrower than one bin.

Settings are the same in all rotations: k 2 of n 3, hold-off 0.2 s, false-alarm rate 0.01 per
segment and detector, the detectors `model` and `zscore`, a warm-up of 24 segments (12 for
references, 12 for the scale), LSTM 2x64, at most {training.epochs} epochs with a patience of
{training.patience}, training segments {training.hop_frames} frame apart, {training.n_offsets}
calibration passes over one recording (its segments overlap, so they are fewer than they seem).
Warm-up, k of n, hold-off and rate were set before the rotations were run. On all four monitored
captures, with earlier versions of the detectors, a hop of 5 frames, a reference of 16 of the 24
segments and `ewma` were then tried beside them and left out, so the table is not that of settings
which have never seen these captures. Nor are the detectors: two untouched captures gave events with
an earlier `zscore`, whose spreads came from 12 segments as they were; since then they are drawn
towards the median of the bins. Best validation loss: {losses}.

## One LTE TDD cell at 1.92 MS/s

Four captures of a second each, in turn: one trains, the next is cut in time to train (70%) and to
stop the training (30%), the third sets the thresholds, the fourth is monitored.

{_table(results.g20)}

{_verdict(results.g20)}

`ewma` is left out because its memory of 32 segments is longer than the warm-up. With it, the four
untouched captures give {", ".join(str(o.n_events) for o in results.g20_with_ewma)} events: single
bins move by 1 to 3 dB between the first and the last 0.3 s, and it takes that for something new.

![tone](real_recordings-tone.png)

![wideband pulse](real_recordings-wideband-pulse.png)

## Output of an independent LTE stack at 5 MS/s

One recording of 1.5 s, cut in time. The load of this cell changes every 10 to 200 ms and moves the
power of the band over a horizon from {low:.1f} to {high:.1f} dBFS, with a median of {median:.1f}.
Trained on 0 to 0.36 s, validated and calibrated up to 0.76 s, monitored from 0.79 s on, with the
same warm-up of 24 segments, here 0.15 s: far shorter than the load takes to show all it does.

{_table(results.synth)}

{_verdict(results.synth)}

The shipped bundle ({results.shipped_bundle}), which has only seen simulated cells, on the whole
recording, with a warm-up of 0.96 s and its default false-alarm rate of 0.001:

{_table(results.shipped)}

{_verdict(results.shipped)}

## Captures with automatic gain

Untouched, by the bundle of the first rotation. Frames in which more than a tenth of the components
are clipped are an overload, which is an event, and are scored as lower bounds.

{_agc_table(results.agc)}

## The model published with Li et al. 2019

`LTE_880M.h5` imported (largest error on its reference outputs
{published["reference_max_error"]:.1g}), converted to float32 (largest error against Keras
{published["float32_max_error"]:.1g}; dynamic int8 is {published["dynamic_int8"]}), calibrated on
simulated cells and monitored on `{published["source"]}`: {published["n_segments"]} segments at
{published["times_real_time"]:g} times real time, events {events or "none"}. How its inputs
were scaled is not known, so this says that it runs, not how well it detects.
"""


def _table(outcomes: list[Outcome]) -> str:
    return markdown_table(_COLUMNS, map(_row, outcomes))


def _short(recording: str) -> str:
    return recording.removesuffix("_s1.92_g20_SamplingPPM26.2_1s")


def _row(o: Outcome) -> tuple[object, ...]:
    name = _short(o.recording)
    if o.start_s is None or o.lower_hz is None or o.upper_hz is None:
        return (name, o.case, o.n_events, "", "", "", "", "", "")
    off = ["", ""]
    if o.start_error_segments is not None and o.edge_error_bins is not None:
        off = [f"{o.start_error_segments:.2f}", f"{o.edge_error_bins:.1f}"]
    edges_khz = f"{o.lower_hz / 1e3:+.1f} to {o.upper_hz / 1e3:+.1f}"
    return (
        *(name, o.case, o.n_events, o.detector, f"{o.score:.1f} / {o.threshold:.1f}"),
        *(f"{o.start_s:.4f}", off[0], edges_khz, off[1]),
    )


def _verdict(outcomes: list[Outcome]) -> str:
    quiet = [o for o in outcomes if o.case == "untouched"]
    loud = [o for o in outcomes if o.case != "untouched"]
    n_right = sum(o.is_right for o in loud)
    return (
        f"Untouched: {sum(o.n_events for o in quiet)} events in {sum(o.n_scored for o in quiet)} "
        f"scored segments. Injected: {sum(o.n_found > 0 for o in loud)} of {len(loud)} have an "
        f"event during the injection, {n_right} of them within 2 bins and a segment of the truth; "
        f"{sum(o.n_events - o.n_found for o in loud)} events before it."
    )


def _agc_table(outcomes: list[Outcome]) -> str:
    rows = []
    for o in outcomes:
        skipped = ", ".join(f"{n} {reason}" for reason, n in o.skipped.items()) or "none"
        said = "; ".join(
            f"{start:.3f} to {stop:.3f} s, {low / 1e3:+.0f} to {high / 1e3:+.0f} kHz"
            for start, stop, low, high in o.spans
        )
        events = f"{o.n_events}: {said}" if said else o.n_events
        rows.append((o.recording, o.n_segments, o.n_scored, skipped, events))
    return markdown_table(("recording", "segments", "scored", "skipped", "events"), rows)


def draw(
    samples: NDArray[Any], info: SourceInfo, recipe: Recipe, outcome: Outcome, path: Path
) -> None:
    """Write the picture of what was heard, with the event as a box.

    Args:
        samples: of the whole run.
        info: their rate and format.
        recipe: of the spectrogram.
        outcome: what was reported.
        path: PNG to write.
    """
    front_end = FrontEnd(recipe.framing, info.sample_format, max_block_samples=len(samples))
    frames = front_end.process(IqBlock(samples, recipe.sample_rate_hz, 0.0, 0, 0))
    frame_s = recipe.framing.frame_s
    first = round(_SHOWN_FROM_S / frame_s)
    shown = frames.power_dbfs[first:]
    # Two frames a pixel column: the file stays small.
    shown = shown[: len(shown) // 2 * 2].reshape(-1, 2, recipe.framing.n_bins).mean(axis=1)
    half_mhz = recipe.sample_rate_hz / 2e6
    figure, axes = pyplot.subplots(figsize=(8.0, 3.4), layout="constrained")
    low, high = np.quantile(shown, (0.02, 0.998))
    image = axes.imshow(
        shown.T,
        origin="lower",
        aspect="auto",
        cmap=pyplot.get_cmap("viridis", 24),
        vmin=float(low),
        vmax=float(high),
        extent=(
            1e3 * _SHOWN_FROM_S,
            1e3 * frames.n_frames * frame_s,
            -half_mhz,
            half_mhz,
        ),
        interpolation="nearest",
    )
    if outcome.start_s is not None and outcome.stop_s is not None:
        low_mhz, high_mhz = (outcome.lower_hz or 0.0) / 1e6, (outcome.upper_hz or 0.0) / 1e6
        corner = (1e3 * outcome.start_s, low_mhz)
        size = (1e3 * (outcome.stop_s - outcome.start_s), high_mhz - low_mhz)
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor="white", linewidth=1.5))
        axes.annotate(
            f"{low_mhz:+.3f} to {high_mhz:+.3f} MHz by {outcome.detector}",
            (corner[0], high_mhz),
            xytext=(2, 4),
            textcoords="offset points",
            color="white",
            fontsize=9,
            fontweight="bold",
        )
    axes.set_xlabel("time, ms")
    axes.set_ylabel("MHz against the centre")
    axes.set_title(f"{outcome.recording}, {outcome.case} at ISR 0 dB from 500 ms on", fontsize=9)
    figure.colorbar(image, label="dBFS per bin")
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
