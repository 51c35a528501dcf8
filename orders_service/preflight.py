"""What `orders check` finds: whether this release can carry on the runs of a database that may be in use."""

import json
from dataclasses import asdict
from pathlib import Path

from orders_service import schema
from orders_service.background import PIPELINES
from orders_service.settings import Settings
from pipelines import JournalTooOld, ReadSession, checking
from pipelines.checking import Report
from pipelines.journal import open_for_reading, parse_url


def examine(settings: Settings, *, most_read: int) -> Report:
    """Read only, so it works beside a running server. Raises `JournalTooOld` when there is no schema to read."""
    url = settings.database_url.get_secret_value()
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
        raise JournalTooOld("There is no database yet. Run: orders migrate")
    schema.check(url)
    engine = open_for_reading(url, connections=1)
    try:
        with ReadSession(engine) as session:
            return checking.check(session, PIPELINES, most_read=most_read)
    finally:
        engine.dispose()


def as_text(report: Report) -> str:
    if not report.troubles:
        return f"All is well: this release carries on each of the {report.runs} open runs."
    return "\n".join(map(str, report.troubles))


def as_json(report: Report) -> str:
    troubles = [{"says": str(each), **asdict(each)} for each in report.troubles]
    return json.dumps({"ok": not report.troubles, "runs": report.runs, "troubles": troubles}, default=str)
