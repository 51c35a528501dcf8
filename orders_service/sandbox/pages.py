"""A table that a browser can show, without a template engine."""

from collections.abc import Mapping, Sequence
from html import escape

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui }} body {{ margin: 2rem }}
table {{ border-collapse: collapse }} th, td {{ text-align: left; vertical-align: top; padding: .25rem 1rem .25rem 0 }}
</style></head><body><h1>{title}</h1><p>{count} shown, newest first.</p><table>{head}{rows}</table></body></html>"""


def page(title: str, rows: Sequence[Mapping[str, str]], *, links: str | None = None) -> str:
    """One line per row; with `links`, the first cell leads to what lies under that path."""
    return _PAGE.format(
        title=escape(title),
        count=len(rows),
        head=_line("th", [escape(name) for name in rows[0]]) if rows else "",
        rows="".join(_line("td", _cells(row, links)) for row in rows),
    )


def _cells(row: Mapping[str, str], links: str | None) -> list[str]:
    first, *others = [escape(value) for value in row.values()]
    return [f'<a href="{escape(links)}/{first}">{first}</a>' if links else first, *others]


def _line(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"
