"""What every plane refuses of a block: another rate, more samples, another type."""

from edgespec.dsp.stream import is_near_rate
from edgespec.errors import ModelError, SourceError
from edgespec.records import IqBlock, SampleFormat

__all__ = ["BlockCheck"]


class BlockCheck:
    """Refuses blocks that a plane was not made for.

    Args:
        sample_rate_hz: that it was made for.
        sample_format: of its samples.
        max_block_samples: longest block that it has room for.
        plane: what it is called.
        at: where the rate comes from, such as ``the cell is cancelled at``.
        instead: what else to do about the rate than to change the source's.
    """

    def __init__(
        self,
        sample_rate_hz: float,
        sample_format: SampleFormat,
        max_block_samples: int,
        *,
        plane: str,
        at: str,
        instead: str,
    ) -> None:
        self._rate_hz = sample_rate_hz
        self._format = sample_format
        self._max_samples = max_block_samples
        expected = sample_format.empty(1)
        self._dtype, self._item_shape = expected.dtype, expected.shape[1:]
        self._plane, self._at, self._instead = plane, at, instead

    def __call__(self, block: IqBlock) -> None:
        """Return if the plane can take the block.

        Raises:
            ModelError: the block's sample rate is another.
            SourceError: the block is too long, or does not hold what the format says.
        """
        rate_hz, samples = block.sample_rate_hz, block.samples
        if rate_hz != self._rate_hz and not is_near_rate(rate_hz, self._rate_hz):
            raise ModelError(
                f"the samples come at {rate_hz:.10g} S/s, but {self._at} {self._rate_hz:.10g} S/s:"
                f" set the source to that rate, or {self._instead}"
            )
        if len(samples) > self._max_samples:
            raise SourceError(
                f"a block has {len(samples)} samples; this {self._plane} was made for at most"
                f" {self._max_samples}: read less at once, or make it with a larger"
                " max_block_samples"
            )
        if samples.dtype != self._dtype or samples.shape[1:] != self._item_shape:
            raise SourceError(
                f"a block has samples of type {samples.dtype} and shape {samples.shape};"
                f" {self._format.value} needs {self._dtype} (n_samples"
                f"{', 2' if self._item_shape else ','})"
            )
