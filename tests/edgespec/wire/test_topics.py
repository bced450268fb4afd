"""Where on the broker things are."""

import pytest

from edgespec.errors import ConfigError
from edgespec.wire.topics import Topics, TwinTopics


@pytest.mark.parametrize("bad", ["", "a/b", "a+", "#", "a\0"])
@pytest.mark.parametrize("part", ["node", "bands", "radios"])
def test_topics_refuse_ids_that_mqtt_would_misread(part: str, bad: str) -> None:
    good = {"prefix": "edgespec", "node": "n", "bands": ("b",), "radios": ("r",)}
    with pytest.raises(ConfigError, match=part.removesuffix("s")):
        Topics(**{**good, part: bad if part == "node" else ("good", bad)})


@pytest.mark.parametrize("bad", ["", "$SYS", "/a", "a/", "a/#"])
def test_topics_refuse_bad_prefixes(bad: str) -> None:
    with pytest.raises(ConfigError, match="topic_prefix"):
        Topics(bad, "n", ("b",), ("r",))


def test_topics_say_what_and_whose() -> None:
    topics = TwinTopics("a/b")
    assert topics.shared_reports("hall") == "$share/hall/a/b/+/rss/hall"
    for what in ("verdict", "state", "events", "alarm", "transmitters"):
        assert topics.part_of(getattr(topics, what)("hall")) == (what, "hall")
    assert topics.part_of(topics.member("c-1")) == ("members", "c-1")
    for other in ("a/b/pi/rss/hall", "a/b/twin/x", "a/b/twin/x/y/z", "c/twin/hall/state"):
        assert topics.part_of(other) == ("", "")
