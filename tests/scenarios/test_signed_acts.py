"""Scenarios 21 (first mode), 22, 23, 24, 49 and 55 for signed orders, over HTTP; authorities answer over HTTP."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.platform.acts.files import read_signed_act
from kapital.platform.signatures.bundle import check_again
from kapital.platform.signatures.outcome import Outcome
from kapital.platform.signatures.trust import TrustedRoots
from kapital.sandbox.people import PersonKind
from tests.scenarios.house import PRICE, Issue
from tests.scenarios.signing import BUY, ORDERS, Signing, b64

HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def signing(server: str, tmp_path: Path) -> AsyncIterator[Signing]:
    async with Signing.open(server, tmp_path) as made:
        yield made
        await made.house.must_be_sound()


@pytest_asyncio.fixture
async def issue(signing: Signing) -> Issue:
    return await signing.house.opened(3, units_each=10, quantity_min=1, quantity_max=100)


def code(answer: Any) -> str:
    return str(answer.json()["code"])


async def file_of(signing: Signing, order_id: str) -> bytes:
    [row] = await signing.house.rows(
        "tokenization", "SELECT act_file_sha256 FROM subscription_order WHERE order_id = :id", id=order_id
    )
    return await signing.house.kapital.objects.get(row["act_file_sha256"])


async def test_a_signed_order_is_accepted_and_its_proof_holds_years_later(signing: Signing, issue: Issue) -> None:
    player = signing.house.investors[0]
    signer = await signing.bound(player)
    headers = await signing.house.token(player)

    answer = await signing.order(player, signer, issue.id, 3, headers=headers)

    [item] = answer.json()["items"]
    assert item["outcome"] == "accepted", item
    assert await signing.house.money(player) == 7 * PRICE
    source = await file_of(signing, item["order_id"])
    file = read_signed_act(source)
    signing.house.clock.advance(timedelta(days=4000))
    roots = TrustedRoots(frozenset(signing.issuing.certificates[-1:]))
    assert check_again(file.bundle, file.act.encode(), roots=roots).outcome is Outcome.VALID
    assert str(issue.id) in file.act
    assert "3 ед." in file.shown_text
    entries = await signing.house.kapital.ledger.entries(item["accepted_seq"], item["accepted_seq"] + 1)
    [row] = await signing.house.rows("tokenization", "SELECT file_sha256, state FROM signed_act")
    assert row["file_sha256"].encode() in entries[0].body
    assert row["state"] == "valid"


async def test_an_order_without_the_signature_it_needs_is_refused(signing: Signing, issue: Issue) -> None:
    player = signing.house.investors[0]
    body = {"orders": [{"issue_id": str(issue.id), "units": 1}]}

    answer = await signing.house.web.post(ORDERS, json=body, headers=await signing.house.token(player))

    assert (answer.status_code, code(answer)) == (422, "qualified_signature_required")
    assert await signing.house.order_states(issue) == []


async def test_22_each_certificate_that_may_not_sign_has_its_own_code(signing: Signing, issue: Issue) -> None:
    first, second = signing.house.investors[:2]
    revoked = await signing.bound(first)
    now = signing.house.clock.now()
    short = await signing.bound(first, period=(now - HOUR, now + HOUR))
    stranger = signing.signer(signing.numbers_of(second))
    signing.house.clock.advance(timedelta(minutes=2))
    signing.issuing.revoke(revoked.certificate(), at=signing.house.clock.now())
    signing.house.clock.advance(2 * HOUR)

    told = [code(await signing.order(first, one, issue.id, 1)) for one in (revoked, short, stranger)]

    assert told == [
        "signature_certificate_revoked",
        "signature_certificate_expired",
        "signature_owner_differs",
    ]
    assert await signing.house.order_states(issue) == []
    audit = await signing.house.rows("tokenization", "SELECT basis FROM audit_event WHERE action LIKE '%act_refused'")
    assert len(audit) == 3


@pytest.mark.parametrize("number", ["inn", "snils"])
async def test_22_a_clerk_binds_nobodys_certificate_by_numbers_that_nobody_documented(
    signing: Signing, issue: Issue, number: str
) -> None:
    """63-FZ art. 11: the certificate is the participant's, whose numbers the register has and no clerk makes up."""
    person = next(p for p in signing.house.investors if p.person.kind is PersonKind.NATURAL_PERSON)
    others = {"inn": "980100000089", "snils": "11223344595"}[number]
    owner = [{"kind": "inn", "value": person.person.inn}] if number == "snils" else []

    refused = await signing.bind(
        person,
        signing.signer({"inn": person.person.inn, number: others}),
        owner=[*owner, {"kind": number, "value": others}],
    )

    assert refused["problem"]["code"] == "owner_number_must_be_documented"
    assert refused["problem"]["facts"] == {"number": number}
    assert (await signing.bind(person, signing.signer({"inn": person.person.inn})))["problem"] is None


async def test_22_an_employee_signs_with_a_power_for_this_act_only(signing: Signing, issue: Issue) -> None:
    firm = next(p for p in signing.house.investors if p.person.kind is PersonKind.LEGAL_ENTITY)
    numbers = {"inn": "980100000089", "snils": "11223344595"}
    employee, other = signing.signer(numbers), signing.signer(numbers)

    assert (await signing.bind(firm, employee))["problem"]["code"] == "power_of_attorney_required"
    assert code(await signing.order(firm, employee, issue.id, 1)) == "power_of_attorney_required"

    shown = signing.power(firm, [BUY], numbers=numbers)
    number = shown.pop("number")
    assert (await signing.bind(firm, employee, power_of_attorney=shown))["problem"] is None
    narrow = signing.power(firm, ["MAIL"], numbers=numbers)
    narrow.pop("number")
    assert (await signing.bind(firm, other, power_of_attorney=narrow))["problem"] is None
    answer = await signing.order(firm, employee, issue.id, 1)
    assert answer.json()["items"][0]["outcome"] == "accepted", answer.text
    assert code(await signing.order(firm, other, issue.id, 1)) == "power_of_attorney_insufficient"

    signing.house.clock.advance(HOUR)
    signing.powers.revoke(number)
    signing.house.clock.advance(HOUR)
    assert code(await signing.order(firm, employee, issue.id, 1)) == "power_of_attorney_insufficient"


async def test_21_what_was_stamped_before_the_revocation_stays_valid_to_the_end(
    signing: Signing, issue: Issue
) -> None:
    first, second = signing.house.investors[:2]
    accepted, late = await signing.bound(first), await signing.bound(second, stamps=signing.stamps)
    await signing.order(first, accepted, issue.id, 1)
    headers = await signing.house.token(second)
    act = await signing.prepare(headers, orders=[{"issue_id": str(issue.id), "units": 2}])
    signature = late.sign_now(b64decode(act["act"]))
    signing.house.clock.advance(timedelta(minutes=5))
    for signer in (accepted, late):
        signing.issuing.revoke(signer.certificate(), at=signing.house.clock.now())
    signing.house.clock.advance(timedelta(minutes=5))

    body = {
        "orders": [{"issue_id": str(issue.id), "units": 2}],
        "act": {"made_at": act["made_at"], "signature": b64(signature)},
    }
    answer = await signing.house.web.post(ORDERS, json=body, headers=headers)

    assert answer.json()["items"][0]["outcome"] == "accepted", answer.text
    await signing.house.closed(issue)
    assert await signing.house.order_states(issue) == ["settled", "settled"]
    assert code(await signing.order(first, accepted, issue.id, 1)) == "signature_certificate_revoked"


async def test_21_a_stamp_older_than_the_act_shields_from_no_revocation(signing: Signing, issue: Issue) -> None:
    """Stamped in advance for a day to come, sent on that day, the certificate revoked in between."""
    player = signing.house.investors[0]
    thief = await signing.bound(player, stamps=signing.stamps)
    headers = await signing.house.token(player)
    asked = {"orders": [{"issue_id": str(issue.id), "units": 2}]}
    act = json.loads(b64decode((await signing.prepare(headers, **asked))["act"]))
    later = signing.house.clock.now() + 10 * HOUR
    act["act"]["made_at"] = later.isoformat().replace("+00:00", "Z")
    signature = thief.sign_now(canonical_bytes(act))
    signing.house.clock.advance(timedelta(minutes=5))
    signing.issuing.revoke(thief.certificate(), at=signing.house.clock.now())
    signing.house.clock.advance(later - signing.house.clock.now())

    body = asked | {"act": {"made_at": act["act"]["made_at"], "signature": b64(signature)}}
    of_the_day = await signing.house.token(player) | {"Idempotency-Key": headers["Idempotency-Key"]}
    answer = await signing.house.web.post(ORDERS, json=body, headers=of_the_day)

    assert (answer.status_code, code(answer)) == (422, "act_must_be_recent"), answer.text
    assert await signing.house.order_states(issue) == []


async def test_23_while_no_authority_answers_an_order_waits_and_is_not_accepted(
    signing: Signing, issue: Issue
) -> None:
    player = signing.house.investors[0]
    signer = await signing.bound(player)
    signing.house.clock.advance(timedelta(minutes=5))
    signing.served.silent = True

    headers = await signing.house.token(player)
    answer = await signing.order(player, signer, issue.id, 2, headers=headers)

    assert answer.json()["items"][0]["outcome"] == "pending"
    assert await signing.house.order_states(issue) == ["signed"]
    assert await signing.house.money(player, Position.RESERVED) == 0
    signing.house.clock.advance(timedelta(minutes=5))
    await signing.house.kapital.settle_down()
    assert await signing.house.order_states(issue) == ["signed"]
    metrics = await signing.house.web.get("/metrics")
    assert 'kapital_acts_waiting{service="tokenization"} 1.0' in metrics.text

    signing.served.silent = False
    signing.house.clock.advance(timedelta(minutes=1))
    await signing.house.kapital.settle_down()

    assert await signing.house.order_states(issue) == ["accepted"]
    assert await signing.house.money(player, Position.RESERVED) == 2 * PRICE
    [row] = await signing.house.rows("tokenization", "SELECT order_id FROM subscription_order")
    assert read_signed_act(await file_of(signing, str(row["order_id"]))).bundle.outcome is Outcome.VALID


async def test_23_an_act_still_open_when_the_placement_ends_never_buys(signing: Signing, issue: Issue) -> None:
    player = signing.house.investors[0]
    signer = await signing.bound(player)
    signing.house.clock.advance(timedelta(minutes=5))
    signing.served.silent = True
    await signing.order(player, signer, issue.id, 2)

    await signing.house.closed(issue)
    signing.house.clock.advance(timedelta(minutes=1))
    await signing.house.kapital.settle_down()

    assert await signing.house.order_states(issue) == ["rejected"]
    [row] = await signing.house.rows("tokenization", "SELECT refusal_code FROM subscription_order")
    assert row["refusal_code"] == "placement_must_be_open"
    assert await signing.house.money(player) == 10 * PRICE


async def test_24_an_order_that_differs_from_what_was_signed_is_refused(signing: Signing, issue: Issue) -> None:
    player = signing.house.investors[0]
    signer = await signing.bound(player)

    answer = await signing.order(player, signer, issue.id, 9, signed_units=1)

    assert (answer.status_code, code(answer)) == (422, "signed_text_differs")
    assert await signing.house.order_states(issue) == []


async def test_55_a_signed_order_replayed_has_no_second_effect(signing: Signing, issue: Issue) -> None:
    player, other = signing.house.investors[:2]
    signer = await signing.bound(player)
    headers = await signing.house.token(player)
    act = await signing.prepare(headers, orders=[{"issue_id": str(issue.id), "units": 1}])
    body = {
        "orders": [{"issue_id": str(issue.id), "units": 1}],
        "act": {"made_at": act["made_at"], "signature": b64(signer.sign_now(b64decode(act["act"])))},
    }

    first = await signing.house.web.post(ORDERS, json=body, headers=headers)
    again = await signing.house.web.post(ORDERS, json=body, headers=headers)
    another_key = await signing.house.web.post(ORDERS, json=body, headers=headers | {"Idempotency-Key": "another"})
    another_person = await signing.house.web.post(
        ORDERS,
        json=body,
        headers=(await signing.house.token(other)) | {"Idempotency-Key": headers["Idempotency-Key"]},
    )

    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert [code(another_key), code(another_person)] == ["signed_text_differs"] * 2
    assert len(await signing.house.order_states(issue)) == 1


@pytest.mark.parametrize("who", ["client", "security"])
async def test_49_a_suspended_certificate_signs_nothing_until_another_person_restores_it(
    signing: Signing, issue: Issue, who: str
) -> None:
    player = signing.house.investors[0]
    signer = signing.signer(signing.numbers_of(player))
    certificate_id = (await signing.bind(player, signer))["certificate_id"]
    changes = f"/v1/identity/certificates/{certificate_id}/changes"
    officer, another = [await signing.house.staff_token(Role.SECURITY) for _ in range(2)]
    actor = officer if who == "security" else await signing.house.token(player)

    async def change(headers: dict[str, str], what: str, key: str) -> Any:
        body = {"change": what, "reason": "носитель утерян"}
        answer = await signing.house.web.post(changes, json=body, headers=headers | {"Idempotency-Key": key})
        await signing.house.kapital.bus.drain()
        return answer

    assert (await change(actor, "suspend", "1")).json()["state"] == "suspended"
    assert code(await signing.order(player, signer, issue.id, 1)) == "signature_certificate_suspended"
    assert (await change(actor, "restore", "2")).status_code == 403
    assert (await change(another, "restore", "3")).json()["state"] == "active"
    answer = await signing.order(player, signer, issue.id, 1)
    assert answer.json()["items"][0]["outcome"] == "accepted", answer.text
