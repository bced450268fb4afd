"""An autoregression of our own runtime against the plainest sums, alone and beside an LSTM."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.dsp.transform import standardise
from edgespec.errors import ModelError
from edgespec.inference.arrays import zip_bytes, zip_members
from edgespec.inference.backend import StreamingBackend
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle, write_bundle
from edgespec.inference.network import (
    Autoregression,
    Dense,
    Lstm,
    Network,
    network_from_npz,
    network_to_npz,
)
from edgespec.inference.widths import Widths
from edgespec.observer.runtimes.width_choice import fastest_widths
from edgespec.records import FloatArray
from tests import naive
from tests.made import tiny

N_CONTEXT, N_HORIZON, N_BINS = 8, 4, 64
#: float32 against float64: sums of at most 64 products of about 1/8 each, in some layers and steps.
ATOL = 5e-6


def drawn(rng: np.random.Generator, *shape: int) -> FloatArray:
    return (rng.standard_normal(shape, np.float32) / np.sqrt(shape[0])).astype(np.float32)


def linear(rng: np.random.Generator, order: int = N_CONTEXT) -> Autoregression:
    return Autoregression(drawn(rng, order, N_HORIZON), drawn(rng, N_HORIZON))


def beside_lstm(rng: np.random.Generator, order: int = N_CONTEXT) -> Network:
    lstm = Lstm("sigmoid", drawn(rng, N_BINS, 64), drawn(rng, 16, 64), drawn(rng, 64))
    dense = Dense("linear", drawn(rng, 16, N_HORIZON * N_BINS), drawn(rng, N_HORIZON * N_BINS))
    return Network((lstm,), (dense,), linear(rng, order))


def bundle_of(folder: Path, network: Network | bytes) -> Bundle:
    windows = np.random.default_rng(1).standard_normal((2, N_CONTEXT, N_BINS), np.float32)
    expected = np.zeros((2, N_HORIZON, N_BINS), np.float32)
    if isinstance(network, Network):
        outputs = [naive.network(window, network) for window in windows]
        expected = np.array(outputs, np.float32).reshape(expected.shape)
        network = network_to_npz(network)
    path = folder / "x.edgespec"
    return write_bundle(path, tiny.manifest(), b"not a network", windows, expected, network)


@pytest.mark.parametrize("order", [1, 3, N_CONTEXT])
@pytest.mark.parametrize("is_alone", [True, False])
def test_it_is_the_plainest_sum(
    tmp_path: Path, rng: np.random.Generator, order: int, is_alone: bool
) -> None:
    network = Network((), (), linear(rng, order)) if is_alone else beside_lstm(rng, order)
    bundle = bundle_of(tmp_path, network)
    backend = open_backend(bundle, "numba")
    # A stream helps only what remembers: an autoregression by itself has nothing to keep.
    assert hasattr(backend, "predict_raw") != is_alone
    assert check_golden(bundle, backend) < ATOL
    for _ in range(3):
        window = rng.standard_normal((N_CONTEXT, N_BINS), np.float32)
        expected = naive.network(window, network)
        np.testing.assert_allclose(backend.predict(window).ravel(), expected, rtol=0, atol=ATOL)


def test_every_bin_and_the_last_frames_stand_for_themselves(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    backend = open_backend(bundle_of(tmp_path, Network((), (), linear(rng, 3))), "numba")
    window = rng.standard_normal((N_CONTEXT, N_BINS), np.float32)
    before = backend.predict(window).copy()
    earlier = window.copy()
    earlier[: N_CONTEXT - 3] += 9.0
    assert np.array_equal(backend.predict(earlier), before)
    broken = window.copy()
    broken[-1, 5] = np.nan
    after = backend.predict(broken)
    assert np.isnan(after[:, 5]).all()
    assert np.array_equal(np.delete(after, 5, axis=1), np.delete(before, 5, axis=1))


def test_raw_windows_give_what_standardised_ones_do(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    backend: StreamingBackend = open_backend(bundle_of(tmp_path, beside_lstm(rng)), "numba")  # type: ignore[assignment]
    level_db = np.repeat([-60.0, -110.0, -20.0], 12)
    frames = (level_db[:, None] + rng.normal(0, 5, (36, N_BINS))).astype(np.float32)
    plain = np.empty((N_CONTEXT, N_BINS), np.float32)
    for start in range(0, 36 - N_CONTEXT + 1, tiny.GEOMETRY.hop_frames):
        window = frames[start : start + N_CONTEXT]
        scaling = standardise(window, plain)
        raw = backend.predict_raw(window, scaling).copy()
        # Two orders of the same float32 operations.
        np.testing.assert_allclose(raw, backend.predict(plain), rtol=0, atol=1e-5)


@pytest.mark.parametrize("is_alone", [True, False])
def test_any_memory_layout_is_read(
    tmp_path: Path, rng: np.random.Generator, is_alone: bool
) -> None:
    network = Network((), (), linear(rng)) if is_alone else beside_lstm(rng)
    backend = open_backend(bundle_of(tmp_path, network), "numba")
    window = rng.standard_normal((N_CONTEXT, N_BINS), np.float32)
    expected = backend.predict(window).copy()
    frozen = window.copy()
    frozen.setflags(write=False)
    for same in (frozen, np.asfortranarray(window), window.astype(np.float64)):
        assert np.array_equal(backend.predict(same), expected)
    with pytest.raises(ModelError, match="the model takes"):
        backend.predict(window[1:])


def test_wrong_weights_are_found(tmp_path: Path, rng: np.random.Generator) -> None:
    network = beside_lstm(rng)
    bundle = bundle_of(tmp_path, network)
    autoregression = network.autoregression
    assert autoregression is not None
    moved = replace(autoregression, bias=autoregression.bias + np.float32(1e-3))
    for wrong in (replace(network, autoregression=moved), replace(network, autoregression=None)):
        changed = replace(bundle, weights=network_to_npz(wrong))
        with pytest.raises(ModelError, match="differs from the golden vectors"):
            check_golden(changed, open_backend(changed, "numba"))


def test_it_survives_its_file(rng: np.random.Generator) -> None:
    for network in (Network((), (), linear(rng, 3)), beside_lstm(rng, 3)):
        content = network_to_npz(network)
        again = network_from_npz(content, "weights")
        assert network_to_npz(again) == content
        assert again.autoregression is not None
        assert (again.autoregression.order, again.autoregression.n_horizon) == (3, N_HORIZON)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("00.autoregression.other.bias.npy", "with bias"),
        ("00.regression.shared.bias.npy", "known are lstm"),
    ],
)
def test_unknown_kinds_are_refused(rng: np.random.Generator, name: str, message: str) -> None:
    content = network_to_npz(Network((), (), linear(rng)))
    members = zip_members(content, "weights")
    members[name] = members.pop("00.autoregression.shared.bias.npy")
    with pytest.raises(ModelError, match=message):
        network_from_npz(zip_bytes(members), "weights")
    members = zip_members(content, "weights")
    others = {key.replace("shared", "each"): value for key, value in members.items()}
    with pytest.raises(ModelError, match="which all bins share"):
        network_from_npz(zip_bytes(others), "weights")


def test_what_does_not_fit_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(ModelError, match="must end in a dense layer"):
        Network((), ())
    with pytest.raises(ModelError, match="alone or beside LSTM"):
        Network((), (Dense("linear", drawn(rng, 4, 4), drawn(rng, 4)),), linear(rng))
    with pytest.raises(ModelError, match="it must be finite float32"):
        Autoregression(drawn(rng, 3, 5), drawn(rng, N_HORIZON))
    for kernel in (drawn(rng, N_CONTEXT + 1, N_HORIZON), drawn(rng, N_CONTEXT, 3)):
        wrong = Autoregression(kernel, drawn(rng, kernel.shape[1]))
        content = network_to_npz(Network((), (), wrong))
        with pytest.raises(ModelError, match="has an autoregression of"):
            open_backend(bundle_of(tmp_path, content), "numba")


def test_no_width_is_measured_for_it(tmp_path: Path, rng: np.random.Generator) -> None:
    bundle = bundle_of(tmp_path, Network((), (), linear(rng)))
    told: list[str] = []
    assert fastest_widths(bundle, (512, 256), told.append) == Widths(512, 512, 512)
    assert told == []
