"""The software: versions of what edgespec stands on, the kernels, the model."""

import re
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from edgespec.computing import AUTO, Computing, compiler_is_off
from edgespec.errors import EdgespecError, ModelError
from edgespec.figures import can_draw
from edgespec.framing import Recipe
from edgespec.ops.checks.finding import Finding, Subject
from edgespec.records import IqBlock, SampleFormat
from edgespec.sources.schemes import parse_source
from edgespec.sources.tuner import DEFAULT_RATE_HZ, TUNER_SCHEMES

if TYPE_CHECKING:
    from edgespec.inference.bundle import Bundle

__all__ = [
    "band_bundle",
    "check_front_end",
    "check_model",
    "check_packages",
    "check_pictures",
    "judge_versions",
]

_CACHE_FIX = "set NUMBA_CACHE_DIR to a folder that this user may write to"
_MINIMUM = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)")


def check_packages(subject: Subject) -> Finding:
    """Whether every package that edgespec requires is there and new enough."""
    try:
        requirements = metadata.requires("edgespec") or []
    except metadata.PackageNotFoundError:
        return Finding(
            "warn",
            "edgespec runs from a folder, so nothing says which versions it needs",
            "pip install . in that folder",
        )
    matches = (_MINIMUM.fullmatch(line) for line in requirements)
    minima = {match[1]: match[2] for match in matches if match}
    installed = {name: _version(name) for name in (*minima, "tflite-runtime")}
    return judge_versions(minima, installed)


def check_pictures(subject: Subject) -> Finding:
    """Whether alerts can have a picture, where they are to have one."""
    if not subject.config.evidence.pictures:
        return Finding("skipped", "evidence.pictures is false")
    if can_draw():
        return Finding("ok", "matplotlib is here")
    return Finding(
        "warn",
        "matplotlib is not installed: alerts have no picture, and `edgespec look` draws none",
        f"{sys.executable} -m pip install matplotlib, or set evidence.pictures = false",
    )


def judge_versions(minima: Mapping[str, str], installed: Mapping[str, str | None]) -> Finding:
    """Return what is missing or too old; tflite-runtime stands in for ai-edge-litert."""
    wanted = dict(minima)
    if installed.get("ai-edge-litert") is None and installed.get("tflite-runtime"):
        wanted.pop("ai-edge-litert", None)
        wanted["tflite-runtime"] = "2.14"
    troubles = []
    for name, minimum in wanted.items():
        version = installed.get(name)
        if version is None:
            troubles.append(f"{name} is missing")
        elif _numbers(version) < _numbers(minimum):
            troubles.append(f"{name} {version} is older than {minimum}")
    if troubles:
        fix = "pip install --upgrade " + " ".join(f"'{n}>={v}'" for n, v in wanted.items())
        return Finding("fail", ", ".join(troubles), fix)
    return Finding("ok", ", ".join(f"{name} {installed[name]}" for name in wanted))


def _version(name: str) -> str | None:
    """Return the installed version of a package, None where it is missing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> list[int]:
    """Return ``[2, 1, 0]`` for ``2.1.0rc1``: good enough for a lower bound."""
    return [int(part) for part in re.findall(r"\d+", re.split(r"[^0-9.]", version)[0])]


def band_bundle(subject: Subject) -> "Bundle | None":
    """Return the band's bundle, None where any rate will do, or it cannot be read."""
    from edgespec.observer.opening.band_model import named_bundle

    with suppress(ModelError):
        return named_bundle(subject.config)
    return None


def _expected_recipe(subject: Subject) -> Recipe:
    """Return what frames will be made by, as far as that can be known before the source is open."""
    source, rate_hz = subject.config.source[0], None
    with suppress(EdgespecError):
        uri = parse_source(source.address)
        rate_hz = uri.number("sample_rate") or source.sample_rate_hz
        if rate_hz is None and uri.scheme in TUNER_SCHEMES:
            rate_hz = DEFAULT_RATE_HZ
    rate_hz = rate_hz or source.sample_rate_hz
    named = band_bundle(subject)
    if named is not None or not rate_hz:
        return Recipe(sample_rate_hz=5e6) if named is None else named.manifest.recipe
    return Recipe.for_rate(rate_hz)


def check_front_end(subject: Subject) -> Finding:
    """Whether the kernels compile here, and whether the compiled code can be kept.

    With ``warm`` they are compiled for every sample format and all that follows, so that the first
    start is quick. Where all is computed plainly there are none.
    """
    wanted = subject.config.node.computing
    if Computing.named(wanted) is Computing.PLAIN:
        reason = "as configured" if wanted != AUTO else "Numba is not installed"
        return Finding("ok", f"plain, {reason}: nothing is compiled")
    started_s = time.monotonic()
    recipe = _expected_recipe(subject)
    formats = tuple(SampleFormat) if subject.warm else (SampleFormat.CF32,)
    for sample_format in formats:
        subject.progress(f"spectra of {sample_format}")
        _process_one_frame(recipe, sample_format)
    if subject.warm:
        _warm_path(subject, recipe.sample_rate_hz)
    detail = f"{', '.join(formats)} ready after {time.monotonic() - started_s:.1f} s"
    if compiler_is_off():
        return Finding(
            "warn", f"{detail}, in plain Python", "unset NUMBA_DISABLE_JIT: it is far too slow"
        )
    folder = _cache_folder()
    if folder is None:
        return Finding("warn", f"{detail}, but kept nowhere: every start compiles", _CACHE_FIX)
    return Finding("ok", f"{detail}, kept in {folder}")


def _cache_folder() -> Path | None:
    """Return where the machine code of the front end is kept, None where that is nowhere."""
    from edgespec.dsp import compiled_frames
    from edgespec.jit import cache_folder

    return cache_folder(compiled_frames.__file__)


def _process_one_frame(recipe: Recipe, sample_format: SampleFormat) -> None:
    """Run the compiled front end once."""
    from edgespec.dsp.spectrogram import FrontEnd

    samples = sample_format.empty(recipe.samples_in(1))
    samples[...] = 0
    front_end = FrontEnd(
        recipe.framing, sample_format, max_block_samples=len(samples), computing=Computing.COMPILED
    )
    front_end.process(IqBlock(samples, recipe.sample_rate_hz, 0.0, 0, 0))


def _warm_path(subject: Subject, rate_hz: float) -> None:
    """Run noise of every format up to its scores, if there is a bundle to do it with."""
    from edgespec.observer.opening.band_model import usual_bundle
    from edgespec.ops.warm import warm_path

    # What is wrong with the bundle or its calibration is said by other checks.
    with suppress(EdgespecError):
        bundle = usual_bundle(subject.config)
        warm_path(subject.config, bundle, subject.progress, rate_hz=rate_hz)


def check_model(subject: Subject) -> Finding:
    """Whether the bundle is whole and this runtime gives its golden vectors.

    With ``warm`` every runtime is measured and the fastest kept for later starts.
    """
    from edgespec.inference.backends import check_golden
    from edgespec.observer.startup import open_model
    from edgespec.ops.choose import choose

    if subject.warm and subject.config.band[0].backend == "auto":
        choose(subject.config, subject.progress)
    bundle, backend = open_model(subject.config)
    started_s = time.monotonic()
    error = check_golden(bundle, backend)
    took_ms = 1e3 * (time.monotonic() - started_s) / len(bundle.golden_inputs)
    return Finding(
        "ok",
        f"{bundle.manifest.name} on {backend.name}: {len(bundle.golden_inputs)} golden windows "
        f"within {error:.2g}, {took_ms:.2g} ms each",
    )
