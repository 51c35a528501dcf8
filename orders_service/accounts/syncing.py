"""The CRM learns what we know of a user. One line for each user: nothing older ever stays over something newer."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service.accounts import queries
from orders_service.destinations import ATTEMPTS, CRM, FOR_AN_HOUR
from orders_service.gateways import Crm, CrmUnavailable, CrmUser
from pipelines import Ending, Pipeline, Reject, Retry, RunState, StepContext, Transaction, start


class UserRef(BaseModel):
    """Which user."""

    model_config = ConfigDict(frozen=True)

    user_id: UUID


class Told(StrEnum):
    """What became of it; the words are those of the account's CRM state."""

    SYNCED = "synced"
    OFF = "off"


sync_user = Pipeline("sync-user", UserRef)


@sync_user.step()
def read_user(user: UserRef, tx: Transaction) -> CrmUser:
    """As it is by now: what has changed while this run stood in line goes along."""
    found = queries.lock(tx, user.user_id)
    if found is None:
        raise Reject("the account is gone")
    return CrmUser(id=found.id, email=found.email, name=found.name, version=found.version, created_at=found.created_at)


def note_told(user: UserRef, sent: CrmUser, told: Told, tx: Transaction) -> None:
    found = queries.lock(tx, user.user_id)
    if found is None:
        return
    if found.crm_version > sent.version:  # an old run that was retried by hand has told what is no longer so
        start_sync(tx, user.user_id)
        return
    queries.synced(tx, user.user_id, state=told, version=sent.version, at=tx.home.clock.now())


@sync_user.step(
    retry=Retry(on=(CrmUnavailable,), attempts=ATTEMPTS, wait=FOR_AN_HOUR), timeout=20, to=CRM, then=note_told
)
async def tell_crm(sent: CrmUser, crm: Crm, step: StepContext) -> Told:
    return Told.SYNCED if await crm.put_user(sent, key=step.idempotency_key) else Told.OFF


@sync_user.at_end
def finish_sync(user: UserRef, ending: Ending, tx: Transaction) -> None:
    if ending.state is not RunState.COMPLETED:
        queries.sync_fails(tx, user.user_id, ending.reason)


@sync_user.at_retry
def reopen_sync(user: UserRef, tx: Transaction) -> None:
    queries.sync_is_open(tx, user.user_id)


def start_sync(tx: Transaction, user_id: UUID) -> UUID:
    """Have the CRM told, after whatever it is still to be told of this user."""
    run_id = start(tx, sync_user, UserRef(user_id=user_id), serial=str(user_id))
    queries.sync_begins(tx, user_id, run_id)
    return run_id
