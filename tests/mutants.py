"""Change one thing in a module, run the tests that concern it, and say what no test noticed.

``make mutants`` tries a share of all mutants of :data:`TESTS` with a fixed seed;
``python -m tests.mutants --share 1 edgespec/detect/site.py`` tries all of one module. cosmic-ray
says what can be changed; one operator of ours takes a statement away. Tests run on a copy of the
tree with ``NUMBA_DISABLE_JIT=1``: the kernels are then the plain Python they are written in, and
nothing is compiled. The process forks for every mutant after it has imported what is large, so
that one costs as much as its tests do. docs/mutants.md says what was found.
"""

import argparse
import ast
import compileall
import contextlib
import importlib
import math
import os
import py_compile
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import parso
import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("edgespec", "converter", "tests", "setup.cfg", "pyproject.toml")

#: Sizes that are left out without the compiler where all formats are tried; one costs a second.
LARGER = [
    f"dsp/test_spectrogram.py::test_equals_the_definition[{n_fft}-cf32-hann-compiled]"
    for n_fft in (128, 256, 512, 1024)
]

#: Tests that concern a module, the quick ones first: they stop at the first that fails.
TESTS = {
    "edgespec/detect/arithmetic.py": ["detect/test_arithmetic.py"],
    "edgespec/detect/compiled.py": ["detect/test_arithmetic.py"],
    "edgespec/detect/plain.py": ["detect/test_arithmetic.py"],
    "edgespec/detect/detectors.py": ["detect", "observer/test_choice.py"],
    "edgespec/detect/reference.py": ["detect"],
    "edgespec/detect/residual.py": ["detect"],
    "edgespec/detect/any_band/arithmetic.py": ["detect/any_band/test_arithmetic.py"],
    "edgespec/detect/any_band/bursts.py": ["detect/any_band"],
    "edgespec/detect/any_band/detector.py": ["detect/any_band/test_detector.py"],
    "edgespec/detect/any_band/known.py": ["detect/any_band"],
    "edgespec/detect/any_band/loops.py": ["detect/any_band"],
    "edgespec/detect/any_band/plain.py": ["detect/any_band"],
    "edgespec/detect/any_band/runs.py": ["detect/any_band"],
    "edgespec/detect/any_band/tails.py": ["detect/any_band"],
    "edgespec/detect/any_band/waiting.py": ["detect/any_band/test_detector.py"],
    "edgespec/detect/scan/arithmetic.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/scan/deviation.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/scan/lines.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/scan/loops.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/scan/memory.py": ["detect/scan"],
    "edgespec/detect/scan/plain.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/scan/power_scan.py": ["detect/scan/test_power_scan.py"],
    "edgespec/detect/scan/residual_scan.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/scan/site.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/scan/spreads.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/scan/terms.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/scan/windows.py": ["detect/scan/test_residual_scan.py"],
    "edgespec/detect/site.py": ["detect"],
    "edgespec/detect/threshold.py": ["detect/test_threshold.py"],
    "edgespec/detect/gain.py": ["detect/test_gain.py"],
    "edgespec/detect/describer.py": ["detect"],
    "edgespec/detect/description.py": ["detect"],
    "edgespec/detect/naming.py": ["detect"],
    "edgespec/detect/shape.py": ["detect"],
    "edgespec/detect/normal.py": ["detect"],
    "edgespec/detect/regions.py": ["detect"],
    "edgespec/detect/rules.py": ["detect"],
    "edgespec/detect/sightings.py": ["detect"],
    "edgespec/detect/track.py": ["detect"],
    "edgespec/detect/trouble.py": ["detect/test_trouble.py"],
    "edgespec/detect/events.py": ["detect"],
    "edgespec/dsp/butterflies.py": ["dsp/test_spectrogram.py", *LARGER],
    "edgespec/dsp/compiled_frames.py": ["dsp/test_spectrogram.py", *LARGER],
    "edgespec/dsp/lanes.py": ["dsp/test_spectrogram.py", *LARGER],
    "edgespec/dsp/passes.py": ["dsp/test_spectrogram.py", *LARGER],
    "edgespec/dsp/plain_frames.py": ["dsp/test_spectrogram.py"],
    "edgespec/dsp/spectrogram.py": ["dsp/test_spectrogram.py"],
    "edgespec/dsp/checks.py": ["dsp/test_spectrogram.py", "dsp/test_quality.py"],
    "edgespec/dsp/tapers.py": ["dsp/test_spectrogram.py"],
    "edgespec/dsp/compiled_transform.py": ["dsp/test_transform.py", "detect/test_arithmetic.py"],
    "edgespec/dsp/transform.py": ["dsp/test_transform.py", "detect/test_arithmetic.py"],
    "edgespec/dsp/transforms.py": ["dsp/test_transform.py", "detect/test_arithmetic.py"],
    "edgespec/dsp/channel.py": ["dsp/test_channel.py"],
    "edgespec/dsp/channel_loops.py": ["dsp/test_channel.py"],
    "edgespec/dsp/channel_plain.py": ["dsp/test_channel.py"],
    "edgespec/dsp/channel_plan.py": ["dsp/test_channel.py"],
    "edgespec/dsp/level_loops.py": ["alarm/test_rss.py"],
    "edgespec/dsp/levels.py": ["alarm/test_rss.py"],
    "edgespec/dsp/prefix/bandwidth.py": ["dsp/prefix/test_bandwidth.py"],
    "edgespec/dsp/prefix/folding.py": ["dsp/prefix/test_folding.py"],
    "edgespec/dsp/prefix/identify.py": ["dsp/prefix/test_search.py"],
    "edgespec/dsp/prefix/pilots.py": ["dsp/prefix/test_bandwidth.py", "dsp/prefix/test_search.py"],
    "edgespec/dsp/prefix/primary.py": ["dsp/prefix/test_primary.py"],
    "edgespec/dsp/prefix/rate.py": ["dsp/prefix/test_rate.py"],
    "edgespec/dsp/prefix/search.py": ["dsp/prefix/test_search.py"],
    "edgespec/dsp/prefix/secondary.py": ["dsp/prefix/test_search.py"],
    "edgespec/dsp/prefix/cancel_loops.py": ["dsp/prefix/test_residual.py"],
    "edgespec/dsp/prefix/cancel_compiled.py": ["dsp/prefix/test_residual.py"],
    "edgespec/dsp/prefix/cancel_plain.py": ["dsp/prefix/test_residual.py"],
    "edgespec/dsp/prefix/cancelling.py": ["dsp/prefix/test_residual.py"],
    "edgespec/dsp/prefix/delay.py": ["dsp/prefix/test_residual.py"],
    "edgespec/dsp/prefix/plan.py": ["dsp/prefix/test_plan.py", "dsp/prefix/test_residual.py"],
    "edgespec/dsp/prefix/recipe.py": ["dsp/prefix/test_residual.py"],
    "edgespec/dsp/prefix/residual.py": [
        "dsp/prefix/test_residual.py",
        "dsp/prefix/test_tracker.py",
    ],
    "edgespec/dsp/prefix/slot_clock.py": [
        "dsp/prefix/test_residual.py",
        "dsp/prefix/test_tracker.py",
    ],
    "edgespec/dsp/prefix/slots.py": ["dsp/prefix/test_residual.py"],
    "edgespec/dsp/prefix/steering.py": ["dsp/prefix/test_tracker.py"],
    "edgespec/dsp/prefix/timing_filter.py": ["dsp/prefix/test_tracker.py"],
    "edgespec/dsp/prefix/tracker.py": ["dsp/prefix/test_tracker.py", "dsp/prefix/test_residual.py"],
    "edgespec/dsp/quality.py": ["dsp/test_quality.py"],
    "edgespec/dsp/segments.py": ["dsp/test_segments.py"],
    "edgespec/alarm/console.py": ["alarm/test_console.py"],
    "edgespec/screen/output.py": ["alarm/test_console.py"],
    "edgespec/screen/terminal.py": ["screen/test_terminal.py", "alarm/test_console.py"],
    "edgespec/alarm/sinks.py": ["alarm/test_sinks.py", "observer/test_endings.py"],
    "edgespec/alarm/listener.py": ["alarm/test_mqtt.py", "ops/test_demo.py"],
    "edgespec/alarm/mqtt.py": ["alarm/test_rss.py", "alarm/test_mqtt.py"],
    "edgespec/alarm/outbox/journal.py": ["alarm/outbox"],
    "edgespec/alarm/outbox/delivered.py": ["alarm/outbox"],
    "edgespec/alarm/outbox/reservation.py": ["alarm/outbox"],
    "edgespec/alarm/outbox/spool.py": ["alarm/outbox", "alarm/test_mqtt.py"],
    "edgespec/alarm/outbox/mailbox.py": ["alarm/outbox/test_mailbox.py", "alarm/test_mqtt.py"],
    "edgespec/alarm/outbox/sender.py": ["alarm/test_mqtt.py", "alarm/test_rss.py"],
}

#: Interfaces have nothing that can be changed.
INTERFACES = {"edgespec/alarm/sink.py", "edgespec/detect/detector.py"}

#: Imported once for all mutants; nothing of ours, which a mutant changes.
LARGE = (
    "numpy", "scipy.signal", "scipy.special", "numba", "hypothesis.extra.numpy", "paho.mqtt.client",
    "sigmf", "jsonschema", "click", "ai_edge_litert.interpreter",
)  # fmt: skip
ARGUMENTS = ["-q", "-x", "-p", "no:cacheprovider"]
# Some of what is large is a plugin too, and cannot be rewritten any more.
ARGUMENTS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
#: A mutant may take this long, and as many times longer than the tests without one.
PATIENCE_S, TIMES_LONGER = 10.0, 4.0
MEMORY_BYTES = 8 << 30


class RemoveStatement(Operator):
    """Puts ``pass`` for a call or for an assignment to something that lasts."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "simple_stmt":
            what = node.children[0]
            kept = what.children[0].type if what.type == "expr_stmt" else what.type
            if kept == "atom_expr" or (
                what.type == "atom_expr" and what.children[0].type == "name"
            ):
                yield what.start_pos, what.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        first = node.children[0]
        prefix = first.get_first_leaf().prefix
        node.children[0] = parso.parse(f"{prefix}pass")
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()


#: By name. Those that need arguments and those that change decorators are left out.
OPERATORS: dict[str, type[Operator]] = {
    **{
        name: OperatorProvider()[name]
        for name in OperatorProvider()
        if name not in {"RemoveDecorator", "VariableReplacer", "VariableInserter"}
    },
    "RemoveStatement": RemoveStatement,
}


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    path: str
    kind: str
    line: int
    before: str
    after: str

    def __str__(self) -> str:
        """Say where it is, and its first line before and after."""
        lines = zip(self.before.splitlines(), self.after.splitlines(), strict=False)
        old, new = next((one for one in lines if one[0] != one[1]), ("", ""))
        return f"{self.path}:{self.line} {self.kind}\n  - {old.strip()}\n  + {new.strip()}"


def modules() -> set[str]:
    """Return the modules of every room that has one in :data:`TESTS`."""
    rooms = {(ROOT / path).parent for path in TESTS}
    paths = {path for room in rooms for path in room.rglob("*.py") if path.name != "__init__.py"}
    return {path.relative_to(ROOT).as_posix() for path in paths}


def unchanged_places(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where nothing is changed: types, decorators, imports and messages of errors."""
    nodes: list[ast.AST] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            nodes += node.decorator_list
        nodes += [
            one
            for one in (getattr(node, "annotation", None), getattr(node, "returns", None))
            if isinstance(one, ast.AST)
        ]
        if isinstance(node, ast.JoinedStr | ast.Raise):
            nodes.append(node)
    return [
        ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))  # type: ignore[attr-defined]
        for node in nodes
    ]


def mutants_of(
    path: str, source: str, share: float, dice: random.Random
) -> tuple[list[Mutant], int]:
    """Return a share of the mutants of a module, one at most for a place, and how many places."""
    closed = unchanged_places(source)
    places: dict[Any, list[tuple[str, int]]] = defaultdict(list)
    for name, operator in OPERATORS.items():
        occurrence = 0
        for node in ast_nodes(get_ast(source)):
            for at in operator().mutation_positions(node):
                if not any(first <= at[0] < last for first, last in closed):
                    places[at, name.split("_")[0]].append((name, occurrence))
                occurrence += 1
    chosen = sorted(dice.sample(sorted(places), math.ceil(share * len(places))))
    out = []
    for place in chosen:
        name, occurrence = dice.choice(places[place])
        changed = mutate_code(source, OPERATORS[name](), occurrence)
        if changed and changed != source:
            out.append(Mutant(path, name, place[0][0][0], source, changed))
    return out, len(places)


def run_tests(tree: Path, tests: Sequence[str], patience_s: float) -> str:
    """Return what became of a mutant that lies in ``tree``: survived, killed or late."""
    child = os.fork()
    if not child:
        _run_in_child(tree, tests)
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "late"


def _run_in_child(tree: Path, tests: Sequence[str]) -> None:
    code = 1
    try:
        # Brokers and other processes of a test end with the group.
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
        if "MUTANTS_SHOW" not in os.environ:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
        os.chdir(tree)
        sys.path[0] = str(tree)
        os.environ["PYTHONPATH"] = str(tree)
        for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
            del sys.modules[name]
        files = [f"tests/edgespec/{name}" for name in tests if "::" not in name]
        code = int(pytest.main([*ARGUMENTS, "-m", "not slow_without_jit", *files]))
        named = [f"tests/edgespec/{name}" for name in tests if "::" in name]
        if named and not code:
            code = int(pytest.main([*ARGUMENTS, *named]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def main() -> int:
    """Try the mutants; print a table, and to stderr each that survives: a person judges them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(TESTS), metavar="MODULE")
    parser.add_argument("--share", type=float, default=0.15, help="of the mutants of each module")
    parser.add_argument("--seed", type=int, default=20261122)
    options = parser.parse_args()
    forgotten = modules() - INTERFACES - set(TESTS)
    if forgotten:
        print(f"left out, not in TESTS: {', '.join(sorted(forgotten))}", file=sys.stderr)
    os.environ.update(NUMBA_DISABLE_JIT="1", OPENBLAS_NUM_THREADS="1")
    for name in LARGE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(
                    ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(ROOT / name, tree)
        # By its content: a mutant of the same length within a second would pass for the last one.
        compileall.compile_dir(
            tree / "edgespec",
            quiet=1,
            invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH,
        )
        print("| module | places | tried | killed | late | survived | s |", flush=True)
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
        for path in options.modules:
            try_module(tree, path, options)
    return 0


def try_module(tree: Path, path: str, options: argparse.Namespace) -> None:
    """Try a share of the mutants of one module; say at once which survive, then how many."""
    # Of the path too: a module's mutants do not depend on which others are asked for.
    dice = random.Random(f"{options.seed} {path}")
    original = (tree / path).read_text(encoding="utf-8")
    chosen, n_places = mutants_of(path, original, options.share, dice)
    start_s = time.monotonic()
    if run_tests(tree, TESTS[path], math.inf) != "survived":
        raise SystemExit(f"the tests of {path} fail without a mutant: {', '.join(TESTS[path])}")
    patience_s = PATIENCE_S + TIMES_LONGER * (time.monotonic() - start_s)
    ends: Counter[str] = Counter()
    for one in chosen:
        (tree / path).write_text(one.after, encoding="utf-8")
        end = run_tests(tree, TESTS[path], patience_s)
        ends[end] += 1
        if end == "survived":
            print(one, file=sys.stderr, flush=True)
    (tree / path).write_text(original, encoding="utf-8")
    counts = " | ".join(str(ends[name]) for name in ("killed", "late", "survived"))
    seconds = time.monotonic() - start_s
    print(f"| `{path}` | {n_places} | {len(chosen)} | {counts} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
