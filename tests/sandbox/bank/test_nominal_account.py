"""The bank's own book over HTTP: whose money it is, what is held, how it moves; to the kopeck and once per key."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from kapital.platform.clock import SteppedClock
from kapital.sandbox.bank import SandboxBank
from kapital.sandbox.people import synthetic_people
from tests.sandbox.bank.serving import Caller, caller_of, served_here

BASE = "/v1/nominal-account"
PEOPLE = synthetic_people(1, 3)
PAYEE = {"bic": PEOPLE[0].payout_account.bic, "account": PEOPLE[0].payout_account.account}


async def let_in(caller: Caller, bank: SandboxBank, *names: str) -> None:
    for name, one in zip(names, PEOPLE, strict=False):
        body = {"beneficiary_id": name, "kind": "natural_person", "resident": True, "name": one.name, "inn": one.inn}
        assert (await caller.post(f"{BASE}/beneficiaries", body)).json()["scoring"] == "in_progress"
    assert isinstance(bank.clock, SteppedClock)
    bank.clock.advance(timedelta(seconds=2))


async def distribute(caller: Caller, kopecks: int, **shares: int) -> Any:
    came = (await caller.post("/sandbox/credits", {"amount_kopecks": kopecks, "purpose": "p"})).json()
    body = {"shares": [{"beneficiary_id": name, "amount_kopecks": sum_} for name, sum_ in shares.items()]}
    return await caller.post(f"{BASE}/incoming-payments/{came['incoming_id']}/distribution", body)


async def balances(caller: Caller) -> dict[str, tuple[int, int]]:
    page = (await caller.get(f"{BASE}/beneficiaries")).json()
    return {one["beneficiary_id"]: (one["amount_kopecks"], one["on_hold_kopecks"]) for one in page["items"]}


async def test_a_payment_is_identified_once_and_to_the_kopeck(caller: Caller, bank: SandboxBank) -> None:
    await let_in(caller, bank, "a", "b")

    assert (await distribute(caller, 100, a=60, b=39)).json()["facts"] == {"reason": "sum_differs"}
    assert (await distribute(caller, 100, a=60, b=40)).status_code == 200
    assert (await distribute(caller, 100, nobody=100)).json()["code"] == "bank_object_not_found"

    first = (await caller.get(f"{BASE}/incoming-payments")).json()["items"][1]["incoming_id"]
    other = {"shares": [{"beneficiary_id": "a", "amount_kopecks": 100}]}
    again = await caller.post(f"{BASE}/incoming-payments/{first}/distribution", other)
    assert (again.status_code, again.json()["code"]) == (409, "bank_id_taken")
    assert await balances(caller) == {"a": (60, 0), "b": (40, 0)}
    account = (await caller.get(BASE)).json()
    assert (account["balance_kopecks"], account["distributed_kopecks"]) == (300, 100)


async def test_a_deal_moves_money_only_when_it_is_held_and_only_once(caller: Caller, bank: SandboxBank) -> None:
    await let_in(caller, bank, "a", "b")
    await distribute(caller, 100, a=100)
    share = {"beneficiary_id": "a", "amount_kopecks": 101}
    deal = {"deal_id": "d", "deponents": [share], "recipients": [share | {"beneficiary_id": "b"}]}
    assert (await caller.post(f"{BASE}/deals", deal)).json()["reasons"] == ["money:a"]
    assert (await caller.post(f"{BASE}/deals/d/accept")).json()["code"] == "bank_money_insufficient"
    await distribute(caller, 1, a=1)

    assert (await caller.post(f"{BASE}/deals/d/complete")).json()["code"] == "bank_state_refuses"
    assert (await caller.post(f"{BASE}/deals/d/accept")).json()["state"] == "accepted"
    assert await balances(caller) == {"a": (101, 101), "b": (0, 0)}
    answers = await asyncio.gather(*(caller.post(f"{BASE}/deals/d/complete") for _ in range(5)))

    assert {answer.json()["state"] for answer in answers} == {"completed"}
    assert (await caller.post(f"{BASE}/deals/d/cancel")).status_code == 409
    assert await balances(caller) == {"a": (0, 0), "b": (101, 0)}


async def test_what_is_held_cannot_be_paid_until_it_is_released(caller: Caller, bank: SandboxBank) -> None:
    await let_in(caller, bank, "a")
    await distribute(caller, 100, a=100)
    hold = {"hold_id": "h", "beneficiary_id": "a", "amount_kopecks": 70}
    assert (await caller.post(f"{BASE}/holds", hold)).status_code == 201

    def payment(number: int) -> dict[str, Any]:
        return {
            "payment_id": f"p{number}", "kind": "regular", "beneficiary_id": "a", "amount_kopecks": 50,
            "payee": PAYEE, "purpose": "p",
        }  # fmt: skip

    refused = (await caller.post(f"{BASE}/payments", payment(1))).json()
    await caller.post(f"{BASE}/holds/h/release")
    await caller.post(f"{BASE}/holds/h/release")
    paid = (await caller.post(f"{BASE}/payments", payment(2))).json()

    assert (refused["state"], refused["reason"], paid["state"]) == ("failed", "insufficient_funds", "succeeded")
    assert (await caller.get(f"{BASE}/holds/h")).json()["state"] == "released"
    assert await balances(caller) == {"a": (50, 0)}


async def test_money_without_an_owner_is_what_a_payment_without_one_may_take(
    caller: Caller, bank: SandboxBank
) -> None:
    await let_in(caller, bank, "a")
    await distribute(caller, 100, a=100)
    await caller.post("/sandbox/credits", {"amount_kopecks": 10, "purpose": "p"})

    states = []
    for number, kopecks in enumerate((11, 10)):
        body = {"payment_id": f"p{number}", "kind": "fee", "amount_kopecks": kopecks, "payee": PAYEE, "purpose": ""}
        states.append((await caller.post(f"{BASE}/payments", body)).json()["state"])

    assert states == ["failed", "succeeded"]
    assert (await caller.get(BASE)).json()["balance_kopecks"] == 100
    assert (await caller.post("/sandbox/charges", {"amount_kopecks": 1})).json()["code"] == "bank_money_insufficient"


async def test_scoring_stops_who_has_wrong_control_digits(caller: Caller, bank: SandboxBank) -> None:
    body = {"beneficiary_id": "x", "kind": "legal_entity", "resident": True, "name": "X", "inn": "7707083894"}
    await caller.post(f"{BASE}/beneficiaries", body)
    assert isinstance(bank.clock, SteppedClock)
    bank.clock.advance(timedelta(seconds=2))

    seen = (await caller.get(f"{BASE}/beneficiaries/x")).json()
    hold = {"hold_id": "h", "beneficiary_id": "x", "amount_kopecks": 1}

    assert (seen["scoring"], seen["scoring_reasons"]) == ("failed", ["inn_control_digits"])
    assert (await caller.post(f"{BASE}/holds", hold)).json()["code"] == "bank_scoring_must_succeed"


TAX = {
    "payer_status": "01", "kbk": "18201061201010000510", "oktmo": "98000000", "evidence": "0", "period": "0",
    "doc_number": "0", "doc_date": "0", "uin": "0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_kopecks": 10.5}, "body_must_match_contract"),
        ({"amount_kopecks": "10"}, "body_must_match_contract"),
        ({"amount_kopecks": 0}, "body_must_match_contract"),
        ({"amount_kopecks": 2**53}, "body_must_match_contract"),
        ({"amount": 1}, "body_must_match_contract"),
        ({"purpose": "x" * 211}, "body_must_match_contract"),
        ({"payee": {**PAYEE, "account": f"{PAYEE['account'][:-1]}{(int(PAYEE['account'][-1]) + 1) % 10}"}},
         "bank_request_invalid"),
        ({"kind": "tax"}, "bank_request_invalid"),
        ({"tax": TAX}, "bank_request_invalid"),
        ({"beneficiary_id": "nobody"}, "bank_object_not_found"),
    ],
)  # fmt: skip
async def test_a_bad_payment_is_refused_and_leaves_nothing(
    caller: Caller, bank: SandboxBank, change: dict[str, Any], code: str
) -> None:
    await bank.receive(2**50, "")
    good = {"payment_id": "p", "kind": "regular", "amount_kopecks": 10, "payee": PAYEE, "purpose": "p"}

    assert (await caller.post(f"{BASE}/payments", good | change)).json()["code"] == code

    assert (await caller.get(f"{BASE}/payments/p")).json()["code"] == "bank_payment_not_found"
    assert await bank.balance_kopecks() == 2**50


async def test_a_tax_is_paid_with_its_details(caller: Caller, bank: SandboxBank) -> None:
    await bank.receive(100, "")
    tax = {
        "payment_id": "t", "kind": "tax", "amount_kopecks": 10, "payee": PAYEE, "purpose": "НДФЛ", "tax": TAX,
    }  # fmt: skip

    assert (await caller.post(f"{BASE}/payments", tax)).json()["state"] == "succeeded"
    changed = tax | {"tax": TAX | {"uin": "1" * 20}}
    assert (await caller.post(f"{BASE}/payments", changed)).json()["code"] == "bank_id_taken"


TREASURY = {"bic": "017003983", "account": "03100643000000018500"}


@pytest.mark.parametrize(
    ("payee", "single_account", "said"),
    [
        (TREASURY, "40102810445370000059", "succeeded"),
        (TREASURY, "40102810445370000058", "bank_request_invalid"),
        (TREASURY, None, "bank_request_invalid"),
        (PAYEE, "40102810445370000059", "bank_request_invalid"),
    ],
)
async def test_a_tax_goes_to_the_treasury_by_the_key_of_its_single_account(
    caller: Caller, bank: SandboxBank, payee: dict[str, str], single_account: str | None, said: str
) -> None:
    await bank.receive(100, "")
    named = {"receiver_single_account": single_account} if single_account else {}
    body = {
        "payment_id": "t",
        "kind": "tax",
        "amount_kopecks": 10,
        "payee": payee,
        "purpose": "p",
        "tax": TAX | named,
    }

    answer = (await caller.post(f"{BASE}/payments", body)).json()

    assert (answer.get("state") or answer["code"]) == said


async def test_one_key_has_one_effect_and_one_answer(caller: Caller, bank: SandboxBank) -> None:
    body = {"amount_kopecks": 5, "purpose": "p"}

    answers = await asyncio.gather(*(caller.post("/sandbox/credits", body, key="k") for _ in range(5)))
    other = await caller.post("/sandbox/credits", body | {"amount_kopecks": 6}, key="k")

    assert len({answer.text for answer in answers}) == 1
    assert sorted(answer.headers.get("Idempotency-Replayed", "") for answer in answers) == ["", *["true"] * 4]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await bank.balance_kopecks() == 5


async def test_without_the_token_or_the_key_nothing_is_done(caller: Caller, bank: SandboxBank) -> None:
    body = {"amount_kopecks": 5, "purpose": "p"}
    bare = await caller.client.post("/sandbox/credits", json=body, headers={"Authorization": "Bearer token-of-tests"})
    stranger = Caller(caller.client, "another")

    assert bare.json()["code"] == "idempotency_key_required"
    assert (await stranger.post("/sandbox/credits", body)).json()["code"] == "bank_token_invalid"
    assert (await stranger.get(BASE)).status_code == 401
    assert await bank.balance_kopecks() == 0


async def test_more_than_it_takes_in_a_second_is_answered_with_429(bank: SandboxBank) -> None:
    caller = caller_of(served_here(bank, rates=3))

    # Two seconds can share 40 requests as 3 and 3 at most.
    answers = await asyncio.gather(*(caller.get(BASE) for _ in range(40)))

    limited = [answer for answer in answers if answer.status_code == 429]
    assert len(answers) - len(limited) >= 3
    assert limited
    assert {answer.headers["Retry-After"] for answer in limited} == {"1"}
    await caller.client.aclose()


async def test_a_beneficiary_by_reference_has_no_name_and_is_served_as_the_bank_s_people_find(
    caller: Caller, bank: SandboxBank
) -> None:
    named = {"beneficiary_id": "a", "kind": "by_reference", "resident": None, "name": None, "inn": None}
    path = f"{BASE}/beneficiaries"
    for more, reason in (
        ({"name": "Кто-то"}, "by_reference_is_nameless"),
        ({"resident": True}, "by_reference_is_nameless"),
        ({"kind": "natural_person"}, "name_required"),
        ({"kind": "natural_person", "resident": True, "name": "Кто-то"}, "inn_required"),
    ):
        assert (await caller.post(path, named | more)).json()["facts"] == {"reason": reason}
    assert (await caller.post(path, named)).json()["scoring"] == "in_progress"
    assert (await caller.post(path, named)).status_code == 201
    assert isinstance(bank.clock, SteppedClock)
    bank.clock.advance(timedelta(seconds=2))
    await distribute(caller, 100, a=100)

    async def paid(number: int) -> tuple[str, str | None]:
        body = {
            "payment_id": f"p{number}", "beneficiary_id": "a", "amount_kopecks": 10, "phone": "+79000000001",
            "member_id": "100000000004", "purpose": "p",
        }  # fmt: skip
        answer = (await caller.post(f"{BASE}/sbp-payouts", body)).json()
        return answer["state"], answer["reason"]

    assert await paid(1) == ("succeeded", None)
    await bank.score("a", "documents_missing")
    found = (await caller.get(f"{path}/a")).json()
    assert (found["scoring"], found["scoring_reasons"]) == ("failed", ["documents_missing"])
    assert await paid(2) == ("failed", "beneficiary_not_let_through")
    await bank.score("a")
    assert await paid(3) == ("succeeded", None)
    assert await balances(caller) == {"a": (80, 0)}
