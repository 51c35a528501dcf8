"""Somebody at the console: a browser's cookies and forms, without the browser."""

import re
from typing import Any

import httpx2

from orders_service.auth import Scope, issue_key
from orders_service.settings import DEVELOPMENT_KEY
from tests.builders.shop import Shop

ORIGIN = "https://shop.test"  # or the client would not send the cookie, which is Secure
LOOKS = (Scope.OPERATIONS_READ,)
_TOKEN = re.compile(r'data-token="([0-9a-f]{64})"')


class Visitor:
    """Follows redirects, as a browser does, and sends the token that is on the page it looked at last."""

    def __init__(self, shop: Shop) -> None:
        self.client = shop.client(None)
        self.client.base_url = httpx2.URL(ORIGIN)
        self.client.follow_redirects = True
        self.token = ""

    async def sign_in(self, credential: str) -> httpx2.Response:
        response = await self.client.post("/console/sign-in", data={"credential": credential})
        self._keep_token(response)
        return response

    async def see(self, path: str, **query: Any) -> str:
        """The page, which must be there."""
        response = await self.client.get(path, params=query)
        assert response.status_code == 200, response.text
        self._keep_token(response)
        return response.text

    async def do(self, path: str, **fields: Any) -> httpx2.Response:
        """Send the form, and follow to where it leads."""
        return await self.client.post(path, data={"csrf": self.token, **fields})

    def _keep_token(self, response: httpx2.Response) -> None:
        if found := _TOKEN.search(response.text):
            self.token = found[1]


async def signed_in(shop: Shop, credential: str = DEVELOPMENT_KEY) -> Visitor:
    """Whoever holds this credential; without one, the admin."""
    visitor = Visitor(shop)
    response = await visitor.sign_in(credential)
    assert response.status_code == 200, response.text
    return visitor


async def who_only_looks(shop: Shop) -> Visitor:
    """A visitor whose key reads and does nothing."""
    return await signed_in(shop, await shop.process.write(issue_key, "auditor", scopes=LOOKS))
