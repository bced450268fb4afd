"""``edgespec model key`` and ``edgespec model sign``: on the machine where models are made."""

import time
from pathlib import Path

import click

from edgespec.flags import JSON_OPTION
from edgespec.output_path import OutputPath

__all__ = ["model_key", "model_sign"]

_DAY_NS = 86_400_000_000_000
_NS = 1_000_000_000


@click.command("key")
@click.argument("path", type=OutputPath(dir_okay=False, path_type=Path))
@click.option(
    "--public", "is_there", is_flag=True, help="PATH is there: print the public half of its key."
)
@JSON_OPTION
def model_key(path: Path, is_there: bool, as_json: bool) -> None:
    """Make a key that models are signed with.

    PATH becomes the private half (PEM, mode 0600). It stays on the machine where models are made;
    the public half is printed, and goes into updates.trusted_keys of every observer that is to take
    them.
    """
    from edgespec.updates.ed25519 import new_signing_key, read_signing_key, text_of_key
    from edgespec.wire.text import encode

    key = read_signing_key(path) if is_there else new_signing_key(path)
    text = text_of_key(key.public)
    if as_json:
        click.echo(encode({"schema": "edgespec.key/1", "key": text, "path": str(path)}))
        return
    click.echo(text)
    if not is_there:
        click.echo(f'wrote {path}; on each observer: [updates] trusted_keys = ["{text}"]', err=True)


@click.command("sign")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--key",
    "keys",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    required=True,
    metavar="FILE",
    help="Private key; of `edgespec model key`. Several while a new one takes over.",
)
@click.option(
    "--counter",
    type=click.IntRange(1, 2**63 - 1),
    metavar="N",
    help="Version: no observer takes a lower one than it had; default: the seconds since 1970.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    default=365,
    show_default=True,
    metavar="N",
    help="For so long it may be installed. One that is installed runs on.",
)
@click.option(
    "--band",
    "bands",
    multiple=True,
    metavar="ID",
    help="Band that it is for; several by several. Default: any that it fits.",
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write it, a file that does not exist; default: over PATH, in one step.",
)
@JSON_OPTION
def model_sign(
    path: Path,
    keys: tuple[Path, ...],
    counter: int | None,
    days: int,
    bands: tuple[str, ...],
    output: Path | None,
    as_json: bool,
) -> None:
    """Sign a bundle. Its id stays, and so does what observers have learnt with it.

    A signature that it has is replaced.
    """
    from dataclasses import replace

    from edgespec.inference.bundle import parse_bundle, put_bundle, read_bundle
    from edgespec.newfile import check_absent, check_place
    from edgespec.units import format_utc
    from edgespec.updates.ed25519 import read_signing_key, text_of_key
    from edgespec.updates.signature import Statement, sign_bundle
    from edgespec.wire.text import encode

    is_new = output is not None and not (output.exists() and output.samefile(path))
    target = output if output is not None and is_new else path
    if is_new:
        check_absent(target)
    check_place(target)
    bundle, content = read_bundle(path)
    found = [read_signing_key(one) for one in keys]
    now_ns = time.time_ns() // _NS * _NS
    begin, end = format_utc(now_ns), format_utc(now_ns + days * _DAY_NS)
    statement = Statement(counter or now_ns // _NS, begin, end, bands)
    content = sign_bundle(bundle, content, found, statement)
    put_bundle(replace(bundle, path=target), content, is_new=is_new)
    # Its id is that of the signed file's members, however the file before was packed.
    sha256 = parse_bundle(content, target).sha256
    names = [text_of_key(key.public) for key in found]
    if as_json:
        said = {
            "schema": "edgespec.signed/1",
            "path": str(target),
            "sha256": sha256,
            "version": statement.version,
            "expires_utc": statement.expires_utc,
            "bands": bands,
            "keys": names,
        }
        click.echo(encode(said))
    else:
        where = f"in {', '.join(bands)} " if bands else ""
        click.echo(
            f"{target}: {bundle.manifest.name} {sha256[:12]}, version {statement.version}, "
            f"may be installed {where}until "
            f"{statement.expires_utc[:10]}, signed by {', '.join(names)}"
        )
