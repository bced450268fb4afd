"""Draws the results that are there, as PNGs beside them: ``python -m benchmarks.speed.draw``.

One picture a benchmark and machine: speed ratios as bars, kernels below their roofs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from matplotlib import pyplot, ticker

from benchmarks import record

__all__ = ["DRAWERS", "draw_model", "draw_path", "draw_roofline", "main"]

_OURS, _THEIRS, _BASE = "#1f6f8b", "#b8b8b8", "#6b6b6b"
_LEVEL_COLOURS = {"L1": "#1f6f8b", "L2": "#4c9f70", "L3": "#d9a441", "RAM": "#c25b56"}


def draw_model(result: Mapping[str, Any]) -> Any:
    """Return bars: how often the time of each runtime goes into LiteRT's float32."""
    timings = result["timings"]
    networks = list(dict.fromkeys(timing["network"] for timing in timings))
    figure, axes = pyplot.subplots(
        1, len(networks), figsize=(4.6 * len(networks), 3.8), layout="constrained", squeeze=False
    )
    for ax, network in zip(axes[0], networks, strict=True):
        own = [timing for timing in timings if timing["network"] == network]
        base = "LiteRT, float32"
        _bars(
            ax,
            [timing["runtime"] for timing in own],
            [timing["ratios"][base] for timing in own],
            [f"{timing['min_us']:,.0f} us" for timing in own],
            base,
        )
        ax.set_title(network, fontsize=10)
        ax.set_xlabel("times as fast as LiteRT, float32")
    return figure


def draw_path(result: Mapping[str, Any]) -> Any:
    """Return bars: the whole path in times real time."""
    timings = result["timings"]
    figure, ax = pyplot.subplots(figsize=(10.0, 0.34 * len(timings) + 1.0), layout="constrained")
    _bars(
        ax,
        [f"{timing['network']}: {timing['path']}" for timing in timings],
        [timing["times_real_time"] for timing in timings],
        [f"{timing['median_us']:.0f} us" for timing in timings],
        "",
    )
    ax.set_xlabel("times real time at 5 MS/s, one core")
    return figure


def _bars(
    ax: Any, names: Sequence[str], values: Sequence[float], labels: Sequence[str], base: str
) -> None:
    rows = np.arange(len(names))[::-1]
    colours = [_OURS if "edgespec" in n else _BASE if n == base else _THEIRS for n in names]
    ax.barh(rows, values, color=colours, height=0.7)
    for row, value, label in zip(rows, values, labels, strict=True):
        ax.annotate(
            f"{value:.2g}x, {label}" if value < 10 else f"{value:.0f}x, {label}",
            (value, row),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    ax.set_yticks(rows, names, fontsize=8)
    ax.set_xlim(0, 1.35 * max(values))
    ax.spines[["top", "right"]].set_visible(False)


def draw_roofline(result: Mapping[str, Any]) -> Any:
    """Return the roofs of one core, and every kernel where it is."""
    ceilings = result["ceilings"]
    figure, ax = pyplot.subplots(figsize=(11.0, 5.2), layout="constrained")
    intensity = np.geomspace(0.2, 30, 200)
    for level, colour in _LEVEL_COLOURS.items():
        gbps = max(ceilings[name][level] for name in ("read_gbps", "sgemv_gbps", "copy_gbps"))
        roof = np.minimum(ceilings["fma_gflops"], intensity * gbps)
        ax.plot(intensity, roof, color=colour, lw=1.2, label=f"{level}, {gbps:.0f} GB/s")
    for name, style in (("fma_gflops", "-"), ("sgemm_gflops", ":")):
        text = {"fma_gflops": "multiply-add in registers", "sgemm_gflops": "sgemm of OpenBLAS"}[
            name
        ]
        ax.axhline(ceilings[name], color="black", lw=0.8, ls=style)
        ax.annotate(f"{text}, {ceilings[name]:.0f} GFLOP/s", (29, ceilings[name]), xytext=(0, 3),
                    textcoords="offset points", ha="right", fontsize=7)  # fmt: skip
    at_best = [kernel for kernel in result["kernels"] if not kernel["name"].endswith(" bits")]
    for number, kernel in enumerate(at_best, start=1):
        x, y = kernel["flop_per_byte"], kernel["gflops"]
        colour = _LEVEL_COLOURS[kernel["level"]]
        text = f"{number}  {kernel['name']}: {100 * kernel['share']:.0f} % of its roof"
        ax.plot(x, y, "o", color=colour, ms=6, label=text)
        # One to the left, one to the right: several lie close together.
        side = (
            {"xytext": (6, -3), "ha": "left"} if number % 2 else {"xytext": (-6, -3), "ha": "right"}
        )
        ax.annotate(str(number), (x, y), textcoords="offset points", fontsize=8, **side)
    ax.set(xscale="log", yscale="log", xlabel="FLOP per byte", ylabel="GFLOP/s")
    ax.set_xlim(0.2, 30)
    ticks = [20, 50, 100, 200]
    ax.set_yticks(ticks, ticks, minor=False)
    ax.yaxis.set_minor_formatter(ticker.NullFormatter())
    ax.set_xticks([0.2, 0.5, 1, 2, 5, 10, 20], [0.2, 0.5, 1, 2, 5, 10, 20])
    ax.xaxis.set_minor_formatter(ticker.NullFormatter())
    ax.grid(which="both", alpha=0.2)
    ax.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def draw_instructions(result: Mapping[str, Any]) -> Any:
    """Return bars: millions of instructions of one segment of each network."""
    counts = [count for count in result["counts"] if count["of"] != "one hop"]
    networks = list(dict.fromkeys(count["of"] for count in counts))
    figure, axes = pyplot.subplots(
        1, len(networks), figsize=(4.6 * len(networks), 3.2), layout="constrained", squeeze=False
    )
    for ax, network in zip(axes[0], networks, strict=True):
        own = [c for c in counts if c["of"] == network and c["target"] == "AVX2"]
        millions = [count["millions"] for count in own]
        names = [count["contestant"] for count in own]
        rows = np.arange(len(own))[::-1]
        ax.barh(rows, millions, color=[_OURS if "edgespec" in n else _THEIRS for n in names])
        ax.bar_label(ax.containers[0], [f" {m:.2f}" for m in millions], fontsize=7)
        ax.set_yticks(rows, names, fontsize=8)
        ax.set_title(network, fontsize=10)
        ax.set_xlabel("million instructions of a segment, AVX2")
        ax.set_xlim(0, 1.2 * max(millions))
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def draw_front_end(result: Mapping[str, Any]) -> Any:
    """Return bars: millions of int16 samples a second at the product's default size."""
    own = [t for t in result["timings"] if (t["n_fft"], t["sample_format"]) == (128, "ci16")]
    own = own or result["timings"]
    figure, ax = pyplot.subplots(figsize=(8.0, 0.36 * len(own) + 1.2), layout="constrained")
    names, rates = [t["name"] for t in own], [t["best_msps"] for t in own]
    peers = [rate for name, rate in zip(names, rates, strict=True) if name == "FFTW in C"]
    peer = peers[0] if peers else max(rates)
    labels = [f"{rate:.0f} MS/s" for rate in rates]
    _bars(ax, names, [rate / peer for rate in rates], labels, "FFTW in C")
    ax.set_xlabel("times as fast as FFTW in C, 128 points, int16 samples, one core")
    return figure


#: By the name that result files begin with.
DRAWERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "model": draw_model,
    "path": draw_path,
    "roofline": draw_roofline,
    "instructions": draw_instructions,
    "front_end": draw_front_end,
}


@click.command()
@click.argument(
    "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=record.RESULTS
)
def main(folder: Path) -> None:
    """Draw every result in FOLDER, benchmarks/results if none is given."""
    for name, draw in DRAWERS.items():
        for path in sorted(folder.glob(f"{name}-*.json")):
            figure = draw(json.loads(path.read_text()))
            figure.savefig(path.with_suffix(".png"), dpi=110)
            pyplot.close(figure)
            click.echo(path.with_suffix(".png"))


if __name__ == "__main__":
    main()
