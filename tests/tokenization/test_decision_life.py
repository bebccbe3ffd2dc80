"""Draft, review, signature, publication: four eyes on one exact hash, and nothing changes after. Scenarios 41, 42."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kapital.kernel.actor import NotPermitted
from kapital.kernel.canonical import sha256_hex
from kapital.kernel.problems import MakerAndCheckerMustDiffer, Problem, StaleVersion
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.platform.problems import IdempotencyKeyReused
from kapital.platform.publication_rules import PublicationStampRule
from kapital.tokenization.domain.checklist import Answer, all_hold, items_of
from kapital.tokenization.domain.decision import Verdict
from kapital.tokenization.domain.problems import (
    DecisionHashMustMatch,
    DecisionMustBeEditable,
    DecisionMustBePrintable,
    IssueCodeTaken,
    IssueNotFound,
    IssuerWalletMustBeOpen,
    ReturnNeedsReason,
    ReviewMustBeNext,
    ReviewNeedsEveryItem,
    TermsMustHaveNoFault,
)
from kapital.tokenization.domain.problems_placement import PublicationNeedsTimeStamp
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.use_cases.cancel_issue import CancelIssue
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.publish_decision import PublishDecision
from kapital.tokenization.use_cases.review_decision import ReviewDecision
from kapital.tokenization.use_cases.sign_decision import SignDecision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision
from tests.tokenization.world import LAWYER, MANAGER, START, Person, ProcessDied, World, key, staff, terms

OTHER_SHA = "0" * 64
FULL = all_hold(load_terms(terms()))


@pytest.fixture
async def issuer(world: World) -> Person:
    [person] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    return person


async def submitted(world: World, issuer: Person) -> dict[str, Any]:
    issue_id, sha = await world.drafted(issuer)
    await world.app.submit_decision(
        SubmitDecision(command_id=key(), actor=issuer.actor, issue_id=issue_id, decision_sha256=sha)
    )
    return {"issue_id": issue_id, "decision_sha256": sha}


async def ready(world: World, issuer: Person) -> dict[str, Any]:
    seen = await submitted(world, issuer)
    await world.app.review_decision(ReviewDecision(command_id=key(), actor=MANAGER, checklist=FULL, **seen))
    await world.app.review_decision(ReviewDecision(command_id=key(), actor=LAWYER, checklist=FULL, **seen))
    return seen


async def test_a_draft_with_faults_is_kept_with_all_of_them_and_cannot_be_submitted(
    world: World, issuer: Person
) -> None:
    draft = await world.app.draft_decision(
        DraftDecision(command_id=key(), actor=issuer.actor, terms=terms(quantity_min=50_000, lot=0))
    )

    assert len(draft.faults) >= 2
    with pytest.raises(TermsMustHaveNoFault) as refused:
        await world.app.submit_decision(
            SubmitDecision(
                command_id=key(), actor=issuer.actor, issue_id=draft.issue_id, decision_sha256=draft.decision_sha256
            )
        )
    assert len(refused.value.errors) == len(draft.faults)
    assert await world.state(draft.issue_id) == "draft"


async def test_the_same_command_drafts_once_and_another_content_under_its_key_is_refused(
    world: World, issuer: Person
) -> None:
    command, body = key(), terms()

    first = await world.app.draft_decision(DraftDecision(command_id=command, actor=issuer.actor, terms=body))
    again = await world.app.draft_decision(DraftDecision(command_id=command, actor=issuer.actor, terms=body))

    assert again == first
    with pytest.raises(IdempotencyKeyReused):
        await world.app.draft_decision(DraftDecision(command_id=command, actor=issuer.actor, terms=terms()))
    assert len(await world.rows("SELECT 1 FROM issue")) == 1


async def test_two_issues_never_share_a_code(world: World, issuer: Person) -> None:
    body = terms()
    await world.app.draft_decision(DraftDecision(command_id=key(), actor=issuer.actor, terms=body))

    with pytest.raises(IssueCodeTaken):
        await world.app.draft_decision(DraftDecision(command_id=key(), actor=issuer.actor, terms=body))


async def test_another_issuer_neither_sees_nor_touches_a_draft(world: World, issuer: Person) -> None:
    [stranger] = await world.people(1, role=Role.ISSUER)
    issue_id, sha = await world.drafted(issuer)

    with pytest.raises(IssueNotFound):
        await world.app.submit_decision(
            SubmitDecision(command_id=key(), actor=stranger.actor, issue_id=issue_id, decision_sha256=sha)
        )
    with pytest.raises(IssueNotFound):
        await world.app.draft_decision(
            DraftDecision(command_id=key(), actor=stranger.actor, terms=terms(), issue_id=issue_id)
        )


async def test_one_person_cannot_review_twice_whatever_their_roles(world: World, issuer: Person) -> None:
    both = staff(Role.ISSUE_MANAGER, Role.LEGAL)
    seen = await submitted(world, issuer)
    await world.app.review_decision(ReviewDecision(command_id=key(), actor=both, checklist=FULL, **seen))

    with pytest.raises(MakerAndCheckerMustDiffer):
        await world.app.review_decision(ReviewDecision(command_id=key(), actor=both, checklist=FULL, **seen))
    assert await world.state(seen["issue_id"]) == "operator_review"


async def test_legal_does_not_review_first_and_others_not_at_all(world: World, issuer: Person) -> None:
    seen = await submitted(world, issuer)

    with pytest.raises(ReviewMustBeNext):
        await world.app.review_decision(ReviewDecision(command_id=key(), actor=LAWYER, checklist=FULL, **seen))
    with pytest.raises(NotPermitted):
        await world.app.review_decision(
            ReviewDecision(command_id=key(), actor=staff(Role.SETTLEMENT), checklist=FULL, **seen)
        )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"decision_sha256": OTHER_SHA}, DecisionHashMustMatch),
        ({"version": 1}, StaleVersion),
        ({"verdict": Verdict.RETURN}, ReturnNeedsReason),
    ],
)
async def test_a_review_names_exactly_what_was_seen(
    world: World, issuer: Person, change: dict[str, Any], problem: type[Problem]
) -> None:
    seen = await submitted(world, issuer)

    with pytest.raises(problem):
        await world.app.review_decision(
            ReviewDecision(command_id=key(), actor=MANAGER, checklist=FULL, **{**seen, **change})
        )
    assert await world.rows("SELECT 1 FROM review") == []


async def test_a_returned_decision_is_mended_as_a_new_version_and_reviewed_anew(world: World, issuer: Person) -> None:
    seen = await submitted(world, issuer)
    await world.app.review_decision(ReviewDecision(command_id=key(), actor=MANAGER, checklist=FULL, **seen))
    returned = await world.app.review_decision(
        ReviewDecision(command_id=key(), actor=LAWYER, **seen, verdict=Verdict.RETURN, note="цена")
    )
    assert returned.state == "returned"

    mended = await world.app.draft_decision(
        DraftDecision(command_id=key(), actor=issuer.actor, terms=terms(), issue_id=seen["issue_id"])
    )

    assert (mended.state, mended.decision_version) == ("draft", 2)
    new = {"issue_id": mended.issue_id, "decision_sha256": mended.decision_sha256}
    await world.app.submit_decision(SubmitDecision(command_id=key(), actor=issuer.actor, **new))
    with pytest.raises(DecisionHashMustMatch):
        await world.app.review_decision(ReviewDecision(command_id=key(), actor=MANAGER, checklist=FULL, **seen))
    await world.app.review_decision(ReviewDecision(command_id=key(), actor=MANAGER, checklist=FULL, **new))
    assert (
        await world.app.review_decision(ReviewDecision(command_id=key(), actor=LAWYER, checklist=FULL, **new))
    ).state == "ready_to_sign"


async def test_what_is_signed_is_what_was_reviewed_and_anyone_can_check_it(world: World, issuer: Person) -> None:
    seen = await ready(world, issuer)

    await world.app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))

    body = bytes((await world.rows("SELECT terms FROM decision_version"))[0]["terms"])
    assert sha256_hex(body) == seen["decision_sha256"]
    rows = await world.rows("SELECT * FROM decision_signature ORDER BY party")
    assert [(row["party"], row["signature_kind"]) for row in rows] == [("issuer", "simple"), ("operator", "simple")]
    for row in rows:
        Ed25519PublicKey.from_public_bytes(bytes(row["public_key"])).verify(bytes(row["signature"]), body)


async def test_nothing_is_signed_before_both_reviews(world: World, issuer: Person) -> None:
    seen = await submitted(world, issuer)
    await world.app.review_decision(ReviewDecision(command_id=key(), actor=MANAGER, checklist=FULL, **seen))

    with pytest.raises(WrongState):
        await world.app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
    with pytest.raises(WrongState):
        await world.app.publish_decision(PublishDecision(command_id=key(), actor=MANAGER, **seen))


async def test_publication_keeps_the_documents_opens_the_units_and_tells_once(world: World, issuer: Person) -> None:
    seen = await ready(world, issuer)
    await world.app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
    command = key()

    first = await world.app.publish_decision(PublishDecision(command_id=command, actor=MANAGER, **seen))
    again = await world.app.publish_decision(PublishDecision(command_id=command, actor=MANAGER, **seen))

    assert first == again
    [told] = await world.events("decision_published")
    for document in told["documents"]:
        assert len(await world.documents.get(document["sha256"])) == document["bytes"]
    assert told["documents"][0]["sha256"] == seen["decision_sha256"]
    assert await world.ledger.register(seen["issue_id"]) == []
    assert [e["state"] for e in await world.events("issue_state_changed")][-1] == "published"
    await world.check()


async def test_a_crash_in_the_middle_of_publication_is_mended_by_the_same_command(
    world: World, issuer: Person
) -> None:
    seen = await ready(world, issuer)
    await world.app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
    command = key()
    world.mortal.die_after_post = True
    with pytest.raises(ProcessDied):
        await world.app.publish_decision(PublishDecision(command_id=command, actor=MANAGER, **seen))
    world.mortal.die_after_post = False
    size = await world.ledger.size()

    published = await world.app.publish_decision(PublishDecision(command_id=command, actor=MANAGER, **seen))

    assert published.state == "published"
    assert await world.ledger.size() == size


async def test_without_an_authority_nothing_is_published_on_a_day_whose_rule_asks_for_a_stamp(
    world: World, issuer: Person
) -> None:
    seen = await ready(world, issuer)
    await world.app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
    rule = PublicationStampRule(effective_from=START.date(), effective_to=START.date(), basis="п. 7.1")
    strict, command = world.another_process(stamps=(rule,)), key()
    size = await world.ledger.size()

    with pytest.raises(PublicationNeedsTimeStamp):
        await strict.publish_decision(PublishDecision(command_id=command, actor=MANAGER, **seen))

    assert (await world.state(seen["issue_id"]), await world.ledger.size()) == ("signed", size)
    world.clock.advance(timedelta(days=1))
    published = await strict.publish_decision(PublishDecision(command_id=command, actor=MANAGER, **seen))
    assert published.state == "published"


async def test_an_issuer_without_a_wallet_cannot_publish(world: World, issuer: Person) -> None:
    seen = await ready(world, issuer)
    await world.app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
    async with world.databases.get("tokenization").engine.begin() as conn:
        await conn.exec_driver_sql("UPDATE investor SET wallet_id = NULL")

    with pytest.raises(IssuerWalletMustBeOpen):
        await world.app.publish_decision(PublishDecision(command_id=key(), actor=MANAGER, **seen))


@pytest.mark.parametrize("example", ["fixed-rate-window", "debt-step-rate"])
async def test_a_published_decision_is_immutable_for_people_and_for_sql(
    world: World, issuer: Person, example: str
) -> None:
    issue_id = await world.published(issuer, example)
    published = (await world.issue(issue_id))["decision_sha256"]

    with pytest.raises(DecisionMustBeEditable):
        await world.app.draft_decision(
            DraftDecision(command_id=key(), actor=issuer.actor, terms=terms(example), issue_id=issue_id)
        )
    assert (await world.issue(issue_id))["decision_sha256"] == published
    conn = await asyncpg.connect(world.databases.get("tokenization").dsn)
    try:
        for attack in (
            "UPDATE decision_version SET sha256 = ''",
            "DELETE FROM decision_version",
            "TRUNCATE decision_version CASCADE",
        ):
            with pytest.raises(asyncpg.RaiseError):
                await conn.execute(attack)
    finally:
        await conn.close()


async def test_an_issue_is_given_up_only_before_the_first_accepted_order(world: World, issuer: Person) -> None:
    [investor] = await world.people(1, kopecks=10_000_000)
    first, second = await world.opened(issuer), await world.opened(issuer)
    placed = await world.order(investor, second, 5)
    await world.withdraw(investor, placed)

    assert (
        await world.app.cancel_issue(
            CancelIssue(command_id=key(), actor=issuer.actor, issue_id=first, reason="рынок")
        )
    ).state == "cancelled"
    with pytest.raises(Problem) as refused:
        await world.app.cancel_issue(
            CancelIssue(command_id=key(), actor=issuer.actor, issue_id=second, reason="рынок")
        )
    assert refused.value.code == "issue_must_have_no_accepted_order"
    await world.check()


async def test_an_unknown_issue_is_not_found(world: World, issuer: Person) -> None:
    with pytest.raises(IssueNotFound):
        await world.app.review_decision(
            ReviewDecision(command_id=key(), actor=MANAGER, issue_id=UUID(int=1), decision_sha256=OTHER_SHA)
        )


@pytest.mark.parametrize(
    "answers",
    [
        (),
        FULL[:-1],
        (*FULL[:-1], FULL[0]),
        (*FULL, FULL[0]),
        (*FULL, Answer(item="debt", holds=True)),
        (*FULL[:-1], Answer(item=FULL[-1].item, holds=False, note="срок")),
    ],
)
async def test_an_acceptance_answers_every_item_of_the_checklist_and_a_return_needs_none(
    world: World, issuer: Person, answers: tuple[Answer, ...]
) -> None:
    seen = await submitted(world, issuer)

    with pytest.raises(ReviewNeedsEveryItem):
        await world.app.review_decision(ReviewDecision(command_id=key(), actor=MANAGER, checklist=answers, **seen))

    assert await world.rows("SELECT 1 FROM review") == []
    returned = ReviewDecision(
        command_id=key(), actor=MANAGER, checklist=answers, verdict=Verdict.RETURN, note="срок", **seen
    )
    assert (await world.app.review_decision(returned)).state == "returned"
    [kept] = await world.rows("SELECT checklist FROM review")
    assert len(kept["checklist"] if isinstance(kept["checklist"], list) else json.loads(kept["checklist"])) == len(
        answers
    )
    await world.check()


def test_a_decision_on_debt_has_an_item_more() -> None:
    debt = load_terms(terms("debt-step-rate"))

    assert {item.code for item in items_of(debt)} - {answer.item for answer in FULL} == {"debt"}


async def test_the_printed_text_is_bound_to_the_version_from_the_draft_to_the_publication(
    world: World, issuer: Person
) -> None:
    seen = await ready(world, issuer)
    [drafted] = await world.rows("SELECT pdf_sha256, terms FROM decision_version")
    await world.app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
    await world.app.publish_decision(PublishDecision(command_id=key(), actor=MANAGER, **seen))

    [told] = await world.events("decision_published")
    documents = {one["name"].split("-", 2)[-1]: one for one in told["documents"]}
    printed = await world.documents.get(documents["decision-ru.pdf"]["sha256"])
    assert documents["decision-ru.pdf"]["sha256"] == drafted["pdf_sha256"]
    assert printed.startswith(b"%PDF-")
    record = json.loads(await world.documents.get(documents["publication.json"]["sha256"]))
    assert record["decision_sha256"] == sha256_hex(bytes(drafted["terms"]))
    assert drafted["pdf_sha256"] in [one["sha256"] for one in record["documents"]]
    assert [one["role"] for one in record["reviews"]] == ["issue_manager", "legal"]
    assert len(record["reviews"][0]["checklist"]) == len(FULL)
    assert record["time_stamp"].startswith("none")
    assert not any(name.endswith(".tst") for name in documents)


async def test_a_text_with_a_sign_that_cannot_be_printed_is_refused_by_name(world: World, issuer: Person) -> None:
    with pytest.raises(DecisionMustBePrintable, match="日"):
        await world.app.draft_decision(
            DraftDecision(command_id=key(), actor=issuer.actor, terms=terms(information_text="日本"))
        )
    assert await world.rows("SELECT 1 FROM issue") == []
