"""Files that only the laboratory reads."""

from pathlib import Path

from tests.fuzz.files import written
from tests.fuzz.target import Call, Target
from tests.made.tiny_experiment import CHAIN, HEAD

__all__ = ["TARGETS"]

_ROOT = Path(__file__).resolve().parents[2]


def _experiments() -> list[bytes]:
    small = (_ROOT / "benchmarks" / "experiments" / "small.toml").read_bytes()
    return [small, HEAD.encode(), CHAIN.encode()]


def _experiment(folder: Path) -> Call:
    from converter.lab.toml import load_experiment

    return written("e.toml", load_experiment)(folder)


TARGETS = {"toml-experiment": Target(_experiments, _experiment, cost=60, needs_converter=True)}
