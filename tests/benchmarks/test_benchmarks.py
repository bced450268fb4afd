"""Laws of the benchmarks: what they count and compare, not how fast anything is."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import record
from benchmarks.speed.arm64 import read_code
from benchmarks.speed.boards import BOARDS, SHAPES, instructions_of, shares
from benchmarks.speed.storage import halves_of, products
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.dsp.transform import scaling_of
from edgespec.inference.network import Dense, Lstm, Network

# One loop of six instructions in another one; outside of both there are five.
ASSEMBLY = """\
	.text
kernel:
	.cfi_startproc
	sub	sp, sp, #32
	mov	x9, xzr
.LBB0_1:
	mov	x8, xzr
.LBB0_2:
	ldp	q0, q1, [x0]	// a comment
	str	q3, [sp, #16]
	fmla	v2.4s, v0.4s, v1.s[0]
	fdiv	v2.4s, v2.4s, v1.4s
	subs	x8, x8, #1
	b.ne	.LBB0_2
	cbnz	x9, .LBB0_1
	ret
.Lfunc_end0:
"""


def code(core: str = "cortex-a72"):
    return read_code("kernel", core, ASSEMBLY)


def test_the_innermost_loop_is_counted():
    found = code()
    assert (found.loop, found.once) == (6, 5)
    assert (found.multiply_adds, found.divisions, found.loads) == (1, 1, 1)
    assert (found.stores, found.spills, found.scalars) == (1, 1, 0)


def test_without_a_loop_the_whole_function_is_counted():
    straight = "kernel:\n\tfadd\ts0, s1, s2\n\tldr\tq0, [x0]\n\tret\n.Lfunc_end0:\n"
    found = read_code("kernel", "cortex-a72", straight)
    assert (found.loop, found.once, found.scalars, found.loads) == (3, 0, 1, 1)


def codes():
    loops = {"_multiply_four": 31, "_add_wide": 37, "_soft_cells": 139, "_hard_cells": 78}
    return {
        name: SimpleNamespace(
            once=20, loop=loops.get(name, 10), multiply_adds=2, divisions=2, scalars=2
        )
        for name in ("_scale", "_rows_that_count", *loops)
    }


def test_less_work_is_fewer_instructions():
    of = {name: instructions_of(shape, codes()) for name, shape in SHAPES.items()}
    assert of["LSTM 2x64, stateful"] < of["LSTM 2x64, with reuse"] < of["LSTM 2x64"]
    assert of["autoencoder, float32"] < of["LSTM 2x64, stateful"]
    # At least the multiplications of one window, four at a time.
    assert of["LSTM 2x64"] > (100 * (128 + 64 + 64) * 256 + 99 * 64 * 256 + 64 * 3200) / 4


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_share_grows_with_rate_and_with_what_memory_must_give(board):
    low, high = shares(board, 5e6, 0.0, 5e6)
    assert 0.0 < low < high
    assert shares(board, 5e6, 0.0, 10e6) == pytest.approx((2 * low, 2 * high))
    assert shares(board, 5e6, 1e9, 5e6) > (low, high)


def test_each_call_is_given_its_own_count():
    seen: dict[str, list[int]] = {"a": [], "b": []}
    calls = {name: own.append for name, own in seen.items()}
    times = take_turns(calls, n_rounds=3, turn_s=0.0)
    for name, own in seen.items():
        assert own == list(range(len(own)))
        # The first of each turn is not timed.
        assert times[name].n_calls == len(own) - 3 >= 6
        assert 0.0 <= times[name].min_s <= times[name].median_s


def test_a_result_is_kept_by_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    machine = {"machine": "aarch64", "cpu": "Raspberry Pi 5, Rev 1.0"}
    text = markdown_table(["a", "b"], [[1, 2]])
    path = record.save("model", "Title", {"machine": machine, "n": 1}, text)
    assert path.name == "model-aarch64-raspberry-pi-5-rev-1-0.md"
    assert "| 1 | 2 |" in path.read_text()
    assert "`python -m benchmarks.speed.model`" in path.read_text()
    content = json.loads(path.with_suffix(".json").read_text())
    assert (content["schema"], content["n"]) == ("edgespec.benchmark.model/1", 1)


def test_every_kept_result_can_be_drawn():
    pytest.importorskip("matplotlib", reason="needs the extra converter")
    from benchmarks.speed.draw import DRAWERS

    kept = {name: sorted(record.RESULTS.glob(f"{name}-*.json")) for name in DRAWERS}
    assert all(kept.values()), kept
    for name, paths in kept.items():
        for path in paths:
            result = json.loads(path.read_text())
            figure = DRAWERS[name](result)
            assert all(axes.get_xlabel() for axes in figure.axes)
            figure.clear()


def test_every_half_becomes_the_float_it_is():
    from benchmarks.speed import storage

    every = np.arange(2**16, dtype=np.uint16)
    every = every[np.isfinite(every.view(np.float16))]
    convert = getattr(storage._float_of_half, "py_func", storage._float_of_half)
    assert np.array_equal(convert(every), every.view(np.float16).astype(np.float32))
    assert np.array_equal(halves_of(np.float32([1.0])).view(np.float16), [1.0])


def test_narrow_weights_give_nearly_the_same_product():
    made = products(8, 64, n_times=1)
    for _, _, run in made.values():
        run(0)
    n_bytes, expected, _ = made["float32"]
    assert np.abs(expected).max() > 0.1
    for name, share, atol in (("float16", 2, 1e-3), ("int8", 4, 1e-2)):
        assert share * made[name][0] == n_bytes
        np.testing.assert_allclose(made[name][1], expected, atol=atol)


@pytest.mark.parametrize("gate", ["sigmoid", "hard_sigmoid"])
def test_the_onnx_graph_is_the_network(gate: str, rng: np.random.Generator):
    pytest.importorskip("onnx", reason="needs the extra bench")
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra bench")
    from benchmarks.speed.runtimes.onnx import onnx_bytes
    from tests import naive

    def weights(*shape: int):
        return rng.standard_normal(shape, np.float32)

    network = Network(
        tuple(Lstm(gate, weights(n, 12), weights(3, 12), weights(12)) for n in (5, 3)),
        (Dense("relu", weights(3, 4), weights(4)), Dense("linear", weights(4, 6), weights(6))),
    )
    window = weights(7, 5)
    session = runtime.InferenceSession(onnx_bytes(network, window.shape))
    (actual,) = session.run(None, {"x": window})
    np.testing.assert_allclose(actual[0], naive.network(window, network), atol=1e-5)


def test_a_stream_and_its_windows_are_the_same_signal(rng: np.random.Generator):
    from benchmarks.speed.stateful import GEOMETRY, scalings_of, windows_of

    hop, n_context = GEOMETRY.hop_frames, GEOMETRY.n_context
    power_db = rng.normal(-60, 5, (hop * 8 + 3, GEOMETRY.n_bins)).astype(np.float32)
    hops, following, scalings = windows_of(power_db)
    assert len(hops) == len(following) == len(scalings) == 7
    assert len(scalings_of(power_db)) == 8
    for k in range(3, 7):
        stop = hop * (k + 1)
        context = power_db[stop - n_context : stop]
        scaling = scaling_of(context, np.empty_like(context))
        assert scalings[k] == pytest.approx((scaling.mean_db, scaling.scale_db), rel=1e-5)
        for part, frames in ((hops, power_db[stop - hop : stop]), (following, power_db[stop:])):
            restored = part[k] * scalings[k, 1] + scalings[k, 0]
            np.testing.assert_allclose(restored, frames[:hop], rtol=1e-5)
