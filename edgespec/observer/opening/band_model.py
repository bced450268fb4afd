"""The model a band starts with: what the configuration names, what is installed, what is shipped.

In this order. An installed model takes the place of the shipped one: it is taken where it was made
for the sample rate of the source, or for sweeps where the source gives sweeps. One that is damaged,
or that no runtime here can run, leaves the place to the one before it, and that to the shipped one.
"""

from collections.abc import Iterator

from edgespec.config import Config
from edgespec.dsp.stream import is_near_rate
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path
from edgespec.sources.schemes import gives_sweeps
from edgespec.sweep_recipe import SweepRecipe
from edgespec.updates.store import ModelStore

__all__ = ["is_installed", "model_caution", "models_at", "named_bundle", "usual_bundle"]


def named_bundle(config: Config) -> Bundle | None:
    """Return the bundle that the first band is judged by whatever its source delivers.

    A band whose model the configuration does not name has the installed or the shipped one where it
    is a part of a source, whose rate the bundle then sets, and the installed one where its source
    gives sweeps. A band that is all of a source of samples waits for the source's rate: None.

    Raises:
        ModelError: it cannot be used.
    """
    band = config.band[0]
    if band.model is not None:
        return load_bundle(band.model)
    if band.center_freq_hz is not None:
        return usual_bundle(config)
    return next(_installed(config), None) if _is_swept(config) else None


def usual_bundle(config: Config) -> Bundle:
    """Return the bundle of the first band, at whatever rate: named, installed or shipped.

    Raises:
        ModelError: it cannot be used.
    """
    if config.band[0].model is not None:
        return load_bundle(config.band[0].model)
    return next(_installed(config), None) or load_bundle(shipped_bundle_path())


def models_at(config: Config, rate_hz: float) -> list[Bundle]:
    """Return the bundles of the first band that were made for a sample rate, the best first.

    Of a band whose model the configuration does not name: the installed one, the one before it, the
    shipped one.

    Raises:
        ModelError: the shipped one cannot be used.
    """
    found = [*_installed(config), load_bundle(shipped_bundle_path())]
    return [
        one
        for one in found
        if not isinstance(one.manifest.made_with, SweepRecipe)
        and is_near_rate(rate_hz, one.manifest.made_with.sample_rate_hz)
    ]


def is_installed(config: Config, bundle: Bundle) -> bool:
    """Whether a bundle is one that was installed, and not one that somebody names or that came."""
    return bundle.path == ModelStore(config.node.state_dir).path(bundle.sha256)


def model_caution(config: Config, runs_sha256: str | None) -> str:
    """Return why the first band does not run the model that is installed; '' where it does.

    ``runs_sha256`` is what it runs.
    """
    band = config.band[0]
    if band.model is not None:
        return ""
    running = ModelStore(config.node.state_dir).running(band.id)
    if running.caution:
        return running.caution
    if running.bundle is None or running.bundle.sha256 == runs_sha256:
        return ""
    manifest = running.bundle.manifest
    made_with = manifest.made_with
    made_for = (
        made_with.words
        if isinstance(made_with, SweepRecipe)
        else f"{made_with.sample_rate_hz:.10g} samples a second"
    )
    return (
        f"the installed model {manifest.name} does not run: the source gives others than the "
        f"{made_for} that it was made for, or nothing here can run it"
    )


def _installed(config: Config) -> Iterator[Bundle]:
    """Yield what is installed in the first band for such a source, the current one first."""
    for bundle in ModelStore(config.node.state_dir).sound(config.band[0].id):
        if isinstance(bundle.manifest.made_with, SweepRecipe) == _is_swept(config):
            yield bundle


def _is_swept(config: Config) -> bool:
    uri = config.source[0].uri
    return uri is not None and gives_sweeps(uri)
