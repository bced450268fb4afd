"""Which part of a source each of its bands is, and whether they fit into it together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from edgespec.computing import Computing
from edgespec.config import BandConfig, Config, DetectConfig, SourceConfig
from edgespec.dsp.channel import Channel
from edgespec.dsp.channel_plan import ChannelPlan
from edgespec.errors import ConfigError
from edgespec.framing import Recipe
from edgespec.inference.bundle import Bundle
from edgespec.records import SampleFormat, SourceInfo

__all__ = [
    "band_rate_hz",
    "bundle_there",
    "check_part",
    "open_channel",
    "rhythm_s_of",
    "source_rate_hz",
    "warmup_s_of",
]

#: Of a recording: the longest part that a warm-up may take, and what it takes instead.
LONGEST_SHARE, USUAL_SHARE = 0.6, 0.4
#: Of one that was kept of an alert: the shortest time before it that a warm-up takes, and how much
#: of it: an event begins a little before it is seen to.
LEAST_QUIET_S, QUIET_SHARE = 0.4, 0.95
#: The rhythm of a band without a cell is learnt from a minute, and ten where bursts are rare.
RHYTHM_S = (60.0, 600.0)


def source_rate_hz(
    source: SourceConfig, shown: Sequence[tuple[BandConfig, Bundle | None]]
) -> float | None:
    """Return the rate to open a source at; None leaves it to the source.

    A band without a centre is all that the source shows, at the rate that its bundle was made for,
    or at any where it names none. Where all are parts of it, the configuration names the rate, or
    the recording has one.

    Raises:
        ConfigError: the bands cannot be watched together in this source.
    """
    whole = {
        band.id: (bundle.manifest.recipe.sample_rate_hz, bundle.manifest.name)
        for band, bundle in shown
        if band.center_freq_hz is None and bundle is not None
    }
    rates_hz = {rate_hz for rate_hz, _ in whole.values()}
    if len(rates_hz) > 1:
        listed = ", ".join(f"{rate_hz:.10g} for {band}" for band, (rate_hz, _) in whole.items())
        raise ConfigError(
            f"the bands of source {source.id!r} have bundles made for different sample rates "
            f"({listed}): a radio has one; choose bundles made for the same rate, or make the "
            "narrower bands parts of the source with center_freq_hz"
        )
    for needed_hz, name in whole.values():
        if source.sample_rate_hz not in (None, needed_hz):
            raise ConfigError(
                f"source.sample_rate_hz is {source.sample_rate_hz:.10g}, but the bundle "
                f"{name!r} was made for {needed_hz:.10g}: delete the line, or "
                "choose a bundle made for this rate"
            )
    asked_hz = source.sample_rate_hz or next(iter(rates_hz), None)
    if asked_hz is not None and source.center_freq_hz is not None:
        info = SourceInfo(
            f"source {source.id}", asked_hz, source.center_freq_hz, SampleFormat.CF32, False
        )
        for band, bundle in shown:
            if bundle is not None:
                check_part(band, info, bundle)
    return asked_hz


def bundle_there(band: BandConfig, source: SourceInfo, bundle: Bundle | None) -> Bundle | None:
    """Return the bundle of a band in an open source; None where that is not of its rate.

    A part of a source whose model the configuration does not name is judged by none where the
    source's rate is no whole number of times that of the ``bundle`` it would have.
    """
    if bundle is None or band.model is not None or band.center_freq_hz is None:
        return bundle
    rate_hz = bundle.manifest.recipe.sample_rate_hz
    return bundle if ChannelPlan.divides(source.sample_rate_hz, rate_hz) else None


def band_rate_hz(band: BandConfig, source: SourceInfo, bundle: Bundle | None) -> float:
    """Return how many samples a second a band has, of what ``source`` delivers.

    Those that its bundle was made for; where it has none there, those of all that the source shows,
    or of the widest part about ``band.center_freq_hz``.

    Raises:
        ConfigError: the source does not show it.
    """
    there = bundle_there(band, source, bundle)
    if there is not None:
        return there.manifest.recipe.sample_rate_hz
    if band.center_freq_hz is None:
        return source.sample_rate_hz
    with _of_band(band):
        plan = ChannelPlan.widest(source, band.center_freq_hz)
    return source.sample_rate_hz / plan.factor


def warmup_s_of(detect: DetectConfig, source: SourceInfo) -> float:
    """Return how long to learn from a source: of a short recording, not so long as configured.

    Where the configured warm-up would take more than 60% of a recording, it takes 40%, so that
    there is something left to be scored. Of a recording that was kept of an alert it takes what
    lies before the alert, where that is long enough to learn from.
    """
    is_recording = not source.is_live and not source.uri.startswith("sim:")
    if source.n_samples is None or not is_recording:
        return detect.warmup_s
    if source.quiet_s is not None and source.quiet_s >= LEAST_QUIET_S:
        return min(detect.warmup_s, QUIET_SHARE * source.quiet_s)
    duration_s = source.n_samples / source.sample_rate_hz
    if detect.warmup_s <= LONGEST_SHARE * duration_s:
        return detect.warmup_s
    return USUAL_SHARE * duration_s


def rhythm_s_of(source: SourceInfo) -> tuple[float, float]:
    """Return how long the rhythm of a band is learnt at least, and where bursts are rare at most.

    Of a recording no more than of a warm-up, so that there is something left to be scored.
    """
    is_recording = not source.is_live and not source.uri.startswith("sim:")
    if source.n_samples is None or not is_recording:
        return RHYTHM_S
    least_s = min(RHYTHM_S[0], USUAL_SHARE * source.n_samples / source.sample_rate_hz)
    return least_s, least_s


def check_part(band: BandConfig, source: SourceInfo, bundle: Bundle | None) -> None:
    """Check that an open source shows a band.

    Raises:
        ConfigError: it does not.
    """
    _plan(band, band_rate_hz(band, source, bundle), source)


def open_channel(config: Config, recipe: Recipe, source: SourceInfo) -> Channel | None:
    """Return what cuts the first band out of ``source``; None where it is all of it.

    Raises:
        ConfigError: the source does not show it.
    """
    band = config.band[0]
    plan = _plan(band, recipe.sample_rate_hz, source)
    if plan is None or band.center_freq_hz is None:
        return None
    return Channel(
        source,
        plan,
        band.center_freq_hz,
        stretch_samples=recipe.samples_in(1) * plan.factor,
        max_block_samples=recipe.hop_samples * plan.factor,
        max_clipped_fraction=config.detect.max_clipped_fraction,
        computing=Computing.named(config.node.computing),
    )


def _plan(band: BandConfig, rate_hz: float, source: SourceInfo) -> ChannelPlan | None:
    """Return which part a band is; None where it is all of the source."""
    if band.center_freq_hz is None:
        return None
    with _of_band(band):
        plan = ChannelPlan.of(source, band.center_freq_hz, rate_hz)
    return None if plan.is_whole else plan


@contextmanager
def _of_band(band: BandConfig) -> Iterator[None]:
    """Let what is wrong say of which band it is."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"band {band.id}: {error}") from None
