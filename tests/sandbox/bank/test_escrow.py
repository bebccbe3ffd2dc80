"""Money that the bank blocks for a seller: it is held once, ends once, and none is made or lost; over HTTP."""

import asyncio
from typing import Any

import pytest

from kapital.sandbox.bank import SandboxBank
from kapital.sandbox.people import synthetic_people
from tests.sandbox.bank.serving import Caller

BASE = "/v1/escrow"
BUYER, SELLER, OTHER = (
    {"bic": one.payout_account.bic, "account": one.payout_account.account} for one in synthetic_people(1, 3)
)


async def fund(caller: Caller, account: dict[str, str], kopecks: int, *, closed: bool = False) -> dict[str, Any]:
    body = {"account": account, "amount_kopecks": kopecks, "closed": closed}
    told: dict[str, Any] = (await caller.post("/sandbox/clients", body)).json()
    return told


async def hold(caller: Caller, kopecks: int, name: str = "h", *, key: str | None = None) -> dict[str, Any]:
    body = {"hold_id": name, "payer": BUYER, "payee": SELLER, "amount_kopecks": kopecks, "purpose": "p"}
    told: dict[str, Any] = (await caller.post(f"{BASE}/holds", body, key=key)).json()
    return told


async def act(caller: Caller, verb: str, name: str = "h", payee: dict[str, str] | None = None) -> dict[str, Any]:
    body = {"payee": payee or SELLER} if verb == "release" else {}
    told: dict[str, Any] = (await caller.post(f"{BASE}/holds/{name}/{verb}", body)).json()
    return told


async def money(caller: Caller) -> tuple[int, int, int]:
    """What the buyer has free, what is blocked of it, what the seller has."""
    buyer, seller = await fund(caller, BUYER, 0), await fund(caller, SELLER, 0)
    return buyer["balance_kopecks"], buyer["on_hold_kopecks"], seller["balance_kopecks"]


async def test_a_hold_is_placed_once_and_paid_once(caller: Caller) -> None:
    await fund(caller, BUYER, 100)

    placed = await asyncio.gather(*(hold(caller, 70) for _ in range(4)))
    assert {one["state"] for one in placed} == {"held"}
    assert await money(caller) == (30, 70, 0)
    assert (await hold(caller, 71))["code"] == "bank_id_taken"

    released = await asyncio.gather(*(act(caller, "release") for _ in range(4)))
    assert {one["state"] for one in released} == {"released"}
    assert await money(caller) == (30, 0, 70)
    assert (await act(caller, "cancel"))["code"] == "bank_state_refuses"


async def test_a_hold_that_is_cancelled_is_free_also_if_it_comes_later(caller: Caller) -> None:
    await fund(caller, BUYER, 100)
    await hold(caller, 70)

    assert (await act(caller, "cancel"))["state"] == "cancelled"
    assert (await act(caller, "release"))["code"] == "bank_state_refuses"
    assert (await act(caller, "cancel", "late"))["state"] == "cancelled"
    assert (await hold(caller, 70, "late"))["state"] == "cancelled"
    assert await money(caller) == (100, 0, 0)


async def test_what_cannot_be_held_is_refused_with_a_reason_and_blocks_nothing(caller: Caller) -> None:
    await fund(caller, BUYER, 100)

    assert (await hold(caller, 101))["reason"] == "insufficient_funds"
    await caller.play({"at": "place_escrow_hold", "do": "reject", "reason": "account_arrested"})
    assert (await hold(caller, 1, "r"))["reason"] == "account_arrested"
    assert (await caller.get(f"{BASE}/holds/never")).json()["code"] == "bank_hold_not_found"
    assert await money(caller) == (100, 0, 0)


async def test_a_release_to_a_closed_account_leaves_the_money_blocked_until_another_is_named(caller: Caller) -> None:
    await fund(caller, BUYER, 100)
    await fund(caller, SELLER, 0, closed=True)
    await hold(caller, 70)

    assert (await act(caller, "release"))["reason"] == "account_closed"
    assert (await act(caller, "release", payee=OTHER))["state"] == "released"
    assert (await fund(caller, OTHER, 0))["balance_kopecks"] == 70


@pytest.mark.parametrize(("reason", "ends"), [(None, "held"), ("no_mandate", "refused")])
async def test_what_is_pending_ends_after_so_many_enquiries(caller: Caller, reason: str | None, ends: str) -> None:
    await fund(caller, BUYER, 100)
    step = {"at": "place_escrow_hold", "do": "pending", "enquiries": 1, "reason": reason}
    await caller.play(step, {"at": "get_escrow_hold", "do": "unclear", "skip": 2})

    placed = await hold(caller, 70)
    told = [(await caller.get(f"{BASE}/holds/h")).json()["state"] for _ in range(4)]

    assert [placed["state"], *told] == ["pending", "pending", ends, "unclear", ends]
    assert sum(await money(caller)) == 100


async def test_changes_are_told_in_order_unless_a_script_has_it_otherwise(caller: Caller, bank: SandboxBank) -> None:
    await fund(caller, BUYER, 100)
    await caller.play(
        {"at": "escrow_notice", "do": "reorder"}, {"at": "escrow_notice", "do": "duplicate"},
        {"at": "escrow_notice", "do": "lost"},
    )  # fmt: skip
    await hold(caller, 70)
    await act(caller, "release")
    await hold(caller, 10, "lost")
    await act(caller, "cancel", "lost")

    told = (await caller.get(f"{BASE}/notices")).json()["items"]

    assert [(one["cursor"], one["hold_id"], one["number"], one["state"]) for one in told] == [
        (1, "h", 2, "released"), (2, "h", 2, "released"), (3, "h", 1, "held"), (4, "lost", 2, "cancelled"),
    ]  # fmt: skip
    assert (await caller.get(f"{BASE}/notices?after_cursor=3")).json()["items"] == told[3:]
