"""Numbers of a simulated scene that are beyond all use: each is refused by its name and its range.

What is accepted, is simulated: the least and the most of every number.
"""

import dataclasses
import inspect
import re
import typing

import numpy as np
import pytest

from edgespec.errors import UsageError
from edgespec.simulate import config as records
from edgespec.simulate.bounds import BOUNDS
from edgespec.sources import open_source
from edgespec.sources.schemes import _FLAGS, _TEXTS, SOURCES

#: Numbers that a record checks by itself, since they are no quantities.
OF_THEIR_OWN = {
    *("pci", "load", "n_ports", "user_groups", "n_control", "adc_bits", "control_rate"),
    *("prach_rate", "pattern", "special", "spacing_hz", "delay_s", "share", "sample_rate_hz"),
}
#: Which record a number of an address goes to, where it does not bear the name of its field.
FIELDS = {"neighbour_db": "level_db", "fault_start_s": "start_s", "fault_stop_s": "stop_s"}
KEYS = sorted(set(SOURCES["sim"].keys) - set(_FLAGS) - set(_TEXTS) - {"seed", "spacing", "bits"})
#: What makes a scene take long: the cell is scheduled until then.
LONG = ("start_s", "start_jitter_s")
ABSURD = ("1e18", "1e300", "-1e300", "5e-324", "1.1e9", "1e308")


def address(key: str, value: str) -> str:
    """Return the address of a scene with one of its numbers."""
    beside = ""
    if key.startswith("fault_") or key in ("step_db", "share"):
        beside = "&fault=power-step"
    elif key == "sweep_hz_per_s":
        beside = "&kind=sweep"
    elif key == "bandwidth_hz":
        beside = "&kind=wideband"
    elif key in ("isr_db", "offset_hz", "freq", "start_s", "period_s", "duty", "start_jitter_s"):
        beside = "&kind=chirp"
    elif key in ("stop_s", "offset_jitter_hz"):
        beside = "&kind=tone"
    elif key == "every_s":
        beside = "&kind=tone&stop_s=1e-5"
    elif key.startswith("own_"):
        beside = "&kind=tone&own_profile=epa"
    needed = "" if key == "sample_rate" else "&sample_rate=1.92M"
    needed += "" if key == "duration_s" else "&duration_s=0.02"
    return f"sim:lte-dl?bits=0{needed}{beside}&{key}={value}"


def simulate(uri: str) -> None:
    """Open it, and read what there is at most."""
    source = open_source(uri)
    try:
        block = source.read(source.info.sample_format.empty(19_200))
        assert block is not None
        assert np.isfinite(block.samples.view(np.float32)).all()
    finally:
        source.close()


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.filterwarnings("error")
def test_a_number_beyond_all_use_is_refused_or_simulated(key: str) -> None:
    for value in ABSURD:
        uri = address(key, value)
        try:
            simulate(uri)
        except UsageError as error:
            # No other error comes in its place, and it says what is accepted.
            if not re.search("must|cannot be simulated|reaches over", str(error)):
                raise


@pytest.mark.parametrize(
    "key", [key for key in KEYS if FIELDS.get(key, key) in BOUNDS and key not in LONG]
)
@pytest.mark.filterwarnings("error")
def test_the_least_and_the_most_are_simulated(key: str) -> None:
    for value in BOUNDS[FIELDS.get(key, key)]:
        try:
            simulate(address(key, f"{value:g}"))
        except UsageError as error:
            # Two numbers that do not fit to each other.
            if f"{FIELDS.get(key, key)} is" in str(error) and " from " in str(error):
                raise


@pytest.mark.parametrize(
    "query",
    [
        "kind=tone&isr_db=1e9",
        "sample_rate=1e12",
        "snr_db=-1e4",
        "neighbour_db=1e9",
        "agc_every_s=1e-12",
        "kind=pulse&duty=1e-300",
        "duration_s=1e300",
    ],
)
def test_the_range_is_said(query: str) -> None:
    with pytest.raises(UsageError, match=r"must be .*(to|at most) .?[0-9.e+]+"):
        simulate(f"sim:lte-dl?{query}")


def test_every_number_of_a_scene_has_bounds() -> None:
    for _, record in inspect.getmembers(records, dataclasses.is_dataclass):
        hints = typing.get_type_hints(record)
        for field in dataclasses.fields(record):
            kinds = {hints[field.name], *typing.get_args(hints[field.name])}
            if kinds & {int, float} and not kinds & {bool}:
                assert field.name in OF_THEIR_OWN or field.name in BOUNDS, field.name
    with pytest.raises(UsageError, match="from -200 to 200"):
        records.ReceiverConfig(gain_times_s=(1.0,), gain_steps_db=(1e9,))
