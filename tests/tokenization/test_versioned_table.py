"""Rows of a versioned table come back as they were written, whatever they have alike."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import text

from kapital.kernel.problems import StaleVersion
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7
from kapital.tokenization.adapters.orders import ORDER_TABLE
from kapital.tokenization.adapters.versioned_table import ALIKE_FROM, _sent
from kapital.tokenization.domain.order import Order
from kapital.tokenization.domain.states import OrderState

MANY = ALIKE_FROM + 20
NOW = datetime(2026, 11, 29, 9, 30, 0, 123456, tzinfo=UTC)
FACTS = {"said": 'a "quoted" \\ word', "number": 2**60}


@pytest_asyncio.fixture
async def database(make_database) -> AsyncIterator[Database]:
    yield await make_database("tokenization", "kapital.tokenization.migrations")


def alike(count: int, **changes: Any) -> list[Order]:
    first = Order(
        order_id=new_uuid7(),
        issue_id=new_uuid7(),
        participant_id=new_uuid7(),
        wallet_id=None,
        units=2**62,
        reserved_kopecks=0,
        state=OrderState.CHECKED,
        version=1,
        actor_id="a'b",
        command_id=str(new_uuid7()),
        item=0,
        fingerprint="f" * 64,
        created_at=NOW,
        **changes,
    )
    return [msgspec.structs.replace(first, order_id=new_uuid7(), item=item) for item in range(count)]


def every_other(orders: Sequence[Order], **changes: Any) -> list[Order]:
    return [msgspec.structs.replace(one, **changes) if number % 2 else one for number, one in enumerate(orders)]


async def kept(database: Database) -> dict[UUID, Order]:
    async with database.connect() as conn:
        rows = await ORDER_TABLE.select(conn, "ORDER BY order_id", {})
    return {one.order_id: one for one in rows}


async def insert(database: Database, orders: Sequence[Order]) -> set[UUID]:
    async with database.engine.begin() as conn:
        return await ORDER_TABLE.insert(conn, orders)


def by_id(orders: Sequence[Order]) -> dict[UUID, Order]:
    return {one.order_id: one for one in orders}


FULL = {
    "refusal_facts": FACTS,
    "refusal_code": "какой-то",
    "limit_kopecks": 7,
    "limit_on": date(2026, 11, 29),
    "rule_book_version": "2026-01",
    "release_due": True,
    "accepted_at": NOW + timedelta(microseconds=1),
}


def test_from_a_hundred_rows_on_what_all_have_alike_is_sent_once() -> None:
    names = ("order_id", "item", "units", "refusal_facts")

    fewer, enough = (_sent(alike(count), names, ["refusal_facts"]) for count in (ALIKE_FROM - 1, ALIKE_FROM))

    assert (fewer.own, fewer.alike) == (names, ())
    assert (enough.own, enough.alike) == (("order_id", "item"), ("units", "refusal_facts"))


async def test_documents_that_are_equal_and_differ_come_back_as_they_were(database: Database) -> None:
    orders = [
        msgspec.structs.replace(one, refusal_facts={"n": bool(number) if number % 2 else 1})
        for number, one in enumerate(alike(MANY))
    ]
    await insert(database, orders)

    async with database.connect() as conn:
        kinds = await conn.execute(
            text("SELECT jsonb_typeof(refusal_facts->'n') FROM subscription_order ORDER BY item")
        )
        assert kinds.scalars().all() == ["number", "boolean"] * (MANY // 2)


@pytest.mark.parametrize("count", [1, 2, ALIKE_FROM - 1, ALIKE_FROM, MANY])
async def test_rows_come_back_as_they_were_inserted(database: Database, count: int) -> None:
    for orders in (alike(count), alike(count, **FULL), every_other(alike(count), **FULL)):
        assert await insert(database, orders) == by_id(orders).keys()
        found = await kept(database)
        assert {order_id: found[order_id] for order_id in by_id(orders)} == by_id(orders)


@pytest.mark.parametrize("count", [2, ALIKE_FROM])
async def test_one_row_given_many_times_is_inserted_once(database: Database, count: int) -> None:
    [order] = alike(1)

    assert await insert(database, [order] * count) == {order.order_id}
    assert await kept(database) == {order.order_id: order}


async def test_of_rows_that_were_there_before_none_is_inserted_again(database: Database) -> None:
    orders = alike(MANY)
    await insert(database, orders[:50])

    again = [msgspec.structs.replace(one, units=1) for one in orders]

    assert await insert(database, again) == by_id(orders[50:]).keys()
    assert await kept(database) == by_id([*orders[:50], *again[50:]])


@pytest.mark.parametrize("count", [1, ALIKE_FROM - 1, MANY])
async def test_an_update_writes_what_was_changed_and_nothing_else(database: Database, count: int) -> None:
    orders = alike(count)
    await insert(database, orders)
    accepted = [
        msgspec.structs.replace(one, version=3, state=OrderState.ACCEPTED, reserve_seq=2**60 + one.item, units=1)
        for one in orders
    ]

    async with database.engine.begin() as conn:
        await ORDER_TABLE.update(conn, accepted, {"state", "reserve_seq"}, steps=2)

    assert await kept(database) == by_id([msgspec.structs.replace(one, units=2**62) for one in accepted])


@pytest.mark.parametrize("count", [1, ALIKE_FROM - 1, MANY])
async def test_one_row_that_another_changed_refuses_the_whole_update(database: Database, count: int) -> None:
    orders = alike(count)
    await insert(database, orders)
    other = orders[-1].still(release_due=True)
    async with database.engine.begin() as conn:
        await ORDER_TABLE.update(conn, [other], {"release_due"})

    with pytest.raises(StaleVersion):
        async with database.engine.begin() as conn:
            await ORDER_TABLE.update(conn, [one.still(refusal_facts=FACTS) for one in orders], {"refusal_facts"})

    assert await kept(database) == by_id([*orders[:-1], other])
