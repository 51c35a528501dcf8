"""Pictures of the mugs of a shop: sent, shown, and asked about."""

from typing import Any

import httpx2

from tests.builders.pictures import a_photo, form
from tests.builders.shop import Shop

MUG = "/v1/products/mug/image"


class Gallery:
    """Pictures of the mugs of a shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def send(self, content: bytes | None = None, kind: str = "image/jpeg", *, by: Any = None) -> httpx2.Response:
        content = a_photo() if content is None else content
        return await (by or self.shop.api).put(MUG, files=form(content, kind=kind))

    async def sent(self, content: bytes | None = None, kind: str = "image/jpeg", *, by: Any = None) -> Any:
        response = await self.send(content, kind, by=by)
        assert response.status_code == 202, response.text
        return response.json()

    async def shown(self, **asked: Any) -> httpx2.Response:
        return await self.shop.api.get(MUG, **asked)

    async def status(self) -> Any:
        response = await self.shop.api.get(f"{MUG}/status")
        assert response.status_code == 200, response.text
        return response.json()

    def files_left(self) -> tuple[int, int]:
        """Of what was sent."""
        return self.shop.count("uploads"), self.shop.count("upload_parts")
