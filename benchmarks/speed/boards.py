"""What a small board could do, estimated and not measured: ``python -m benchmarks.speed.boards``.

Instructions of the model's kernels are counted in the code that LLVM makes for the board's core
(:mod:`benchmarks.speed.arm64`); those of the front end and of the rest are what callgrind counted
here with registers of four floats, so :mod:`benchmarks.speed.instructions` must have been run
before. How many instructions a core completes in a cycle is assumed, from pessimistic to
optimistic.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Any

import click

from benchmarks import record
from benchmarks.speed.arm64 import Code, compile_kernels
from converter.report.markdown_table import markdown_table
from edgespec.errors import EdgespecError
from edgespec.framing import Recipe

__all__ = ["BOARDS", "SHAPES", "Board", "Shape", "instructions_of", "main", "shares"]

RATES_HZ = (1.92e6, 2.4e6, 5e6, 10e6, 20e6)
_RECIPE = Recipe(5e6)
_GEOMETRY = _RECIPE.geometry
#: Around every tile of a projection, as read in the code of ``project``: which rows, where they
#: begin, and the tile's way to its place.
_TILE_GLUE = 130
_TILE_ROWS, _TILE_COLUMNS, _WIDE, _LANES = 4, 16, 64, 16
_N_NEW = _GEOMETRY.hop_frames


@dataclass(frozen=True, slots=True)
class Board:
    """What is published of a board, and what is assumed of it.

    ``per_cycle`` instructions, pessimistic and optimistic. ``bandwidth_bps`` is half of what the
    clock and width of its memory give: what one core gets at best.
    """

    name: str
    core: str
    clock_hz: float
    per_cycle: tuple[float, float]
    bandwidth_bps: float


_IN_ORDER, _SMALL, _LARGE = (0.5, 0.9), (0.9, 1.6), (1.6, 2.8)
BOARDS = (
    Board("Raspberry Pi Zero 2 W", "cortex-a53", 1.0e9, _IN_ORDER, 1.8e9),
    Board("Raspberry Pi 4", "cortex-a72", 1.5e9, _SMALL, 6.4e9),
    Board("Raspberry Pi 5", "cortex-a76", 2.4e9, _LARGE, 8.5e9),
    Board("Jetson Nano", "cortex-a57", 1.43e9, _SMALL, 12.8e9),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Inputs and units of the LSTM layers, inputs and outputs of the dense ones.

    ``live`` is the share of inputs of later dense layers that a rectifier leaves above zero;
    ``n_frames`` are the steps of one segment.
    """

    lstms: tuple[tuple[int, int], ...]
    denses: tuple[tuple[int, int], ...]
    is_hard: bool = False
    reuses: bool = False
    live: float = 1.0
    n_frames: int = _GEOMETRY.n_context

    @property
    def weight_bytes(self) -> float:
        """What one segment reads of the weights at least."""
        lstms = sum(4 * n_units * (n_in + n_units) for n_in, n_units in self.lstms)
        return 4.0 * (
            lstms + sum(self.live_rows(n) * out for n, (_, out) in enumerate(self.denses))
        )

    def live_rows(self, number: int) -> float:
        """Return how many inputs of a dense layer count."""
        return self.denses[number][0] * (self.live if number else 1.0)


_TWO = ((128, 64), (64, 64))
SHAPES: Mapping[str, Shape] = {
    "LSTM 2x64": Shape(_TWO, ((64, 3200),)),
    "LSTM 2x64, with reuse": Shape(_TWO, ((64, 3200),), reuses=True),
    "LSTM 2x64, stateful": Shape(_TWO, ((64, 3200),), n_frames=_N_NEW),
    "published LSTM 3x64, with reuse": Shape(
        (*_TWO, (64, 64)), ((64, 3200),), is_hard=True, reuses=True
    ),
    "autoencoder, float32": Shape((), ((3200, 256), (256, 64), (64, 256), (256, 3200)), live=0.5),
}


def instructions_of(shape: Shape, codes: Mapping[str, Code]) -> float:
    """Return the instructions of one segment; ``codes`` are those of one core, by kernel."""
    n_frames, total = shape.n_frames, 0.0
    cells = codes["_hard_cells" if shape.is_hard else "_soft_cells"]
    tile, wide, scale = codes["_multiply_four"], codes["_add_wide"], codes["_scale"]
    for number, (n_in, n_units) in enumerate(shape.lstms):
        n_gates = 4 * n_units
        n_rows = _N_NEW if shape.reuses and number == 0 else n_frames
        n_tiles = ceil(n_rows / _TILE_ROWS) * n_gates // _TILE_COLUMNS
        total += n_tiles * (_TILE_GLUE + tile.once + n_in * tile.loop)
        # A division serves four units, twice in a loop.
        n_cell_loops = n_units * 2 / (4 * cells.divisions)
        total += n_frames * (
            scale.once
            + n_gates / (4 * scale.multiply_adds) * scale.loop
            + n_gates / _WIDE * (wide.once + n_units * wide.loop)
            + n_units / _LANES * cells.once
            + n_cell_loops * cells.loop
        )
    rows = codes["_rows_that_count"]
    for number, (n_in, n_out) in enumerate(shape.denses):
        total += n_in / rows.scalars * rows.loop
        total += n_out / _WIDE * (wide.once + shape.live_rows(number) * wide.loop)
    return total


def shares(
    board: Board, instructions: float, n_bytes: float, rate_hz: float
) -> tuple[float, float]:
    """Return the shares of one core that one stream takes, optimistic and pessimistic."""
    hop_s = _RECIPE.hop_samples / rate_hz
    pessimistic, optimistic = board.per_cycle
    from_memory_s = n_bytes / board.bandwidth_bps
    return (
        max(instructions / optimistic / board.clock_hz, from_memory_s) / hop_s,
        (instructions / pessimistic / board.clock_hz + from_memory_s) / hop_s,
    )


def _counted(path: Path) -> dict[tuple[str, str, str], float]:
    try:
        counts = json.loads(path.read_text())["counts"]
    except OSError:
        raise EdgespecError(
            f"there is no {path.name}: run `python -m benchmarks.speed.instructions` here first"
        ) from None
    return {(c["of"], c["contestant"], c["target"]): 1e6 * c["millions"] for c in counts}


def _said(low: float, high: float) -> str:
    verdict = "yes" if high <= 1.0 else "perhaps" if low <= 1.0 else "no"
    return f"{verdict}, {100 * low:.0f} to {100 * high:.0f} %"


def table(result: Mapping[str, Any]) -> str:
    """Return Markdown: the code, the instructions, and what they mean."""
    keys = ("kernel", "core", "loop", "multiply_adds", "divisions", "loads", "stores", "spills")
    code_rows = [[code[key] for key in (*keys, "scalars")] for code in result["code"]]
    code_head = ["kernel", "core", "instructions in the loop", "fmla of 4", "fdiv of 4"]
    code_head += ["vector loads", "vector stores", "spills", "single floats"]
    shares_rows = []
    for board in BOARDS:
        for name in SHAPES:
            own = [s for s in result["shares"] if (s["board"], s["model"]) == (board.name, name)]
            cells = [_said(s["low"], s["high"]) for s in own]
            shares_rows.append([board.name, name, *cells])
    rates = [f"{rate_hz / 1e6:g} MS/s" for rate_hz in RATES_HZ]
    board_rows = [
        [b.name, b.core, f"{b.clock_hz / 1e9:g} GHz", "{} to {}".format(*b.per_cycle),
         f"{b.bandwidth_bps / 1e9:g} GB/s"]
        for b in BOARDS
    ]  # fmt: skip
    model_rows = [[m["model"], m["core"], f"{m['millions']:.2f}"] for m in result["models"]]
    parts = [
        "**Estimated, not measured.** Real time on one core, and the share of that core that the "
        "whole path takes, from the optimistic to the pessimistic assumption:",
        markdown_table(["board", "model", *rates], shares_rows),
        "What is assumed:",
        markdown_table(["board", "core", "clock", "instructions a cycle", "memory"], board_rows),
        "Million instructions of one segment of the model, counted in the code for the core:",
        markdown_table(["model", "core", "million"], model_rows),
        "The innermost loops, as LLVM makes them for the core:",
        markdown_table(code_head, code_rows),
    ]
    return "\n\n".join(parts)


@click.command()
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(save: bool) -> None:
    """Estimate what share of one core of a small board the observer takes."""
    machine = record.facts(("llvmlite",))
    counted = _counted(record.RESULTS / f"instructions-{record.slug(machine)}.json")
    front_end = counted["one hop", "front end", "four lanes"]
    model = counted["LSTM 2x64", "edgespec, Numba, with reuse", "four lanes"]
    rest = counted["one hop", "whole path, LSTM", "four lanes"] - front_end - model
    codes = compile_kernels()
    models: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for core in dict.fromkeys(board.core for board in BOARDS):
        own = {code.kernel: code for code in codes if code.core == core}
        for name, shape in SHAPES.items():
            models.append(
                {"model": name, "core": core, "millions": instructions_of(shape, own) / 1e6}
            )
    for board in BOARDS:
        for name, shape in SHAPES.items():
            (own_model,) = (m for m in models if (m["model"], m["core"]) == (name, board.core))
            total = 1e6 * own_model["millions"] + front_end + rest
            for rate_hz in RATES_HZ:
                # Weights of less than half a megabyte stay in the second cache.
                n_bytes = shape.weight_bytes if shape.weight_bytes > 1e6 else 0.0
                low, high = shares(board, total, n_bytes, rate_hz)
                found.append(
                    {
                        "board": board.name,
                        "model": name,
                        "rate_hz": rate_hz,
                        "low": low,
                        "high": high,
                    }
                )
    result = {
        "machine": machine,
        "front_end_millions": front_end / 1e6,
        "rest_millions": rest / 1e6,
        "boards": [asdict(board) for board in BOARDS],
        "models": models,
        "code": [asdict(code) for code in codes],
        "shares": found,
    }
    text = table(result) + (
        f"\n\nFront end {front_end / 1e6:.2f} and all the rest {rest / 1e6:.2f} million "
        "instructions of one hop, counted here with four lanes."
    )
    click.echo(text)
    if save:
        title = "Small boards: estimated, not measured"
        click.echo(
            record.save("boards", title, result, text),
            err=True,
        )


if __name__ == "__main__":
    main()
