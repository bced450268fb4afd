"""Two observers of one host that write the same topics (O2)."""

import sys

import pytest

from edgespec.alarm.claim import TopicClaim

URL = "mqtt://broker:1883"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lends such names")


def test_o2_the_second_of_one_node_id_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with TopicClaim(URL, "claims", "pi") as first, TopicClaim(URL, "claims", "pi") as second:
        assert (first.is_alone, second.is_alone) == (True, False)
    assert caplog.text.count("has the node id 'pi' at this broker, too") == 1
    # The first has ended: there is no other now.
    with TopicClaim(URL, "claims", "pi") as third:
        assert third.is_alone


def test_o2_other_topics_are_no_clash(caplog: pytest.LogCaptureFixture) -> None:
    with (
        TopicClaim(URL, "claims", "pi"),
        TopicClaim(URL, "claims", "pi-2"),
        TopicClaim(URL, "others", "pi"),
        TopicClaim("mqtt://elsewhere:1883", "claims", "pi") as last,
        TopicClaim(URL, "claims", "\ud800" * 300),
    ):
        assert last.is_alone
    assert not caplog.text


def test_o2_where_names_cannot_be_lent_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edgespec.alarm.claim._MARK", b"x" * 200)
    with TopicClaim(URL, "claims", "pi") as claim:
        assert claim.is_alone
    assert not caplog.text
