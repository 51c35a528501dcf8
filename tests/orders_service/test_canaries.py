"""What people send comes out in no log line, no metric, no trace, no problem, and nowhere else that we write to."""

import pytest
from fastapi.routing import iter_route_contexts

from orders_service import openapi
from tests.builders.canaries import canary, everywhere
from tests.builders.ear import Ear
from tests.builders.shop import Shop

DOCUMENT = openapi.document()


def routes(shop: Shop) -> list[tuple[str, str]]:
    contexts = iter_route_contexts(shop.app.router.routes)
    listed = {(method, str(each.path_format or each.path)) for each in contexts for method in each.methods or ()}
    return sorted(listed)


@pytest.mark.parametrize("who", ["nobody", "admin"])
async def test_what_is_sent_to_any_route_comes_out_nowhere(ear: Ear, who: str) -> None:
    client = ear.shop.api if who == "admin" else ear.shop.client(canary("token"))
    for method, path in routes(ear.shop):
        operation = DOCUMENT["paths"].get(path, {}).get(method.lower(), {})
        for request in everywhere(method, path, operation, DOCUMENT["components"]["schemas"]):
            await ear.request(client, **request)
    assert len(ear.problems) > 200
    assert await ear.leaks() == {}


async def test_what_leads_to_no_route_comes_out_nowhere(ear: Ear) -> None:
    for method, path in (("GET", "/nowhere"), (canary("method").upper(), "/v1/orders"), ("GET", f"/{canary('path')}")):
        await ear.request(ear.shop.api, method=method, url=path, params={"q": canary("query")})
    assert await ear.leaks() == {}
