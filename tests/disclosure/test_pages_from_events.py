"""The page that comes of what others tell: the same whatever comes twice, early or late."""

import random
from datetime import UTC, datetime
from uuid import UUID

import pytest

from kapital.contracts.disclosure import TimelineKind
from kapital.disclosure.domain.problems import DecisionUnreadable, DocumentDiffers, IssuePageNotFound
from kapital.disclosure.queries.issue_list import list_issues
from kapital.disclosure.queries.issue_page import Outcome
from kapital.kernel.problems import InvariantBroken

from .conftest import (
    CALL,
    COUPON,
    EXCHANGE,
    ISSUE,
    OUTCOME,
    REDEMPTION,
    SUBSTITUTE,
    World,
    decided,
    delayed,
    instructed,
    paid,
    refused,
    settled,
    state,
)

HELD = [(30_000, 3_000_000_000, 0), (20_000, 2_000_000_000, 500_000_000)]


async def test_before_publication_there_is_no_page(world: World):
    await world.tell(state("draft"), state("operator_review"), state("signed"))

    with pytest.raises(IssuePageNotFound):
        await world.page()
    assert await world.count("page_event") == 0


async def test_a_published_issue_shows_the_decision_and_its_documents(world: World):
    event_type, data = await world.publication()
    await world.tell((event_type, data), state("published"))

    page = await world.page()

    assert (page.title, page.issuer_name, page.issuer_inn) == (
        "Денежные требования к ООО «Пример»",
        "ООО «Пример»",
        "7707083893",
    )
    assert [(d.sha256, d.name, d.media_type, d.bytes) for d in page.documents] == [
        (d["sha256"], d["name"], d["media_type"], d["bytes"]) for d in data["documents"]
    ]
    assert [s.key_name for s in page.signatures] == [s["key_name"] for s in data["signatures"]]
    assert (page.state, page.outcome, page.payouts) == ("published", None, [])
    assert [item.kind for item in page.timeline] == ["published"]


async def test_an_event_delivered_again_changes_nothing(world: World):
    told = [
        await world.publication(),
        state("placement_open"),
        decided("held", HELD),
        settled("held", HELD),
        instructed([700, 300]),
        refused(),
        delayed("grace"),
        paid([700, 300]),
    ]
    await world.tell(*told)
    before = await world.page()

    # The bus forgets how far it came: the inbox alone must hold.
    conn = await world.database.listen()
    await conn.execute("UPDATE bus_cursor SET position = 0")
    await world.bus.drain()
    assert await world.page() == before

    # And even the inbox is lost: the pages themselves take a repeat without effect.
    await conn.execute("UPDATE bus_cursor SET position = 0")
    await conn.execute("DELETE FROM inbox")
    await conn.close()
    await world.bus.drain()

    assert await world.page() == before
    assert await world.count("dead_letter") == 0


@pytest.mark.parametrize("seed", range(8))
async def test_the_order_of_producers_and_parts_makes_no_difference(world: World, seed):
    parts = [HELD[:1], HELD[1:], [(0, 0, 700)]]
    tellings = [
        await world.publication(),
        *(decided("held", lines, n, 3) for n, lines in enumerate(parts, 1)),
        *(settled("held", lines, n, 3) for n, lines in enumerate(parts, 1)),
        *(instructed([n * 100], part=n, parts=2) for n in (1, 2)),
        *(paid([n * 100], part=n, parts=2) for n in (1, 2)),
        state("held"),
    ]
    random.Random(seed).shuffle(tellings)

    for telling in tellings:
        await world.hand(telling)

    page = await world.page()
    assert page.state == "held"
    assert page.outcome == Outcome("held", 3, 50_000, 5_000_000_000, 500_000_700, True)
    assert [(p.kind, p.state, p.instructed_kopecks, p.paid_kopecks, p.payments) for p in page.payouts] == [
        ("coupon", "paid", 300, 300, 2)
    ]


async def test_all_in_one_batch_is_the_same_as_one_by_one(world: World):
    await world.hand(
        await world.publication(),
        state("placement_open"),
        state("placement_closed"),
        instructed([100]),
        instructed([100]),
        paid([100]),
    )

    page = await world.page()
    assert page.state == "placement_closed"
    assert [(p.state, p.instructed_kopecks) for p in page.payouts] == [("paid", 100)]


async def test_an_outcome_is_shown_only_when_every_part_is_there(world: World):
    await world.tell(await world.publication(), decided("held", HELD[:1], 1, 2))
    assert (await world.page()).outcome is None

    await world.tell(decided("held", HELD[1:], 2, 2), settled("held", HELD[1:], 2, 2))
    outcome = (await world.page()).outcome
    assert outcome is not None
    assert (outcome.units, outcome.settled) == (50_000, False)

    await world.tell(settled("held", HELD[:1], 1, 2))
    outcome = (await world.page()).outcome
    assert outcome is not None
    assert (outcome.units, outcome.settled) == (50_000, True)


async def test_a_failed_issue_is_shown_as_failed_with_all_money_going_back(world: World):
    lines = [(0, 0, 300_000_000), (0, 0, 200_000_000)]
    await world.tell(
        await world.publication(),
        state("placement_open"),
        state("placement_closed"),
        state("failed"),
        decided("failed", lines),
    )
    assert (await world.page()).state == "failed"
    assert (await world.page()).outcome == Outcome("failed", 2, 0, 0, 500_000_000, False)

    await world.tell(state("refunding"), settled("failed", lines), state("refunded"))

    page = await world.page()
    assert (page.state, page.outcome) == ("refunded", Outcome("failed", 2, 0, 0, 500_000_000, True))
    assert next(item.value for item in page.timeline if item.kind == "state") == "refunded"


async def test_a_placement_without_orders_fails_too(world: World):
    await world.tell(await world.publication(), state("failed"), decided("failed", []), settled("failed", []))

    assert (await world.page()).outcome == Outcome("failed", 0, 0, 0, 0, True)


async def test_a_payout_without_money_is_delayed_until_it_is_paid(world: World):
    await world.tell(await world.publication(), instructed([400, 100]), refused())
    assert [p.state for p in (await world.page()).payouts] == ["delayed"]

    await world.tell(instructed([400, 100]), paid([400, 100]))

    page = await world.page()
    assert [(p.action_id, p.state, p.paid_kopecks) for p in page.payouts] == [(COUPON, "paid", 500)]
    assert {(item.kind, item.value) for item in page.timeline} >= {
        ("payout_delayed", "coupon"),
        ("payout_instructed", "coupon"),
        ("payout_paid", "coupon"),
    }


async def test_a_payout_whose_money_was_never_there_is_told_though_nothing_was_instructed(world: World):
    late = ["2027-03-15T21:00:00Z", "2027-03-16T21:00:00Z", "2027-03-23T21:00:00Z"]
    await world.tell(await world.publication(), delayed("underfunded", late[0]))
    [payout] = (await world.page()).payouts
    assert (payout.action_id, payout.kind, payout.state) == (COUPON, "coupon", "delayed")
    assert (payout.instructed_kopecks, payout.paid_kopecks, payout.payments) == (0, 0, 0)

    await world.tell(delayed("grace", late[1]), delayed("defaulted", late[2]))

    page = await world.page()
    assert [p.state for p in page.payouts] == ["delayed"]
    assert [(item.kind, item.value) for item in page.timeline if item.kind.startswith("payout")] == [
        ("payout_defaulted", "coupon"),
        ("payout_overdue", "coupon"),
        ("payout_delayed", "coupon"),
    ]
    await world.tell(instructed([100]), paid([100]))
    assert [(p.state, p.paid_kopecks) for p in (await world.page()).payouts] == [("paid", 100)]


async def test_payouts_of_two_actions_are_not_mixed(world: World):
    await world.tell(
        await world.publication(),
        instructed([100]),
        paid([100]),
        instructed([900], kind="redemption", action=REDEMPTION),
    )

    payouts = {p.action_id: (p.kind, p.state, p.paid_kopecks) for p in (await world.page()).payouts}
    assert payouts == {COUPON: ("coupon", "paid", 100), REDEMPTION: ("redemption", "instructed", 0)}


async def test_nothing_tells_who_holds_what_or_what_the_issuer_has(world: World):
    await world.tell(
        await world.publication(), decided("held", HELD), settled("held", HELD), instructed([5]), refused()
    )

    conn = await world.database.listen()
    kept = ""
    for table in ("issue_page", "page_document", "page_signature", "page_event", "page_total"):
        kept += str(await conn.fetch(f"SELECT * FROM {table}"))
    await conn.close()
    assert "01980a2b-7c10-7f3e-9a44-0d5f5b1c2e0a" not in kept
    assert "123456789" not in kept


class TestRefusals:
    """What is wrong with a publication is told and waits; it is never shown half."""

    async def test_a_document_that_is_not_kept(self, world: World):
        event_type, data = await world.publication()
        data["documents"][1]["sha256"] = "0" * 64

        await world.tell((event_type, data))

        assert await world.count("dead_letter") == 1
        assert await world.count("issue_page") == 0

    async def test_a_document_of_another_size(self, world: World):
        event_type, data = await world.publication()
        data["documents"][1]["bytes"] += 1

        with pytest.raises(DocumentDiffers):
            await world.hand((event_type, data))

    @pytest.mark.parametrize("body", [b"%PDF", b"[]", b'{"title": 5}', b'{"title": "x", "issuer": {}}', b"\xff"])
    async def test_a_decision_that_cannot_be_read(self, world: World, body):
        event_type, data = await world.publication()
        data["decision_sha256"] = await world.objects.put(body)

        with pytest.raises(DecisionUnreadable):
            await world.hand((event_type, data))

    async def test_another_decision_for_a_published_issue(self, world: World):
        await world.hand(await world.publication())

        with pytest.raises(InvariantBroken):
            await world.hand(await world.publication(title="Другое решение"))

    async def test_the_same_part_with_other_sums(self, world: World):
        await world.hand(await world.publication(), settled("held", HELD))

        with pytest.raises(InvariantBroken):
            await world.hand(settled("held", HELD[:1]))


async def test_the_list_shows_the_newest_first_and_pages(world: World):
    for number in range(1, 6):
        event_type, data = await world.publication(title=f"Выпуск {number}")
        data["issue_id"] = str(UUID(int=number))
        await world.tell((event_type, data))

    async with world.database.connect() as conn:
        first = await list_issues(conn, limit=2)
        second = await list_issues(conn, before=first.next_before, limit=2)
        last = await list_issues(conn, before=second.next_before, limit=2)
        with pytest.raises(IssuePageNotFound):
            await list_issues(conn, before=ISSUE)

    titles = [[row.title for row in page.items] for page in (first, second, last)]
    assert titles == [["Выпуск 5", "Выпуск 4"], ["Выпуск 3", "Выпуск 2"], ["Выпуск 1"]]
    assert last.next_before is None


async def test_times_are_those_of_the_tellers(world: World):
    await world.tell(await world.publication(), state("placement_open", "2026-11-25T07:00:00.000001Z"))

    page = await world.page()
    assert page.timeline[0].at == datetime(2026, 11, 25, 7, 0, 0, 1, tzinfo=UTC)
    assert page.placement_end_at == datetime(2026, 11, 27, 12, tzinfo=UTC)


async def test_early_ends_outcomes_substitutes_and_exchanges_are_told_once(world: World):
    at = datetime(2027, 8, 2, 9, tzinfo=UTC).isoformat()
    about = {"issue_id": str(ISSUE), "at": at}
    told = [
        await world.publication(),
        ("kapital.tokenization.action_announced.v1", about | CALL),
        ("kapital.tokenization.outcome_announced.v1", about | OUTCOME),
        ("kapital.tokenization.outcome_announced.v1", about | OUTCOME | {"reason": "Источник молчит"}),
        ("kapital.tokenization.substitute_announced.v1", about | SUBSTITUTE),
        ("kapital.tokenization.exchange_announced.v1", about | EXCHANGE),
    ]
    await world.tell(*told)

    page = await world.page()

    assert [(item.kind, item.value) for item in page.timeline if item.kind != "published"] == [
        ("exchange", str(REDEMPTION)),
        ("substitute", "cbr_key_rate/2027-07-30/cbr_key_rate/2027-07-29/16.50"),
        ("outcome", "contested_by_decision/launched"),
        ("outcome", "contested/launched"),
        ("action_announced", "call"),
    ]
    assert {item.kind for item in page.timeline} <= {kind.value for kind in TimelineKind}
