"""Lines on stderr: as JSON, and repeated ones not for ever."""

import io
import json
import logging
import subprocess
import sys

import pytest

from edgespec.logs import RepeatLimit, begin_logs, log_handler


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logger() -> logging.Logger:
    """Return one without parents: a report of pytest cannot hold what is logged here."""
    return logging.Logger("edgespec.test-of-logs", logging.INFO)


def test_a_line_of_json_is_one_object_whatever_is_in_it(
    logger: logging.Logger, stream: io.StringIO
) -> None:
    logger.addHandler(log_handler("json", stream))
    logger.warning("a\n%s\x00", "b\u2028\ud800")
    try:
        raise ValueError("broken")
    except ValueError:
        logger.exception("it broke")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["message"] == "a\nb\u2028\ud800\x00"
    assert (first["schema"], first["level"], first["logger"]) == (
        "edgespec.log/1",
        "warning",
        "edgespec.test-of-logs",
    )
    assert first["utc"].endswith("Z")
    assert "ValueError: broken" in second["error"]


def test_a_line_for_people_has_no_time_of_its_own(
    logger: logging.Logger, stream: io.StringIO
) -> None:
    logger.addHandler(log_handler("text", stream))
    logger.info("all %s", "well")
    assert stream.getvalue() == "INFO: all well\n"


def record_of(text: str, *args: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("x", level, "", 0, text, args, None)


def test_what_is_repeated_is_said_so_often_and_then_counted() -> None:
    now_s = [0.0]
    limit = RepeatLimit(most=3, while_s=60.0, clock=lambda: now_s[0])
    passed = []
    for number in range(100):
        record = record_of("lost %d", number)
        passed += [record.getMessage()] if limit.filter(record) else []
    assert passed == ["lost 0", "lost 1", "lost 2"]
    # Others have a count of their own, by text and by level.
    assert limit.filter(record_of("found %d", 1))
    assert limit.filter(record_of("lost %d", 7, level=logging.WARNING))
    assert all(limit.filter(record_of("%s%s", number, "")) for number in range(20))
    now_s[0] = 60.0
    record = record_of("lost %d", 100)
    assert limit.filter(record)
    assert record.getMessage() == "lost 100 (and 97 more like this before)"
    assert limit.filter(record_of("lost %d", 101))


def test_what_comes_now_and_then_is_never_left_out() -> None:
    now_s = [0.0]
    limit = RepeatLimit(most=3, while_s=60.0, clock=lambda: now_s[0])
    for number in range(100):
        now_s[0] = 20.0 * number
        record = record_of("100% of %s", "it")
        record.args = ()
        assert limit.filter(record)
        assert record.getMessage() == "100% of %s"


def test_texts_without_end_take_no_memory_without_end() -> None:
    limit = RepeatLimit(most=1)
    for number in range(10 * RepeatLimit.MOST_KINDS):
        assert limit.filter(record_of(f"text {number}"))
    assert len(limit._kinds) == RepeatLimit.MOST_KINDS


def test_libraries_do_not_tell_of_their_insides() -> None:
    """Numba lists all it makes where nothing is in its cache: that is not what -v asks for."""
    begin_logs("text", is_verbose=True)
    assert not logging.getLogger("numba.core.ssa").isEnabledFor(logging.INFO)


@pytest.mark.parametrize("style", ["text", "json"])
def test_the_command_line_logs_as_it_is_told(style: str) -> None:
    command = [sys.executable, "-m", "edgespec", "--log", style, "monitor"]
    done = subprocess.run(
        [*command, "--source", "sigmf:/nowhere"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    lines = done.stderr.splitlines()
    if style == "text":
        assert lines[-1].startswith("Error: ")
        return
    said = [json.loads(line) for line in lines]
    assert said[-1]["level"] == "error"
    assert "/nowhere" in said[-1]["message"]
    assert not done.stdout.strip().startswith("Error")
