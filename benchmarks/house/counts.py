"""Lines, docstrings and types of every room of a checkout, this one or an older one."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.house.rooms import HOUSES, SHELF
from converter.report.markdown_table import markdown_table

__all__ = ["Counted", "count", "count_table", "summary_table"]

#: A docstring of fewer words repeats the name of what it stands in.
_LEAST_WORDS = 4
#: Decorators that compile: `edgespec.jit`.
_COMPILERS = {"kernel", "scalar", "apart", "exact", "ahead"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Counted:
    """One module: its lines, and of its functions how many say something and are typed.

    Public functions and methods count for docstrings. For types all do, but for compiled kernels:
    theirs are Numba's to find.
    """

    path: str
    n_lines: int
    n_public: int
    n_telling: int
    n_functions: int
    n_typed: int


def count(root: Path) -> dict[str, list[Counted]]:
    """Return the modules of every room of a checkout; its loose modules are a shelf."""
    rooms: dict[str, list[Counted]] = {}
    for house in HOUSES:
        for path in sorted((root / house).rglob("*.py")):
            inner = path.relative_to(root / house).parts
            room = f"{house}.{inner[0] if len(inner) > 1 else SHELF}"
            rooms.setdefault(room, []).append(_counted(path, root))
    return rooms


def _counted(path: Path, root: Path) -> Counted:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    functions = [
        node for node in ast.walk(tree) if isinstance(node, Function) and not _is_kernel(node)
    ]
    public = list(_public(tree))
    return Counted(
        path.relative_to(root).as_posix(),
        len(text.splitlines()),
        len(public),
        sum(len((ast.get_docstring(f) or "").split()) >= _LEAST_WORDS for f in public),
        len(functions),
        sum(map(_is_typed, functions)),
    )


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[Function]:
    """Yield functions and methods whose names promise something, not those within functions."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node)


def _is_kernel(function: Function) -> bool:
    names = {n.id for d in function.decorator_list for n in ast.walk(d) if isinstance(n, ast.Name)}
    return bool(names & _COMPILERS)


def _is_typed(function: Function) -> bool:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    asked = [arg for arg in named if arg is not None and arg.arg not in ("self", "cls")]
    return function.returns is not None and all(arg.annotation is not None for arg in asked)


def count_table(checkouts: Mapping[str, dict[str, list[Counted]]]) -> str:
    """Return lines and modules by room, a pair of columns for each checkout."""
    names = sorted({room for rooms in checkouts.values() for room in rooms}, key=_order)
    rows = []
    for room in names:
        of_room = [rooms.get(room, []) for rooms in checkouts.values()]
        rows.append((f"`{room}`", *(cell for found in of_room for cell in _sizes(found))))
    every = [[m for found in rooms.values() for m in found] for rooms in checkouts.values()]
    rows.append(("all", *(cell for found in every for cell in _sizes(found))))
    columns = (f"{kind}, {name}" for name in checkouts for kind in ("lines", "modules"))
    return markdown_table(("room", *columns), rows, right_from=1)


def _order(room: str) -> tuple[int, str]:
    return HOUSES.index(room.partition(".")[0]), room


def _sizes(found: list[Counted]) -> tuple[object, object]:
    return (f"{sum(m.n_lines for m in found):,}", len(found)) if found else ("", "")


def summary_table(checkouts: Mapping[str, dict[str, list[Counted]]]) -> str:
    """Return median and largest module, and shares of functions, a column for each checkout."""
    every = [[m for found in rooms.values() for m in found] for rooms in checkouts.values()]
    largest = [max(found, key=lambda m: m.n_lines) for found in every]
    rows = [
        ("median module, lines", *(f"{median(m.n_lines for m in f):.0f}" for f in every)),
        ("largest module, lines", *(f"{m.n_lines} (`{m.path}`)" for m in largest)),
        (
            f"public functions whose docstring has {_LEAST_WORDS} words or more",
            *(_share(sum(m.n_telling for m in f), sum(m.n_public for m in f)) for f in every),
        ),
        (
            "functions with all types, compiled kernels aside",
            *(_share(sum(m.n_typed for m in f), sum(m.n_functions for m in f)) for f in every),
        ),
    ]
    return markdown_table(("", *checkouts), rows, right_from=1)


def _share(n: int, of: int) -> str:
    return f"{n / of:.1%} of {of:,}" if of else "-"
