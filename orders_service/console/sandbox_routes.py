"""The sandbox of the development profile; elsewhere there is none, and so no page."""

from fastapi import APIRouter, Request, Response

from orders_service.console.page_route import PageRoute
from orders_service.console.pages import add_headers, page
from orders_service.console.sandbox import Contents, MailText
from orders_service.console.visits import Visitor
from orders_service.problems import Problem
from orders_service.sandbox import Sandbox

router = APIRouter(prefix="/console/sandbox", route_class=PageRoute, include_in_schema=False)

_NO_NEWS = 204


@router.get("")
def sandbox(request: Request, visit: Visitor) -> Response:
    """What the outside world was told, as far as it is our own stand-in."""
    return page(request, "sandbox.html", visit, contents=Contents.of(_sandbox_of(request)))


@router.get("/contents")
def sandbox_contents(request: Request, visit: Visitor, seen: str = "") -> Response:
    """The same alone, if there is more than was seen."""
    contents = Contents.of(_sandbox_of(request))
    if contents.mark == seen:
        nothing = Response(status_code=_NO_NEWS)
        add_headers(nothing.headers)
        return nothing
    return page(request, "sandbox_contents.html", visit, contents=contents)


@router.get("/mails/{mail_id}")
def sandbox_mail(mail_id: str, request: Request, visit: Visitor) -> Response:
    """One mail, as text."""
    mail = _sandbox_of(request).mailbox.read(mail_id)
    if mail is None:
        raise Problem("not-found", "There is no such mail.")
    return page(request, "mail.html", visit, mail=MailText.of(mail), mail_id=mail_id)


def _sandbox_of(request: Request) -> Sandbox:
    found: Sandbox | None = getattr(request.app.state, "sandbox", None)
    if found is None:
        raise Problem("not-found", "There is a sandbox in the development profile only.")
    return found
