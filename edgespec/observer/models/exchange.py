"""How another model takes the place of that of a band, without a start anew.

In a band of samples it goes on with the frames that are there. A model of sweeps brings its own
segments: there the whole chain is exchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass

from edgespec.errors import ModelError
from edgespec.observer.band import BandChain
from edgespec.observer.models.trial_watch import WouldTell
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.cell_models import is_alike
from edgespec.observer.scoring.cell_scales import CellScales
from edgespec.observer.swept.succession import Succession

__all__ = ["Exchange", "Usual", "of_samples", "of_sweeps"]


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """What a band may be judged by, open.

    ``sha256`` is the hash of its model. ``take`` lets it learn beside what is in force, and then
    take its place; it is called with the band's chain by the worker of the band, between blocks.
    ``is_of`` says whether it still goes with what that chain hears.
    """

    sha256: str | None
    take: Callable[[BandChain], None]
    is_of: Callable[[BandChain], bool] = lambda chain: True


@dataclass(frozen=True, slots=True, eq=False)
class Exchange:
    """What a band is judged by at the start, and what opens that which is installed now.

    ``open`` is given the band's chain, and raises EdgespecError where what is installed cannot be
    used, or not before the next start. ``would_tell`` says whether what was usual before would have
    told of a segment what a score says; None where there is nothing before. ``succession`` is that
    of a swept band, None of another one.
    """

    begun: Usual
    open: Callable[[BandChain], Usual]
    would_tell: WouldTell
    succession: Succession | None = None


def of_samples(scales: CellScales, open_basis: Callable[[], Basis]) -> Exchange:
    """Return how a model is exchanged within the chain of a band of samples.

    Args:
        scales: of the chain.
        open_basis: opens what is installed now.
    """

    def usual(basis: Basis) -> Usual:
        return Usual(basis.model_sha256, lambda chain: scales.exchange(basis))

    def opened(chain: BandChain) -> Usual:
        basis = open_basis()
        if not is_alike(scales.usual, basis):
            raise ModelError(
                "it was made for other frames, inputs or errors than the one that runs: it counts "
                "from the next start of the observer on"
            )
        return usual(basis)

    return Exchange(usual(scales.usual), opened, scales.would_tell)


def of_sweeps(
    succession: Succession, begun: BandChain, open_chain: Callable[[BandChain], BandChain]
) -> Exchange:
    """Return how the chain of a swept band is exchanged.

    Args:
        succession: of the band.
        begun: its chain at the start.
        open_chain: opens a chain by what is installed now, for the sweeps that one hears.
    """

    def usual(one: BandChain) -> Usual:
        def take(now: BandChain) -> None:
            succession.offer(one, now)

        return Usual(one.info.model_sha256, take, lambda now: one.grid is now.grid)

    def opened(chain: BandChain) -> Usual:
        return usual(open_chain(chain))

    return Exchange(usual(begun), opened, lambda scored, score: succession.has_event, succession)
