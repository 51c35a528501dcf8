import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from orders_service import logs

SERVERS = ("uvicorn", "uvicorn.error")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def loggers_as_found() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    access = logging.getLogger("uvicorn.access")
    access_handlers, propagates = access.handlers, access.propagate
    servers = [(logger, logger.handlers, logger.propagate) for logger in map(logging.getLogger, SERVERS)]
    yield
    for logger, its_handlers, its_propagate in servers:
        logger.handlers, logger.propagate = its_handlers, its_propagate
    logging.root.handlers, logging.root.level = handlers, level
    access.handlers, access.propagate = access_handlers, propagates
    logging.captureWarnings(capture=False)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def log_as_json(stream: io.StringIO, **values: object) -> dict[str, Any]:
    logs.configure("json", stream=stream)
    structlog.get_logger().info("order_placed", **values)
    [line] = lines(stream)
    return line


def test_an_event_is_one_line_of_json() -> None:
    line = log_as_json(io.StringIO(), order_id="7")

    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "order_placed", "level": "info", "order_id": "7"}


def test_what_is_bound_to_a_request_is_in_its_lines() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        assert log_as_json(io.StringIO())["request_id"] == "r1"


@given(st.text())
def test_no_value_breaks_a_line_of_json(value: str) -> None:
    assert log_as_json(io.StringIO(), reason=value)["reason"] == value


@given(st.text())
def test_no_value_breaks_a_line_of_text(value: str) -> None:
    terminal = Terminal()
    logs.configure("text", stream=terminal)

    structlog.get_logger().info(value, value=value)
    logging.getLogger("library").warning("said %s", value)

    assert len(terminal.getvalue().splitlines()) == 2


@pytest.mark.parametrize(
    ("log_format", "stream", "is_production", "is_json"),
    [
        ("auto", io.StringIO, False, True),
        ("auto", Terminal, False, False),
        ("auto", Terminal, True, True),
        ("json", Terminal, False, True),
        ("text", io.StringIO, True, False),
    ],
)
def test_the_format_fits_whoever_reads(
    log_format: str, stream: type[io.StringIO], *, is_production: bool, is_json: bool
) -> None:
    out = stream()
    logs.configure(log_format, is_production=is_production, stream=out)

    structlog.get_logger().info("started")

    assert out.getvalue().startswith("{") == is_json


def test_a_server_that_was_started_by_its_own_command_speaks_json_too() -> None:
    own, stream = io.StringIO(), io.StringIO()
    server = logging.getLogger("uvicorn")
    server.handlers, server.propagate = [logging.StreamHandler(own)], False
    logs.configure("json", stream=stream)
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    assert [line["event"] for line in lines(stream)] == ["Started server process [7]"]
    assert own.getvalue() == ""


def test_libraries_log_the_same_way() -> None:
    out = io.StringIO()
    logs.configure("json", stream=out)

    logging.getLogger("uvicorn.error").warning("port %d", 8000)

    [line] = lines(out)
    assert (line["event"], line["level"], line["logger"]) == ("port 8000", "warning", "uvicorn.error")


def test_the_access_lines_of_the_server_are_off() -> None:
    logs.configure("json", stream=io.StringIO())

    assert not logging.getLogger("uvicorn.access").hasHandlers()


@pytest.fixture
def fails() -> Exception:
    with pytest.raises(RuntimeError) as failed:
        fail()
    return failed.value


def fail() -> None:
    try:
        int("secret")
    except ValueError as error:
        raise RuntimeError("canary") from error


def test_an_exception_is_logged_as_types_and_places(fails: Exception) -> None:
    line = log_as_json(io.StringIO(), exc_info=fails)

    assert line["exception"] == "RuntimeError from ValueError"
    assert line["frames"][-1].endswith(" fail")
    assert "canary" not in str(line)
    assert "secret" not in str(line)


def test_an_exception_of_a_library_is_logged_without_its_text(fails: Exception) -> None:
    out = io.StringIO()
    logs.configure("json", stream=out)

    logging.getLogger("library").error("it failed", exc_info=fails)

    [line] = lines(out)
    assert line["exception"] == "RuntimeError from ValueError"
    assert "canary" not in out.getvalue()


def test_a_person_at_a_terminal_sees_the_whole_exception(fails: Exception) -> None:
    terminal = Terminal()
    logs.configure(stream=terminal)

    structlog.get_logger().error("it failed", exc_info=fails)

    assert "RuntimeError: canary" in terminal.getvalue()
