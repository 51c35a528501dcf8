"""The files of a report: each a pure function of what is stored, made when somebody asks for it."""

import base64
import hashlib
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from orders_service.reports.charts import FULL
from orders_service.reports.contents import Result, written
from orders_service.reports.page import sections_of
from orders_service.reports.schemas import FileFormat
from orders_service.reports.spreadsheet import as_csv
from orders_service.reports.tables import Report

_TEMPLATES = Environment(
    loader=PackageLoader(__package__ or ""),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGE = _TEMPLATES.get_template("report.html")
_STYLE = _TEMPLATES.get_template("report.css").render()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MEDIA_TYPES = {
    FileFormat.CSV: "text/csv; charset=utf-8; header=present",
    FileFormat.HTML: "text/html; charset=utf-8",
    FileFormat.JSON: "application/json",
}


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A file to send. Its name is made of words of ours, so that it fits into a header."""

    body: bytes
    name: str
    format: FileFormat

    @property
    def headers(self) -> dict[str, str]:
        """Nothing may be kept by others, nor asked for by the page; a copy is good for as long as its tag is."""
        is_page = self.format is FileFormat.HTML
        headers = {
            "Content-Type": _MEDIA_TYPES[self.format],
            "Content-Disposition": f'{"inline" if is_page else "attachment"}; filename="{self.name}"',
            "ETag": self.tag,
            "Cache-Control": "private, no-cache",
        }
        return headers | ({"Content-Security-Policy": CONTENT_SECURITY_POLICY} if is_page else {})

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def rendered(report: Report, result: Result, file_format: FileFormat) -> ReportFile:
    """Equal bytes for an equal report."""
    match file_format:
        case FileFormat.CSV:
            text = as_csv(result)
        case FileFormat.HTML:
            text = as_page(report, result)
        case FileFormat.JSON:
            text = written(result)
    name = f"{report.type}-{report.since:%Y%m%dT%H%MZ}-{report.until:%Y%m%dT%H%MZ}.{file_format}"
    return ReportFile(text.encode(), name, file_format)


def as_page(report: Report, result: Result) -> str:
    """One page without script, style sheet or picture from elsewhere."""
    return _PAGE.render(report=report, sections=sections_of(result), style=_STYLE, full=FULL)
