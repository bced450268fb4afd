"""Commands that make recordings and data sets: ``simulate`` and ``dataset``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from converter.cli.output import FOLDER, emit, json_option, note
from edgespec.records import FFT_SIZES, TAPER_ENBW_BINS, Geometry
from edgespec.units import parse_quantity

__all__ = ["dataset", "simulate"]


@click.command()
@click.argument("recordings", nargs=-1, required=True)
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the data set.")
@click.option("--train", multiple=True, metavar="GLOB", help="Recordings to train on, by name.")
@click.option("--validation", multiple=True, metavar="GLOB", help="... to stop training by.")
@click.option("--calibration", multiple=True, metavar="GLOB", help="... to set thresholds by.")
@click.option("--test", multiple=True, metavar="GLOB", help="... to report on, never before.")
@click.option(
    "--fractions",
    default="0.5,0.15,0.15,0.2",
    show_default=True,
    help="Shares, if no GLOB is given.",
)
@click.option("--split-time", is_flag=True, help="Cut every recording in time: for who has one.")
@click.option("--seed", default=0, show_default=True, help="Seed of the split by shares.")
@click.option("--sample-rate", help="Samples a second; default: of the first recording.")
@click.option("--n-fft", type=click.Choice([str(n) for n in FFT_SIZES]), default="128")
@click.option("--averages", default=10, show_default=True, help="Power spectra in a frame.")
@click.option("--taper", type=click.Choice(sorted(TAPER_ENBW_BINS)), default="hann")
@click.option("--context", default=100, show_default=True, help="Frames the model sees.")
@click.option("--horizon", default=25, show_default=True, help="Frames it forecasts.")
@click.option("--hop", type=int, help="Frames from segment to segment; default: the horizon.")
@json_option
def dataset(
    recordings: tuple[str, ...],
    out: Path,
    train: tuple[str, ...],
    validation: tuple[str, ...],
    calibration: tuple[str, ...],
    test: tuple[str, ...],
    fractions: str,
    split_time: bool,
    seed: int,
    sample_rate: str | None,
    n_fft: str,
    averages: int,
    taper: str,
    context: int,
    horizon: int,
    hop: int | None,
    as_json: bool,
) -> None:
    """Turn RECORDINGS (SigMF paths or source URIs) into a data set, split by recording."""
    from converter.recordings import (
        PreparedRecording,
        build_dataset,
        first_sample_rate,
        recording_name,
        recording_uri,
    )

    uris = [recording_uri(text) for text in recordings]
    patterns = {
        "train": train,
        "validation": validation,
        "calibration": calibration,
        "test": test,
    }
    split = _split([recording_name(uri) for uri in uris], patterns, fractions, split_time, seed)
    geometry = Geometry(
        sample_rate_hz=(
            parse_quantity(sample_rate, "--sample-rate") if sample_rate else first_sample_rate(uris)
        ),
        n_fft=int(n_fft),
        n_averages=averages,
        taper=taper,
        n_context=context,
        n_horizon=horizon,
        hop_frames=horizon if hop is None else hop,
    )

    def progress(done: PreparedRecording) -> None:
        note(f"{done.name}: {done.n_frames} frames, {done.n_frames * geometry.frame_s:.2f} s")

    result = build_dataset(uris, out, geometry, split, progress)
    frames = {name: sum(p.n_frames for p in result.split(name)) for name in patterns}
    lines = [
        f"{name}: {len(result.split(name))} recordings, {n} frames" for name, n in frames.items()
    ]
    emit(
        {"dataset": str(out), "sha256": result.sha256, "frames": frames},
        as_json,
        "\n".join([*lines, f"data set {out}"]),
    )


def _split(
    names: Sequence[str],
    patterns: dict[str, tuple[str, ...]],
    fractions: str,
    split_time: bool,
    seed: int,
) -> Any:
    from converter.splits import split_by_fraction, split_by_name, split_by_time

    if any(patterns.values()):
        if split_time:
            raise click.UsageError("--split-time and patterns exclude each other")
        return split_by_name(names, patterns)
    shares = [parse_quantity(share, "--fractions") for share in fractions.split(",")]
    return split_by_time(shares) if split_time else split_by_fraction(names, shares, seed)


@click.command()
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the recordings.")
@click.option("--observers", default=3, show_default=True, help="Recordings to make.")
@click.option("--duration", default=5.0, show_default=True, help="Seconds of each.")
@click.option("--sample-rate", default="5M", show_default=True)
@click.option("--mixture", default="plain", show_default=True, help="plain, varied or uplink.")
@click.option("--direction", type=click.Choice(["dl", "ul"]), help="Default: of the mixture.")
@click.option("--kind", help="Interferer to add, such as tone or qpsk.")
@click.option("--isr-db", default=0.0, show_default=True, help="Interferer over wanted signal.")
@click.option("--offset", default="0", show_default=True, help="Interferer from the centre, Hz.")
@click.option("--start", default=1.0, show_default=True, help="Seconds, of interferer and fault.")
@click.option("--stop", type=float, help="Seconds; default: to the end.")
@click.option("--every", default=0.0, show_default=True, help="Interferer again each so often, s.")
@click.option("--fault", help="power-step, frequencies-down or station-lost.")
@click.option("--step-db", default=3.0, show_default=True, help="Of the fault power-step.")
@click.option("--share", default=1.0, show_default=True, help="Of the frequencies that are down.")
@click.option("--seed", default=0, show_default=True)
@json_option
def simulate(
    out: Path,
    observers: int,
    duration: float,
    sample_rate: str,
    mixture: str,
    direction: str | None,
    kind: str | None,
    isr_db: float,
    offset: str,
    start: float,
    stop: float | None,
    every: float,
    fault: str | None,
    step_db: float,
    share: float,
    seed: int,
    as_json: bool,
) -> None:
    """Write SigMF of what standing, walking and driving observers of LTE-like cells hear."""
    from converter.simulate.additions import with_additions
    from converter.simulate.mixture import choose_mixture
    from converter.simulate.recordings import training_specs, write_recordings
    from edgespec.simulate.config import FaultConfig, InterfererConfig

    rate_hz = parse_quantity(sample_rate, "--sample-rate")
    interferers, faults = [], []
    if kind is not None:
        offset_hz = parse_quantity(offset, "--offset")
        interferers.append(
            InterfererConfig(kind, isr_db, offset_hz, start_s=start, stop_s=stop, every_s=every)
        )
    if fault is not None:
        faults.append(FaultConfig(fault, start, stop, step_db, share))
    chosen = choose_mixture(mixture, direction)
    plain = training_specs(observers, duration, rate_hz, seed, mixture=chosen)
    specs = with_additions(plain, interferers, faults)
    paths = []
    for spec in specs:
        paths += write_recordings(out, [spec])
        note(f"{spec.name}: {spec.duration_s:g} s, {spec.context}")
    emit(
        {"recordings": [str(path) for path in paths]},
        as_json,
        f"{len(paths)} recordings in {out}",
    )
