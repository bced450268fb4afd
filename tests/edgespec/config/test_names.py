"""Keys and addresses as people write them: taken, or named right (O11, O12)."""

from pathlib import Path

import pytest

from edgespec.config import load_config
from edgespec.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mqtt]\nkeepalive = 30", "keepalive_s"),
        ("[mqtt]\nkeep_alive = 30", "keepalive_s"),
        ("[mqtt]\nreconnect_max = 3", "reconnect_max_s"),
        ("[mqtt]\nuser = 'x'", "username"),
        ("[detect]\nwarmup = 3", "warmup_s"),
        ("[detect]\nhold_off = 3", "hold_off_s"),
        ("[alarm]\nupdate = 3", "update_s"),
        ("[[source]]\ncenter_freq = 1", "center_freq_hz"),
        ("[[source]]\nsample_rate = 1", "sample_rate_hz"),
        ("[[source]]\ngain = 20", "gain_db"),
    ],
)
def test_o12_a_key_without_its_unit_names_the_one_with_it(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"'{said}'"):
        load_config(path)
