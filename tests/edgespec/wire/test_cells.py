"""The record of a site's cells comes back as it was written, and nothing else is one."""

import pytest

from edgespec.site_cell import SiteCell
from edgespec.wire.cells import cells_payload, parse_cells
from edgespec.wire.text import PayloadError, encode

CELLS = (SiteCell("lte", 149, "fdd", 1_800_000_000_000_000_000), SiteCell("nr", 7, "", 0))


def test_it_comes_back_and_has_these_bytes() -> None:
    data = encode(cells_payload(CELLS, "pi", "lte", 806e6))
    assert parse_cells(data) == ("pi", "lte", 806e6, CELLS)
    assert data == (
        b'{"schema":"edgespec.cells/1","node":"pi","band":"lte","center_freq_hz":806000000.0,'
        b'"cells":[{"technology":"lte","identity":149,"duplex":"fdd",'
        b'"learnt":"2027-01-15T08:00:00.000000Z"},{"technology":"nr","identity":7,"duplex":"",'
        b'"learnt":"1970-01-01T00:00:00.000000Z"}]}'
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"cells/1", b"cells/2"), (b'"identity":7', b'"identity":"7"'), (b'"node":"pi",', b"")],
)
def test_what_is_none_is_refused(old: bytes, new: bytes) -> None:
    data = encode(cells_payload(CELLS, "pi", "lte", 806e6))
    assert old in data
    with pytest.raises(PayloadError):
        parse_cells(data.replace(old, new))
