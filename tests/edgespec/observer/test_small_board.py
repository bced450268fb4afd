"""The configuration for boards whose memory is too small for a compiler."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.made import band, tiny_network
from tests.made.observer import REPOSITORY

MAX_RSS_MB = 120.0
CODE = """
import json, sys
if {is_absent}:
    sys.modules["numba"] = sys.modules["llvmlite"] = None
from dataclasses import replace
from pathlib import Path
from edgespec.config import Config, override
from edgespec.machine import peak_rss_mb
from edgespec.observer.startup import open_observer
config = override(Config(), source={source!r}, model=Path({model!r}),
                  state_dir=Path({state_dir!r}), computing={computing!r})
config = replace(config, detect=replace(config.detect, warmup_s=0.3))
observer = open_observer(config)
(state,) = observer.monitor.run()
loaded = [name for name in ("numba", "llvmlite") if sys.modules.get(name)]
print(json.dumps([state.scores, state.n_events, loaded, peak_rss_mb()]))
"""


@pytest.mark.parametrize(
    ("is_absent", "computing"), [(True, "auto"), (False, "plain")], ids=["absent", "not wanted"]
)
def test_all_of_it_works_without_numba(
    is_absent: bool, computing: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    samples = band.cu8(band.with_tone(band.noise(rng, 1.0), 0.6, 0.8))
    code = CODE.format(
        is_absent=is_absent,
        source=band.write_sigmf(tmp_path / "tone", samples),
        model=str(tiny_network.bundle().path),
        state_dir=str(tmp_path / "state"),
        computing=computing,
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    scores, n_events, loaded, rss_mb = json.loads(done.stdout)
    assert set(scores) == {"forecast", "zscore", "energy", "any-band"}
    assert n_events == 1
    assert loaded == []
    assert 20.0 < rss_mb < MAX_RSS_MB
