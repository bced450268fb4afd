"""Two transmitters at once on the campus, followed from reading to reading.

``python -m benchmarks.twin.two_followed``: seven receivers that a map knows say little of two
places at once, but who carries a transmitter is not far from where he was four seconds ago. The
posterior over all pairs of cells is spread by what walks of one transmitter show of steps, and the
next reading weighs it. What is said of a reading knows those before it, and none behind it; who
asks later, where they were, is told by all.

How much a reading weighs is chosen without the readings of two: days of the walk are located by
maps that were learnt without them, two parts of a day at once, the powers of both added up. The set
has no times for its readings of two; their order is that of one round of two people. It takes some
twenty minutes of a core and 3 GB, and writes ``two_followed.json`` and ``.md`` to
``benchmarks/results/twin``.
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.record import commit, facts
from benchmarks.twin.campus import Campus, load_campus
from benchmarks.twin.intervals import Intervals
from benchmarks.twin.saved import save_result
from benchmarks.twin.two_sources import NEAR_M, Cells, Evidence, errors_m, found_pairs, share_near
from converter.report.markdown_table import markdown_table
from edgespec.twin.walk.fit import axes_of, fit_map
from edgespec.twin.walk.learn import LearntMap, learn_map

__all__ = ["Follower", "Motion", "main"]

FloatArray = NDArray[np.float64]
Posterior = NDArray[np.float32]

_WEIGHTS = (0.05, 0.1, 0.2, 0.3, 0.4)
_WAYS = "each reading by itself", "followed", "looked back"
#: Readings as they come, four seconds apart; what is farther apart is no step.
_STEP_S = (3, 6)
#: Of a pair of parts, and how many pairs of a day.
_LENGTH, _N_PAIRS = 100, 3
#: The next reading is of anywhere: the round was interrupted.
_ELSEWHERE = 0.01
#: Readings in a row that are drawn anew together for intervals.
_IN_A_ROW = 20


@dataclass(frozen=True, slots=True)
class Motion:
    """``share``: how often a step crosses the side of a cell, in each of both directions."""

    share: float

    @classmethod
    def of(cls, campus: Campus, side_m: float) -> "Motion":
        """Return that of the walks: of a step of d in any direction it is 2 d / (pi side)."""
        order = np.argsort(campus.rest_s, kind="stable")
        took_s = np.diff(campus.rest_s[order])
        step_m = np.hypot(*np.diff(campus.rest.places_m[order], axis=0).T)
        is_step = (took_s >= _STEP_S[0]) & (took_s <= _STEP_S[1])
        return cls(float(np.mean(np.minimum(2.0 * step_m[is_step] / (np.pi * side_m), 1.0))))


class Follower:
    """The posterior over pairs of cells, as readings come.

    Args:
        cells: of the map.
        motion: of who carries the transmitters.
        weight: of the likelihood of a reading.
    """

    def __init__(self, cells: Cells, motion: Motion, weight: float) -> None:
        self._cells = cells
        self._share = np.float32(motion.share)
        self._weight = np.float32(weight)
        self._begin()

    def hear(self, evidence: Evidence) -> tuple[int, int]:
        """Take the log likelihood of the next reading; return the pair that has most near both."""
        self._weigh(self.next(), evidence)
        return self._cells.pair_of(self._posterior)

    def looked_back(self, evidences: Sequence[Evidence]) -> list[tuple[int, int]]:
        """Return the pairs of all readings of a round, each by those before and behind it."""
        # Steps are as likely backwards: what is behind a reading says what the round would say
        # that is walked from its end.
        behind = []
        for evidence in reversed(evidences):
            behind.append(self.next())
            self._weigh(behind[-1], evidence)
        self._begin()
        pairs = []
        for evidence in evidences:
            self._weigh(self.next(), evidence)
            pairs.append(self._cells.pair_of(self._posterior * behind.pop()))
        return pairs

    def next(self) -> Posterior:
        """Return where both are by the time of the next reading."""
        return self._moved(self._moved(self._posterior).T).T

    def _begin(self) -> None:
        n = len(self._cells.places_m)
        self._posterior: Posterior = np.full((n, n), 1.0 / n**2, np.float32)

    def _weigh(self, posterior: Posterior, evidence: Evidence) -> None:
        posterior = posterior * np.exp(self._weight * evidence)
        self._posterior = posterior / posterior.sum()

    def _moved(self, posterior: Posterior) -> Posterior:
        """Let the first of both go on."""
        n = len(posterior)
        grid = posterior.reshape(*self._cells.shape, n)
        for axis in (0, 1):
            lines = np.moveaxis(grid, axis, 0)
            # Who would leave the map stays.
            before = np.concatenate([lines[:1], lines[:-1]])
            behind = np.concatenate([lines[1:], lines[-1:]])
            lines = (1 - self._share) * lines + 0.5 * self._share * (before + behind)
            grid = np.moveaxis(lines, 0, axis)
        moved = np.ascontiguousarray(grid).reshape(n, n)
        elsewhere = posterior.sum(axis=0) / n
        return np.asarray((1.0 - _ELSEWHERE) * moved + _ELSEWHERE * elsewhere, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Readings of two in their order, and a map that was learnt without their day."""

    name: str
    cells: Cells
    motion: Motion
    levels_db: FloatArray
    true_m: FloatArray

    def shares(self, weights: Sequence[float]) -> list[list[float]]:
        """Return the shares with both near: by itself, and for each weight followed, looked back.

        ``(1 + 2, n_weights)``: readings by themselves have one weight, that of the map.
        """
        evidences = [self.cells.evidence(level_db) for level_db in self.levels_db]
        by_itself = self._share([self.cells.likeliest(one) for one in evidences])
        followed, looked_back = [], []
        for weight in weights:
            follower = self._follower(weight)
            followed.append(self._share([follower.hear(one) for one in evidences]))
            looked_back.append(self._share(self._follower(weight).looked_back(evidences)))
        return [[by_itself] * len(weights), followed, looked_back]

    def by_itself(self) -> FloatArray:
        """Return the errors of each reading by itself, ``(n, 2)``, changed receivers found."""
        found = found_pairs(self.cells, self.levels_db, lambda: self.cells.likeliest)
        return self._errors_m(found.places_m)

    def followed(self, weight: float) -> FloatArray:
        """Return the errors of the followed readings, ``(n, 2)``, changed receivers found."""
        found = found_pairs(self.cells, self.levels_db, lambda: self._follower(weight).hear)
        return self._errors_m(found.places_m)

    def looked_back(self, weight: float) -> FloatArray:
        """Return the errors by all readings, ``(n, 2)``, changed receivers found by following."""
        found = found_pairs(self.cells, self.levels_db, lambda: self._follower(weight).hear)
        evidences = [self.cells.evidence(one - found.off_db) for one in self.levels_db]
        pairs = self._follower(weight).looked_back(evidences)
        return self._errors_m(self.cells.places_m[np.array(pairs)])

    def _follower(self, weight: float) -> Follower:
        return Follower(self.cells, self.motion, weight)

    def _errors_m(self, found_m: FloatArray) -> FloatArray:
        return errors_m(found_m, self.true_m)

    def _share(self, pairs: list[tuple[int, int]]) -> float:
        return share_near(self._errors_m(self.cells.places_m[np.array(pairs)]))


def made_rounds(campus: Campus, learnt: LearntMap) -> Iterator[Round]:
    """Yield rounds of two, made of two parts of a day each, heard by who heard the real ones."""
    rng = np.random.default_rng(0)
    days = campus.rest.days
    took_part = np.isfinite(campus.two_db).any(axis=0)
    for day in np.unique(days):
        order = np.flatnonzero(days == day)
        order = order[np.argsort(campus.rest_s[order], kind="stable")]
        if len(order) < 3 * _LENGTH:
            continue
        known = campus.rest.chosen(days != day)
        fitted = fit_map(campus.site, known, learnt.lengths, axes_of(campus.site))
        walk_map = fitted.walk_map
        cells = Cells.of(walk_map)
        motion = Motion.of(campus, cells.side_m)
        places_m, levels_db = campus.rest.places_m[order], campus.rest.levels_db[order]
        noise = 10.0 ** (walk_map.floor_db / 10.0)
        for number in range(_N_PAIRS):
            while True:
                first, second = rng.integers(0, len(order) - _LENGTH, 2)
                if abs(first - second) > _LENGTH:
                    break
            one = np.arange(first, first + _LENGTH)
            # Backwards: who walks the same way a while later is no other round.
            other = np.arange(second, second + _LENGTH)[::-1]
            power = 10.0 ** (levels_db[one] / 10.0) + 10.0 ** (levels_db[other] / 10.0) - noise
            level_db = 10.0 * np.log10(np.maximum(power, noise / 10.0))
            level_db[:, ~took_part] = np.nan
            true_m = np.stack([places_m[one], places_m[other]], axis=1)
            name = f"{np.datetime64(int(day), 'D')} {number + 1}"
            yield Round(name, cells, motion, level_db, true_m)


def figures(off_m: FloatArray) -> dict[str, Any]:
    """Return shares and errors, with intervals by twenty readings in a row."""
    intervals = Intervals(np.arange(len(off_m)) // _IN_A_ROW)
    return {
        "both_within_300_m": intervals.of(lambda rows: share_near(off_m[rows])),
        "one_within_300_m": intervals.of(
            lambda rows: float(np.mean(off_m[rows].min(axis=1) <= NEAR_M))
        ),
        "mean_m_median": intervals.of(lambda rows: float(np.median(off_m[rows].mean(axis=1)))),
    }


def text(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    ran = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    weights = list(result["chosen_by"]["weights"])
    rounds = result["chosen_by"]["rounds"]

    def percent(of: list[float]) -> str:
        return f"{100 * of[0]:.0f} [{100 * of[1]:.0f}, {100 * of[2]:.0f}]"

    def row(name: str, found: dict[str, list[float]]) -> tuple[str, ...]:
        error, low, high = found["mean_m_median"]
        shares = percent(found["both_within_300_m"]), percent(found["one_within_300_m"])
        return (name, *shares, f"{error:.0f} [{low:.0f}, {high:.0f}]")

    return "\n".join(
        [
            "# Two transmitters at once, followed",
            "",
            f"`python -m benchmarks.twin.two_followed`, {ran}, commit {result['commit']}.",
            "",
            f"{result['n']} readings of two 1 W handhelds on the campus, of seven receivers that "
            "the map of the walk knows (Rafi et al., MIT), in the order of the set. Followed, what "
            "is said of a reading knows those before it; looked back, all of them. 95% intervals "
            "in brackets, by twenty readings in a row drawn anew.",
            "",
            markdown_table(
                (
                    "method", "both within 300 m, %", "one of them, %",
                    "mean error of the two, median, m",
                ),
                [row(name, found) for name, found in result["found"].items()],
                right_from=1,
            ),
            "",
            "## What weights were chosen by",
            "",
            f"Rounds of {_LENGTH} readings made of two parts of a day, by a map learnt without "
            "that day: share with both within 300 m, in percent. A step of the walks crosses the "
            f"side of a cell in {100 * result['step_share']:.0f}% of all cases.",
            "",
            markdown_table(
                ("round", "by itself", *(f"{way}, {one}" for way in _WAYS[1:] for one in weights)),
                [(name, *_percents(shares)) for name, shares in rounds.items()]
                + [("mean", *_percents(np.mean(list(rounds.values()), axis=0)))],
                right_from=1,
            ),
            "",
            "An experiment of this benchmark, no part of the product.",
            "",
        ]
    )  # fmt: skip


def _percents(shares: ArrayLike) -> list[str]:
    """Return a cell of readings by themselves, and one for each weight of both ways to follow."""
    by_itself, *others = np.asarray(shares)
    return [f"{100 * one:.0f}" for one in (by_itself[0], *np.concatenate(others))]


@click.command()
@click.option(
    "--kept",
    type=click.Path(path_type=Path),
    help="A map that benchmarks.twin.powder kept.",
)
@click.option("--save/--no-save", default=True, show_default=True)
def main(kept: Path | None, save: bool) -> None:
    """Choose a weight, follow the readings of two, and write the results."""
    campus = load_campus()
    if kept is not None:
        learnt, _ = pickle.loads(kept.read_bytes())
    else:
        learnt = learn_map(campus.site, campus.rest)
    rounds = {}
    for one in made_rounds(campus, learnt):
        rounds[one.name] = one.shares(_WEIGHTS)
        click.echo(f"{one.name}: {rounds[one.name]}")
    _, *mean = np.mean(list(rounds.values()), axis=0)
    onward, back = (_WEIGHTS[int(shares.argmax())] for shares in mean)
    cells = Cells.of(learnt.fitted.walk_map)
    motion = Motion.of(campus, cells.side_m)
    real = Round("real", cells, motion, campus.two_db, campus.two_m)
    found = real.by_itself(), real.followed(onward), real.looked_back(back)
    names = _WAYS[0], f"{_WAYS[1]} (weight {onward:g})", f"{_WAYS[2]} (weight {back:g})"
    result = {
        "machine": facts(("numpy", "scipy", "numba")),
        "commit": commit(),
        "n": len(campus.two_db),
        "step_share": motion.share,
        "chosen_by": {"weights": _WEIGHTS, "rounds": rounds},
        "found": {name: figures(off_m) for name, off_m in zip(names, found, strict=True)},
    }
    click.echo(text(result))
    if save:
        save_result("two_followed", result, text(result))


if __name__ == "__main__":
    main()
