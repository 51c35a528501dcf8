"""The overview: what somebody on call sees at a glance, and while they look."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from typing import NamedTuple

import httpx2
import pytest
from sqlalchemy.exc import OperationalError
from starlette.types import Receive, Scope, Send

from orders_service.console import Lookout
from orders_service.console.visits import COOKIE
from pipelines import pause
from tests.builders.console import Visitor, signed_in, who_only_looks
from tests.builders.shop import Shop
from tests.harness.uvicorn_server import serving

SOON = 0.02
PAUSED = "/console/pipelines/fulfill-order"


def seldom(shop: Shop, every: float = 0.0) -> Lookout:
    """The overview is never older than this."""
    lookout = shop.app.state.lookout = Lookout(shop.process, every=every)
    return lookout


def words(html: str) -> str:
    """What a person reads, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def line_of(page: str, pipeline: str) -> str:
    """Of the pipeline, what stands on the page; it must be one of those that did something."""
    (found,) = [each for each in page.split("<article")[1:] if f">{pipeline}</a></h2>" in each]
    return words(found.partition("</article>")[0].partition(">")[2])


async def test_pipelines_that_did_something_stand_first_and_the_rest_is_folded(shop: Shop) -> None:
    await shop.placed()
    await shop.run_to_the_end()
    page = await (await signed_in(shop)).see("/console")
    assert "1 ended" in line_of(page, "fulfill-order")
    folded = page.partition("<details")[2]
    assert "import-orders" in folded
    assert "fulfill-order" not in folded
    assert "Processes 1 all taking runs" in words(page)


async def test_what_waits_and_what_has_died_is_counted(corner_shop: Shop) -> None:
    await corner_shop.process.write(pause, "fulfill-order", actor="ada", reason="flood in the hall")
    await corner_shop.placed()
    await corner_shop.settled()
    page = await (await signed_in(corner_shop)).see("/console")
    line = line_of(page, "fulfill-order")
    assert "ready 1" in line
    assert "by ada: flood in the hall" in line
    assert "Open 1" in words(page)


async def test_a_failed_run_is_in_the_picture(corner_shop: Shop) -> None:
    order = await corner_shop.placed()
    await corner_shop.run_to_the_end()
    await corner_shop.write("UPDATE runs SET state = 'failed' WHERE id = :id", id=order["run"]["id"].replace("-", ""))
    page = await (await signed_in(corner_shop)).see("/console")
    line = line_of(page, "fulfill-order")
    assert "1 ended, 1 failed" in line
    assert "Dead letters 1" in line
    assert '<path class="bad"' in page


async def test_a_pipeline_is_paused_with_a_reason_and_resumed(shop: Shop) -> None:
    visitor = await signed_in(shop)
    await visitor.see(PAUSED)
    paused = await visitor.do(f"{PAUSED}/pause", reason="the warehouse has a flood")
    assert "Paused. No step of it begins any more" in words(paused.text)
    assert "by admin: the warehouse has a flood Resume" in line_of(paused.text, "fulfill-order")
    assert "paused since" in words(await visitor.see(PAUSED))
    resumed = await visitor.do(f"{PAUSED}/resume")
    assert "Resumed. It goes on where it stood." in words(resumed.text)
    assert "flood" not in resumed.text
    actions = [entry["action"] for entry in (await shop.api.get("/v1/audit")).json()["items"]]
    assert actions[:2] == ["pipeline_resumed", "pipeline_paused"]


@pytest.mark.parametrize("said", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"reason": "a\x00b"}])
async def test_without_a_reason_nothing_is_paused(corner_shop: Shop, said: dict[str, str]) -> None:
    visitor = await signed_in(corner_shop)
    answer = await visitor.do(f"{PAUSED}/pause", **said)
    assert answer.status_code == 422
    assert "Invalid request" in words(answer.text)


async def test_what_is_paused_already_or_unknown_is_refused_in_words(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    await visitor.do(f"{PAUSED}/pause", reason="flood")
    again = await visitor.do(f"{PAUSED}/pause", reason="flood")
    unknown = await visitor.do("/console/pipelines/no-such/pause", reason="flood")
    page = await visitor.client.get("/console/pipelines/no-such")
    assert (again.status_code, unknown.status_code, page.status_code) == (409, 404, 404)
    assert "Pipeline fulfill-order is paused." in words(again.text)


async def test_a_pipeline_of_another_release_leads_to_its_runs(corner_shop: Shop) -> None:
    await corner_shop.process.write(pause, "fulfill-order", actor="ada", reason="flood in the hall")
    await corner_shop.placed()
    await corner_shop.write("UPDATE runs SET pipeline = 'of old' WHERE pipeline = 'fulfill-order'")
    visitor = await signed_in(corner_shop)
    page = await visitor.see("/console")
    assert "This release has no such pipeline" in line_of(page, "of old")
    assert "/console/pipelines/of" not in page
    assert "ready" in await visitor.see("/console/runs", pipeline="of old")


async def test_whoever_only_looks_sees_no_button(corner_shop: Shop) -> None:
    await corner_shop.placed()
    await corner_shop.run_to_the_end()
    visitor = await who_only_looks(corner_shop)
    assert "Pause…" not in await visitor.see("/console")
    assert "/pause" not in await visitor.see(PAUSED)
    assert (await visitor.do(f"{PAUSED}/pause", reason="flood")).status_code == 403


async def test_what_people_wrote_is_shown_as_text(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    told = await visitor.do(f"{PAUSED}/pause", reason="<script>alert(1)</script>")
    assert "<script>alert(1)" not in told.text
    assert "<script>alert(1)</script>" in line_of(told.text, "fulfill-order")


async def test_updates_can_be_paused(corner_shop: Shop) -> None:
    visitor = await signed_in(corner_shop)
    live, still = await visitor.see("/console"), await visitor.see("/console", updates="off")
    assert 'sse-connect="/console/overview/events"' in live
    assert "sse-connect" not in still
    assert "Updates are paused" in words(still)
    assert (await visitor.client.get("/console?updates=maybe")).status_code == 422


async def test_all_who_look_share_one_reading(corner_shop: Shop) -> None:
    lookout = seldom(corner_shop, every=3600)
    seen = await asyncio.gather(*(lookout.overview() for _ in range(5)))
    assert len({id(each) for each in seen}) == 1
    lookout.forget()
    assert await lookout.overview() is not seen[0]


async def test_a_database_that_does_not_answer_leaves_the_last_figures_marked_as_old(
    corner_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("canceling statement due to statement timeout"))

    seldom(corner_shop)
    await corner_shop.placed()
    await corner_shop.run_to_the_end()
    visitor = await signed_in(corner_shop)
    await visitor.see("/console")
    monkeypatch.setattr("orders_service.console.lookout.glance", is_away)
    page = await visitor.see("/console")
    assert "The database does not answer in time" in words(page)
    assert "1 ended" in line_of(page, "fulfill-order")
    monkeypatch.undo()
    assert "does not answer" not in await visitor.see("/console")


class Sent(NamedTuple):
    """One event of the stream, its data as a person reads it."""

    kind: str
    html: str

    @property
    def words(self) -> str:
        return words(self.html)


async def _events(response: httpx2.Response) -> AsyncIterator[Sent]:
    kind, data = "", list[str]()
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif not line and data:
            yield Sent(kind, "\n".join(data))
            data = []


@asynccontextmanager
async def watched(shop: Shop, visitor: Visitor) -> AsyncIterator[AsyncIterator[Sent]]:
    """The stream of the overview, as the browser of this visitor gets it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await shop._with_state(scope, receive, send)

    cookies = {"Cookie": f"{COOKIE}={visitor.client.cookies[COOKIE]}"}
    async with (
        asyncio.timeout(20),  # or a stream that does not end would keep us for ever
        serving(app) as (host, port),
        httpx2.AsyncClient(base_url=f"http://{host}:{port}", headers=cookies, timeout=20) as client,
        client.stream("GET", "/console/overview/events") as response,
    ):
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield _events(response)


async def until(events: AsyncIterator[Sent], kind: str, said: str) -> Sent:
    """The first event of this kind that says so."""
    async for event in events:
        if event.kind.startswith(kind) and said in event.words:
            return event
    raise AssertionError(f"the stream ended without {kind} saying {said}")


async def test_what_happens_is_seen_by_whoever_watches(shop: Shop) -> None:
    seldom(shop, every=SOON)
    visitor = await signed_in(shop)
    async with watched(shop, visitor) as events:
        await until(events, "totals", "Ended in 5 min 0")
        await shop.placed()
        await until(events, "", "1 ended")  # in the line when that comes, or after it
        await visitor.do(f"{PAUSED}/pause", reason="flood in the hall")
        await until(events, "standing", "by admin: flood in the hall")


async def test_only_what_has_changed_is_sent(corner_shop: Shop) -> None:
    seldom(corner_shop, every=SOON)
    await corner_shop.placed()
    await corner_shop.run_to_the_end()
    visitor = await signed_in(corner_shop)
    kinds = list[str]()
    async with watched(corner_shop, visitor) as events:
        await until(events, "lines", "fulfill-order")
        await visitor.do(f"{PAUSED}/pause", reason="flood in the hall")
        async for event in events:
            kinds.append(event.kind.partition("-")[0])
            if "flood" in event.words:
                break
    assert "lines" not in kinds
    assert kinds.count("standing") == 1


async def test_the_stream_ends_for_good_with_the_session(corner_shop: Shop) -> None:
    seldom(corner_shop, every=SOON)
    visitor = await signed_in(corner_shop)
    async with watched(corner_shop, visitor) as events:
        await anext(events)
        await visitor.do("/console/sign-out")
        assert [event.kind async for event in events][-1] == "ended"


async def test_the_stream_ends_when_the_process_drains(corner_shop: Shop) -> None:
    seldom(corner_shop, every=SOON)
    async with watched(corner_shop, await signed_in(corner_shop)) as events:
        await anext(events)
        corner_shop.process.begin_to_drain()
        assert "ended" not in [event.kind async for event in events]  # so that it is sought elsewhere


async def test_who_hangs_up_is_forgotten_and_too_many_are_refused(
    corner_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders_service.console.lookout.MOST_VIEWERS", 1)
    lookout = seldom(corner_shop, every=SOON)
    visitor = await signed_in(corner_shop)
    async with watched(corner_shop, visitor) as events:
        await anext(events)
        refused = await visitor.client.get("/console/overview/events")
        assert refused.status_code == 503
        assert "Too many people watch this page" in words(refused.text)
    async with asyncio.timeout(5):
        while lookout._viewers:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(SOON)
