"""The one strict decoder: tables of TOML and objects of JSON become dataclasses."""

from edgespec.decode.decoder import Decoder
from edgespec.decode.table import table_of
from edgespec.decode.text import parse_toml, read_bounded, read_kept, read_toml

__all__ = [
    "Decoder",
    "parse_toml",
    "read_bounded",
    "read_kept",
    "read_toml",
    "table_of",
]
