"""``python -m tests.fuzz``: every parser for a share of the time, or one input again."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from edgespec.machine import machine_facts
from tests.fuzz import guided
from tests.fuzz.law import call_measured
from tests.fuzz.mutator import mutants
from tests.fuzz.run import Tally, fuzz, keep
from tests.fuzz.targets import TARGETS

#: Of the time of a target where the guided engine is installed.
_GUIDED_SHARE = 0.4


@click.command()
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option("--seconds", default=60.0, show_default=True, help="For all targets together.")
@click.option("--seed", type=int, help="Of the inputs; by default another one each time.")
@click.option("--crashes", type=click.Path(path_type=Path), default=Path("crashes"))
@click.option("--input", "path", type=click.Path(exists=True, path_type=Path), help="Call once.")
@click.option("--save", type=click.Path(path_type=Path), help="Write the table here as JSON, too.")
def main(
    names: Sequence[str],
    seconds: float,
    seed: int | None,
    crashes: Path,
    path: Path | None,
    save: Path | None,
) -> None:
    """Throw damaged inputs at parsers. Nothing but a short EdgespecError may come out."""
    unknown = set(names) - TARGETS.keys()
    if unknown:
        raise click.UsageError(f"no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if path is not None:
        _again(names, path)
        return
    seed = int(time.time()) if seed is None else seed
    chosen = names or tuple(TARGETS)
    tallies = {}
    click.echo(f"seed {seed}; atheris is {'' if guided.is_installed() else 'not '}installed")
    click.echo(f"{'target':20}{'inputs':>10}{'refused':>9}{'longest':>11}{'memory':>9}")
    for name in chosen:
        tally = tallies[name] = _fuzzed(name, seconds / len(chosen), seed)
        click.echo(
            f"{name:20}{tally.n_inputs:10,}{tally.n_refused / max(1, tally.n_inputs):9.0%}"
            f"{tally.longest_s * 1e3:8.0f} ms{tally.growth_mb:6.0f} MB"
        )
        for problem, data in tally.problems.items():
            click.echo(f"  {problem}\n    {keep(name, data, crashes)}")
    n_inputs = sum(tally.n_inputs for tally in tallies.values())
    n_problems = sum(len(tally.problems) for tally in tallies.values())
    click.echo(f"{n_inputs:,} inputs, {n_problems} problems")
    if save is not None:
        _save(save, seed, seconds, tallies)
    sys.exit(1 if n_problems else 0)


def _fuzzed(name: str, seconds: float, seed: int) -> Tally:
    with tempfile.TemporaryDirectory(prefix="edgespec-fuzz-") as text:
        folder = Path(text)
        is_guided = guided.is_installed()
        own_s = seconds * (1.0 - _GUIDED_SHARE) if is_guided else seconds
        target = TARGETS[name]
        inputs = mutants(target.seeds(), seed)
        tally = fuzz(target.open(folder), inputs, lambda n, passed_s: passed_s >= own_s)
        if is_guided:
            tally.add(_guided(name, seconds - own_s, seed, folder))
        return tally


def _guided(name: str, seconds: float, seed: int, folder: Path) -> Tally:
    out = folder / "tally.json"
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(seconds), str(seed), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not out.exists():
        raise click.ClickException(f"atheris did not start on {name}: {done.stderr[-500:]}")
    tally = guided.tally_of(out.read_text())
    if done.returncode and "BINGO" not in done.stderr:
        tally.problems.setdefault(f"the process ended with {done.returncode}", b"")
    return tally


def _again(names: Sequence[str], path: Path) -> None:
    (name,) = names
    with tempfile.TemporaryDirectory(prefix="edgespec-fuzz-") as folder:
        call = TARGETS[name].open(Path(folder))
        data = path.read_bytes()
        click.echo(call_measured(call, data))
        call(data)


def _save(path: Path, seed: int, seconds: float, tallies: dict[str, Tally]) -> None:
    table = {
        name: {**asdict(tally), "problems": sorted(tally.problems)}
        for name, tally in tallies.items()
    }
    result = {
        "schema": "edgespec.fuzz/1",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine_facts(),
        "atheris": guided.is_installed(),
        "seed": seed,
        "seconds": seconds,
        "targets": table,
    }
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
