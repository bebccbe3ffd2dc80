"""Decisions on changes are kept with their effect; a refusal is kept when nothing else is."""

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import Family, InvariantBroken, Problem, Retry
from kapital.kernel.roles import Role
from kapital.platform.access import Asking, Resource, current_policies, of_row
from kapital.platform.clock import SteppedClock
from kapital.platform.context import bind_context
from kapital.platform.unit_of_work import UnitOfWork

CLOCK = SteppedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
RISK = Actor(str(uuid4()), None, frozenset({Role.RISK}))
INVESTOR = Actor(str(own := uuid4()), own, frozenset({Role.INVESTOR}))


OF_ITS_OWN = {"id", "correlation_id", "recorded_at"}


class OtherRule(Problem):
    code = "other_rule_of_this_test"
    title = "Another rule"
    retry = Retry.NEVER
    family = Family.CONFLICT


async def kept(database):
    async with database.connect() as conn:
        return list(await conn.execute(text("SELECT * FROM access_decision ORDER BY id")))


async def test_an_allowed_change_keeps_what_it_was_decided_by(make_database):
    database = await make_database("registry")
    with bind_context(correlation_id="corr-1"):
        async with UnitOfWork(database, CLOCK).begin() as tx:
            tx.access.require(RISK, "confirm_fixing", Resource("Fixing", "f-1", 7))

    [row] = await kept(database)
    assert (row.actor_id, row.action, row.allowed) == (RISK.id, "confirm_fixing", True)
    assert row.determined_by == ["tokenization.risk_confirms_values"]
    assert row.policies_sha256 == current_policies().version
    assert row.subjects == [["f-1", 7]]
    assert row.correlation_id == "corr-1"
    assert RISK.id not in str(row.request)
    assert current_policies().decide_request(row.request).allowed


async def test_an_effect_that_is_undone_leaves_no_allowed_decision(make_database):
    database = await make_database("registry")
    with pytest.raises(OtherRule):  # noqa: PT012 - the block is the use case
        async with UnitOfWork(database, CLOCK).begin() as tx:
            tx.access.require(RISK, "confirm_fixing", Resource("Fixing"))
            raise OtherRule

    assert await kept(database) == []


async def test_a_refusal_is_kept_though_its_transaction_is_undone(make_database):
    database = await make_database("registry")
    auditor = Actor(str(uuid4()), None, frozenset({Role.AUDITOR}))
    with pytest.raises(NotPermitted):  # noqa: PT012 - the block is the use case
        async with UnitOfWork(database, CLOCK).begin() as tx:
            await tx.conn.execute(text("INSERT INTO effect (label) VALUES ('x')"))
            tx.access.require(auditor, "confirm_fixing", Resource("Fixing", "f-1", 7))

    [row] = await kept(database)
    assert (row.actor_id, row.allowed) == (auditor.id, False)
    assert row.determined_by == ["common.auditor_and_regulator_only_read"]
    async with database.connect() as conn:
        assert not (await conn.execute(text("SELECT 1 FROM effect"))).all()


async def test_a_refused_item_of_a_batch_is_kept_beside_the_others(make_database):
    database = await make_database("registry")
    theirs = uuid4()
    async with UnitOfWork(database, CLOCK).begin() as tx:
        orders = [Resource("Order", n, n, owner=own if n % 2 else theirs) for n in range(1_000)]
        assert tx.access.decide(INVESTOR, "withdraw_orders", orders) == [n % 2 == 1 for n in range(1_000)]

    refused, allowed = await kept(database)
    assert (refused.allowed, allowed.allowed) == (False, True)
    assert refused.subjects == [[str(n), n] for n in range(0, 1_000, 2)]


async def test_nothing_changes_a_decision_that_is_kept(make_database):
    database = await make_database("registry")
    async with UnitOfWork(database, CLOCK).begin() as tx:
        tx.access.require(RISK, "confirm_fixing", Resource("Fixing"))

    connection = await asyncpg.connect(database.dsn)
    try:
        for statement in ("UPDATE access_decision SET allowed = false", "DELETE FROM access_decision"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_drivers_own_interface_writes_the_same_row(make_database):
    database = await make_database("registry")
    async with UnitOfWork(database, CLOCK).begin() as tx:
        tx.access.require(RISK, "confirm_fixing", Resource("Fixing", "f-1", 7))
    asking = Asking(None, CLOCK.now())
    asking.require(RISK, "confirm_fixing", Resource("Fixing", "f-1", 7))
    connection = await asyncpg.connect(database.dsn)
    try:
        await asking.flush_native(connection)
    finally:
        await connection.close()

    one, two = await kept(database)
    assert [v for n, v in one._mapping.items() if n not in OF_ITS_OWN] == [
        v for n, v in two._mapping.items() if n not in OF_ITS_OWN
    ]


async def test_an_object_is_not_asked_about_without_the_version_of_its_row(make_database):
    database = await make_database("registry")
    async with UnitOfWork(database, CLOCK).begin() as tx:
        with pytest.raises(InvariantBroken, match="asked about with its version"):
            tx.access.require(RISK, "confirm_fixing", Resource("Fixing", "f-1"))
        tx.access.require(RISK, "confirm_fixing", of_row("Fixing", "f-1", None))

    [row] = await kept(database)
    assert row.subjects == [["f-1", 0]]


async def test_reading_is_not_asked_through_a_transaction(make_database):
    database = await make_database("registry")
    async with UnitOfWork(database, CLOCK).begin() as tx:
        with pytest.raises(InvariantBroken, match="only questions about changes"):
            tx.access.require(RISK, "list_fixings")
