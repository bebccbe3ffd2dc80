"""A decision is published with a time-stamp of the authority, and anybody reads its text without a token."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from kapital.platform.signatures.timestamps import read_stamp
from kapital.tokenization.domain.checklist import all_hold
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.publish_decision import PublishDecision
from kapital.tokenization.use_cases.review_decision import ReviewDecision
from kapital.tokenization.use_cases.sign_decision import SignDecision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision
from tests.scenarios.house import ISSUE_MANAGER, LEGAL, House, key, terms
from tests.scenarios.signing import Signing


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


async def test_while_the_authority_is_silent_nothing_is_published_and_the_same_command_publishes_later(
    signing: Signing,
) -> None:
    house = signing.house
    app, decision = house.kapital.tokenization.use_cases, terms()
    [issuer] = await house.people(0, decision)
    draft = await app.draft_decision(DraftDecision(command_id=key(), actor=issuer.actor, terms=decision))
    seen: dict[str, Any] = {"issue_id": draft.issue_id, "decision_sha256": draft.decision_sha256}
    await app.submit_decision(SubmitDecision(command_id=key(), actor=issuer.actor, **seen))
    for reviewer in (ISSUE_MANAGER, LEGAL):
        answers = all_hold(load_terms(decision))
        await app.review_decision(ReviewDecision(command_id=key(), actor=reviewer, checklist=answers, **seen))
    await app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
    command = PublishDecision(command_id=key(), actor=ISSUE_MANAGER, **seen)

    signing.served.silent = True
    with pytest.raises(Exception, match=r"signature_source_unavailable|time_stamp_unavailable"):
        await app.publish_decision(command)
    await house.kapital.bus.drain()
    assert (await house.web.get(f"/v1/disclosure/issues/{draft.issue_id}")).status_code == 404
    [row] = await house.rows("tokenization", "SELECT state FROM issue")
    assert row["state"] == "signed"

    signing.served.silent = False
    assert (await app.publish_decision(command)).state == "published"
    await house.kapital.bus.drain()
    assert "publication.tst" in await documents(house, draft.issue_id)
