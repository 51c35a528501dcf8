"""A word to the CRM is said under one key, wherever the process dies; tests/acceptance kills a welcome."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from orders_service import tables
from orders_service.accounts.syncing import start_sync, sync_user
from orders_service.accounts.tables import User
from orders_service.gateways import Crm, CrmRefused
from pipelines import RunState, Transaction
from pipelines.testing import Survivor, survives_every_crash
from tests.builders.gateways import FakeCrm

_ = tables  # all of the service's, so that they are made
ADA = UUID(int=1)


def an_account(tx: Transaction) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    account: dict[str, Any] = {
        "id": ADA,
        "email": "ada@example.com",
        "name": "Ada",
        "password_hash": "a hash",
        "status": "active",
    }
    dates: dict[str, Any] = {"created_at": now, "updated_at": now, "version": 1, "login_count": 0}
    tx.add(User(**account, **dates, run_id=ADA, crm_state="pending", crm_version=0))


async def test_a_word_to_the_crm_survives_every_crash() -> None:
    def check(survivor: Survivor) -> None:
        assert survivor.run.state is RunState.COMPLETED
        assert len({(key, told.model_dump_json()) for key, told in survivor.provided[Crm].told}) == 1

    await survives_every_crash(
        sync_user,
        begin=lambda tx: start_sync(tx, ADA),
        prepare=an_account,
        provide=lambda: {Crm: FakeCrm()},
        check=check,
    )


async def test_a_refusal_of_the_crm_survives_every_crash() -> None:
    def outside() -> Mapping[Any, object]:
        crm = FakeCrm()
        crm.door.troubles = [CrmRefused("no")] * 2  # for the process that dies, and for the one that carries on
        return {Crm: crm}

    def check(survivor: Survivor) -> None:
        assert survivor.run.state is RunState.FAILED

    await survives_every_crash(
        sync_user, begin=lambda tx: start_sync(tx, ADA), prepare=an_account, provide=outside, check=check
    )
