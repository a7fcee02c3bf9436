"""Logs are one JSON object a line, on standard error."""

import json
import logging
from collections.abc import Iterator

import pytest

from notify.logs import configure


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level


def test_each_line_is_an_object_with_time_level_and_name(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO")
    logger = logging.getLogger("notify.somewhere")
    logger.info("event %s is held", "K7Q2X-1")
    logger.debug("not this")
    try:
        raise OSError("no such luck")
    except OSError:
        logger.exception("a tick failed\nin two lines")
    out, err = capsys.readouterr()
    assert out == ""
    first, second = [json.loads(line) for line in err.splitlines()]
    assert (first["event"], first["level"], first["logger"]) == ("event K7Q2X-1 is held", "info", "notify.somewhere")
    assert first["timestamp"].endswith("Z")
    assert "OSError: no such luck" in second["exception"]


def test_configuring_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO")
    configure("WARNING")
    logging.getLogger("notify.somewhere").warning("once")
    assert len(capsys.readouterr().err.splitlines()) == 1
