"""Our own runtime against the plainest LSTM, on streams, and on what must not go in."""

import gc
import sys
import tracemalloc
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

from edgespec.dsp.transform import standardise
from edgespec.errors import ModelError
from edgespec.inference import nonlinear, registers
from edgespec.inference.backend import StreamingBackend
from edgespec.inference.backends import check_golden, open_backend
from edgespec.inference.bundle import Bundle, write_bundle
from edgespec.inference.manifest import GATES
from edgespec.inference.network import (
    ACTIVATIONS,
    Dense,
    Lstm,
    Network,
    network_from_npz,
    network_to_npz,
)
from edgespec.inference.numba_open import open_numba
from edgespec.inference.packing import packed_columns
from edgespec.inference.widths import Widths
from edgespec.jit.vectors import vector_bits
from edgespec.records import FloatArray, Scaling
from tests import naive
from tests.made import tiny

GEOMETRY = tiny.GEOMETRY
N_BINS, N_OUTPUTS = GEOMETRY.n_bins, GEOMETRY.n_horizon * GEOMETRY.n_bins
#: float32 against float64, relative to outputs of about 1: sums of up to 100 products in each of
#: some layers and steps, and 3e-7 of tanh and sigmoid.
ATOL = 5e-6


def drawn(rng: np.random.Generator, *shape: int) -> FloatArray:
    """Weights that keep sums of their products at about 1."""
    return (rng.standard_normal(shape, np.float32) / np.sqrt(shape[0])).astype(np.float32)


def lstms(
    rng: np.random.Generator, units: tuple[int, ...], gate: str, n_bins: int = N_BINS
) -> tuple[Lstm, ...]:
    sizes = zip((n_bins, *units), units, strict=False)
    return tuple(
        Lstm(gate, drawn(rng, n, 4 * u), drawn(rng, u, 4 * u), drawn(rng, 4 * u)) for n, u in sizes
    )


def denses(rng: np.random.Generator, *widths: int, activation: str = "relu") -> tuple[Dense, ...]:
    last = len(widths) - 2
    return tuple(
        Dense("linear" if k == last else activation, drawn(rng, n, m), drawn(rng, m))
        for k, (n, m) in enumerate(pairwise(widths))
    )


def forecaster(
    rng: np.random.Generator, units: tuple[int, ...] = (16, 16), gate: str = "sigmoid"
) -> Network:
    return Network(lstms(rng, units, gate), denses(rng, units[-1], N_OUTPUTS))


def bundle_of(
    path: Path, network: Network | bytes | None, role: str = "forecast", **changes: object
) -> Bundle:
    """A bundle with weights; its TFLite file is none, its golden vectors are the network's."""
    info = tiny.model_info(
        role=role,
        input_shape=(1, GEOMETRY.n_context if role == "forecast" else GEOMETRY.n_horizon, N_BINS),
    )
    manifest = tiny.manifest(**{"model": info, **changes})
    windows = np.random.default_rng(1).standard_normal((2, *manifest.window_shape), np.float32)
    expected = np.zeros((2, *manifest.output_shape), np.float32)
    if isinstance(network, Network):
        expected = np.array([naive.network(window, network) for window in windows], np.float32)
        expected = expected.reshape(2, *manifest.output_shape)
        network = network_to_npz(network)
    return write_bundle(path, manifest, b"not a network", windows, expected, network)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.edgespec"


@pytest.mark.parametrize("gate", GATES)
# One unit, a whole block of 16, one and a bit, one of each width of the packed matrices, three.
@pytest.mark.parametrize("units", [(1,), (16,), (20,), (16, 8), (5, 33, 16)])
def test_lstm_is_the_plainest_lstm(
    path: Path, rng: np.random.Generator, gate: str, units: tuple[int, ...]
) -> None:
    network = forecaster(rng, units, gate)
    backend = open_backend(bundle_of(path, network), "numba")
    for scale in (1.0, 10.0):
        window = scale * rng.standard_normal((GEOMETRY.n_context, N_BINS), np.float32)
        expected = naive.network(window, network)
        np.testing.assert_allclose(backend.predict(window).ravel(), expected, rtol=0, atol=ATOL)


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("units", [(64, 64), (80, 64), (64, 64, 64)])
def test_lstm_of_the_sizes_that_are_used(
    path: Path, rng: np.random.Generator, units: tuple[int, ...]
) -> None:
    network = forecaster(rng, units)
    backend = open_backend(bundle_of(path, network), "numba")
    window = rng.standard_normal((GEOMETRY.n_context, N_BINS), np.float32)
    expected = naive.network(window, network)
    np.testing.assert_allclose(backend.predict(window).ravel(), expected, rtol=0, atol=ATOL)


@pytest.mark.parametrize("n_context", [1, 3, 6])
def test_any_number_of_frames(path: Path, rng: np.random.Generator, n_context: int) -> None:
    network = forecaster(rng, (16,))
    recipe = replace(tiny.RECIPE, n_context=n_context)
    info = tiny.model_info(input_shape=(1, n_context, N_BINS))
    backend = open_backend(bundle_of(path, network, made_with=recipe, model=info), "numba")
    window = rng.standard_normal((n_context, N_BINS), np.float32)
    expected = naive.network(window, network)
    np.testing.assert_allclose(backend.predict(window).ravel(), expected, rtol=0, atol=ATOL)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_stack(path: Path, rng: np.random.Generator, activation: str) -> None:
    network = Network((), denses(rng, N_OUTPUTS, 20, 7, 64, N_OUTPUTS, activation=activation))
    backend = open_backend(bundle_of(path, network, role="reconstruction"), "numba")
    assert not hasattr(backend, "predict_raw")
    for _ in range(3):
        window = rng.standard_normal((GEOMETRY.n_horizon, N_BINS), np.float32)
        expected = naive.network(window, network)
        np.testing.assert_allclose(backend.predict(window).ravel(), expected, rtol=0, atol=ATOL)


def test_golden_vectors_prove_the_weights(path: Path, rng: np.random.Generator) -> None:
    network = forecaster(rng)
    bundle = bundle_of(path, network)
    assert check_golden(bundle, open_backend(bundle, "numba")) < ATOL
    head = network.denses[0]
    wrong = replace(network, denses=(replace(head, bias=head.bias + np.float32(1e-3)),))
    changed = replace(bundle, weights=network_to_npz(wrong))
    backend = open_backend(changed, "numba")
    with pytest.raises(ModelError, match="backend numba differs from the golden vectors"):
        check_golden(changed, backend)


def test_windows_do_not_see_each_other(path: Path, rng: np.random.Generator) -> None:
    backend = open_backend(bundle_of(path, forecaster(rng)), "numba")
    windows = rng.standard_normal((4, GEOMETRY.n_context, N_BINS), np.float32)
    forward = [backend.predict(w).copy() for w in windows]
    backward = [backend.predict(w).copy() for w in windows[::-1]][::-1]
    assert np.array_equal(forward, backward)
    assert not np.array_equal(forward[0], forward[1])


@pytest.mark.parametrize("role", ["forecast", "reconstruction"])
def test_broken_input_stays_visible(path: Path, rng: np.random.Generator, role: str) -> None:
    network = forecaster(rng)
    if role == "reconstruction":
        network = Network((), denses(rng, N_OUTPUTS, 16, N_OUTPUTS))
    bundle = bundle_of(path, network, role)
    backend = open_backend(bundle, "numba")
    window = rng.standard_normal(bundle.manifest.window_shape, np.float32)
    good = backend.predict(window).copy()
    broken = window.copy()
    broken[1, 3] = np.nan
    with np.errstate(invalid="ignore"):
        assert np.isnan(backend.predict(broken)).all()
        with pytest.raises(ModelError, match="golden"):
            check_golden(replace(bundle, golden_inputs=np.stack([window, broken])), backend)
    assert np.array_equal(backend.predict(window), good)


@pytest.mark.parametrize("value", [np.float32(1e30), np.float32(-1e30)])
def test_huge_input_saturates(path: Path, rng: np.random.Generator, value: np.float32) -> None:
    backend = open_backend(bundle_of(path, forecaster(rng)), "numba")
    window = np.full((GEOMETRY.n_context, N_BINS), value, np.float32)
    assert np.isfinite(backend.predict(window)).all()


def test_any_memory_layout_is_read(path: Path, rng: np.random.Generator) -> None:
    backend = open_backend(bundle_of(path, forecaster(rng)), "numba")
    window = rng.standard_normal((GEOMETRY.n_context, N_BINS), np.float32)
    expected = backend.predict(window).copy()
    frozen = window.copy()
    frozen.setflags(write=False)
    for same in (frozen, np.asfortranarray(window), window.astype(np.float64)):
        assert np.array_equal(backend.predict(same), expected)
    with pytest.raises(ModelError, match="the model takes"):
        backend.predict(window[1:])


# Reuse across windows.


def streamed(backend: StreamingBackend, window_db: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The result for raw power, and that of the plain path."""
    plain = np.empty_like(window_db)
    scaling = standardise(window_db, plain)
    raw = backend.predict_raw(window_db, scaling).copy()
    return raw, backend.predict(plain).copy()


def jumpy_stream(rng: np.random.Generator, n_frames: int) -> FloatArray:
    """Power in dB whose level and spread change now and then, slowly or at once."""
    level = np.cumsum(rng.normal(0, 0.3, n_frames)) - 60
    level += np.where(np.arange(n_frames) > n_frames // 2, 40.0, 0.0)
    spread = np.where(np.arange(n_frames) > n_frames // 3, 0.5, 6.0)
    shape = 15 * np.sin(np.arange(N_BINS) / 7)
    frames = level[:, None] + shape + spread[:, None] * rng.standard_normal((n_frames, N_BINS))
    return frames.astype(np.float32)


@pytest.mark.parametrize("hop", [1, 3, 4, 8, 11])
@pytest.mark.parametrize("gate", GATES)
def test_reuse_changes_nothing(path: Path, rng: np.random.Generator, hop: int, gate: str) -> None:
    recipe = replace(tiny.RECIPE, hop_frames=hop)
    network = forecaster(rng, (16, 16), gate)
    backend: StreamingBackend = open_backend(bundle_of(path, network, made_with=recipe), "numba")  # type: ignore[assignment]
    frames = jumpy_stream(rng, 8 + 12 * hop)
    for start in range(0, len(frames) - 8 + 1, hop):
        raw, plain = streamed(backend, frames[start : start + 8])
        # Two orders of the same float32 operations.
        np.testing.assert_allclose(raw, plain, rtol=0, atol=1e-5)


def test_windows_of_any_order_are_told_apart(path: Path, rng: np.random.Generator) -> None:
    backend: StreamingBackend = open_backend(bundle_of(path, forecaster(rng)), "numba")  # type: ignore[assignment]
    frames = jumpy_stream(rng, 200)
    # Gaps, repeats, steps back, and a frame that changed within the part that is shared.
    for start in (0, 4, 8, 8, 4, 100, 104, 103, 107, 111, 0, 4, 8):
        window = frames[start : start + 8].copy()
        if start == 107:
            window[2, 5] += 20.0
        raw, plain = streamed(backend, window)
        np.testing.assert_allclose(raw, plain, rtol=0, atol=1e-5)


def test_what_was_broken_is_not_reused(path: Path, rng: np.random.Generator) -> None:
    backend: StreamingBackend = open_backend(bundle_of(path, forecaster(rng)), "numba")  # type: ignore[assignment]
    frames = jumpy_stream(rng, 40)
    scaling = Scaling(-60.0, 5.0)
    backend.predict_raw(frames[:8], scaling)
    broken = frames[4:12].copy()
    broken[0, 0] = np.nan
    with np.errstate(invalid="ignore"):
        assert np.isnan(backend.predict_raw(broken, scaling)).all()
        assert np.isnan(backend.predict_raw(broken, Scaling(np.nan, np.nan))).all()
    for start in (8, 12, 16):
        raw, plain = streamed(backend, frames[start : start + 8])
        np.testing.assert_allclose(raw, plain, rtol=0, atol=1e-5)


def test_the_reused_part_is_not_computed_again(path: Path, rng: np.random.Generator) -> None:
    backend: StreamingBackend = open_backend(bundle_of(path, forecaster(rng)), "numba")  # type: ignore[assignment]
    frames = jumpy_stream(rng, 12)
    scaling = standardise(frames[:8], np.empty((8, N_BINS), np.float32))
    backend.predict_raw(frames[:8], scaling)
    # Row 4 of this window is row 0 of the next, whose projection is spoilt here.
    backend._ring_projected[4 * 64 : 5 * 64] = np.nan  # type: ignore[attr-defined]
    with np.errstate(invalid="ignore"):
        assert np.isnan(backend.predict_raw(frames[4:12], scaling)).all()


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("is_raw", [False, True])
def test_nothing_is_allocated_per_call(path: Path, rng: np.random.Generator, is_raw: bool) -> None:
    recipe = replace(tiny.RECIPE, n_fft=1024)
    network = Network(lstms(rng, (16,), "sigmoid", 1024), denses(rng, 16, 4 * 1024))
    shapes = {"input_shape": (1, 8, 1024), "output_shape": (1, 4096)}
    changes = {"made_with": recipe, "model": tiny.model_info(**shapes), "detectors": {}}
    bundle = bundle_of(path, network_to_npz(network), **changes)
    backend: StreamingBackend = open_backend(bundle, "numba")  # type: ignore[assignment]
    frames = rng.standard_normal((8, 1024), np.float32)
    scaling = Scaling(0.0, 1.0)

    def call() -> FloatArray:
        return backend.predict_raw(frames, scaling) if is_raw else backend.predict(frames)

    first = call()
    gc.collect()
    kept, peak = [], 0
    tracemalloc.start()
    for _ in range(3):
        for _ in range(20):
            assert call() is first
        now, peak = tracemalloc.get_traced_memory()
        kept.append(now)
    tracemalloc.stop()
    # Views and numbers live for a moment. One row of a window alone has 4096 bytes.
    assert peak < 4096
    # What is kept is replaced: the first row of the ring, and the level.
    assert kept[2] - kept[1] < 256


# Weights as a file.


@pytest.mark.parametrize("gate", GATES)
def test_a_network_survives_its_file(rng: np.random.Generator, gate: str) -> None:
    network = Network(lstms(rng, (16, 8, 4), gate), denses(rng, 4, 6, 8, activation="tanh"))
    content = network_to_npz(network)
    assert content == network_to_npz(network)
    again = network_from_npz(content, "weights")
    assert (len(again.lstms), len(again.denses)) == (3, 2)
    assert [layer.gate for layer in again.lstms] == [gate] * 3
    assert [layer.activation for layer in again.denses] == ["tanh", "linear"]
    for before, after in zip(
        (*network.lstms, *network.denses), (*again.lstms, *again.denses), strict=True
    ):
        assert np.array_equal(before.kernel, after.kernel)
        assert np.array_equal(before.bias, after.bias)
        assert after.kernel.dtype == np.float32
    half = replace(
        network.denses[0], kernel=network.denses[0].kernel.astype(np.float16).astype(np.float32)
    )
    narrow = network_to_npz(replace(network, denses=(half, *network.denses[1:])))
    assert len(narrow) < len(content)
    assert np.array_equal(network_from_npz(narrow, "weights").denses[0].kernel, half.kernel)


def test_more_layers_than_usual_fit(rng: np.random.Generator) -> None:
    network = Network((), denses(rng, *([4] * 9)))
    assert len(network_from_npz(network_to_npz(network), "weights").denses) == 8


def test_bundles_without_weights_are_refused_with_the_reason(path: Path) -> None:
    with pytest.raises(ModelError, match=r"lstm, float32\) has no weights.npz"):
        open_backend(bundle_of(path, None), "numba")


def test_it_stands_in_where_no_interpreter_is_installed(
    path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundle_of(path, forecaster(rng))
    for runtime in ("ai_edge_litert", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, f"{runtime}.interpreter", None)
    assert open_backend(bundle).name == "numba"
    monkeypatch.setitem(sys.modules, "edgespec.inference.numba_network", None)
    for name in ("auto", "numba"):
        with pytest.raises(ModelError, match="no runtime for the model is installed"):
            open_backend(bundle, name)


def members(network: Network, **changes: str) -> bytes:
    """The file of a network with other names for some of its members."""
    from edgespec.inference.arrays import zip_bytes, zip_members

    found = zip_members(network_to_npz(network), "weights")
    return zip_bytes(
        {changes.get(name.removesuffix(".npy"), name): data for name, data in found.items()}
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("00.lstm.sigmoid.bias", "00.gru.sigmoid.bias.npy", "gru"),
        ("00.lstm.sigmoid.bias", "00.lstm.swish.bias.npy", "bias"),
        ("00.lstm.sigmoid.kernel", "00.lstm.sigmoid.recurrent2.npy", "known are lstm"),
        ("01.dense.linear.bias", "02.dense.linear.bias.npy", "dense"),
        ("01.dense.linear.bias", "bias.npy", "bias"),
    ],
)
def test_unknown_layers_are_refused(
    path: Path, rng: np.random.Generator, old: str, new: str, message: str
) -> None:
    content = members(forecaster(rng, (16,)), **{old: new})
    with pytest.raises(ModelError, match=message):
        open_backend(bundle_of(path, content), "numba")


def test_layers_that_do_not_belong_together_are_refused(
    path: Path, rng: np.random.Generator
) -> None:
    with pytest.raises(ModelError, match="8 outputs is followed by one of 16"):
        Network(lstms(rng, (8,), "sigmoid"), denses(rng, 16, 4))
    with pytest.raises(ModelError, match="must end in a dense layer"):
        Network(lstms(rng, (8,), "sigmoid"), ())
    with pytest.raises(ModelError, match="known are sigmoid, hard_sigmoid"):
        lstms(rng, (8,), "relu")
    with pytest.raises(ModelError, match="known are linear, relu, tanh, sigmoid"):
        Dense("swish", drawn(rng, 4, 4), drawn(rng, 4))
    kernel = drawn(rng, 4, 4)
    kernel[0, 0] = np.inf
    for wrong in (kernel, drawn(rng, 4, 4).astype(np.float64), drawn(rng, 4, 5)):
        with pytest.raises(ModelError, match="it must be finite float32"):
            Dense("linear", wrong, drawn(rng, 4))
    short = Network(lstms(rng, (16,), "sigmoid"), denses(rng, 16, 128))
    with pytest.raises(ModelError, match=r"returns 128, but its geometry asks for 64 and 256"):
        open_backend(bundle_of(path, network_to_npz(short)), "numba")


# Parts.


@pytest.mark.parametrize(
    ("parts", "exact"),
    [
        (nonlinear.tanh_parts, np.tanh),
        (nonlinear.sigmoid_parts, lambda x: 1 / (1 + np.exp(-x))),
        (lambda x: (nonlinear.hard_sigmoid(x), 1.0), lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    ],
)
def test_nonlinear_functions(parts, exact) -> None:  # type: ignore[no-untyped-def]
    x = np.concatenate([np.linspace(-20, 20, 4001), [0.0, 1e-30, -1e-30, 88.0, -1e30, 1e30]])
    x = x.astype(np.float32)
    numerator, denominator = np.array([parts(value) for value in x], np.float64).T
    # Rounding of numerator and denominator in float32, four operations deep each.
    error = np.abs(numerator / denominator - exact(np.clip(x.astype(np.float64), -80, 80)))
    assert error.max() < 4e-7
    assert denominator.min() >= 0.5
    assert np.isnan(np.divide(*parts(np.float32(np.nan))))


@pytest.mark.parametrize("sign", [1, -1])
def test_nonlinear_functions_keep_to_their_limits(sign: int) -> None:
    for x in np.float32(sign) * np.linspace(0, 30, 601, dtype=np.float32):
        numerator, denominator = nonlinear.tanh_parts(np.float32(x))
        # A last digit above 1 does no harm: no gate multiplies on and on.
        assert abs(np.float32(numerator) / np.float32(denominator)) <= 1 + 2e-7


def test_widths_of_packed_matrices_fit_each_other() -> None:
    assert registers.WIDE % registers.NARROW == 0
    assert registers.NARROW % registers.TILE_COLUMNS == 0


@pytest.mark.slow_without_jit
@pytest.mark.skipif(
    len(vector_bits()) < 2,
    reason="Numba compiles for a processor without AVX-512: vectors have one width",
)
@pytest.mark.parametrize("widths", [Widths(*bits) for bits in product((512, 256), repeat=3)])
def test_every_choice_of_widths_gives_the_same(
    path: Path, rng: np.random.Generator, widths: Widths
) -> None:
    network = forecaster(rng, (80, 64), "sigmoid")
    backend = open_numba(bundle_of(path, network), widths=widths)
    window = rng.standard_normal((GEOMETRY.n_context, N_BINS), np.float32)
    expected = naive.network(window, network)
    np.testing.assert_allclose(backend.predict(window).ravel(), expected, rtol=0, atol=ATOL)


def test_columns_are_packed_widest_first() -> None:
    matrix = np.arange(3 * 7, dtype=np.float32).reshape(3, 7)
    packed = packed_columns(matrix, (4, 1))
    expected = [matrix[:, :4].ravel(), matrix[:, 4], matrix[:, 5], matrix[:, 6]]
    assert np.array_equal(packed, np.concatenate(expected))
