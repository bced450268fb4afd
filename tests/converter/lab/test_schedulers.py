"""Who runs what, when, and what is left of it if something goes wrong."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from converter.lab.engine.folder import WorkFolder
from converter.lab.engine.run import Report, Summary, run_tasks, survey
from converter.lab.engine.schedulers import InProcess, Scheduler, open_scheduler
from edgespec.errors import UsageError
from tests.made import tiny_tasks

#: A diamond with a tail, and one that stands alone.
DIAMOND = tiny_tasks.plan(
    [
        tiny_tasks.Join("a", "a"),
        tiny_tasks.Join("b", "b", ("a",)),
        tiny_tasks.Join("c", "c", ("a",)),
        tiny_tasks.Join("d", "d", ("b", "c")),
        tiny_tasks.Join("alone", "x"),
    ]
)


@pytest.fixture
def folder(tmp_path: Path) -> WorkFolder:
    return WorkFolder(tmp_path / "work")


@pytest.fixture(scope="module")
def dask_address() -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=":0",
        scheduler_port=0,
        resources={"training": 1},
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(params=["process", "pool", "dask"])
def scheduler(request: pytest.FixtureRequest, folder: WorkFolder) -> Iterator[Scheduler]:
    folder.path.mkdir()
    address = request.getfixturevalue("dask_address") if request.param == "dask" else None
    opened = open_scheduler(1 if request.param == "process" else 2, address, folder.path)
    yield opened
    opened.close()


def run(
    tasks: Mapping[str, Any],
    folder: WorkFolder,
    scheduler: Scheduler | None = None,
    only: tuple[str, ...] = (),
    n_trainings: int = 2,
) -> tuple[Summary, list[Report]]:
    reports: list[Report] = []
    state = survey(tasks, folder, only)
    return run_tasks(state, folder, scheduler or InProcess(), reports.append, n_trainings), reports


def text_of(folder: WorkFolder, name: str) -> str:
    return (folder.path / "out" / f"{name}.txt").read_text()


def test_everything_runs_once_and_after_what_it_needs(
    folder: WorkFolder, scheduler: Scheduler
) -> None:
    summary, reports = run(DIAMOND, folder, scheduler)
    assert sorted(summary.done) == sorted(DIAMOND)
    assert text_of(folder, "d") in ("dbaca", "dcaba")
    order = [report.task for report in reports]
    assert all(order.index(n) < order.index(name) for name in DIAMOND for n in DIAMOND[name].needs)
    assert [report.progress.n_done for report in reports] == [1, 2, 3, 4, 5]
    assert reports[-1].progress.left_s == 0
    again, _ = run(DIAMOND, folder, scheduler)
    assert (again.done, sorted(again.up_to_date)) == ((), sorted(DIAMOND))


def test_a_failure_takes_its_dependants_and_nobody_else(
    folder: WorkFolder, scheduler: Scheduler
) -> None:
    tasks = {**DIAMOND, "b": tiny_tasks.Fail("b", "no such cell", ("a",))}
    summary, reports = run(tasks, folder, scheduler)
    assert (sorted(summary.done), summary.failed) == (["a", "alone", "c"], ("b",))
    assert summary.skipped == ("d",)
    errors = {report.task: report.error for report in reports}
    assert (errors["b"], errors["d"]) == ("no such cell", "it needs b")
    assert "Traceback" in (folder.path / "failed" / "b.txt").read_text()
    assert not (folder.path / "out" / "b.txt").exists()
    assert not any((folder.path / "tmp").iterdir())
    mended, _ = run(DIAMOND, folder, scheduler)
    assert sorted(mended.done) == ["b", "d"]
    assert not list((folder.path / "failed").iterdir())


def test_a_bug_is_one_line_with_its_type(folder: WorkFolder) -> None:
    _, (report,) = run(tiny_tasks.plan([tiny_tasks.Fail("a", "")]), folder)
    assert report.error == "ZeroDivisionError: division by zero"


def test_a_worker_that_dies_fails_its_task_only(folder: WorkFolder) -> None:
    tasks = {**DIAMOND, "c": tiny_tasks.Die("c", "c", ("a",))}
    pool = open_scheduler(2, None, folder.path)
    try:
        summary, reports = run(tasks, folder, pool)
        assert (sorted(summary.done), summary.failed) == (["a", "alone", "b"], ("c",))
        assert any("SIGKILL" in report.error for report in reports)
        (folder.path / "live").touch()
        assert sorted(run(tasks, folder, pool)[0].done) == ["c", "d"]
    finally:
        pool.close()


def test_what_changed_is_done_again_with_what_depends_on_it(folder: WorkFolder) -> None:
    run(DIAMOND, folder)
    changed = {**DIAMOND, "b": tiny_tasks.Join("b", "B", ("a",))}
    assert run(changed, folder)[0].done == ("b", "d")
    assert text_of(folder, "d") == "dBaca"
    weighed = {**changed, "a": tiny_tasks.Join("a", "A")}
    assert sorted(run(weighed, folder)[0].done) == ["a", "b", "c", "d"]


def test_what_is_in_between_is_made_again_only_for_somebody(folder: WorkFolder) -> None:
    run(DIAMOND, folder)
    (folder.path / "out" / "b.txt").unlink()
    assert run(DIAMOND, folder)[0].done == ()
    (folder.path / "out" / "d.txt").unlink()
    assert run(DIAMOND, folder)[0].done == ("b", "d")


def test_only_takes_along_what_is_needed(folder: WorkFolder) -> None:
    summary, _ = run(DIAMOND, folder, only=("[bx]",))
    assert summary.done == ("a", "b")
    with pytest.raises(UsageError, match="matches none of 5 tasks"):
        survey(DIAMOND, folder, ("e*",))


@pytest.mark.parametrize("most", [1, 2])
def test_trainings_are_capped(folder: WorkFolder, most: int) -> None:
    tasks = tiny_tasks.plan([tiny_tasks.Train(name, name) for name in "abcd"])
    pool = open_scheduler(4, None, folder.path)
    try:
        run(tasks, folder, pool, n_trainings=most)
    finally:
        pool.close()
    spans = [folder.finished(name).facts for name in tasks]
    at_once = [sum(s["began"] <= t["began"] < s["ended"] for s in spans) for t in spans]
    assert max(at_once) <= most


def test_only_trainings_see_a_gpu_and_all_have_one_thread(
    folder: WorkFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", "cuda,cpu")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    names = ("JAX_PLATFORMS", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
    tasks = tiny_tasks.plan(
        tiny_tasks.Look(name, name, names=names, trains=name == "b") for name in "ab"
    )
    pool = open_scheduler(2, None, folder.path)
    try:
        run(tasks, folder, pool)
    finally:
        pool.close()
    scores, trains = (folder.finished(name).facts for name in "ab")
    assert scores["pid"] != trains["pid"] != os.getpid()
    assert (scores["JAX_PLATFORMS"], trains["JAX_PLATFORMS"]) == ("cpu", "cuda,cpu")
    assert scores["CUDA_VISIBLE_DEVICES"] == ""
    assert scores["OMP_NUM_THREADS"] == trains["OMP_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in os.environ


def test_a_cluster_trains_in_processes_of_their_own(folder: WorkFolder, dask_address: str) -> None:
    names = ("JAX_PLATFORMS", "OMP_NUM_THREADS")
    tasks = tiny_tasks.plan(
        tiny_tasks.Look(name, name, names=names, trains=name in "cd") for name in "abcd"
    )
    folder.path.mkdir()
    cluster = open_scheduler(1, dask_address, folder.path)
    try:
        assert cluster.n_slots == 2
        assert len(run(tasks, folder, cluster)[0].done) == 4
    finally:
        cluster.close()
    facts = {name: folder.finished(name).facts for name in tasks}
    assert {facts[name]["JAX_PLATFORMS"] for name in "ab"} == {"cpu"}
    assert {facts[name]["JAX_PLATFORMS"] for name in "cd"} == {os.environ.get("JAX_PLATFORMS")}
    assert len({facts[name]["pid"] for name in "cd"} - {facts[name]["pid"] for name in "ab"}) == 2


@pytest.mark.parametrize(
    ("n_workers", "address", "message"),
    [
        (0, None, "must be at least 1"),
        (1, "localhost:8786", "tcp://HOST:PORT"),
        (1, "http://localhost:8786", "tcp://HOST:PORT"),
    ],
)
def test_a_wrong_scheduler_is_refused(
    tmp_path: Path, n_workers: int, address: str | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        open_scheduler(n_workers, address, tmp_path)


def test_a_cluster_must_share_the_folder(
    tmp_path: Path, dask_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from converter.lab.engine import cluster

    monkeypatch.setattr(cluster, "_is_file", str.isdigit)
    with pytest.raises(UsageError, match="not there for 2 of 2 Dask workers"):
        open_scheduler(1, dask_address, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_share_a_folder(folder: WorkFolder) -> None:
    with folder.locked(), pytest.raises(UsageError, match="another run"), folder.locked():
        pass
