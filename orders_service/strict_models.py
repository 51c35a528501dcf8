"""The types that request schemas are built from: they take what the wire format says, and nothing like it."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from orders_service.strict_json import has_control_characters

_REORDERING = re.compile("[\u2028-\u202e\u2066-\u2069]")  # bidi embeddings, overrides, isolates; line separators
_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{8}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})")


class StrictModel(BaseModel):
    """Unknown fields are refused and nothing is converted: 1.0, true and "1" are no whole numbers.

    Python's own types for which JSON has none are lax one by one: `Timestamp`, or
    `Annotated[tuple[Line, ...], Field(strict=False)]`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Text:
    """`Annotated[str, Text(80)]`: one line of text, in the same normal form (NFC) whatever keyboard it came from.

    No control characters, nothing that reorders what is displayed, not blank unless it may be empty; limits in code
    points, and in bytes of UTF-8 where a column or a protocol counts those.
    """

    max_length: int
    min_length: int = 1
    max_bytes: int | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # Length comes first: normalising is not free, and a megabyte of combining marks wants it to be dear.
        limited = core_schema.str_schema(strict=True, min_length=self.min_length, max_length=self.max_length)
        return core_schema.no_info_after_validator_function(self._cleaned, limited)

    def _cleaned(self, text: str) -> str:
        if not text.isascii():
            text = unicodedata.normalize("NFC", text)
        if has_control_characters(text) or _REORDERING.search(text):
            raise PydanticCustomError("text_characters", "Text should not contain control or bidi characters")
        if self.min_length and not text.strip():
            raise PydanticCustomError("text_blank", "Text should not be blank")
        if len(text) > self.max_length or (self.max_bytes is not None and len(text.encode()) > self.max_bytes):
            raise PydanticCustomError("text_too_long", "Text is too long")  # normalising may lengthen it
        return text


def _is_rfc3339(value: object) -> object:
    """Pydantic alone would take Unix seconds and their digits in a string too."""
    is_one = isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value))
    if not is_one:
        raise PydanticCustomError("timestamp", "Input should be a time as in RFC 3339, with its offset")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("timestamp_range", "Input is not within the years 1 to 9999 in UTC") from None


Timestamp: TypeAlias = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_is_rfc3339), AfterValidator(_in_utc)
]
