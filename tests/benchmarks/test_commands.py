"""The commands that the project prints for its benchmarks exist."""

import re
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "Makefile")),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "benchmarks" / "results").rglob("*.md"),
)
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PAGES}
PRINTED = sorted(
    {name for text in TEXTS.values() for name in re.findall(r"-m (benchmarks[.\w]+\w)", text)}
)


def scripts() -> list[str]:
    """Return the modules that can be run: those with a last line that runs them."""
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
        for path in (ROOT / "benchmarks").rglob("*.py")
        if path.read_text(encoding="utf-8").endswith('if __name__ == "__main__":\n    main()\n')
    )


def test_only_modules_are_run() -> None:
    assert PRINTED
    paths = {name: re.findall(r"python \S*benchmarks/\S+", text) for name, text in TEXTS.items()}
    assert {name: found for name, found in paths.items() if found} == {}


@pytest.mark.converter
@pytest.mark.parametrize("name", sorted({*PRINTED, *scripts()}))
def test_a_benchmark_answers_when_it_is_asked_for_help(name: str) -> None:
    assert name in scripts()
    module = import_module(name)
    main = getattr(module, "main", None) or import_module(f"{name}.__main__").main
    assert isinstance(main, click.Command)
    answer = CliRunner().invoke(main, ["--help"])
    assert answer.exit_code == 0
    assert "Usage:" in answer.output
