"""``edgespec model`` on the command line."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from edgespec.flags import JSON_OPTION
from edgespec.ops.publish import model_publish
from edgespec.ops.shadow import shadow
from edgespec.ops.signing import model_key, model_sign
from edgespec.ops.updates.cli import model_install, model_list, model_promote, model_rollback

__all__ = ["model"]


@click.group()
def model() -> None:
    """Look into bundles, the models: sign, install, take back."""


for command in (
    model_install,
    model_list,
    model_rollback,
    shadow,
    model_promote,
    model_publish,
    model_key,
    model_sign,
):
    model.add_command(command)


@model.command("info")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@JSON_OPTION
def model_info(path: Path | None, as_json: bool) -> None:
    """Say what a bundle holds; default: the shipped one."""
    from edgespec.inference.bundle import load_bundle, shipped_bundle_path
    from edgespec.inference.manifest_json import manifest_to_json
    from edgespec.ops.tables import bundle_table
    from edgespec.updates.signature import read_signature
    from edgespec.wire.text import encode

    bundle = load_bundle(path or shipped_bundle_path())
    if as_json:
        manifest = json.loads(manifest_to_json(bundle.manifest))
        signature = read_signature(bundle)
        told = None if signature is None else asdict(signature)
        click.echo(encode({"sha256": bundle.sha256, "signature": told, **manifest}))
    else:
        click.echo(bundle_table(bundle))


@model.command("verify")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option(
    "--backend",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Runtime to check it with: litert, tflite_runtime or numba.",
)
@JSON_OPTION
def model_verify(path: Path | None, backend: str, as_json: bool) -> None:
    """Run a bundle on its golden vectors.

    Exits with 5 if it does not give the outputs it was made with.
    """
    from edgespec.inference.backends import check_golden, open_backend
    from edgespec.inference.bundle import load_bundle, shipped_bundle_path
    from edgespec.screen.progress import Progress
    from edgespec.wire.text import encode

    bundle = load_bundle(path or shipped_bundle_path())
    with Progress() as progress:
        progress.at("running the golden vectors")
        runtime = open_backend(bundle, backend)
        error = check_golden(bundle, runtime)
    limit = bundle.manifest.golden_atol
    if as_json:
        result = {
            "schema": "edgespec.verify/1",
            "sha256": bundle.sha256,
            "backend": runtime.name,
            "max_error": error,
            "limit": limit,
        }
        click.echo(encode(result))
    else:
        click.echo(
            f"{bundle.manifest.name}: good; {len(bundle.golden_inputs)} golden vectors agree "
            f"within {error:.1e} (limit {limit:.1e}) in {runtime.name}"
        )
