"""A radio that nobody heard while its chains were made is opened anew; whatever waits is not."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from edgespec.config import BandConfig, Config, NodeConfig, SourceConfig
from edgespec.observer import radio_opening
from edgespec.observer.radio_opening import open_radio
from edgespec.records import SampleFormat
from tests.made.broker import wait_for
from tests.made.rtl_tcp_server import RtlTcpServer


def config_of(uri: str, folder: Path) -> Config:
    return Config(
        node=NodeConfig(state_dir=folder), source=(SourceConfig(uri=uri),), band=(BandConfig(),)
    )


@pytest.mark.parametrize(("unheard_s", "n_clients"), [(1e9, 1), (-1.0, 2)])
def test_a_radio_is_opened_anew_where_the_preparation_took_long(
    unheard_s: float, n_clients: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first samples are those of now: what came before them was in nobody's count."""
    monkeypatch.setattr(radio_opening, "_UNHEARD_S", unheard_s)
    with RtlTcpServer(b"\x80\x7f", rate_hz=1.92e6) as server:
        uri = f"rtl_tcp:127.0.0.1:{server.port}?sample_rate=1.92e6&center_freq=806M"
        config = config_of(uri, tmp_path)
        radio = open_radio(config, config.source[0])
        try:
            block = radio.source.read(SampleFormat.CU8.empty(1000))
            assert block is not None
            assert block.sample_start == 0
            wait_for(lambda: server.n_clients >= n_clients, f"{n_clients} clients")
            assert server.n_clients == n_clients
        finally:
            radio.source.close()


def test_a_radio_that_was_there_is_waited_for_when_it_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it must be there at the start: it was."""
    monkeypatch.setattr(radio_opening, "_UNHEARD_S", -1.0)
    usual, n_opened = radio_opening.open_source, []
    with ExitStack() as stack:
        server = stack.enter_context(RtlTcpServer(b"\x80\x7f", rate_hz=1.92e6))

        def opened(*given: Any, **named: Any) -> Any:
            if n_opened:
                stack.close()
            n_opened.append(1)
            return usual(*given, **named)

        monkeypatch.setattr(radio_opening, "open_source", opened)
        uri = f"rtl_tcp:127.0.0.1:{server.port}?sample_rate=1.92e6&center_freq=806M"
        config = config_of(uri, tmp_path)
        open_radio(config, config.source[0], is_awaited=False).source.close()
    assert len(n_opened) == 2


@pytest.mark.parametrize("uri", ["sim:lte-dl?seed=1", "sim:lte-dl?seed=1&realtime=1"])
def test_what_waits_until_it_is_heard_is_opened_once(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(radio_opening, "_UNHEARD_S", -1.0)
    opened, usual = [], radio_opening.open_source

    def counted(*given: Any, **named: Any) -> Any:
        opened.append(usual(*given, **named))
        return opened[-1]

    monkeypatch.setattr(radio_opening, "open_source", counted)
    config = config_of(uri, tmp_path)
    open_radio(config, config.source[0]).source.close()
    assert len(opened) == 1
