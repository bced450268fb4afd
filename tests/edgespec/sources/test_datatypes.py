"""Every datatype of SigMF reaches the front end with its full scale."""

import numpy as np
import pytest

from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import SourceError
from edgespec.framing import Framing
from edgespec.records import SampleFormat
from edgespec.sources import open_source
from edgespec.sources.datatypes import DATATYPES, Datatype, parse_datatype
from tests import naive

FORMATS = {
    "cf32_le": SampleFormat.CF32,
    "ci16_le": SampleFormat.CI16,
    "ci8": SampleFormat.CI8,
    "cu8": SampleFormat.CU8,
}


def octets_of(name, n_samples, rng):
    """Random samples: any integer, floats of about 1."""
    number = name[1:].partition("_")[0]
    n_numbers = n_samples * (2 if name[0] == "c" else 1)
    if number[0] == "f":
        kind = f"{'>' if name.endswith('_be') else '<'}f{int(number[1:]) // 8}"
        return rng.standard_normal(n_numbers).astype(kind).tobytes()
    return rng.integers(0, 256, n_numbers * int(number[1:]) // 8, dtype=np.uint8).tobytes()


def store(parts, name):
    """Numbers from -1 to 1 as a file holds them."""
    number, _, order = name[1:].partition("_")
    kind = np.dtype(f"{number[0]}{int(number[1:]) // 8}").newbyteorder(
        ">" if order == "be" else "<"
    )
    if number[0] == "f":
        return parts.astype(kind).tobytes()
    largest = np.iinfo(kind).max
    if number[0] == "i":
        return np.round(parts * largest).astype(kind).tobytes()
    return np.round((parts + 1) * (largest / 2)).astype(kind).tobytes()


def test_the_specification_has_28_of_them():
    assert len(DATATYPES) == len(set(DATATYPES)) == 28
    assert {name for name in DATATYPES if parse_datatype(name, "x").is_native} == set(FORMATS)


@pytest.mark.parametrize("name", DATATYPES)
@pytest.mark.parametrize(("n_channels", "channel"), [(1, 0), (3, 2)])
def test_f2_samples_keep_their_value(name, n_channels, channel, rng):
    octets = octets_of(name, 50 * n_channels, rng)
    expected = naive.stored_samples(octets, name, n_channels, channel)
    datatype = parse_datatype(name, "x")
    out = datatype.sample_format.empty(50)
    datatype.deliver(np.frombuffer(octets, np.uint8), out, n_channels, channel)
    got = naive.complex_samples(out, datatype.sample_format)
    # What becomes integers loses nothing; what becomes float32 is rounded to 24 bits.
    atol = 1e-6 if datatype.sample_format is SampleFormat.CF32 else 0
    np.testing.assert_allclose(got, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("name", DATATYPES)
@pytest.mark.parametrize("block_samples", [1, 333, 50_000])
def test_f2_any_block_length_gives_the_same_samples(tmp_path, name, block_samples, rng):
    octets = octets_of(name, 40_000 if block_samples > 1 else 40, rng)
    (tmp_path / "x.bin").write_bytes(octets)
    source = open_source(f"raw:{tmp_path / 'x.bin'}?datatype={name}&sample_rate=1e6")
    datatype = parse_datatype(name, "x")
    whole = datatype.sample_format.empty(len(octets) // datatype.sample_bytes)
    datatype.deliver(np.frombuffer(octets, np.uint8), whole, 1, 0)
    out, got = datatype.sample_format.empty(block_samples), []
    while (block := source.read(out)) is not None:
        got.append(block.samples.copy())
    source.close()
    np.testing.assert_array_equal(np.concatenate(got), whole)


@pytest.mark.parametrize("name", DATATYPES)
def test_f2_a_tone_of_full_scale_is_0_dbfs(name):
    """A complex tone of modulus 1 is 0 dBFS; a real sine of amplitude 1 is twice -6 dBFS."""
    tone = np.exp(2j * np.pi * np.arange(1280) / 8)
    parts = np.stack([tone.real, tone.imag], 1) if name[0] == "c" else tone.real[:, np.newaxis]
    octets = store(parts, name)
    datatype = parse_datatype(name, "x")
    out = datatype.sample_format.empty(1280)
    datatype.deliver(np.frombuffer(octets, np.uint8), out, 1, 0)
    x = naive.complex_samples(out, datatype.sample_format)
    power = naive.spectrogram(x, Framing(1e6, taper="rect"))[0]
    levels_dbfs = 10 * np.log10(np.sort(power)[-3:])
    expected = [0.0] if name[0] == "c" else [-6.02, -6.02]
    np.testing.assert_allclose(sorted(levels_dbfs)[-len(expected) :], expected, atol=0.1)
    peak = np.flatnonzero(power > 0.2) - 64
    assert list(peak) == ([16] if name[0] == "c" else [-16, 16])


def test_f2_the_front_end_takes_what_comes(tmp_path, rng):
    """One signal in all datatypes has one spectrogram."""
    x = 0.25 * (rng.standard_normal((12_800, 2)).clip(-3, 3))
    frames = {}
    for name in (n for n in DATATYPES if n[0] == "c"):
        (tmp_path / "x.bin").write_bytes(store(x, name))
        source = open_source(f"raw:{tmp_path / 'x.bin'}?datatype={name}&sample_rate=1e6")
        front_end = FrontEnd(Framing(1e6), source.info.sample_format, max_block_samples=12_800)
        block = source.read(source.info.sample_format.empty(12_800))
        frames[name] = front_end.process(block).power_dbfs.copy()
        source.close()
    for name, power_dbfs in frames.items():
        # Eight bits have noise of their own.
        atol = 0.5 if name.endswith("8") else 0.01
        np.testing.assert_allclose(power_dbfs, frames["cf32_le"], atol=atol, err_msg=name)


def test_floats_out_of_range_become_infinite_without_a_word():
    stored = np.array([1e300, -1e300, np.nan, 0.5])
    out = SampleFormat.CF32.empty(2)
    Datatype("f64").deliver(np.frombuffer(stored.tobytes(), np.uint8), out, 1, 0)
    assert np.isinf(out[0].real)
    assert np.isnan(out[1].real)
    assert out[1].imag == 0.5


@pytest.mark.parametrize("name", ["", "cf16_le", "c", "xf32", "cf32_le ; rm", "cu8" * 1000])
def test_names_that_mean_nothing(name):
    with pytest.raises(SourceError, match="accepted are") as caught:
        parse_datatype(name, "x")
    assert len(str(caught.value)) < 300
