"""What a run works for: an order, an import, a report, an account or a delivery, as its slice shows it to staff."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias
from uuid import UUID

from orders_service import accounts, imports, orders, reports, subscriptions
from orders_service.auth import Principal
from orders_service.console.webhooks import host_of
from pipelines import ReadSession, RunRecord

Fact: TypeAlias = tuple[str, str]

_JOBS = "/console/jobs"
_PERSONAL = {"Customer", "Ships to", "Name", "E-mail"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`link` is a view of the console; `runs` are other runs for the same, by what they do."""

    kind: str
    id: UUID
    status: str
    facts: tuple[Fact, ...] = ()
    link: str | None = None
    runs: tuple[tuple[str, UUID], ...] = ()
    items: tuple[tuple[str, int, str], ...] = ()


def subject_of(session: ReadSession, run: RunRecord, principal: Principal) -> Subject | None:
    """Nothing for what the service does for itself, or what has been forgotten meanwhile.

    Whose it is and where they live is what the API, too, tells admins and themselves alone.
    """
    found = next((found for look in _LOOKS if (found := look(session, run)) is not None), None)
    if found is None or principal.is_admin:
        return found
    return replace(found, facts=tuple(fact for fact in found.facts if fact[0] not in _PERSONAL))


def _order(session: ReadSession, run: RunRecord) -> Subject | None:
    order = orders.order_behind(session, run)
    if order is None:
        return None
    others = {"fulfills it": order.run, "takes it back": order.cancellation}
    address = order.shipping_address
    where = [address.name, address.line1, address.line2, f"{address.postal_code} {address.city}", address.country]
    reason = (("Reason", order.reason),) if order.reason and order.reason != run.reason else ()
    return Subject(
        kind="Order",
        id=order.id,
        status=order.status,
        facts=(
            ("Total", str(order.total)),
            ("Customer", order.customer_email),
            ("Ships to", ", ".join(part for part in where if part)),
            *reason,
        ),
        items=tuple((item.sku, item.quantity, str(item.price)) for item in order.items),
        runs=tuple((what, link.id) for what, link in others.items() if link is not None and link.id != run.id),
    )


def _import(session: ReadSession, run: RunRecord) -> Subject | None:
    found = imports.import_behind(session, run.id)
    if found is None:
        return None
    rows = f"{found.progress.done} of {found.progress.total if found.progress.total is not None else 'unknown'}"
    facts = (("File", found.file_name or "without a name"), ("Rows", rows), ("Orders", str(found.orders)))
    flaws = (("Wrong rows", str(found.failed_rows)),)
    return Subject(
        kind="Import", id=found.id, status=found.state, facts=facts + flaws, link=f"{_JOBS}/imports/{found.id}"
    )


def _report(session: ReadSession, run: RunRecord) -> Subject | None:
    found = reports.report_behind(session, run.id)
    if found is None:
        return None
    facts = (("Type", found.type.value), ("Of", f"{found.first} to {found.last} {found.time_zone}"))
    return Subject(kind="Report", id=found.id, status=found.state, facts=facts, link=f"{_JOBS}/reports/{found.id}")


def _user(session: ReadSession, run: RunRecord) -> Subject | None:
    user = accounts.user_behind(session, run)
    if user is None:
        return None
    facts = (("Name", user.name), ("E-mail", user.email), ("CRM", user.crm.state.value))
    return Subject(kind="Account", id=user.id, status=user.status, facts=facts)


def _delivery(session: ReadSession, run: RunRecord) -> Subject | None:
    sent = subscriptions.delivery_behind(session, run.id)
    if sent is None:
        return None
    facts = (("Event", sent.event_type), ("To", host_of(sent.url) if sent.url else "an endpoint that is gone"))
    link = f"/console/webhooks/{sent.endpoint_id}/deliveries/{sent.delivery_id}" if sent.url else None
    return Subject(kind="Delivery", id=sent.delivery_id, status=sent.state, facts=facts, link=link)


_LOOKS: tuple[Callable[[ReadSession, RunRecord], Subject | None], ...] = (_order, _import, _report, _user, _delivery)
