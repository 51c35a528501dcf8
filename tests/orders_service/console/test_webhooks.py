"""The pages of webhooks: who is told of what, how that goes, and every delivery with its answers."""

from datetime import timedelta
from typing import Any

import pytest

from orders_service.auth import ADMIN, Principal
from orders_service.console.webhooks import address_of, readable
from orders_service.gateways import Reply, SubscriberGone, SubscriberUnavailable
from tests.builders.console import Visitor, signed_in, who_only_looks
from tests.builders.shop import Shop
from tests.builders.subscriptions import deliveries, path_of, subscribed

PAGE = "/console/webhooks"
EVIL = "<script>alert(1)</script>"
POLLS = "hx-trigger="


def refusal(excerpt: str = "back in a minute", status: int = 503) -> SubscriberUnavailable:
    return SubscriberUnavailable(f"answered {status}", evidence=Reply(status=status, excerpt=excerpt).model_dump_json())


async def sent_test(shop: Shop, endpoint: Any) -> Any:
    """A delivery that was begun by hand, as far as it came."""
    await shop.api.post(path_of(endpoint, "test"))
    await shop.settled()
    return (await deliveries(shop.api, endpoint))[0]


def delivery_path(endpoint: Any, delivery: Any) -> str:
    return f"{PAGE}/{endpoint['id']}/deliveries/{delivery['id']}"


def next_after(page: str) -> str:
    """Where the page goes on."""
    return page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")


async def test_everybodys_endpoints_are_listed_with_what_they_hear_of(shop: Shop) -> None:
    ada = await shop.client_of("ada")
    await subscribed(ada, "order.*", url="http://127.0.0.1:9/ada", description="The storefront")
    await subscribed(shop.api, "product.deleted", url="http://127.0.0.1:9/admins")
    page = await (await signed_in(shop)).see(PAGE)
    for word in ("127.0.0.1:9/ada", "ada", "order.*", "The storefront", "127.0.0.1:9/admins", "product.deleted"):
        assert word in page


async def test_no_secret_is_on_any_page_and_two_live_ones_are_counted(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api, url="http://127.0.0.1:9/hook?token=confidential")
    rotated = (await corner_shop.api.post(path_of(endpoint, "rotate-secret"), json={})).json()
    delivery = await sent_test(corner_shop, endpoint)
    visitor = await signed_in(corner_shop)
    one = await visitor.see(f"{PAGE}/{endpoint['id']}")
    pages = await visitor.see(PAGE) + one + await visitor.see(delivery_path(endpoint, delivery))
    for secret in (endpoint["secret"], rotated["secret"], "confidential"):
        assert secret not in pages
    assert "2 live" in one


async def test_what_came_of_it_lately_is_counted_for_each_endpoint(shop: Shop) -> None:
    good, bad = await subscribed(shop.api), await subscribed(shop.api)
    await sent_test(shop, good)
    shop.subscribers.door.troubles = [SubscriberGone()]
    await sent_test(shop, bad)
    visitor = await signed_in(shop)
    assert "1 delivered" in await visitor.see(f"{PAGE}/{good['id']}")
    assert "1 failed" in await visitor.see(f"{PAGE}/{bad['id']}")
    page = await visitor.see(PAGE)
    assert "1 delivered" in page
    assert "1 failed" in page


async def test_what_is_longer_ago_than_a_day_is_not_counted(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    await sent_test(shop, endpoint)
    shop.clock.advance(timedelta(days=1, seconds=1))
    page = await (await signed_in(shop)).see(PAGE)
    assert "delivered" not in page
    assert "nothing" in page


async def test_an_endpoint_that_does_not_answer_is_late_long_before_it_fails(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    shop.subscribers.door.troubles = [refusal()]
    await sent_test(shop, endpoint)
    visitor = await signed_in(shop)
    assert "1 on the way" in await visitor.see(PAGE)
    assert "1 late" not in await visitor.see(PAGE)
    shop.clock.advance(timedelta(seconds=61))
    assert "1 late" in await visitor.see(PAGE)


async def test_a_disabled_endpoint_says_why(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api)
    corner_shop.subscribers.door.troubles = [SubscriberGone()]
    await sent_test(corner_shop, endpoint)
    visitor = await signed_in(corner_shop)
    for path in (PAGE, f"{PAGE}/{endpoint['id']}"):
        assert "It answered 410 Gone." in await visitor.see(path)


async def test_deliveries_are_filtered_by_state_and_read_page_by_page(shop: Shop, monkeypatch: Any) -> None:
    monkeypatch.setattr("orders_service.console.webhooks_routes._ON_A_PAGE", 2)
    endpoint = await subscribed(shop.api)
    sent = [await sent_test(shop, endpoint) for _ in range(3)]
    visitor = await signed_in(shop)
    path = f"{PAGE}/{endpoint['id']}"
    newest = await visitor.see(path, state="delivered")
    assert [one["id"] in newest for one in sent] == [False, True, True]
    older = (await visitor.client.get(next_after(newest))).text
    assert [one["id"] in older for one in sent] == [True, False, False]
    failed = await visitor.see(path, state="failed")
    assert not [one for one in sent if one["id"] in failed]


async def test_endpoints_are_read_page_by_page(corner_shop: Shop, monkeypatch: Any) -> None:
    monkeypatch.setattr("orders_service.subscriptions.surveying._SHOWN", 1)
    first, second = await subscribed(corner_shop.api), await subscribed(corner_shop.api)
    visitor = await signed_in(corner_shop)
    newest = await visitor.see(PAGE)
    older = (await visitor.client.get(next_after(newest))).text
    assert (first["id"] in newest, second["id"] in newest) == (False, True)
    assert (first["id"] in older, second["id"] in older) == (True, False)


async def test_a_delivery_shows_what_was_sent_and_what_was_answered_each_time(shop: Shop) -> None:
    endpoint = await subscribed(shop.api)
    shop.subscribers.door.troubles = [refusal(f"down {EVIL}")]
    delivery = await sent_test(shop, endpoint)
    await shop.run_to_the_end()
    page = await (await signed_in(shop)).see(delivery_path(endpoint, delivery))
    for word in ("webhook.test", "This is a test.", "503", "answered 503", "thank you", delivery["webhook_id"]):
        assert word in page
    assert "down &lt;script&gt;" in page
    assert EVIL not in page
    assert f'href="/console/runs/{delivery["run"]["id"]}"' in page


async def test_a_delivery_is_followed_until_it_has_ended(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api)
    corner_shop.subscribers.door.troubles = [refusal()]
    path = delivery_path(endpoint, await sent_test(corner_shop, endpoint))
    visitor = await signed_in(corner_shop)
    assert POLLS in await visitor.see(f"{path}/progress")
    await corner_shop.run_to_the_end()
    assert POLLS not in await visitor.see(f"{path}/progress")


async def test_what_people_have_written_is_text(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api, description=EVIL, url='http://127.0.0.1:9/"><script>x')
    visitor = await signed_in(corner_shop)
    for path in (PAGE, f"{PAGE}/{endpoint['id']}"):
        page = await visitor.see(path)
        assert "&lt;script&gt;alert(1)" in page
        assert EVIL not in page
        assert "<script>x" not in page


async def test_a_body_that_is_no_longer_kept_is_missed_without_a_fault(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api)
    delivery = await sent_test(corner_shop, endpoint)
    await corner_shop.write("UPDATE runs SET payload = '{}' WHERE pipeline = 'deliver-event'")
    assert "no longer kept" in await (await signed_in(corner_shop)).see(delivery_path(endpoint, delivery))


async def test_whoever_only_looks_sees_all_of_it_and_no_buttons(corner_shop: Shop) -> None:
    endpoint = await subscribed(corner_shop.api)
    corner_shop.subscribers.door.troubles = [RuntimeError()]
    delivery = await sent_test(corner_shop, endpoint)
    visitor: Visitor = await who_only_looks(corner_shop)
    page = await visitor.see(f"{PAGE}/{endpoint['id']}") + await visitor.see(delivery_path(endpoint, delivery))
    assert "webhook.test" in page
    for button in ("Send test event", "Resend", "Disable"):
        assert button not in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/01a1fccd-1aee-748f-9e6d-a53a446f6bc9", 404),
        ("/x", 422),
        ("?cursor=x", 422),
        ("/{id}?state=lost", 422),
        ("/{id}?cursor=x", 422),
        ("/{id}/deliveries/01a1fccd-1aee-748f-9e6d-a53a446f6bc9", 404),
    ],
)
async def test_what_is_not_there_is_a_page_that_says_so(corner_shop: Shop, path: str, status: int) -> None:
    endpoint = await subscribed(corner_shop.api)
    answer = await (await signed_in(corner_shop)).client.get(PAGE + path.format(id=endpoint["id"]))
    assert answer.status_code == status
    assert "Back to the overview" in answer.text


def test_an_address_is_shown_without_what_may_be_secret_in_it() -> None:
    assert address_of("https://ada:pw@shop.example.com:8443/hook?token=x#y", ADMIN) == "shop.example.com:8443/hook?…"
    assert address_of("http://shop.example.com/hook", ADMIN) == "http://shop.example.com/hook"
    assert address_of("https://chat.example.com/T0/secret?x", Principal("ops")) == "chat.example.com/…"


@pytest.mark.parametrize("body", ["", "no JSON", "[" * 100_000])
def test_what_is_no_json_is_shown_as_it_is(body: str) -> None:
    assert readable(body) == body


def test_json_gets_line_breaks_and_keeps_its_digits() -> None:
    assert readable('{"amount":123456789012345678901}') == '{\n  "amount": 123456789012345678901\n}'
