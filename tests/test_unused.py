"""What nobody but a test calls is not there: it would be kept alive by its test alone."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.made.syntax import is_list_of_names, last_name, parsed

ROOT = Path(__file__).resolve().parents[1]
TREES = ("edgespec", "converter", "benchmarks")
PATHS = [
    path.relative_to(ROOT).as_posix()
    for tree in TREES
    for path in sorted((ROOT / tree).rglob("*.py"))
]

#: Bases that call no method of ours by its name.
PLAIN = {"object", "Exception", "NamedTuple", "Protocol", "Enum", "IntEnum", "IntFlag", "StrEnum"}

#: Messages go both ways: what is written here is read elsewhere, and the other way round.
BOTH_WAYS = "edgespec/wire/"

#: Kept, though nothing uses it yet.
KEPT = {
    "rbw_hz": "a grid of frames says its resolution",
}


@cache
def sources() -> dict[str, ast.Module]:
    """Return the tree of every file; by a test, since each process collects all tests."""
    return {path: parsed(ROOT / path) for path in PATHS}


@cache
def our_classes() -> set[str]:
    return {
        node.name
        for tree in sources().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }


@cache
def used_anywhere() -> Counter[str]:
    return Counter(name for tree in sources().values() for name in used_names(tree))


def silent_strings(tree: ast.Module) -> set[int]:
    """Return the docstrings and what is in ``__all__``, by identity: they name and do not use."""
    silent = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            silent.add(id(body[0].value))
        if isinstance(node, ast.Assign) and is_list_of_names(node):
            silent |= {id(one) for one in ast.walk(node)}
    return silent


def used_names(tree: ast.Module) -> Iterator[str]:
    """Yield every name that is read, and every word of a text that may be one."""
    silent = silent_strings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and id(node) not in silent:
            yield from re.findall(r"[A-Za-z_]\w*", str(node.value))


def given_names(tree: ast.Module) -> Iterator[str]:
    """Yield functions, classes and constants of a module, and the methods of its classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not is_called_by_click(node):
            yield node.name
        if isinstance(node, ast.ClassDef):
            bases = {last_name(base) for base in node.bases}
            if bases <= our_classes() | PLAIN:
                yield from (one.name for one in node.body if isinstance(one, ast.FunctionDef))
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))


def is_called_by_click(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return bool({last_name(one) for one in node.decorator_list} & {"command", "group"})


def is_interface(name: str) -> bool:
    """Whether a class only says what others have to have; nobody need name it."""
    return any(
        isinstance(node, ast.ClassDef)
        and node.name == name
        and "Protocol" in {last_name(base) for base in node.bases}
        for tree in sources().values()
        for node in tree.body
    )


def test_every_name_is_used() -> None:
    unused = {
        path: names
        for path, tree in sources().items()
        if not path.startswith(BOTH_WAYS) and (names := unused_names(tree))
    }
    assert sources()
    assert unused == {}


def unused_names(tree: ast.Module) -> list[str]:
    unused = [
        name
        for name in given_names(tree)
        if not used_anywhere()[name] and not name.startswith("__") and name not in KEPT
    ]
    return [name for name in unused if not is_interface(name)]


def test_an_unused_name_is_found() -> None:
    tree = ast.parse(
        '"""Of forgotten and lost."""\n__all__ = ["forgotten"]\nLOST = 1\n'
        'def forgotten():\n    """Like lost."""\n'
        "class Known(Exception):\n    def method(self): ...\n"
        "class Foreign(other.Thing):\n    def called_from_there(self): ...\n"
        "@main.command()\ndef command(): ...\n"
        "x = Known().method_2(key=f'{y:>3} words')\n"
    )
    assert [*given_names(tree)] == [
        "__all__", "LOST", "forgotten", "Known", "method", "Foreign", "x",
    ]  # fmt: skip
    assert {"y", "key", "method_2", "words", "Known"} <= {*used_names(tree)}
    assert not {"LOST", "forgotten", "lost", "method"} & {*used_names(tree)}
