"""What a script says happens, as often as it says, and nothing else; the console page tells of it."""

import base64
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature

from kapital.sandbox.bank import SandboxBank
from kapital.sandbox.bank.answers import signed_text
from kapital.sandbox.people import synthetic_people
from tests.sandbox.bank.serving import Caller, caller_of, served_here

BASE = "/v1/nominal-account"
ACCOUNT = synthetic_people(1, 1)[0].payout_account
PAYMENT = {
    "payment_id": "p",
    "kind": "regular",
    "amount_kopecks": 10,
    "payee": {"bic": ACCOUNT.bic, "account": ACCOUNT.account},
    "purpose": "p",
}


async def told(caller: Caller) -> list[tuple[str, int]]:
    items = (await caller.get(f"{BASE}/incoming-payments")).json()["items"]
    return [(one["incoming_id"][-2:], one["amount_kopecks"]) for one in items]


async def credit(caller: Caller, kopecks: int) -> None:
    assert (await caller.post("/sandbox/credits", {"amount_kopecks": kopecks, "purpose": "p"})).status_code == 201


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"do": "duplicate"}, [("01", 10), ("01", 10), ("02", 20), ("03", 30)]),
        ({"do": "duplicate_other_id"}, [("01", 10), ("-2", 10), ("02", 20), ("03", 30)]),
        ({"do": "wrong_sum", "kopecks": -3}, [("01", 7), ("02", 20), ("03", 30)]),
        ({"do": "lost"}, [("02", 20), ("03", 30)]),
        ({"do": "reorder"}, [("02", 20), ("01", 10), ("03", 30)]),
        ({"do": "lost", "skip": 1, "times": 2}, [("01", 10)]),
    ],
)
async def test_notices_go_wrong_as_told_and_the_money_is_right(
    caller: Caller, bank: SandboxBank, fault: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    await caller.play({"at": "credit"} | fault)

    for kopecks in (10, 20, 30):
        await credit(caller, kopecks)

    assert await told(caller) == expected
    assert await bank.balance_kopecks() == 60


async def test_a_lost_request_does_nothing_and_a_lost_answer_does_it(caller: Caller, bank: SandboxBank) -> None:
    await bank.receive(100, "")
    await caller.play(
        {"at": "create_payment", "do": "request_lost", "seconds": 0},
        {"at": "create_payment", "do": "answer_lost", "seconds": 0},
    )

    first = await caller.post(f"{BASE}/payments", PAYMENT, key="p")
    after_first = (await caller.get(f"{BASE}/payments/p")).status_code, await bank.balance_kopecks()
    second = await caller.post(f"{BASE}/payments", PAYMENT, key="p")
    after_second = (await caller.get(f"{BASE}/payments/p")).json()["state"], await bank.balance_kopecks()
    third = await caller.post(f"{BASE}/payments", PAYMENT, key="p")

    assert (first.status_code, after_first) == (504, (404, 100))
    assert (second.status_code, after_second) == (504, ("succeeded", 90))
    assert (third.status_code, third.headers["Idempotency-Replayed"]) == (201, "true")
    assert await bank.balance_kopecks() == 90


async def test_a_payment_ends_after_so_many_enquiries(caller: Caller, bank: SandboxBank) -> None:
    await bank.receive(100, "")
    await caller.play(
        {"at": "create_payment", "do": "pending", "enquiries": 2},
        {"at": "create_payment", "do": "pending", "enquiries": 0, "reason": "wrong_recipient"},
    )

    states = [(await caller.post(f"{BASE}/payments", PAYMENT)).json()["state"]]
    states += [(await caller.get(f"{BASE}/payments/p")).json()["state"] for _ in range(4)]
    await caller.post(f"{BASE}/payments", PAYMENT | {"payment_id": "q"})
    other = (await caller.get(f"{BASE}/payments/q")).json()

    assert states == ["in_progress", "in_progress", "in_progress", "succeeded", "succeeded"]
    assert (other["state"], other["reason"]) == ("failed", "wrong_recipient")
    assert await bank.balance_kopecks() == 90


async def test_a_bank_that_is_down_answers_nothing_until_its_time_is_over(caller: Caller, bank: SandboxBank) -> None:
    await caller.play(
        {"at": "any", "do": "unavailable", "seconds": 1000}, {"at": "any", "do": "too_many_requests", "seconds": 7}
    )

    down = [(await caller.get(BASE)).status_code for _ in range(3)]
    await caller.play({"at": "any", "do": "too_many_requests", "seconds": 7})
    limited = await caller.get(BASE)

    assert down == [503, 503, 503]
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert (await caller.get(BASE)).status_code == 200


async def test_a_stranger_uses_up_no_fault(caller: Caller) -> None:
    await caller.play({"at": "any", "do": "too_many_requests"})

    assert (await Caller(caller.client, "another").get(BASE)).status_code == 401
    assert (await caller.get(BASE)).status_code == 429


async def test_answers_are_signed_for_the_request_that_asked(bank: SandboxBank) -> None:
    app = served_here(bank)
    caller = caller_of(app)
    await credit(caller, 10)
    await caller.play({"at": "list_incoming", "do": "bad_signature"}, {"at": "list_incoming", "do": "altered_sum"})

    def verify(answer: httpx.Response, request_id: str) -> None:
        target = answer.request.url.raw_path.decode()
        text = signed_text("GET", target, request_id, answer.status_code, answer.content)
        app.key.public_key().verify(base64.b64decode(answer.headers["Bank-Signature"]), text)

    target = f"{BASE}/incoming-payments?after_cursor=0&limit=5"
    stranger, altered, good = [await caller.get(target, **{"X-Request-Id": "r1"}) for _ in range(3)]

    for wrong in (stranger, altered):
        with pytest.raises(InvalidSignature):
            verify(wrong, "r1")
    assert (altered.json()["items"][0]["amount_kopecks"], good.json()["items"][0]["amount_kopecks"]) == (11, 10)
    verify(good, "r1")
    with pytest.raises(InvalidSignature):
        verify(good, "r2")
    await caller.client.aclose()


@pytest.mark.parametrize(("lang", "word"), [("ru", "Сценарий сбоев"), ("en", "Fault script")])
async def test_the_page_shows_what_the_script_did_and_escapes_what_it_shows(
    caller: Caller, bank: SandboxBank, lang: str, word: str
) -> None:
    await caller.play({"at": "credit", "do": "duplicate"})
    body = {"amount_kopecks": 123_456, "purpose": "<script>alert(1)</script>"}
    await caller.post("/sandbox/credits", body)
    await caller.post(f"{BASE}/payments", PAYMENT | {"amount_kopecks": 999_999})

    page = await caller.client.get(f"/?lang={lang}")

    assert f'lang="{lang}"' in page.text
    assert word in page.text
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "of-a-test" in page.text
    assert page.text.count("SB000000000001") >= 2
    assert "insufficient_funds" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


async def test_the_page_tells_a_question_asked_again_and_again_in_one_line_and_every_command_in_its_own(
    caller: Caller,
) -> None:
    for _ in range(5):
        await caller.get(f"{BASE}/incoming-payments")
        await caller.get(BASE)
    await credit(caller, 10)
    await credit(caller, 10)

    page = (await caller.client.get("/")).text

    assert page.count("<code>list_incoming</code>") == page.count("<code>get_account</code>") == 1
    assert page.count("× 5") == 2
    assert page.count("<code>pay_in</code>") == 2
    assert "&#34;amount_kopecks&#34;: 10" in page  # with its levels shown
