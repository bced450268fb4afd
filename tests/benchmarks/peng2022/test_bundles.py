"""What is told of a bundle is of the file that was written, and is kept with it."""

from pathlib import Path

import pytest

from benchmarks.papers.peng2022.bundles import convert_network, sweeps_seen
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import load_bundle
from tests.made import tiny_sweeps, tiny_training

pytestmark = [
    pytest.mark.converter,
    pytest.mark.filterwarnings(tiny_training.KERAS_WARNINGS),
]


def test_a_trained_network_becomes_a_bundle_with_golden_sweeps(tmp_path: Path) -> None:
    folder, path = tiny_sweeps.trained(), tmp_path / "spatio-temporal.edgespec"
    contexts, sides = sweeps_seen(tiny_sweeps.band(), 40, 1)
    assert {name: rows.shape for name, rows in sides.items()} == {
        "days": (40, 3, tiny_sweeps.N_POINTS),
        "hours": (40, 3, tiny_sweeps.N_POINTS),
    }
    row = convert_network(folder, path, "float32", contexts, sides)
    bundle = load_bundle(path)
    assert row.refused == ""
    assert row.n_bytes == len(bundle.model) > 4 * row.n_parameters
    assert row.of_keras < 1e-4
    assert row.of_accepted * bundle.manifest.golden_atol == check_golden(
        bundle, open_backend(bundle)
    )
    # It is not converted again, nor is what was refused.
    written = path.stat().st_mtime_ns
    assert convert_network(folder, path, "float32", contexts, sides) == row
    assert path.stat().st_mtime_ns == written
    wrong = tmp_path / "wrong.edgespec"
    refused = convert_network(folder, wrong, "int4", contexts, sides)
    assert "kind 'int4' is unknown" in refused.refused
    assert not wrong.exists()
    assert convert_network(folder, wrong, "int4", contexts, sides) == refused
