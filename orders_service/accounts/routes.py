"""The HTTP face of accounts."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from orders_service.accounts import changing, logging_in, queries, signing_up
from orders_service.accounts.doorman import doorman_of
from orders_service.accounts.errors import UnknownUser, WrongPassword
from orders_service.accounts.schemas import (
    LoginDraft,
    PasswordChange,
    SessionView,
    SignupDraft,
    UserChange,
    UserList,
    UserView,
)
from orders_service.accounts.tags import etag_of
from orders_service.accounts.viewing import view_all, view_one
from orders_service.audit import Auditor, Note
from orders_service.auth import Admin, CurrentPrincipal, CurrentUser, Principal, Unauthenticated, token_of
from orders_service.database import Reading, process_of
from orders_service.idempotency import IdempotencyKey, once_key
from orders_service.pages import Page, cursor_after, place_of
from orders_service.preconditions import IfMatch, IfNoneMatch, is_known
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute
from pipelines import ReadSession

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=StrictRoute, responses=responses(422, 503))
_BODY = responses(400, 413, 415)
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "It is what `If-None-Match` names."}}
_UNSTORED = {"Cache-Control": "no-store"}


@router.post("/signup", status_code=201, response_model=UserView, responses=_BODY)
async def sign_up(
    draft: SignupDraft, request: Request, auditor: Auditor, idempotency_key: IdempotencyKey = None
) -> Response:
    """Open an account. It is on disk when this answers; the welcome, by mail and to the CRM, survives any crash.

    Whether the address is known does not show: the answer is the same, and a known address gets a letter that says so.
    Then the account stays as it is, and the id that is answered leads nowhere.
    """
    once = once_key(request, signing_up.stranger(draft), idempotency_key)
    hashed = await doorman_of(request).passwords.hashed(draft.password, salt=signing_up.salt_for(once))
    note = auditor("user_signed_up", "")
    answer = await process_of(request).write(signing_up.sign_up, draft, hashed, once, note)
    return answer.response({"Location": "/v1/users/me", **_UNSTORED})


@router.post("/login", responses={**_BODY, **responses(401)})
async def log_in(draft: LoginDraft, request: Request, response: Response, auditor: Auditor) -> SessionView:
    """Open a session. An unknown address and a wrong password get the same answer, after the same work."""
    process, doorman = process_of(request), doorman_of(request)
    known = await run_in_threadpool(_credentials, process.readers, draft.email)
    fits = await doorman.passwords.fits(draft.password, known.password_hash if known is not None else None)
    if known is None or not fits:
        whose = known.id if known is not None else None
        await _note_refusal(request, whose, auditor("login_refused", "", subject_type="user"))
        raise Unauthenticated
    session = await process.write(
        logging_in.log_in,
        known.id,
        known.password_hash,
        auditor("user_logged_in", known.id),
        user_agent=request.headers.get("user-agent"),
        lasts=doorman.sessions_last,
    )
    response.headers.update(_UNSTORED)
    return SessionView(access_token=session.token, expires_at=session.expires_at)


@router.post("/logout", status_code=204, responses=responses(401, 403))
async def log_out(user: CurrentUser, request: Request, auditor: Auditor) -> None:
    """End the session of this token. At once here; another process may trust the token for two seconds more."""
    token = await token_of(request)
    await process_of(request).write(logging_in.log_out, token, auditor("user_logged_out", user.user_id))
    request.state.keyring.forget(token)


@router.get("/users/me", response_model=UserView, responses={**_NOT_MODIFIED, **responses(401, 403, 404)})
def show_me(
    user: CurrentUser, session: Reading, response: Response, if_none_match: IfNoneMatch = None
) -> UserView | Response:
    """Show your account: what is known of you, what you bought, and whether the CRM is up to date."""
    return _shown(view_one(session, _id_of(user), user), response, if_none_match)


@router.patch("/users/me", responses={**_BODY, **responses(401, 403, 404, 412)})
async def change_me(
    *,
    change: UserChange,
    user: CurrentUser,
    request: Request,
    response: Response,
    auditor: Auditor,
    if_match: IfMatch = None,
) -> UserView:
    """Change your account. `run` shows how the CRM is told, with every attempt that fails."""
    user_id = _id_of(user)
    note = auditor("user_changed", user_id)
    view = await process_of(request).write(changing.change_user, user_id, change, if_match, note)
    response.headers["ETag"] = etag_of(view, view.version)
    return view


@router.post("/users/me/password", status_code=204, responses={**_BODY, **responses(401, 403, 404)})
async def change_password(change: PasswordChange, user: CurrentUser, request: Request, auditor: Auditor) -> None:
    """Change your password. All your sessions end, this one too."""
    process, passwords, user_id = process_of(request), doorman_of(request).passwords, _id_of(user)
    stored = await run_in_threadpool(_hash_of, process.readers, user_id)
    if not await passwords.fits(change.password, stored) or stored is None:
        await _note_refusal(request, user_id, auditor("password_refused", "", subject_type="user"))
        raise WrongPassword
    hashed = await passwords.hashed(change.new_password)
    note = auditor("user_password_changed", user_id)
    await process.write(changing.change_password, user_id, stored, hashed, note)
    request.state.keyring.forget_all()


@router.get("/users", responses=responses(401, 403))
def list_users(session: Reading, admin: Admin, which: Annotated[UserList, Query()]) -> Page[UserView]:  # noqa: ARG001 - asked for its effect
    """List accounts, newest first. For admins."""
    under = f"users {which.email}"
    before = place_of(which.cursor, under=under)
    users = queries.newest(session, email=which.email, before=before, most=which.limit + 1)
    shown = users[: which.limit]
    more = cursor_after(shown[-1].id, under=under) if len(users) > which.limit else None
    return Page(items=view_all(session, shown), next=more)


@router.get("/users/{user_id}", response_model=UserView, responses={**_NOT_MODIFIED, **responses(401, 404)})
def get_user(
    user_id: UUID, session: Reading, principal: CurrentPrincipal, response: Response, if_none_match: IfNoneMatch = None
) -> UserView | Response:
    """Show an account to its owner, or to an admin."""
    return _shown(view_one(session, user_id, principal), response, if_none_match)


def _shown(view: UserView, response: Response, if_none_match: str | None) -> UserView | Response:
    etag = etag_of(view, view.version)
    if is_known(if_none_match, etag):
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return view


def _id_of(user: Principal) -> UUID:
    if user.user_id is None:
        raise UnknownUser
    return user.user_id


def _credentials(readers: Engine, address: str) -> queries.Credentials | None:
    with ReadSession(readers) as session:
        return queries.credentials_of(session, address)


def _hash_of(readers: Engine, user_id: UUID) -> str | None:
    with ReadSession(readers) as session:
        user = queries.find(session, user_id)
        return user.password_hash if user is not None else None


async def _note_refusal(request: Request, whose: UUID | None, note: Note) -> None:
    process = process_of(request)
    left = doorman_of(request).refused_logins.take(logging_in.subject_of(whose), process.clock.now())
    await process.write(logging_in.note_refusal, whose, left, note)
