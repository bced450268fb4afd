"""How much of a data set may be used: the first seconds of its training recordings, no more."""

from dataclasses import dataclass, replace

from converter.data.dataset import Dataset, Part
from edgespec.errors import UsageError

__all__ = ["Budget", "spend"]

#: Share of the budget, at the end of every stretch, that chooses instead of fitting.
_HELD_OUT = 0.2


@dataclass(frozen=True, slots=True)
class Budget:
    """Stretches of the train split: to ``fit`` on, and ``held_out`` to stop or to choose by.

    Both are data sets of one split, ``train``. ``seconds`` is what the two and the gap between
    them last together. ``held_out`` is empty where the stretches are too short to be cut.
    """

    fit: Dataset
    held_out: Dataset
    seconds: float


def spend(dataset: Dataset, seconds: float | None) -> Budget:
    """Return the first ``seconds`` of the train split, shared out by the lengths of recordings.

    Every recording, so every way to move, has its part, and the end of each is held out: the
    validation split of the data set is not touched, for it would be data beyond the budget. Where
    a share would be shorter than two segments there are fewer, longer ones.

    Args:
        dataset: the data set.
        seconds: time to use; None: all there is.

    Raises:
        UsageError: ``seconds`` is not positive, less than a segment, or more than there is.
    """
    geometry = dataset.geometry
    parts = dataset.split("train")
    n_all = sum(part.n_frames for part in parts)
    # Whole frames, and never more than asked for; the product keeps 10 s of 0.256 ms whole.
    n_frames = n_all if seconds is None else int(seconds / geometry.frame_s * (1 + 1e-9))
    if not geometry.n_segment <= n_frames <= n_all:
        raise UsageError(
            f"{seconds if seconds is not None else 'all'} s of the train split of "
            f"{str(dataset.folder)!r} were asked for; it has {n_all * geometry.frame_s:.6g} s and "
            f"a segment takes {geometry.n_segment * geometry.frame_s:.6g} s"
        )
    stretches = _share_out(parts, n_frames, 2 * geometry.n_segment)
    fit, held_out = [], []
    for part in stretches:
        n_held = round(_HELD_OUT * part.n_frames)
        # A gap of a segment, so that nothing is in a context here and in a target there.
        n_fit = part.n_frames - n_held - geometry.n_segment
        if min(n_fit, n_held) < geometry.n_segment:
            fit.append(part)
            continue
        fit.append(replace(part, n_frames=n_fit))
        first = part.first_frame + part.n_frames - n_held
        held_out.append(replace(part, first_frame=first, n_frames=n_held))
    return Budget(
        replace(dataset, parts=tuple(fit)),
        replace(dataset, parts=tuple(held_out)),
        sum(part.n_frames for part in stretches) * geometry.frame_s,
    )


def _share_out(parts: tuple[Part, ...], n_frames: int, n_least: int) -> list[Part]:
    """Return beginnings of parts, ``n_frames`` in all, of as many parts as get ``n_least`` each."""
    chosen = sorted(parts, key=lambda part: -part.n_frames)
    while len(chosen) > 1:
        n_there = sum(part.n_frames for part in chosen)
        if n_frames * chosen[-1].n_frames >= n_least * n_there:
            break
        if n_there - chosen[-1].n_frames < n_frames:
            break
        chosen.pop()
    n_there = sum(part.n_frames for part in chosen)
    out, done, used = [], 0, 0
    for part in chosen:
        done += part.n_frames
        n = n_frames * done // n_there - used
        used += n
        if n:
            out.append(replace(part, n_frames=n))
    return out
