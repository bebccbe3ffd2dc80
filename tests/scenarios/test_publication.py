"""A decision is published with a time-stamp of the authority, and anybody reads its text without a token."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from kapital.demo.cast import Player
from kapital.platform.signatures.cms import check_signature, find_signer, read_container
from kapital.platform.signatures.timestamps import read_stamp
from kapital.tokenization.domain.checklist import all_hold
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.publish_decision import PublishDecision
from kapital.tokenization.use_cases.review_decision import ReviewDecision
from kapital.tokenization.use_cases.sign_decision import SignDecision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision
from tests.scenarios.house import ISSUE_MANAGER, LEGAL, House, key, terms
from tests.scenarios.signing import RULES, Signing, b64


@pytest_asyncio.fixture
async def signing(server: str, tmp_path: Path) -> AsyncIterator[Signing]:
    async with Signing.open(server, tmp_path) as made:
        yield made
        await made.house.must_be_sound()


async def documents(house: House, issue_id: UUID) -> dict[str, bytes]:
    """The documents of an issue by the end of their names, read as anybody reads them."""
    page = (await house.web.get(f"/v1/disclosure/issues/{issue_id}")).json()
    found = {}
    for one in page["documents"]:
        answer = await house.web.get(f"/v1/disclosure/documents/{one['sha256']}")
        assert answer.status_code == 200, answer.text
        assert sha256(answer.content).hexdigest() == one["sha256"]
        found[one["name"].rpartition("-")[2]] = answer.content
    return found


async def test_the_publication_is_stamped_and_its_documents_are_read_without_a_token(signing: Signing) -> None:
    issue = await signing.house.opened(1, units_each=10, quantity_min=1, quantity_max=100)

    found = await documents(signing.house, issue.id)

    record = json.loads(found["publication.json"])
    stamp = read_stamp(found["publication.tst"], found["publication.json"])
    assert record["time_stamp"] == "rfc3161"
    assert stamp.stamped_at <= signing.house.clock.now()
    assert found["ru.pdf"].startswith(b"%PDF-")
    told = {one["sha256"] for one in record["documents"]}
    assert {sha256(found[name]).hexdigest() for name in ("decision.json", "ru.md", "ru.pdf")} == told


async def accepted(house: House) -> tuple[Player, dict[str, Any]]:
    """An issuer whose decision both reviewers accepted, and what a command names of it."""
    app, decision = house.kapital.tokenization.use_cases, terms()
    [issuer] = await house.people(0, decision)
    draft = await app.draft_decision(DraftDecision(command_id=key(), actor=issuer.actor, terms=decision))
    seen: dict[str, Any] = {"issue_id": draft.issue_id, "decision_sha256": draft.decision_sha256}
    await app.submit_decision(SubmitDecision(command_id=key(), actor=issuer.actor, **seen))
    answers = all_hold(load_terms(decision))
    for reviewer in (ISSUE_MANAGER, LEGAL):
        await app.review_decision(ReviewDecision(command_id=key(), actor=reviewer, checklist=answers, **seen))
    return issuer, seen


async def test_what_the_issuer_signed_is_published_and_anybody_checks_it_against_the_decision(
    server: str, tmp_path: Path
) -> None:
    rule = {"kind": "sign_decision", "signature": "qualified", "effective_from": "2020-01-01", "basis": "test"}
    async with Signing.open(server, tmp_path, act_rules=[*RULES, rule]) as signing:
        house = signing.house
        issuer, seen = await accepted(house)
        signer = await signing.bound(issuer)
        headers = await house.token(issuer)
        decision = {"issue_id": str(seen["issue_id"]), "decision_sha256": seen["decision_sha256"]}
        act = await signing.prepare(headers, decision=decision)
        signature = signer.sign_now(b64decode(act["act"]))
        signed = await house.web.post(
            f"/v1/tokenization/issues/{seen['issue_id']}/signature",
            json={
                "decision_sha256": seen["decision_sha256"],
                "act": {"made_at": act["made_at"], "signature": b64(signature)},
            },
            headers=headers,
        )
        assert signed.status_code == 200, signed.text
        app = house.kapital.tokenization.use_cases
        await app.publish_decision(PublishDecision(command_id=key(), actor=ISSUE_MANAGER, **seen))
        await house.kapital.bus.drain()

        found = await documents(house, seen["issue_id"])

        container = read_container(found["act.json.p7s"])
        check_signature(container, found["act.json"], find_signer(container))
        assert json.loads(found["act.json"])["act"]["command"] == decision
        assert sha256(found["decision.json"]).hexdigest() == seen["decision_sha256"]
        told = {one["sha256"] for one in json.loads(found["publication.json"])["documents"]}
        assert {sha256(found[name]).hexdigest() for name in ("act.json", "act.json.p7s")} <= told
        await house.must_be_sound()


async def test_while_the_authority_is_silent_nothing_is_published_and_the_same_command_publishes_later(
    signing: Signing,
) -> None:
    house = signing.house
    app = house.kapital.tokenization.use_cases
    issuer, seen = await accepted(house)
    await app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
    command = PublishDecision(command_id=key(), actor=ISSUE_MANAGER, **seen)

    signing.served.silent = True
    with pytest.raises(Exception, match=r"signature_source_unavailable|time_stamp_unavailable"):
        await app.publish_decision(command)
    await house.kapital.bus.drain()
    assert (await house.web.get(f"/v1/disclosure/issues/{seen['issue_id']}")).status_code == 404
    [row] = await house.rows("tokenization", "SELECT state FROM issue")
    assert row["state"] == "signed"

    signing.served.silent = False
    assert (await app.publish_decision(command)).state == "published"
    await house.kapital.bus.drain()
    assert "publication.tst" in await documents(house, seen["issue_id"])
