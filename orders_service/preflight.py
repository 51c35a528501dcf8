"""What `orders check` finds: whether this release can carry on the runs of a database that may be in use."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version

from sqlalchemy.exc import DBAPIError

from orders_service import schema
from orders_service.background import PIPELINES
from orders_service.printable import printable
from orders_service.schema import Standing, Stands
from orders_service.settings import Settings
from pipelines import JournalTooOld, ReadSession, checking
from pipelines.checking import Report
from pipelines.journal import open_for_reading, what_is_missing


@dataclass(frozen=True, slots=True)
class Findings:
    """How the schema stands to this release, and what of the open runs it cannot carry on."""

    schema: Standing
    report: Report

    @property
    def is_well(self) -> bool:
        return not self.report.troubles


def examine(settings: Settings, *, most_read: int) -> Findings:
    """Read only, so it works beside running servers of any release, and before this one's migration.

    Raises `JournalTooOld` when there is no schema, or one that is too old to be read.
    """
    url = settings.database_url.get_secret_value()
    standing = schema.standing(url)
    if standing.stands is Stands.EMPTY:
        raise JournalTooOld(f"{standing}. Run: orders migrate")
    return Findings(standing, _report(url, standing, most_read))


def _report(url: str, standing: Standing, most_read: int) -> Report:
    engine = open_for_reading(url, connections=1)
    try:
        with ReadSession(engine) as session:
            return checking.check(session, PIPELINES, most_read=most_read)
    except DBAPIError as error:
        if standing.stands is Stands.OLDER and what_is_missing(engine):
            raise JournalTooOld(f"{standing}: too old to be read. Deploy the releases between them first.") from error
        raise
    finally:
        engine.dispose()


def as_text(found: Findings) -> str:
    return "\n".join(map(printable, _lines(found)))


def _lines(found: Findings) -> Iterator[str]:
    if found.is_well:
        yield f"All is well: this release carries on each of the {found.report.runs} open runs."
    yield from map(str, found.report.troubles)
    match found.schema.stands:
        case Stands.OLDER:
            yield f"{found.schema}. Before it starts, run: orders migrate"
        case Stands.NEWER:
            yield f"{found.schema}. That is well if it is the schema of the next release, and of none after it."
    for pause in found.report.paused:
        since = f"{pause.paused_at:%Y-%m-%d %H:%M} UTC"
        yield f"{pause.pipeline} is paused since {since} by {pause.paused_by} ({pause.reason}): its runs stay open."


def as_json(found: Findings) -> str:
    told = {
        "ok": found.is_well,
        "release": version("orders-service"),
        "schema": asdict(found.schema),
        "runs": found.report.runs,
        "troubles": [{"says": str(each), **asdict(each)} for each in found.report.troubles],
        "paused": [asdict(pause) for pause in found.report.paused],
    }
    return json.dumps(told, default=str)
