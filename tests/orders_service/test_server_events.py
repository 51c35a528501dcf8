import json

import pytest

from orders_service.server_events import ServerEvent, events_of


def read(stream: bytes) -> list[ServerEvent]:
    return list(events_of(stream.splitlines(keepends=True)))


def test_events_are_read_with_name_id_and_data() -> None:
    stream = b'event: run\ndata: {"a": 1}\nid: 7\n\nevent: run\r\ndata: {}\r\n\r\n'
    assert read(stream) == [ServerEvent("run", "7", {"a": 1}), ServerEvent("run", None, {})]


def test_data_of_several_lines_is_one() -> None:
    assert read(b"data: [1,\ndata:2]\n\n") == [ServerEvent("message", None, [1, 2])]


def test_what_keeps_the_connection_open_is_no_event() -> None:
    assert read(b": ping\n\nretry: 3\n\n") == []


def test_an_event_that_is_cut_off_is_none() -> None:
    assert read(b'event: run\ndata: {"a": 1}\n') == []


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(json.JSONDecodeError):
        read(b"data: {\n\n")
