"""The networks that are compared, as every runtime wants them, with the same weights.

Weights are random but for those of the published model: how long a network takes does not depend
on them, as long as none of its values overflow or vanish. A rectifier is the exception, because
our kernels leave out rows that meet a zero: with random weights about half of them are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.record import DATA
from edgespec.dsp.transform import standardise
from edgespec.errors import EdgespecError
from edgespec.framing import Recipe
from edgespec.inference.bundle import Bundle, load_bundle
from edgespec.inference.network import Network, network_from_npz
from edgespec.records import FloatArray, Scaling

__all__ = ["PUBLISHED_PATH", "Case", "make_cases"]

#: The model published with Li et al. 2019 is no part of this project.
PUBLISHED_PATH = DATA / "LTE_880M.h5"
_RATE_HZ = 5e6
_N_WINDOWS = 200
_SEED = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One network in all its forms, and what it is given.

    ``bundles`` by quantisation. ``windows_db`` float32 ``(n, n_frames, n_bins)`` are what one
    stream gives hop after hop, ``scalings`` belong to them, ``windows`` are standardised.
    """

    name: str
    folder: Path
    bundles: Mapping[str, Bundle]
    windows_db: FloatArray
    scalings: tuple[Scaling, ...]
    windows: FloatArray

    @property
    def network(self) -> Network:
        """The weights in float32."""
        bundle = self.bundles["float32"]
        if bundle.weights is None:
            raise EdgespecError(f"the float32 bundle of {self.name} has no weights")
        return network_from_npz(bundle.weights, self.name)


def make_cases(
    work: Path, published: Path | None, progress: Callable[[str], None]
) -> tuple[tuple[Case, ...], dict[str, str]]:
    """Return the networks, and why one is missing; ``work`` keeps them for the next time."""
    cases, left_out = [], {}
    for title, name in (("LSTM 2x64", "lstm"), ("autoencoder", "autoencoder")):
        folder = work / name
        if not folder.exists():
            progress(f"making {title}")
            _make(folder, name)
        cases.append(_case(title, folder, ("float32", "float16", "dynamic_int8"), progress))
    title = "published LSTM 3x64 with hard gates"
    if published is None or not published.exists():
        left_out[title] = f"there is no {(published or PUBLISHED_PATH).name}"
    else:
        folder = work / "published"
        if not folder.exists():
            from converter.bundles.import_keras import import_keras

            progress(f"importing {published.name}")
            import_keras(published, folder, _RATE_HZ)
        cases.insert(1, _case(title, folder, ("float32",), progress))
    return tuple(cases), left_out


def _make(folder: Path, architecture: str) -> None:
    from converter.models.architectures import MODELS, build_model
    from converter.models.runtime import load_keras
    from converter.training.modeldir import ModelCard, save_model

    load_keras().utils.set_random_seed(_SEED)
    recipe, kind = Recipe(_RATE_HZ), MODELS[architecture]
    card = ModelCard(architecture, architecture, kind.role, kind.gate, recipe)
    save_model(folder, card, build_model(architecture, recipe.geometry, {}))


def _case(
    title: str, folder: Path, kinds: tuple[str, ...], progress: Callable[[str], None]
) -> Case:
    bundles = {}
    for kind in kinds:
        path = folder / f"{kind}.edgespec"
        if not path.exists():
            from converter.bundles.quantize import quantize

            progress(f"converting {title} to {kind}")
            quantize(folder, path, kind)
        bundles[kind] = load_bundle(path)
    manifest = bundles["float32"].manifest
    n_frames, n_bins = manifest.window_shape
    hop = manifest.geometry.hop_frames
    stream = np.random.default_rng(_SEED).normal(-60, 5, (n_frames + hop * _N_WINDOWS, n_bins))
    stream_db = stream.astype(np.float32)
    windows_db = np.stack([stream_db[hop * n : hop * n + n_frames] for n in range(_N_WINDOWS)])
    windows = np.empty_like(windows_db)
    scalings = tuple(standardise(raw, out) for raw, out in zip(windows_db, windows, strict=True))
    return Case(title, folder, bundles, windows_db, scalings, windows)
