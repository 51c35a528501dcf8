"""Migrations run while orders are accepted: nothing in them may hold a table for long, or two of them at once."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.harness import schemas

SQUAWK = Path(sys.executable).with_name("squawk")
OTHERWISE = (
    "require-lock-timeout,require-statement-timeout,"  # `orders migrate` sets both
    "ban-drop-column,ban-drop-table,ban-drop-constraint,ban-drop-not-null,"  # test_two_releases.py knows who needs what
    "prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-text-field,prefer-robust-stmts"  # a matter of taste
)
RELEASED = "0013"  # of revisions up to here some alter several tables, each in no time
_TRANSACTION = re.compile(r"BEGIN;(.*?)COMMIT;", re.DOTALL)


def complaints(sql: str, folder: Path) -> set[str]:
    """The rules that squawk finds broken."""
    file = folder / "migration.sql"
    file.write_text(sql)
    options = ("--reporter=json", f"--exclude={OTHERWISE}", "--pg-version=14")
    said = subprocess.run([SQUAWK, *options, file], check=False, capture_output=True, text=True)  # noqa: S603
    return {found["rule_name"] for found in json.loads(said.stdout)}


def held_together(sql: str) -> Iterator[set[str]]:
    """Tables that others use and one transaction alters, where there are several."""
    new = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", sql))
    for transaction in _TRANSACTION.findall(sql):
        altered = set(re.findall(r"ALTER TABLE (\w+)", transaction)) - new
        if len(altered) > 1:
            yield altered


def test_no_migration_holds_up_those_who_work(tmp_path: Path) -> None:
    assert complaints(schemas.rendered(), tmp_path) == set()


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("CREATE INDEX ix ON orders (status)", "require-concurrent-index-creation"),
        ("DROP INDEX ix_orders_principal_id", "require-concurrent-index-deletion"),
        ("ALTER TABLE orders ADD CONSTRAINT c CHECK (total_amount > 0)", "constraint-missing-not-valid"),
        ("ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (run_id) REFERENCES runs", "adding-foreign-key-constraint"),
        ("ALTER TABLE orders ADD CONSTRAINT u UNIQUE (customer_email)", "disallowed-unique-constraint"),
        ("ALTER TABLE order_lines ALTER COLUMN quantity TYPE BIGINT", "changing-column-type"),
        ("ALTER TABLE orders ALTER COLUMN reason SET NOT NULL", "adding-not-nullable-field"),
        ("ALTER TABLE orders ADD COLUMN token UUID DEFAULT gen_random_uuid()", "adding-field-with-default"),
        ("ALTER TABLE orders ADD COLUMN note TEXT NOT NULL", "adding-required-field"),
        ("ALTER TABLE orders RENAME COLUMN reason TO why", "renaming-column"),
        ("ALTER TABLE orders RENAME TO purchases", "renaming-table"),
    ],
)
def test_what_would_hold_them_up_is_found(tmp_path: Path, statement: str, rule: str) -> None:
    assert rule in complaints(f"BEGIN;\n{statement};\nCOMMIT;\n", tmp_path)


def test_no_migration_holds_two_tables_at_once() -> None:
    """Who works may hold one of them and want the other: a deadlock."""
    revisions = schemas.revisions()
    newer = pairwise(revisions[revisions.index(RELEASED) :])
    assert [tables for step in newer for tables in held_together(schemas.rendered(":".join(step)))] == []


def test_two_tables_in_one_transaction_are_found() -> None:
    both = "ALTER TABLE orders ADD COLUMN a INT;\nALTER TABLE runs ADD COLUMN a INT;\n"
    one_after_the_other = "BEGIN;\nALTER TABLE orders ADD a INT;\nCOMMIT;\nALTER TABLE runs ADD a INT;\n"
    with_a_new_one = (
        "BEGIN;\nCREATE TABLE later (id INT);\nALTER TABLE later ADD a INT;\nALTER TABLE runs ADD a INT;\nCOMMIT;"
    )
    assert list(held_together(f"BEGIN;\n{both}COMMIT;\n")) == [{"orders", "runs"}]
    assert list(held_together(one_after_the_other + with_a_new_one)) == []
