"""What has to be true at the end of the demonstration: each effect was had once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

ALL_WELL = "nothing lost, nothing had twice"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What everybody says: the client, the service, the warehouse, the mailbox and the shelf."""

    posted: Sequence[str]  # orders that were answered with 201, and on disk therefore
    doomed: Collection[str]  # those that the warehouse refuses for good
    statuses: Mapping[str, str]  # of all orders that the service knows
    parcels: Mapping[str, Sequence[str]]  # by order: the webhook-ids that the warehouse has accepted, each once
    asked_for: Mapping[str, Sequence[str]]  # by order: the webhook-id of each request, repetitions and refusals too
    called_off: Mapping[str, Sequence[str]]  # by order: the webhook-ids under which it was taken back
    confirmed: Mapping[str, Sequence[str]]  # by order: the Message-IDs of its confirmations
    sold: int  # how many have left the shelf; each order is of one piece

    @property
    def fulfilled(self) -> list[str]:
        return [order for order in self.posted if order not in self.doomed]


def flaws(evidence: Evidence) -> list[str]:
    """Everything that is wrong, in words; nothing if each effect was had once."""
    return [*_lost_or_invented(evidence), *_miscounted(evidence)]


def summed_up(evidence: Evidence) -> str:
    """The count, in one line."""
    parcels, requests = (sum(map(len, each.values())) for each in (evidence.parcels, evidence.asked_for))
    mails = sum(map(len, evidence.confirmed.values()))
    ends = list(evidence.statuses.values())
    return (
        f"{len(evidence.posted)} orders posted: {ends.count('completed')} completed, {ends.count('failed')} failed and "
        f"undone; {parcels} parcels of {requests} requests, {mails} confirmations, {evidence.sold} pieces sold"
    )


def _lost_or_invented(evidence: Evidence) -> Iterator[str]:
    for order in evidence.posted:
        wanted = "failed" if order in evidence.doomed else "completed"
        if (status := evidence.statuses.get(order, "lost")) != wanted:
            yield f"order {order} is {status}, not {wanted}"
    for order in evidence.statuses.keys() - set(evidence.posted):
        yield f"order {order} was never posted"


def _miscounted(evidence: Evidence) -> Iterator[str]:
    effects = {
        "accepted by the warehouse": (evidence.parcels, evidence.fulfilled),
        "taken back from the warehouse": (evidence.called_off, evidence.doomed),
        "confirmed by mail": (evidence.confirmed, evidence.posted),
    }
    for what, (had, wanted) in effects.items():
        for order in sorted(had.keys() | set(wanted)):
            count, due = len(had.get(order, ())), 1 if order in wanted else 0
            if count != due:
                yield f"order {order} was {what} {count} times, not {due}"
    for order, ids in evidence.asked_for.items():
        if len(set(ids)) > 1:
            yield f"order {order} was asked for under {len(set(ids))} ids"
    if evidence.sold != len(evidence.fulfilled):
        yield f"{evidence.sold} pieces have left the shelf, not {len(evidence.fulfilled)}"
