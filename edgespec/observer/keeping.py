"""What keeps the evidence of an observer's alerts."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from edgespec.config import Config
from edgespec.evidence.pictures import Pictures, draw_apart
from edgespec.evidence.recorder import Recorder
from edgespec.evidence.shelf import Shelf
from edgespec.figures import can_draw
from edgespec.observer.kept_power import power_of
from edgespec.observer.monitor import Radio
from edgespec.observer.recall import reference_of

__all__ = ["open_recorder"]


def open_recorder(
    config: Config,
    radios: Sequence[Radio],
    on_kept: Callable[[Iterable[str], Path], None] = lambda event_ids, path: None,
    on_drawn: Callable[[Iterable[str], Path], None] = lambda event_ids, path: None,
) -> Recorder | None:
    """Return what keeps the samples around alerts of radios; None where there are none.

    ``on_kept`` is told the ids of the events in a recording and where it is, ``on_drawn`` the same
    of its picture.
    """
    evidence = config.evidence
    live = [radio for radio in radios if radio.source.info.is_live]
    sources = {chain.info.band: radio.source.info for radio in live for chain in radio.chains}
    if evidence.keep == "nothing" or not sources:
        return None
    folder = config.node.state_dir / "evidence"
    shelf = Shelf(folder, evidence.max_bytes, evidence.max_age_days)
    pictures = None
    if evidence.pictures and can_draw():
        cache = config.node.state_dir / "matplotlib"
        pictures = Pictures(shelf, partial(draw_apart, cache=cache), on_drawn)
    return Recorder(
        shelf,
        config.node.id,
        sources,
        evidence.before_s,
        evidence.after_s,
        evidence.max_memory_bytes,
        pictures,
        on_kept,
        {chain.info.band: partial(reference_of, chain) for radio in live for chain in radio.chains},
        (config.sweep.before_sweeps, config.sweep.after_sweeps),
        power_of if evidence.keep == "power" else None,
    )
