"""A target fuzzed by atheris (extra ``fuzz``): inputs that reach new code are kept and changed.

``python -m tests.fuzz.guided TARGET SECONDS SEED OUT`` writes the tally to a file: the engine ends
its process by itself, so every target has one of its own.
"""

import json
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.law import call_measured
from tests.fuzz.run import Tally

__all__ = ["is_installed", "main", "tally_of"]

#: Far above any law, so that libFuzzer does not judge by them in our place.
_LIMITS = ("-timeout=300", "-rss_limit_mb=8192", "-malloc_limit_mb=8192")
_WRITE_S = 1.0
#: What is watched: kernels would be compiled anew, and are no parsers.
_PARSERS = (
    *(f"edgespec.{room}" for room in ("wire", "decode", "config", "mqtt", "sources", "alarm")),
    *(f"edgespec.inference.{name}" for name in ("arrays", "bundle", "manifest", "manifest_json")),
    *(f"edgespec.twin.{name}" for name in ("site", "state", "trained", "propagation.arrays")),
    "edgespec.inference.network",
    "converter.lab",
)


def is_installed() -> bool:
    """Whether the engine is there."""
    return find_spec("atheris") is not None


def tally_of(text: str) -> Tally:
    """Return the tally of a file that :func:`main` has written."""
    values = json.loads(text)
    problems = {kind: bytes.fromhex(data) for kind, data in values.pop("problems").items()}
    return Tally(**values, problems=problems)


def main(name: str, seconds: float, seed: int, out: Path) -> None:
    """Fuzz a target for a time; does not return."""
    import atheris

    with atheris.instrument_imports(include=list(_PARSERS)):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    folder = Path(tempfile.mkdtemp(prefix="edgespec-fuzz-"))
    call = target.open(folder)
    corpus = folder / "corpus"
    corpus.mkdir()
    for index, data in enumerate(target.seeds()):
        (corpus / str(index)).write_bytes(data)
    tally = Tally()
    written_s = time.monotonic()

    def one(data: bytes) -> None:
        nonlocal written_s
        tally.take(data, call_measured(call, data))
        if tally.n_inputs == 1 or time.monotonic() - written_s > _WRITE_S:
            _write(tally, out)
            written_s = time.monotonic()

    arguments = (f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", "-max_len=60000")
    atheris.Setup([sys.argv[0], *arguments, *_LIMITS, "-verbosity=0", str(corpus)], one)
    atheris.Fuzz()


def _write(tally: Tally, out: Path) -> None:
    problems = {kind: data.hex() for kind, data in tally.problems.items()}
    values = {
        "n_inputs": tally.n_inputs,
        "n_refused": tally.n_refused,
        "longest_s": tally.longest_s,
        "growth_mb": tally.growth_mb,
        "problems": problems,
    }
    new = out.with_suffix(".new")
    new.write_text(json.dumps(values))
    new.replace(out)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
