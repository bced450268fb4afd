"""What a model has to show on this machine before it may run in a band: nothing is switched here.

It was made for the band's samples or sweeps and calibrated for its detectors; a runtime of this
machine knows its operators, gives its golden vectors and is fast enough for the band.
"""

from collections.abc import Callable
from dataclasses import dataclass

from edgespec.computing import Computing
from edgespec.config import Config
from edgespec.detect.detectors import resolve_names
from edgespec.dsp.stream import is_near_rate
from edgespec.errors import ConfigError, EdgespecError, ModelError
from edgespec.inference.bundle import Bundle
from edgespec.observer.opening.parts import source_rate_hz
from edgespec.observer.runtimes.choice import OURS, candidates_for, fastest, measure, remember
from edgespec.observer.scoring.thresholds import thresholds_of
from edgespec.observer.swept.swept_model import check_model, swept_recipe
from edgespec.sources.schemes import gives_sweeps, parse_source
from edgespec.sources.tuner import DEFAULT_RATE_HZ, TUNER_SCHEMES, first_of
from edgespec.units import format_hz

__all__ = ["MODEL_SHARE", "Examined", "examine"]

#: Of the time from one segment to the next, so much may be the model's: the front end and the other
#: detectors of the band take their part on the same core, and what comes late is lost.
MODEL_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Examined:
    """What a model has shown here.

    ``backend`` is the fastest runtime; ``call_s`` its fastest call, of ``hop_s`` from one segment
    to the next. ``max_error`` is its largest difference from the golden vectors, in standardised
    units, of the ``golden_atol`` that the bundle allows. ``doubts`` are what could not be seen.
    """

    backend: str
    call_s: float
    hop_s: float
    max_error: float
    golden_atol: float
    doubts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The figures, for people."""
        return (
            f"golden vectors within {self.max_error:.1e} (limit {self.golden_atol:.1e}) in "
            f"{self.backend}; {1e3 * self.call_s:.3g} ms a segment, of {1e3 * self.hop_s:.3g} ms "
            f"until the next"
        )


def examine(
    config: Config, bundle: Bundle, progress: Callable[[str], None] = lambda text: None
) -> Examined:
    """Examine a model for the first band of ``config``, and keep which runtime is the fastest.

    Raises:
        ModelError: it does not fit the band, no runtime here can run it, all give other outputs
            than it was made with, or the fastest is too slow.
    """
    label = f"model {bundle.manifest.name!r:.80} ({bundle.sha256[:12]})"
    band = config.band[0]
    try:
        doubts = _fits(config, bundle)
    except EdgespecError as error:
        raise ModelError(f"{label} does not fit the band {band.id}: {error}") from None
    names = candidates_for(Computing.named(config.node.computing))
    if band.backend != "auto":
        names = (OURS,) if band.backend == OURS else (band.backend,)
    candidates = measure(bundle, names, progress)
    best = fastest(candidates)
    hop_s = bundle.manifest.geometry.hop_s
    call_s = best.call_s or 0.0
    if call_s > MODEL_SHARE * hop_s:
        raise ModelError(
            f"{label} is too slow for the band {band.id}: its fastest call takes "
            f"{1e3 * call_s:.3g} ms here ({best.backend}), and a segment comes every "
            f"{1e3 * hop_s:.3g} ms, of which {MODEL_SHARE:.0%} may be the model's: take a smaller "
            "or a quantised one"
        )
    remember(bundle, config.node.state_dir, names, candidates)
    limit = bundle.manifest.golden_atol
    return Examined(best.backend, call_s, hop_s, best.max_error or 0.0, limit, doubts)


def _fits(config: Config, bundle: Bundle) -> tuple[str, ...]:
    """Return what cannot be seen of whether a model is for the first band.

    Raises:
        EdgespecError: it is not.
    """
    source, band, detect = config.source[0], config.band[0], config.detect
    if source.uri is not None and gives_sweeps(source.uri):
        recipe = swept_recipe(bundle)
        check_model(bundle, detect)
        return (f"whether the source gives the sweeps it was made for, {recipe.words}, is seen "
                "when the source is open",)  # fmt: skip
    recipe_hz = bundle.manifest.recipe.sample_rate_hz
    names = resolve_names(detect.detectors, bundle.manifest.model.role)
    thresholds_of(bundle.manifest, names, detect)
    if band.center_freq_hz is not None:
        # The parts of a source are checked with what the configuration says of it.
        source_rate_hz(source, [(band, bundle)])
        return ()
    uri = None if source.uri is None else parse_source(source.uri)
    rate_hz = first_of(
        None if uri is None else uri.number("sample_rate"),
        source.sample_rate_hz,
        DEFAULT_RATE_HZ if uri is not None and uri.scheme in TUNER_SCHEMES else None,
    )
    if rate_hz is None:
        return ("which sample rate the source has is seen when it is open",)
    if not is_near_rate(rate_hz, recipe_hz):
        raise ConfigError(
            f"it was made for {format_hz(recipe_hz)} of samples, and the source is set to "
            f"{format_hz(rate_hz)}: take a model of that rate, or set source.sample_rate_hz = "
            f"{recipe_hz:.10g}"
        )
    return ()
