"""The mails after the confirmation, each sent by a run of its own: how that goes changes nothing about the order."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from orders_service.destinations import ATTEMPTS, FOR_AN_HOUR, MAIL
from orders_service.gateways import Letter, Mail, MailRefused, MailUnavailable, Template
from pipelines import Pipeline, Reject, Retry, StepContext


class Notice(BaseModel):
    """Stored with the run; `what` is a plain text, so that a new kind leaves the pipeline's version as it is."""

    model_config = ConfigDict(frozen=True)

    order_id: UUID
    to: str
    what: str
    reason: str | None = None
    tracking: dict[str, str] | None = None
    at: datetime


class _Form(NamedTuple):
    subject: str
    text: str


# What failed is not explained: the reason is for whoever runs the service.
_FORMS = {
    "order.shipped": _Form(
        "We have shipped your order {id}", "Hello,\n\nyour order {id} is on its way.\n{tracking}\nThank you.\n"
    ),
    "order.refused": _Form(
        "We cannot deliver your order {id}",
        "Hello,\n\nwe are sorry: we cannot deliver your order {id}.\n{reason}\nNothing will be shipped.\n",
    ),
    "order.rejected": _Form(
        "We could not accept your order {id}",
        "Hello,\n\nwe are sorry: we could not accept your order {id}.\n{reason}\nNothing will be shipped.\n",
    ),
    "order.failed": _Form(
        "We could not complete your order {id}",
        "Hello,\n\nwe are sorry: something went wrong, and your order {id} could not be completed.\n\n"
        "We are looking into it.\n",
    ),
    "order.cancelled": _Form(
        "We have cancelled your order {id}",
        "Hello,\n\nyour order {id} has been cancelled.\n\nNothing will be shipped.\n",
    ),
    "order.cancellation_refused": _Form(
        "We could not cancel your order {id}",
        "Hello,\n\nyour order {id} could not be cancelled any more.\n{reason}\nIt will reach you as ordered.\n",
    ),
}

tell_customer = Pipeline("tell-customer", Notice)


@tell_customer.step(retry=Retry(on=(MailUnavailable,), attempts=ATTEMPTS, wait=FOR_AN_HOUR), timeout=40, to=MAIL)
async def send_notice(notice: Notice, mail: Mail, step: StepContext) -> None:
    try:
        await mail.send(letter_of(notice), key=step.idempotency_key)
    except MailRefused as refusal:  # an address that takes no mail is nobody's fault here, and pages nobody
        raise Reject(f"the mail was refused: {refusal}") from refusal


def has_letter(what: str) -> bool:
    """Whether customers are written to about this."""
    return what in _FORMS


def letter_of(notice: Notice) -> Letter:
    """Plain text; the subject holds nothing that anybody typed."""
    form = _FORMS[notice.what]
    text = form.text.format(
        id=notice.order_id,
        reason=f"\nThe reason: {notice.reason}\n" if notice.reason else "",
        tracking="".join(f"\n  {name}: {value}" for name, value in (notice.tracking or {}).items()) + "\n",
    )
    return Letter(
        to=notice.to,
        subject=form.subject.format(id=notice.order_id),
        text=text,
        written_at=notice.at,
        template=Template(notice.what),
    )
