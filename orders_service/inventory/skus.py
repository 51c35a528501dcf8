"""What products are called, wherever they are named."""

from typing import Annotated

from pydantic import Field

Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
