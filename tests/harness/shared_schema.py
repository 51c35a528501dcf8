"""What a migration takes from the release before, which goes on working on the same tables."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Connection, text

_COLUMNS = text("""
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.atthasdef OR a.attidentity <> '' FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
   AND c.relname <> 'alembic_version'
""")
_NAMES = "ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = {0} AND attnum = ANY({1}))"
_RULES = text(f"""
SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid), {_NAMES.format("conrelid", "conkey")}
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'x')
UNION ALL SELECT indrelid::regclass::text, 'unique', regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', ''),
  {_NAMES.format("indrelid", "indkey")}
  FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE indisunique AND c.relnamespace = 'public'::regnamespace
UNION ALL SELECT tgrelid::regclass::text, 'trigger', pg_get_triggerdef(oid), '{{}}'
  FROM pg_trigger WHERE NOT tgisinternal
""")  # noqa: S608 - our own words
_TEXT = re.compile(r"character varying\((\d+)\)")
_LITERAL = re.compile(r"'([^']*)'::character varying(?:, )?")


@dataclass(frozen=True)
class Column:
    type: str
    is_needed: bool
    has_default: bool


@dataclass(frozen=True)
class Rule:
    """What rows of a table must obey."""

    table: str
    kind: str
    definition: str
    columns: frozenset[str]

    def widens(self, other: "Rule") -> bool:
        """The same list of values, and more of them."""
        if (self.table, self.kind, _skeleton(self)) != (other.table, other.kind, _skeleton(other)):
            return False
        return set(_LITERAL.findall(self.definition)) >= set(_LITERAL.findall(other.definition))


@dataclass(frozen=True)
class Schema:
    columns: dict[tuple[str, str], Column]
    rules: frozenset[Rule]

    @property
    def tables(self) -> frozenset[str]:
        return frozenset(table for table, _ in self.columns)


def schema_of(connection: Connection) -> Schema:
    """A PostgreSQL's, by its own catalog: however it came about."""
    rules = [
        Rule(table, kind, definition.removesuffix(" NOT VALID"), frozenset(columns))
        for table, kind, definition, columns in connection.execute(_RULES)
    ]
    columns = {(table, name): Column(*facts) for table, name, *facts in connection.execute(_COLUMNS)}
    return Schema(columns, frozenset(rules))


def losses(before: Schema, after: Schema, *, contracted: AbstractSet[str] = frozenset()) -> list[str]:
    """Why code that was written for `before` cannot work on `after`; `contracted` names what it does not use."""
    return [
        *_gone(before, after, contracted),
        *(f"{place}: {why}" for place, why in _changed(before, after)),
        *_unexpected(before, after),
        *_ruled(before, after, contracted),
    ]


def _gone(before: Schema, after: Schema, contracted: AbstractSet[str]) -> Iterator[str]:
    for table, name in sorted(before.columns.keys() - after.columns.keys()):
        if not {table, f"{table}.{name}"} & contracted:
            yield f"{table}.{name} is gone"


def _changed(before: Schema, after: Schema) -> Iterator[tuple[str, str]]:
    for place in sorted(before.columns.keys() & after.columns.keys()):
        was, now = before.columns[place], after.columns[place]
        if not _holds(now.type, was.type):
            yield ".".join(place), f"was {was.type} and is {now.type}"
        if now.is_needed and not was.is_needed:
            yield ".".join(place), "may not be left empty any more"
        if now.is_needed and was.has_default and not now.has_default:
            yield ".".join(place), "has no default any more"


def _unexpected(before: Schema, after: Schema) -> Iterator[str]:
    for table, name in sorted(after.columns.keys() - before.columns.keys()):
        column = after.columns[table, name]
        if table in before.tables and column.is_needed and not column.has_default:
            yield f"{table}.{name} is new, has no default and may not be left empty"


def _ruled(before: Schema, after: Schema, contracted: AbstractSet[str]) -> Iterator[str]:
    """Who writes conflicts to be ignored names a unique index, so losing one is a loss too."""
    known = {name for _, name in before.columns}
    for rule in sorted(after.rules - before.rules, key=repr):
        is_asked = rule.table in before.tables and (rule.columns & known or rule.kind == "trigger")
        if is_asked and not any(rule.widens(other) for other in before.rules):
            yield f"{rule.table}: new rule {rule.definition}"
    for rule in sorted(before.rules - after.rules, key=repr):
        if rule.kind == "unique" and rule.table not in contracted and rule.table in after.tables:
            yield f"{rule.table}: lost unique {rule.definition}"


def _holds(now: str, was: str) -> bool:
    if now == was:
        return True
    old, new = _TEXT.fullmatch(was), _TEXT.fullmatch(now)
    return bool(old and (now == "text" or (new and int(new[1]) >= int(old[1]))))


def _skeleton(rule: Rule) -> str:
    return _LITERAL.sub("", rule.definition)
