"""The committed reports hold the same tables for people and for machines."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
REPORTS = (
    *("laboratory", "li2019", "li2019-setting", "bars", "learned", "other-bands"),
    "peng2022-small",
)


def tables_for_people(text: str) -> Iterator[list[list[str]]]:
    """Yield the cells of each table, the head first; what is bold is plain."""
    for block in re.findall(r"(?:^\|.*\n?)+", text, flags=re.M):
        lines = (line.removeprefix("| ").removesuffix(" |") for line in block.strip().split("\n"))
        head, _, *rows = (line.split(" | ") for line in lines)
        yield [[cell.strip("*") for cell in line] for line in (head, *rows)]


def tables_for_machines(document: dict[str, Any]) -> Iterator[list[list[Any]]]:
    for section in document["sections"]:
        for table in section["tables"]:
            yield [list(table["rows"][0]), *(list(row.values()) for row in table["rows"])]


def is_same(read: str, known: Any) -> bool:
    """Whether a text is a value, rounded as the text is; of an interval, its first number."""
    if known is None:
        return read == "-"
    if isinstance(known, str):
        return read == known.replace("|", "/").strip("*")
    value = known["value"] if isinstance(known, dict) else known
    if value is None:
        return read == "-"
    shown = read.split(" ")[0]
    n_decimals = len(shown.partition(".")[2].partition("e")[0])
    exponent = int(shown.partition("e")[2] or 0)
    return abs(float(shown) - value) <= 0.5000001 * 10.0 ** (exponent - n_decimals)


@pytest.mark.parametrize("name", REPORTS)
def test_people_and_machines_read_the_same(name: str) -> None:
    text = (RESULTS / name / "report.md").read_text(encoding="utf-8")
    document = json.loads((RESULTS / name / "report.json").read_text(encoding="utf-8"))
    people, machines = list(tables_for_people(text)), list(tables_for_machines(document))
    assert len(people) == len(machines) > 3
    for shown, known in zip(people, machines, strict=True):
        assert [len(row) for row in shown] == [len(row) for row in known]
        for read, row in zip(shown, known, strict=True):
            wrong = [pair for pair in zip(read, row, strict=True) if not is_same(*pair)]
            assert wrong == []


@pytest.mark.parametrize("name", REPORTS)
def test_every_picture_is_there(name: str) -> None:
    text = (RESULTS / name / "report.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\(([^)]+\.png)\)", text))
    assert shown == {path.name for path in (RESULTS / name).glob("*.png")}


def intervals(text: str) -> set[tuple[float, ...]]:
    """Figures with their intervals, such as `-.013 [-.018, -.006]`, said as less or as more."""
    found = re.findall(r"([-+]?\d*\.?\d+)%? \[([-+]?\d*\.?\d+), ([-+]?\d*\.?\d+)\]", text)
    return {tuple(sorted(abs(float(one)) for one in three)) for three in found}


def test_the_page_on_forecasts_has_the_intervals_of_the_small_run() -> None:
    page = (RESULTS.parents[1] / "docs" / "forecasts.md").read_text(encoding="utf-8")
    told = page.partition("[What came of the cut]")[2].partition("\n**Why hours and days")[0]
    report = (RESULTS / "peng2022-small" / "report.md").read_text(encoding="utf-8")
    assert len(intervals(told)) > 5
    assert intervals(told) - intervals(report) == set()
