"""Whose account a run works for."""

import json
from uuid import UUID

from orders_service.accounts import queries, viewing
from orders_service.accounts.logging_in import record_login
from orders_service.accounts.schemas import UserView
from orders_service.accounts.syncing import sync_user
from orders_service.accounts.welcoming import welcome
from orders_service.auth import user_principal
from pipelines import ReadSession, RunRecord, find_run

# Not the reminder: whoever was reminded did not start it, and who did is a stranger.
_OF_ITS_OWNER = {pipeline.name: pipeline for pipeline in (welcome, record_login, sync_user)}


def owner_of_run(session: ReadSession, run_id: UUID) -> str | None:
    """The principal of the account; what the run was started for says it."""
    run = find_run(session, run_id)
    pipeline = _OF_ITS_OWNER.get(run.pipeline) if run is not None else None
    if run is None or pipeline is None:
        return None
    return user_principal(UUID(json.loads(run.payload)["user_id"]))


def user_behind(session: ReadSession, run: RunRecord) -> UserView | None:
    """The account that a run works for, for staff."""
    if run.pipeline not in _OF_ITS_OWNER:
        return None
    user = queries.find(session, UUID(json.loads(run.payload)["user_id"]))
    return viewing.view_of(session, user) if user is not None else None
