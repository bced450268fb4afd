"""What a warm-up learnt is kept in one file, bounded, and read as a stranger's."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.observer.kept.heard import Heard
from edgespec.observer.kept.kept import MAX_BYTES, KeptNormal, kept_file, load_kept, save_kept


def normal(rng, n_segments: int = 5, n_horizon: int = 3, n_bins: int = 2) -> KeptNormal:
    heard = Heard(
        "forecast",
        rng.normal(-60, 5, (n_segments, n_horizon, n_bins)).astype(np.float16),
        rng.normal(3, 1, n_segments).astype(np.float32),
        rng.normal(0, 1, (n_segments, n_bins)).astype(np.float16),
    )
    levels = np.float32(rng.normal(-60, 5, n_bins)).astype(np.float64)
    return KeptNormal(5, "sim:", None, (1.0, 2.0), "ab", levels, heard)


def test_what_is_kept_round_trips(rng, tmp_path: Path) -> None:
    kept = normal(rng)
    save_kept(tmp_path / "a" / "b", kept)
    back = load_kept(tmp_path / "a" / "b")
    assert back is not None
    assert (back.utc_ns, back.source, back.gain_db, back.range_hz, back.model_sha256) == (
        5, "sim:", None, (1.0, 2.0), "ab",
    )  # fmt: skip
    assert back.heard.detector == "forecast"
    np.testing.assert_array_equal(back.normal_dbfs, kept.normal_dbfs)
    for name in ("targets_dbfs", "scores", "errors_db"):
        np.testing.assert_array_equal(getattr(back.heard, name), getattr(kept.heard, name))


@pytest.mark.parametrize(("n_segments", "n_bins"), [(625, 128), (160, 1024), (9, 4096)])
def test_a_file_is_bounded_and_its_segments_are_spread(
    rng, tmp_path: Path, n_segments: int, n_bins: int
) -> None:
    kept = normal(rng, n_segments, 25, n_bins)
    kept.heard.scores[:] = np.arange(n_segments)
    save_kept(tmp_path / "a", kept)
    assert (tmp_path / "a").stat().st_size <= MAX_BYTES
    back = load_kept(tmp_path / "a")
    assert back is not None
    numbers = back.heard.scores
    assert 3 <= len(numbers) <= 64
    assert (numbers[0], numbers[-1]) == (0, n_segments - 1)
    assert np.ptp(np.diff(numbers)) <= 1


def _damaged(rng, tmp_path: Path, **change: object) -> bytes:
    kept = normal(rng)
    for name, value in change.items():
        getattr(kept.heard, name)[0] = value
    save_kept(tmp_path / "whole", kept)
    return (tmp_path / "whole").read_bytes()


def test_a_damaged_file_is_said_and_not_used(rng, tmp_path: Path, caplog) -> None:
    """Cut anywhere, with any byte changed: it is what it was, or it is not used."""
    whole, path = _damaged(rng, tmp_path), tmp_path / "a"
    for stop in range(0, len(whole) - 1, 13):
        path.write_bytes(whole[:stop])
        assert load_kept(path) is None
    head, _, rest = whole.partition(b"\n")
    for content in (
        b"",
        b"{",
        b"[]\n" + rest,
        b"{}\n" + rest,
        head.replace(b"1.0", b"NaN") + b"\n" + rest,
        head.replace(b'"utc_ns": 5', b'"utc_ns": 1e999') + b"\n" + rest,
        head.replace(b'"gain_db": null', b'"gain_db": Infinity') + b"\n" + rest,
        b"[" * 100_000 + b"\n" + rest,
        b" " * (2 * MAX_BYTES),
        b"\xff",
        _damaged(rng, tmp_path, targets_dbfs=np.nan),
    ):
        caplog.clear()
        path.write_bytes(content)
        assert load_kept(path) is None, content[:40]
        assert "is not used" in caplog.text
        assert len(caplog.text) < 500


def test_any_byte_may_be_another(rng, tmp_path: Path) -> None:
    whole, path = bytearray(_damaged(rng, tmp_path)), tmp_path / "a"
    for at in range(0, len(whole), 7):
        whole[at] ^= 0x55
        path.write_bytes(whole)
        kept = load_kept(path)
        assert kept is None or len(kept.heard.scores) == len(kept.heard.targets_dbfs)
        whole[at] ^= 0x55


def test_nothing_kept_is_nothing_said(tmp_path: Path, caplog) -> None:
    assert load_kept(tmp_path / "none") is None
    assert not caplog.records


def test_a_disk_that_refuses_costs_the_file_alone(rng, tmp_path: Path, caplog) -> None:
    (tmp_path / "normal").write_text("no folder")
    save_kept(kept_file(tmp_path, "cell", "", None).path, normal(rng))
    assert "not kept" in caplog.text
