"""What log lines hold in production, whoever speaks."""

import ast
import asyncio
import io
import json
import logging
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from orders_service import discretion, logs

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "say"}


@pytest.fixture(autouse=True)
def loggers_as_found() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers, logging.root.level = handlers, level
    logging.captureWarnings(capture=False)


def fields_of(file: Path) -> set[str]:
    """The names of what it logs."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    spoken = [call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) in LEVELS]
    return {keyword.arg for call in spoken for keyword in call.keywords if keyword.arg is not None}


def test_every_field_that_we_log_is_on_the_list() -> None:
    files = [file for folder in ("orders_service", "pipelines") for file in (ROOT / folder).rglob("*.py")]
    logging_files = [file for file in files if "structlog.get_logger" in file.read_text()]
    assert len(logging_files) >= 4
    unknown = {file.name: fields_of(file) - discretion.FIELDS - {"exc_info"} for file in logging_files}
    assert {name: fields for name, fields in unknown.items() if fields} == {}


def test_what_is_not_on_the_list_of_fields_is_left_out_by_name() -> None:
    out = io.StringIO()
    logs.configure("json", stream=out)

    structlog.get_logger().info("order_placed", order_id="7", customer_email="canary@example.com")

    line: dict[str, Any] = json.loads(out.getvalue())

    assert (line["order_id"], line["left_out"]) == ("7", ["customer_email"])
    assert "canary" not in str(line)


def said_by_libraries(speak: Callable[[], None], *, log_format: str = "json", is_production: bool = False) -> str:
    out = io.StringIO()
    logs.configure(log_format, is_production=is_production, stream=out)
    speak()
    return out.getvalue()


def never_retrieved() -> None:
    """What asyncio says of a task that nobody has asked."""
    loop = asyncio.new_event_loop()
    loop.call_exception_handler({"message": "Task exception was never retrieved", "exception": ValueError("canary")})
    loop.close()


@pytest.mark.parametrize(
    ("speak", "told"),
    [
        (lambda: logging.getLogger("sqlalchemy.pool").error("lost %r", ["canary"]), {"event": "lost %r"}),
        (lambda: logging.getLogger("aiohttp.client").warning("lost canary"), {"event": discretion.UNTOLD}),
        (
            lambda: logging.getLogger("celery").error("no %s: %s", "canary", ConnectionResetError("canary")),
            {"event": "no %s: %s", "error": "ConnectionResetError"},
        ),
        (
            lambda: logging.getLogger("celery.worker.consumer.consumer").warning(
                "%s (%r)", "canary", OSError("canary")
            ),
            {"event": "the connection to the broker is lost", "error": "OSError"},
        ),
        (lambda: warnings.warn("canary is no number", RuntimeWarning, stacklevel=1), {"category": "RuntimeWarning"}),
        (never_retrieved, {"event": "Task exception was never retrieved", "exception": "ValueError"}),
    ],
)
@pytest.mark.parametrize(("log_format", "is_production"), [("json", False), ("json", True), ("text", True)])
@pytest.mark.filterwarnings("always")
def test_libraries_do_not_tell_what_was_sent(
    speak: Callable[[], None], told: dict[str, str], log_format: str, *, is_production: bool
) -> None:
    text = said_by_libraries(speak, log_format=log_format, is_production=is_production)

    assert "canary" not in text
    assert "test_discretion.py:" in text or "base_events.py:" in text
    assert [value for value in told.values() if value not in text] == []


def test_a_server_that_cannot_start_says_where_and_not_with_what_words() -> None:
    text = said_by_libraries(lambda: logging.getLogger("uvicorn.error").error(printed_traceback()))

    line = json.loads(text)
    assert (line["event"], line["exception"]) == ("traceback", "ValueError then RuntimeError")
    assert line["frames"][-1].endswith(" fail")
    assert "canary" not in text
    assert "secret" not in text


def printed_traceback() -> str:
    try:
        fail()
    except RuntimeError:
        return traceback.format_exc()
    raise AssertionError


def fail() -> None:
    try:
        int("secret")
    except ValueError as error:
        raise RuntimeError("canary") from error
