"""An adapted model: heard, fitted, tried, and written only where it is better."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edgespec.config import Config
from edgespec.errors import ModelError, QualityError, UsageError
from edgespec.inference.bundle import Bundle, put_bundle
from edgespec.inference.refit import Refitted
from edgespec.inference.rehead import pack_reheaded, proved_in
from edgespec.newfile import check_absent, check_place
from edgespec.observer.monitor import Radio
from edgespec.observer.opening.band_model import usual_bundle
from edgespec.observer.radio_opening import open_radio
from edgespec.observer.runtimes.runtime import open_runtime
from edgespec.observer.scoring.cell_models import model_path
from edgespec.ops.adapt.adaptation import Adaptation
from edgespec.ops.adapt.listen import hear
from edgespec.ops.adapt.trial import Interval, Trial
from edgespec.records import SourceInfo
from edgespec.screen.progress import Tell

__all__ = ["Adapted", "adapt_band", "cell_of", "usual_output"]

_USUAL_S = 60.0
_NOT_WRITTEN = "no bundle is written, and the old one stays"


@dataclass(frozen=True, slots=True)
class Adapted:
    """A bundle that was written, what it came from, and what it is worth."""

    bundle: Bundle
    parent: Bundle
    trial: Trial
    done: dict[str, Any]
    proved: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return an object of schema ``edgespec.adapted/1``."""
        return {
            "schema": "edgespec.adapted/1",
            "bundle": str(self.bundle.path),
            "sha256": self.bundle.sha256,
            **self.done,
            "golden_error": self.proved,
        }

    def as_text(self) -> str:
        """Return lines for people."""
        done, trial = self.done, self.trial
        proved = ", ".join(f"{name} within {error:.1e}" for name, error in self.proved.items())
        return "\n".join(
            [
                f"{self.bundle.manifest.name} from {self.parent.manifest.name} "
                f"{self.parent.sha256[:12]}, on {done['signal_s']:.0f} s of {done['source']}",
                f"  error on {done['held_back_s']:.0f} s that were held back: "
                f"{trial.before} before, {trial.after} after",
                f"  difference: {trial.difference}",
                f"  {done['orders_changed']} of {done['orders']} orders of the horizon changed; "
                f"golden vectors agree: {proved}",
                f"  wrote {self.bundle.path}: run 'edgespec monitor --model {self.bundle.path}'. "
                "A calibration of the site belongs to the old model: calibrate again",
            ]
        )


def adapt_band(
    config: Config,
    band_id: str | None,
    duration_s: float | None,
    output: Path | None,
    tell: Tell,
    stop: Callable[[Callable[[], None]], None] = lambda stop: None,
) -> Adapted:
    """Fit the last layer of a band's model to what it hears, and write the bundle if it is better.

    Args:
        config: of the observer.
        band_id: which band; None: the first.
        duration_s: how much signal to hear, warm-up included; None: a minute, or all of a
            recording that is shorter.
        output: the new bundle, where no file is yet; None: that of the cell in the state directory,
            in the place of an older one.
        tell: told of the progress.
        stop: given what ends it early, which changes nothing.

    Raises:
        QualityError: the new layer is not better, or the signal is none to learn from.
        UsageError: the band is unknown, the new bundle would take the place of the old one, or none
            is named and it was not one cell all along.
        ModelError: the bundle cannot be adapted, or too little was heard.
        ConfigError: there is a file where the new bundle is to be, or none can be written there.
        EdgespecError: as :func:`edgespec.observer.radio_opening.open_radio`.
    """
    view = _view(config, band_id)
    band = view.band[0]
    parent = usual_bundle(view)
    _check_output(output, parent)
    if output is not None:
        check_absent(output)
    # Of which cell it will be is not known yet, but in which folder.
    check_place(output or model_path(config.node.state_dir, "cell", 0.0))
    # By its name it is the band's at its own rate alone; the source is refused at another.
    view = replace(view, band=(replace(band, model=parent.path),))
    backend = open_runtime(view, parent)
    radio = open_radio(view, view.source[0], switches_models=False)
    try:
        info = radio.source.info
        adaptation = Adaptation(parent, backend, _duration_s(info, duration_s))
    except BaseException:
        radio.source.close()
        raise
    hear(radio, adaptation, tell, stop)
    trial = adaptation.trial()
    if adaptation.new is None or adaptation.refitted is None:
        raise ModelError("nothing was fitted: hear more signal")
    if not trial.is_better:
        raise QualityError(
            "the new last layer is not better by more than chance on "
            f"{_held_back_s(adaptation):.3g} s that were held back: {trial.before} before, "
            f"{trial.after} after, difference {trial.difference}: {_NOT_WRITTEN}"
        )
    done = _account(parent, info.uri, adaptation, adaptation.refitted, trial)
    cell = done["cell"] = cell_of(radio)
    is_named = output is not None
    if output is None:
        output = usual_output(config, cell)
        _check_output(output, parent)
    training = {**parent.manifest.training, "adapted": done}
    training |= _card(parent, done, trial)
    made, content = pack_reheaded(output, parent, backend, adaptation.new, training)
    proved = proved_in(made)
    put_bundle(made, content, is_new=is_named)
    return Adapted(made, parent, trial, done, proved)


def _account(
    parent: Bundle, uri: str, adaptation: Adaptation, refitted: Refitted, trial: Trial
) -> dict[str, Any]:
    """Return what was done, as the new bundle says it."""
    choices = refitted.choices
    return {
        "utc": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "parent": parent.manifest.name,
        "parent_sha256": parent.sha256,
        "source": uri,
        "signal_s": adaptation.plan.duration_s,
        "held_back_s": _held_back_s(adaptation),
        "n_fitted": adaptation.n_fitted,
        "n_held_back": adaptation.n_held_back,
        "n_unused": adaptation.n_unused,
        "method": "ridge towards the old last layer, by order of the horizon",
        "orders": len(choices),
        "orders_changed": refitted.n_changed,
        "orders_from_affine": sum(start == "affine" for start, _ in choices),
        "error_before_db": _numbers(trial.before),
        "error_after_db": _numbers(trial.after),
        "difference_db": _numbers(trial.difference),
    }


def _view(config: Config, band_id: str | None) -> Config:
    for band in config.band:
        if band_id in (None, band.id):
            return config.only(band)
    known = ", ".join(band.id for band in config.band)
    raise UsageError(f"there is no band {band_id!r:.60}; the configuration has {known:.200}")


def _check_output(output: Path | None, parent: Bundle) -> None:
    if output is not None and output.exists() and output.samefile(parent.path):
        raise UsageError(
            f"{str(output)!r} is the bundle that is adapted: write the new one elsewhere, the old "
            "one is the way back"
        )


def usual_output(config: Config, cell: dict[str, Any] | None) -> Path:
    """Return where the bundle of a cell is found by itself.

    Raises:
        UsageError: it was not one cell all along.
    """
    if cell is None:
        raise UsageError(
            "it was not one cell that was there all along, so the new bundle is no cell's: say "
            f"with -o where it is to be; {_NOT_WRITTEN}"
        )
    label = f"{cell['technology']}-{cell['identity']}"
    return model_path(config.node.state_dir, label, cell["center_freq_hz"])


def _duration_s(source: SourceInfo, asked_s: float | None) -> float:
    if asked_s is not None:
        return asked_s
    if source.n_samples is None:
        return _USUAL_S
    return min(source.n_samples / source.sample_rate_hz, _USUAL_S)


def _held_back_s(adaptation: Adaptation) -> float:
    return adaptation.plan.duration_s - adaptation.plan.held_back_s


def cell_of(radio: Radio) -> dict[str, Any] | None:
    """Return the cell whose signal all of it was, as the tracker says; None where there is none."""
    chain = radio.chains[0]
    cancelled = chain.cancelled
    if cancelled is None or cancelled.cell is None or cancelled.learnt.n_changes:
        return None
    cell, range_hz = cancelled.cell, chain.grid.range_hz
    return {
        "technology": cell.technology,
        "identity": cell.identity,
        "center_freq_hz": sum(range_hz) / 2.0,
    }


def _numbers(interval: Interval) -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _card(parent: Bundle, done: dict[str, Any], trial: Trial) -> dict[str, Any]:
    """Return the parent's card with a line on top of whose figures they are."""
    card = parent.manifest.training.get("card")
    if not isinstance(card, dict):
        return {}
    line = (
        f"from {done['parent']} {done['parent_sha256'][:12]} on {done['signal_s']:.0f} s of "
        f"{done['source']}, {done['utc']}: {trial.before} before, {trial.after} after on what was "
        "held back. Thresholds and all figures below are the parent's"
    )
    return {"card": {"adapted": line, **card}}
