"""The order service that a careful reader of the FastAPI tutorial writes: what ours is measured against.

It does the same work: an order and its lines are stored and answered with 201; then background tasks validate,
reserve stock with a guarded UPDATE, write the confirmation to a mailbox folder and call the warehouse by aiohttp,
each with an async SQLModel session and a COMMIT of its own for the order's status. It runs on the same libraries as
ours and the async drivers, in one uvicorn process with uvloop and httptools. SQLite is in WAL mode, else as it comes.

It is helped where it would fall over under this load instead of being slow: tasks wait for a connection, and writers
for SQLite, as long as it takes. It leaves out what the tutorial does not teach: authentication, idempotency,
retries, signatures, undoing, metrics, and any memory of unfinished work: a crash loses what was in flight.
"""

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import aiohttp
import uvicorn
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, EmailStr, PositiveInt
from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import Field, SQLModel, col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

PATIENCE_SECONDS = 600.0
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class Product(SQLModel, table=True):
    sku: str = Field(primary_key=True)
    price: int
    available: int


class Order(SQLModel, table=True):
    __tablename__ = "orders"
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    customer_email: str
    shipping_address: str
    status: str = "pending"
    total: int


class OrderLine(SQLModel, table=True):
    __tablename__ = "order_lines"
    order_id: UUID = Field(foreign_key="orders.id", primary_key=True)
    sku: str = Field(foreign_key="product.sku", primary_key=True)
    quantity: int
    price: int


class Item(BaseModel):
    sku: str
    quantity: PositiveInt


class Address(BaseModel):
    name: str
    line1: str
    city: str
    postal_code: str
    country: str


class Draft(BaseModel):
    customer_email: EmailStr
    items: list[Item]
    shipping_address: Address


class Placed(BaseModel):
    id: UUID
    status: str
    customer_email: str
    items: list[Item]
    total: int


def engine_of(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed.set(drivername=DRIVERS["postgresql"]), pool_timeout=PATIENCE_SECONDS)
    patient = {"timeout": PATIENCE_SECONDS}
    engine = create_async_engine(
        parsed.set(drivername=DRIVERS["sqlite"]), pool_timeout=PATIENCE_SECONDS, connect_args=patient
    )
    event.listen(engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA journal_mode=WAL"))
    return engine


engine = engine_of(os.environ["TEXTBOOK_DATABASE_URL"])
mailbox = Path(os.environ["TEXTBOOK_MAILBOX"])
warehouse = os.environ["TEXTBOOK_WAREHOUSE_URL"]
catalog = json.loads(Path(os.environ["TEXTBOOK_CATALOG"]).read_text())


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    async with AsyncSession(engine) as session:
        session.add_all(Product(sku=p["sku"], price=p["price"]["amount"], available=p["available"]) for p in catalog)
        await session.commit()
    async with aiohttp.ClientSession() as app.state.http:
        yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


async def a_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@app.post("/v1/orders", status_code=201)
async def create_order(
    draft: Draft,
    request: Request,
    response: Response,
    background: BackgroundTasks,
    session: Annotated[AsyncSession, Depends(a_session)],
) -> Placed:
    prices = await prices_of(session, draft.items)
    order = Order(
        customer_email=draft.customer_email,
        shipping_address=draft.shipping_address.model_dump_json(),
        total=sum(prices[item.sku] * item.quantity for item in draft.items),
    )
    session.add(order)
    await session.flush()  # the lines refer to it
    session.add_all(OrderLine(order_id=order.id, price=prices[item.sku], **item.model_dump()) for item in draft.items)
    await session.commit()
    background.add_task(validate, order.id)
    background.add_task(reserve, order.id)
    background.add_task(confirm, order.id)
    background.add_task(notify, order.id, request.app.state.http)
    response.headers["Location"] = f"/v1/orders/{order.id}"
    return Placed(items=draft.items, **order.model_dump())


async def prices_of(session: AsyncSession, items: Sequence[Item]) -> dict[str, int]:
    products = await session.exec(select(Product).where(col(Product.sku).in_([item.sku for item in items])))
    prices = {product.sku: product.price for product in products}
    if len(prices) < len(items):
        raise HTTPException(422, "unknown product")
    return prices


async def validate(order_id: UUID) -> None:
    async with AsyncSession(engine) as session:
        order, lines = await loaded(session, order_id)
        is_valid = bool(lines) and order.total == sum(line.price * line.quantity for line in lines)
        order.status = "validated" if is_valid else "rejected"
        await session.commit()


async def reserve(order_id: UUID) -> None:
    async with AsyncSession(engine) as session:
        order, lines = await loaded(session, order_id)
        for line in sorted(lines, key=lambda line: line.sku):  # in one order, or two tasks deadlock
            taken = await session.exec(
                update(Product)
                .where(col(Product.sku) == line.sku, col(Product.available) >= line.quantity)
                .values(available=col(Product.available) - line.quantity)
            )
            if taken.rowcount == 0:
                raise RuntimeError(f"out of stock: {line.sku}")
        order.status = "reserved"
        await session.commit()


async def confirm(order_id: UUID) -> None:
    async with AsyncSession(engine) as session:
        order, lines = await loaded(session, order_id)
        (mailbox / f"{order_id}.eml").write_bytes(bytes(mail_of(order, lines)))
        order.status = "confirmed"
        await session.commit()


async def notify(order_id: UUID, http: aiohttp.ClientSession) -> None:
    async with AsyncSession(engine) as session:
        order, lines = await loaded(session, order_id)
        async with http.post(warehouse, json=event_of(order, lines), headers={"webhook-id": str(order_id)}) as answer:
            answer.raise_for_status()
        order.status = "completed"
        await session.commit()


async def loaded(session: AsyncSession, order_id: UUID) -> tuple[Order, Sequence[OrderLine]]:
    order = await session.get_one(Order, order_id)
    lines = await session.exec(select(OrderLine).where(OrderLine.order_id == order_id))
    return order, lines.all()


def mail_of(order: Order, lines: Sequence[OrderLine]) -> EmailMessage:
    mail = EmailMessage()
    mail["To"], mail["From"], mail["Subject"] = order.customer_email, "orders@example.com", "Your order"
    mail.set_content("\n".join(f"{line.quantity} x {line.sku}" for line in lines))
    return mail


def event_of(order: Order, lines: Sequence[OrderLine]) -> dict[str, Any]:
    return {
        "type": "order.fulfillment_requested",
        "data": {
            "order_id": str(order.id),
            "items": [{"sku": line.sku, "quantity": line.quantity} for line in lines],
            "shipping_address": order.shipping_address,
        },
    }


if __name__ == "__main__":
    port = int(os.environ["TEXTBOOK_PORT"])
    uvicorn.run(app, host="127.0.0.1", port=port, http="httptools", loop="uvloop", access_log=False)
