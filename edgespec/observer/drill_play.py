"""The process that plays what a test is made of: ``python -m edgespec.observer.drill_play``.

A configuration of one band and the metadata file of a recording come pickled on standard input, and
the begins of the events in it go out the same way: both ends are this program.
"""

import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path

from edgespec.config import Config
from edgespec.observer.radio_opening import open_radio
from edgespec.records import Event, EventType

__all__ = ["play"]

_NICEST = 19


def play(config: Config, meta: Path) -> list[Event]:
    """Return the events that begin in a recording, each as it was last told.

    Raises:
        EdgespecError: it cannot be played by this configuration.
    """
    source = replace(
        config.source[0],
        uri=f"sigmf:{meta}",
        center_freq_hz=None,
        sample_rate_hz=None,
        gain_db=None,
    )
    config = replace(config, source=(source,))
    radio = open_radio(config, source)
    (chain,) = radio.chains
    said: dict[str, Event] = {}
    buffer = radio.source.info.sample_format.empty(chain.hop_samples)
    while (block := radio.source.read(buffer)) is not None:
        said |= {event.event_id: event for event in chain.process(block)}
    said |= {event.event_id: event for event in chain.finish()}
    radio.source.close()
    return [replace(event, event_type=EventType.NEW) for event in said.values()]


if __name__ == "__main__":
    os.nice(_NICEST)
    given: tuple[Config, Path] = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps(play(*given)))
