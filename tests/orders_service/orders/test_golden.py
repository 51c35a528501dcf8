"""What a released version left behind, cut after every step, is resumed by the code of today and ends right."""

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from sqlalchemy import text

from orders_service import orders
from orders_service.gateways import Letter, Mail, Warehouse, WarehouseRefused
from pipelines import ReadSession
from pipelines.journal import reaping
from pipelines.testing import Rehearsal, rehearsal
from tests.builders.desk import from_outside
from tests.builders.gateways import CONFIRMS
from tests.golden.cuts import Cut, Row, load, read
from tests.golden.stories import Outside, Said
from tests.harness import schemas

GOLDEN = Path(__file__).parents[2] / "golden"
RELEASES = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir() and folder.name[0].isdigit())
OUTSIDE = {"send_confirmation", "notify_warehouse"}
Done = tuple[str, str]


def is_notice(said: Said) -> bool:
    """A mail of a run that came with a later release: it is not in the journals."""
    return isinstance(said, Letter) and not said.subject.startswith(CONFIRMS)


def last_of_its_story(cuts: list[Cut]) -> dict[str, Cut]:
    """How each story ended when it was cut, and so must end whenever it is resumed."""
    return {story: list(told)[-1] for story, told in groupby(cuts, key=lambda cut: cut.story)}


def done(attempts: list[Row]) -> list[Done]:
    """What was done and undone, in order; what was only tried may differ."""
    inconclusive = {"retry", "throttled", "cancelled"}
    in_order = sorted(attempts, key=lambda row: row["place"])
    return [(row["kind"], row["step"]) for row in in_order if row["outcome"] not in inconclusive]


def keys_owed(cut: Cut, end: Cut) -> list[str]:
    """Under which keys the outside must still hear of the run: written out here, since they must never change."""
    ahead = Counter(done(end.rows["attempts"])) - Counter(done(cut.rows.get("attempts", [])))
    run = UUID(cut.run["id"])
    return [str(uuid5(run, f"{step}/{kind}/0")) for kind, step in ahead if step in OUTSIDE]


def ended(stage: Rehearsal, cut: Cut) -> dict[str, Any]:
    """How the order of this cut stands now, in the words of the rows that were cut."""
    run = stage.run(UUID(cut.run["id"]))
    [order], [stock] = cut.rows["orders"], cut.rows["stock"]
    with ReadSession(stage.process.readers) as session:
        status, reason = session.execute(
            text("SELECT status, reason FROM orders WHERE principal = :whose"), {"whose": order["principal"]}
        ).one()
        shelf = session.execute(
            text("SELECT available, reserved FROM stock WHERE sku = :sku"), {"sku": stock["sku"]}
        ).one()
    attempts = [{"kind": a.direction, "step": a.step, "outcome": a.outcome, "place": a.place} for a in run.attempts]
    return {
        "state": run.state,
        "version": run.version,
        "order": (status, reason),
        "stock": tuple(shelf),
        "done": done(attempts),
    }


def expected(cut: Cut, end: Cut) -> dict[str, Any]:
    [order], [stock] = end.rows["orders"], end.rows["stock"]
    reason = order["reason"] and order["reason"].replace(end.rows["stock"][0]["sku"], cut.rows["stock"][0]["sku"])
    return {
        "state": end.run["state"],
        "version": cut.run["version"],
        "order": (order["status"], reason),
        "stock": (stock["available"], stock["reserved"]),
        "done": done(end.rows["attempts"]),
    }


@pytest.mark.parametrize("release", RELEASES)
async def test_every_journal_that_a_release_may_have_left_is_carried_to_its_end(
    migrated_url: str, release: str
) -> None:
    cuts = read(GOLDEN / release)
    ends = last_of_its_story(cuts)
    from_outside(migrated_url, lambda connection: load(connection, cuts))
    refused = {UUID(cut.rows["orders"][0]["id"]): WarehouseRefused() for cut in cuts if cut.story == "refused"}
    outside = Outside(refuses=refused)
    gateways = {Mail: outside, Warehouse: outside}
    async with rehearsal(
        [orders.fulfill_order, orders.tell_customer], provide=gateways, database_url=migrated_url
    ) as stage:
        for _ in range(len(cuts) // reaping.MOST_PROCESSES + 1):
            await stage.write(reaping.reap, count_crash=True, jitter=0.0)
        await stage.run_to_the_end()
        assert {cut.name: ended(stage, cut) for cut in cuts} == {
            cut.name: expected(cut, ends[cut.story]) for cut in cuts
        }
    owed = [key for cut in cuts for key in keys_owed(cut, ends[cut.story])]
    heard = [key for key, said in outside.calls if not is_notice(said)]
    assert Counter(heard) == Counter(owed)


@pytest.mark.parametrize("release", RELEASES)
def test_a_release_was_cut_after_every_step_while_it_waited_and_at_every_undo(release: str) -> None:
    seen = {(cut.run["state"], cut.run["step"]) for cut in read(GOLDEN / release)}
    steps = {"validate_order", "reserve_stock", "send_confirmation", "notify_warehouse"}
    assert {("running", step) for step in steps} <= seen
    assert {("waiting", step) for step in OUTSIDE} <= seen
    assert {("undoing", step) for step in ("reserve_stock", "notify_warehouse")} <= seen
    assert {state for state, _ in seen} >= {"completed", "rejected", "failed", "cancelled"}


def test_a_column_that_came_later_gets_its_default(sqlite_url: str) -> None:
    cuts = read(GOLDEN / RELEASES[0])[:1]
    cuts[0].run.pop("priority")
    from_outside(sqlite_url, lambda connection: load(connection, cuts))
    with schemas.connected(sqlite_url) as connection:
        assert connection.execute(text("SELECT priority FROM runs")).scalar_one() == 1
