"""A cell as lines for people."""

from edgespec.dsp.prefix.bandwidth import Bandwidth
from edgespec.dsp.prefix.cell import Cell
from edgespec.nr.block import N_BLOCK_SUBCARRIERS

__all__ = ["cell_lines", "cell_name"]


def cell_name(cell: Cell) -> str:
    """Return how a cell is called: by its identity, or by what is known in place of one."""
    if cell.is_named:
        return f"NR cell {cell.identity}" if cell.technology == "nr" else f"cell {cell.identity}"
    return "cell of NR, no name" if cell.technology == "nr" else "cell of LTE or NR, no name"


def cell_lines(title: str, cell: Cell, bandwidth: Bandwidth | None = None) -> list[str]:
    """Return two lines, ``title`` before the first."""
    spacing = f"subcarriers {cell.spacing_hz / 1e3:g} kHz apart"
    snr = f"{cell.snr_db:.1f} dB SNR"
    clock = f"clock {cell.ppm:+.2f} ppm"
    start = f"from {cell.frame_start / cell.sample_rate_hz * 1e3:.4f} ms"
    if not cell.is_named:
        who = "NR" if cell.technology == "nr" else "LTE or NR"
        return [
            f"{title}: {who} by its cyclic prefixes alone, {spacing}, {snr} over the band",
            f"  carrier {cell.cfo_hz:+.0f} Hz from a multiple of {cell.spacing_hz / 1e3:g} kHz, "
            f"{clock}, 0.5 ms {start}, coherence {cell.coherence:.2f}",
        ]
    proof = f"SSS coherence {cell.coherence:.2f}, {cell.margin:.2f} times the next"
    if cell.technology == "nr":
        wide_mhz = N_BLOCK_SUBCARRIERS * cell.spacing_hz / 1e6
        return [
            f"{title}: NR, identity {cell.identity}, {spacing}, {snr}",
            f"  block of {wide_mhz:g} MHz {cell.cfo_hz:+.0f} Hz from the centre, {clock}, "
            f"frames {start}, {proof}",
        ]
    blocks = ""
    if bandwidth is not None:
        least = "at least " if bandwidth.is_least else ""
        blocks = f"{least}{bandwidth.n_blocks} resource blocks, "
    who = f"LTE {cell.duplex.upper()}, identity {cell.identity}, {cell.prefix} prefix"
    carrier = f"carrier {cell.cfo_hz:+.0f} Hz from the centre"
    return [f"{title}: {who}, {snr}", f"  {blocks}{carrier}, {clock}, frames {start}, {proof}"]
