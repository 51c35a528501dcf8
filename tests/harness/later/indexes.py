"""What the next release may build beside everybody's work: indexes, and the check of old rows."""

import sqlalchemy as sa
from alembic import op

revision = "later_2"
down_revision = "later_1"


def upgrade() -> None:
    inspector = sa.inspect(op.get_bind())
    tables = [name for name in inspector.get_table_names() if name not in {"alembic_version", "later"}]
    checks = [(table, check["name"]) for table in tables for check in inspector.get_check_constraints(table)]
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for table, check in checks:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")
        for table in tables:
            op.drop_index(f"ix_{table}_later", table, if_exists=True, postgresql_concurrently=True)
            op.create_index(f"ix_{table}_later", table, ["later_count"], postgresql_concurrently=True)


def downgrade() -> None:
    raise NotImplementedError
