"""Versions of products, what was shipped, holds that expire, movements of stock, rendered pages of the catalog."""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CONSUMED = "ck_stock_consumed_is_not_negative"
# Ids below those of all later movements, which are made of the time.
OPENING_ID = {
    "sqlite": "'00000000000070008000' || lower(hex(randomblob(6)))",
    "postgresql": "CAST('00000000-0000-7000-8000-' || substr(md5(sku), 1, 12) AS uuid)",
}


def upgrade() -> None:
    op.add_column("products", sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")))
    op.add_column("products", sa.Column("updated_at", sqlmodel.UTCDateTime(), nullable=True))
    op.add_column("products", sa.Column("removed_at", sqlmodel.UTCDateTime(), nullable=True))
    op.execute(  # a row for each product: a constraint that comes with its column costs nothing here
        "ALTER TABLE stock ADD COLUMN consumed BIGINT DEFAULT 0 NOT NULL "
        f"CONSTRAINT {CONSUMED} CHECK (consumed >= 0)"
    )
    op.add_column("stock_holds", sa.Column("expires_at", sqlmodel.UTCDateTime(), nullable=True))
    create_tables()
    op.execute(
        "INSERT INTO stock_movements (id, sku, at, change, reason, actor) "
        f"SELECT {OPENING_ID[op.get_context().dialect.name]}, sku, CURRENT_TIMESTAMP, available + reserved, "
        "'opening balance', 'migration' FROM stock"
    )


def create_tables() -> None:
    op.create_table(
        "stock_movements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("at", sqlmodel.UTCDateTime(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["sku"], ["products.sku"], name=op.f("fk_stock_movements_sku_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
    )
    op.create_index("ix_stock_movements_sku_id", "stock_movements", ["sku", "id"])
    op.create_table(
        "catalog_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_state")),
    )
    op.create_table(
        "catalog_pages",
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("begins_after", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", "begins_after", name=op.f("pk_catalog_pages")),
    )


def downgrade() -> None:
    op.drop_table("catalog_pages")
    op.drop_table("catalog_state")
    op.drop_table("stock_movements")
    op.drop_column("stock_holds", "expires_at")
    drop_consumed()
    for column in ("removed_at", "updated_at", "version"):
        op.drop_column("products", column)


def drop_consumed() -> None:
    """SQLite drops no column that a constraint names: it copies the table without both."""
    with op.batch_alter_table("stock") as stock:
        stock.drop_constraint(op.f(CONSUMED), type_="check")
        stock.drop_column("consumed")
