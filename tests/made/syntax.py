"""The trees of the project's modules, for the laws that hold for all of them."""

import ast
from functools import cache
from pathlib import Path


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_list_of_names(node: ast.Assign) -> bool:
    """Whether a statement binds ``__all__``."""
    target = node.targets[0]
    return isinstance(target, ast.Name) and target.id == "__all__"


def last_name(node: ast.expr) -> str:
    """Return ``c`` of ``a.b.c``, of ``a.b.c[...]`` and of ``a.b.c(...)``."""
    while not isinstance(node, ast.Name | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else getattr(node, "value", ast.Name("?"))
    return node.id if isinstance(node, ast.Name) else node.attr
