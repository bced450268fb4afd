"""Commands of the laboratory: ``evaluate`` and ``report``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from converter.cli.output import FILE, FOLDER, emit, json_option, note
from edgespec.errors import EdgespecError
from edgespec.screen.progress import Progress
from edgespec.units import format_duration

if TYPE_CHECKING:
    from converter.lab.engine.run import Report, State, Summary

__all__ = ["evaluate", "report"]

_INTERRUPTED = 130


@click.command()
@click.argument("experiment", type=FILE)
@click.option("--work", type=FOLDER, required=True, help="Folder of all that comes out.")
@click.option(
    "--workers",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Tasks at once, in processes.",
)
@click.option("--scheduler", metavar="URI", help="Dask instead: tcp://HOST:PORT.")
@click.option(
    "--training-workers",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    help="Trainings at once.",
)
@click.option("--only", multiple=True, metavar="PATTERN", help="Tasks, and what they need.")
@click.option("--dry-run", is_flag=True, help="List the tasks and run none.")
@click.option(
    "--recordings",
    type=FOLDER,
    envvar="EDGESPEC_RECORDINGS",
    default=Path("../shared/data"),
    show_default=True,
    show_envvar=True,
    help="Folder of real recordings; what is not there is left out.",
)
@json_option
def evaluate(
    experiment: Path,
    work: Path,
    workers: int,
    scheduler: str | None,
    training_workers: int,
    only: tuple[str, ...],
    dry_run: bool,
    recordings: Path,
    as_json: bool,
) -> None:
    """Run the EXPERIMENT of a TOML file; run again, it goes on where it stopped.

    What changed in the file is done again, with all that depends on it, and nothing else.
    """
    from converter.lab.engine.folder import WorkFolder
    from converter.lab.engine.plan import make_plan
    from converter.lab.engine.run import survey
    from converter.lab.toml import load_experiment

    plan = make_plan(load_experiment(experiment), recordings)
    for text in plan.notes:
        note(f"left out: {text}")
    folder = WorkFolder(work.absolute())
    if dry_run:
        _list(survey(plan.tasks, folder, only), as_json)
        return
    with folder.locked():
        folder.sweep()
        for path in folder.retire({task.output(folder) for task in plan.tasks.values()}):
            note(f"no longer asked for, moved to {folder.path / 'retired'}: {path.name}")
        folder.keep_experiment(experiment)
        state = survey(plan.tasks, folder, only)
        summary = _run(state, folder, workers, scheduler, training_workers, as_json)
    _conclude(summary, work, as_json)


def _list(state: "State", as_json: bool) -> None:
    for name, task in state.tasks.items():
        to_do = name in state.to_do
        emit(
            {"task": name, "to_do": to_do, "weight_s": round(task.weight, 1)},
            as_json,
            f"{'to do' if to_do else 'done'}\t{task.weight:8.1f} s\t{name}",
        )
    left = [state.tasks[name].weight for name in state.to_do]
    note(
        f"{len(left)} of {len(state.tasks)} tasks to do, by a rough guess {sum(left) / 3600:.1f} "
        "hours on one core"
    )


def _run(
    state: "State",
    folder: Any,
    workers: int,
    scheduler: str | None,
    training_workers: int,
    as_json: bool,
) -> "Summary":
    from converter.lab.engine.run import run_tasks
    from converter.lab.engine.schedulers import open_scheduler

    note(f"{len(state.to_do)} of {len(state.tasks)} tasks to do in {str(folder.path)!r}")
    opened = open_scheduler(workers, scheduler, folder.path)
    try:
        with Progress() as progress:
            told = _printer(as_json, progress)
            return run_tasks(state, folder, opened, told, training_workers)
    except KeyboardInterrupt:
        note("interrupted; run the same command again to go on: only what ran just now is lost")
        raise click.exceptions.Exit(_INTERRUPTED) from None
    finally:
        opened.close()
        folder.sweep()


def _printer(as_json: bool, shown: Progress) -> Any:
    def show(news: "Report") -> None:
        progress = news.progress
        left = f"about {format_duration(progress.left_s)} left"
        shown.at(f"{len(progress.running)} running, {left}")
        if as_json:
            click.echo(json.dumps({"event": news.status, **asdict(news)}))
            return
        width = len(str(progress.n_total))
        line = f"{progress.n_done:{width}}/{progress.n_total} {news.status} {news.task}"
        line += f": {news.error}" if news.error else f" in {news.wall_s:.1f} s"
        running = f", {len(progress.running)} running" if progress.running else ""
        note(f"{line}{running}, {left}")

    return show


def _conclude(summary: "Summary", work: Path, as_json: bool) -> None:
    counts = {name: len(value) for name, value in asdict(summary).items() if name != "wall_s"}
    emit(
        {"event": "end", **counts, "wall_s": round(summary.wall_s, 1), "work": str(work)},
        as_json,
        f"{counts['done']} tasks done, {counts['up_to_date']} up to date, {counts['failed']} "
        f"failed, {counts['skipped']} skipped in {format_duration(summary.wall_s)}: {work}",
    )
    if summary.failed:
        raise EdgespecError(
            f"{len(summary.failed)} tasks failed, such as {summary.failed[0]!r}, and "
            f"{len(summary.skipped)} that need them were skipped: see {work / 'failed'}, and run "
            "the same command again to try them again"
        )


@click.command()
@click.argument("work", type=FOLDER)
@click.option("-o", "--out", type=FOLDER, required=True, help="Folder of the report.")
@json_option
def report(work: Path, out: Path, as_json: bool) -> None:
    """Write the report of a WORK folder that evaluate has filled: Markdown and JSON."""
    from converter.report.report import write_report

    with Progress() as progress:
        path = write_report(work, out, progress.say)
    emit({"report": str(path)}, as_json, f"report {path}")
