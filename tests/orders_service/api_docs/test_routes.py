"""The page about the API comes from this service and from nowhere else, under any prefix."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest

from orders_service import api_docs
from orders_service.app import create_app
from orders_service.settings import Settings
from tests.builders.shop import Shop
from tests.harness.uvicorn_server import serving

ORIGIN = "http://shop.test"
LOADS_BY_ITSELF = re.compile(r"""url\((?!["']?data:)|@import""")


class References(HTMLParser):
    """What a browser fetches, and what it would run that is written into the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "link"} and (reference := given.get("src") or given.get("href")):
            self.found.append(reference)
        elif tag in {"script", "style"}:
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on") or name == "style"]


def references(html: str) -> References:
    parser = References()
    parser.feed(html)
    return parser


@pytest.mark.parametrize("prefix", ["", "/shop"])
async def test_all_that_the_page_loads_is_ours(prefix: str) -> None:
    async with (
        serving(create_app(Settings()), root_path=prefix) as (host, port),
        httpx2.AsyncClient(base_url=f"http://{host}:{port}") as behind_the_proxy,
    ):
        page = await behind_the_proxy.get(api_docs.PAGE)
        loaded = references(page.text)
        urls = [urlsplit(urljoin(f"{ORIGIN}{prefix}{api_docs.PAGE}", each)) for each in loaded.found]
        answers = [await behind_the_proxy.get(url.path.removeprefix(prefix), params=url.query) for url in urls]
        contract = await behind_the_proxy.get("/openapi.json")
    assert loaded.inline == []
    assert {url.netloc for url in urls} == {"shop.test"}
    assert {url.path for url in urls} == {prefix + path for path in api_docs.STATIC}
    assert [answer.status_code for answer in answers] == [200] * len(api_docs.STATIC)
    assert contract.json()["paths"]["/v1/orders"]
    assert contract.json().get("servers") == ([{"url": prefix}] if prefix else None)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("start.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("favicon.png", "image/png"),
    ],
)
async def test_a_file_has_its_own_type(corner_shop: Shop, name: str, media_type: str) -> None:
    answer = await corner_shop.client(None).get(f"{api_docs.PAGE}/{name}")
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (media_type, "nosniff")


async def test_a_file_is_kept_as_long_as_it_is_the_same(corner_shop: Shop) -> None:
    page = await corner_shop.api.get(api_docs.PAGE)
    [script, *_] = [each for each in references(page.text).found if "bundle" in each]
    kept = await corner_shop.api.get(urljoin(f"{ORIGIN}{api_docs.PAGE}", script))
    other = await corner_shop.api.get(script.partition("?")[0], params={"v": "of-the-last-release"})
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert page.headers["cache-control"] == other.headers["cache-control"] == "no-cache"
    assert kept.content == other.content


async def test_the_page_may_load_from_its_own_origin_only_and_runs_nothing_inline(corner_shop: Shop) -> None:
    policy = (await corner_shop.api.get(api_docs.PAGE)).headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert not [each for each in policy if "http" in each or "*" in each or "unsafe-eval" in each]


async def test_its_styles_load_nothing(corner_shop: Shop) -> None:
    styles = (await corner_shop.api.get("/docs/swagger-ui.css")).text
    assert len(styles) > 100_000
    assert LOADS_BY_ITSELF.search(styles) is None


async def test_no_source_map_is_promised_that_is_not_there(corner_shop: Shop) -> None:
    for path in api_docs.STATIC:
        assert b"sourceMappingURL" not in (await corner_shop.api.get(path)).content
