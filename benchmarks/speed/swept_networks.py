"""Size and latency of the networks of swept bands: ``python -m benchmarks.speed.swept_networks``.

Each is built at the geometry of Peng et al. 2022 (80 sweeps of 80 points, 40 ahead) with its usual
sizes and random weights, converted to TFLite, held against Keras, and run by LiteRT on one thread,
as a board does. A horizon lasts 72 s.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.turns import take_turns
from converter.bundles.tflite import convert, operators
from converter.models.architectures import MODELS, build_model
from converter.models.runtime import load_keras
from converter.report.markdown_table import markdown_table
from edgespec.records import FloatArray, Geometry

__all__ = ["GEOMETRY", "NETWORKS", "main", "prepare"]

GEOMETRY = Geometry(n_bins=80, frame_s=1.8, n_context=80, n_horizon=40, hop_frames=40)
#: The paper's, and the closed form and the LSTM that they are set beside.
NETWORKS = (
    *("linear-ar", "lstm", "rnn", "deep-lstm", "cnn", "u-net", "conv-lstm"),
    *("dts-resnet-c", "dts-resnet", "sts-prednets-c", "sts-prednets"),
    *("spatio-temporal-c", "spatio-temporal-oh", "spatio-temporal-od", "spatio-temporal"),
)
#: These take no option of that name; both see levels as they are.
_WITHOUT_RESIDUAL = ("linear-ar", "lstm")
_SEED = 20261129


def prepare(
    name: str, geometry: Geometry, hyper: dict[str, Any], kind: str = "float32"
) -> tuple[dict[str, Any], Callable[[int], object]]:
    """Return what is known of a converted network, and a call that runs it once."""
    from ai_edge_litert.interpreter import Interpreter

    load_keras().utils.set_random_seed(_SEED)
    if name not in _WITHOUT_RESIDUAL:
        hyper = {"residual_of": "mean", **hyper}
    model = build_model(name, geometry, hyper)
    rng = np.random.default_rng(_SEED)
    model.set_weights([w + 0.02 * rng.normal(size=w.shape) for w in model.get_weights()])
    content = convert(model, kind)
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    inputs = interpreter.get_input_details()
    (output,) = interpreter.get_output_details()
    given: list[FloatArray] = [
        rng.normal(size=(1, *one.shape[1:])).astype(np.float32) for one in model.inputs
    ]
    # The file calls its first input otherwise, and may have them in any order.
    names = ["window", *(one.name for one in model.inputs[1:])]
    by_name = dict(zip(names, given, strict=True))
    for detail in inputs:
        own = [n for n in names if f"_{n}:" in f"_{detail['name']}:"]
        interpreter.set_tensor(detail["index"], by_name[own[0]] if own else given[0])

    def call(_: int) -> object:
        interpreter.reset_all_variables()
        return interpreter.invoke()

    call(0)
    expected = np.asarray(model(given if len(given) > 1 else given[0]), np.float64)
    error = interpreter.get_tensor(output["index"]) - expected
    facts = {
        "name": name,
        "n_parameters": model.count_params(),
        "bytes": len(content),
        "operators": list(operators(content)),
        "relative_error": float(np.sqrt(np.mean(error**2) / np.mean(expected**2))),
    }
    return facts, call


@click.command(help=__doc__)
@click.option("--rounds", "n_rounds", default=3, help="Turns of each.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_rounds: int, save: bool) -> None:
    """Convert and measure each."""
    record.on_one_core()
    facts, calls = [], {}
    for name in NETWORKS:
        known, calls[name] = prepare(name, GEOMETRY, {})
        facts.append(known)
        click.echo(f"{name}: {known['bytes'] / 1e6:.2f} MB", err=True)
    times = take_turns(calls, n_rounds, 0.05)
    rows = [{**known, **asdict(times[known["name"]])} for known in facts]
    head = ["network", "inputs", "parameters", "TFLite, MB", "min ms", "median ms", "of Keras"]
    table = [
        [
            row["name"],
            " + ".join(("context", *MODELS[row["name"]].sides)),
            f"{row['n_parameters']:,}",
            f"{row['bytes'] / 1e6:.2f}",
            f"{row['min_s'] * 1e3:.2f}",
            f"{row['median_s'] * 1e3:.2f}",
            f"{row['relative_error']:.1e}",
        ]
        for row in rows
    ]
    text = markdown_table(head, table, right_from=2)
    text += "\n`of Keras`: RMS error of the converted network over the RMS of what Keras says.\n"
    click.echo(text)
    if save:
        title = "Networks of swept bands on one thread"
        machine = record.facts(["tensorflow", "keras", "ai-edge-litert"])
        click.echo(record.save("swept_networks", title, {"machine": machine, "rows": rows}, text))


if __name__ == "__main__":
    main()
