"""Bodies that nobody means, or somebody means ill: one field of a good body spoiled at a time."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

HOSTILE: Mapping[str, str] = {
    "nul": r'"a\u0000b"',
    "lone surrogate": r'"a\ud800b"',
    "nan": "NaN",
    "infinite": "1e400",
    "2**63": "9223372036854775808",
    "object": '{"a": 1}',
    "list": "[[1]]",
    "true": "true",
    "long": json.dumps("x" * 50_000),
}
REFUSALS = {400, 413, 415, 422}


def spoiled(good: Mapping[str, Any], *, but: Collection[tuple[str, str]] = ()) -> Iterator[tuple[str, bytes]]:
    """What was done to which field, and the body; `but` names pairs of field and kind that are right for it."""
    for field in good:
        for kind, value in HOSTILE.items():
            if (field, kind) not in but:
                yield f"{field}: {kind}", _with(good, field, value)
    yield "unknown field", _with(good, "surprise", "1")
    yield "twice", json.dumps(good)[:-1].encode() + b", " + json.dumps(good)[1:].encode()
    yield "nothing", b""
    yield "no object", b"[]"
    yield "no json", b"{"


def _with(good: Mapping[str, Any], field: str, value: str) -> bytes:
    pairs = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in good.items() if name != field]
    return ("{" + ", ".join([*pairs, f"{json.dumps(field)}: {value}"]) + "}").encode()
