"""What reference symbols gather is the same, however many sequences are asked about at once."""

import numpy as np
import pytest

from edgespec.dsp.prefix.proof import DELAYS, alike, gathered, gathered_at


def test_several_sequences_gather_at_a_delay_what_each_does_alone(rng: np.random.Generator) -> None:
    def drawn(*shape: int) -> np.ndarray:
        return rng.standard_normal((*shape, 2), np.float32).view(np.complex64)[..., 0]

    received, sequences = alike(drawn(16, 2, 12)), alike(drawn(5, 16, 2, 12))
    alone = np.array([gathered(received * one.conj()) for one in sequences])
    for delay in range(len(DELAYS)):
        found = gathered_at(delay, received, sequences)
        assert found == pytest.approx(alone[:, delay], rel=1e-5)
