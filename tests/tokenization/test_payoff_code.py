"""A version of the payoff code computes new issues when two persons approved it, and old issues for life.

Scenario 65.
"""

from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from sqlalchemy import text

import kapital.tokenization.domain
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.kernel.states import WrongState
from kapital.tokenization.adapters.payoff_codes import require_code_unchanged
from kapital.tokenization.domain.evaluator import EVALUATORS, LATEST, PayoffCodeUnknown
from kapital.tokenization.domain.payoff_code import (
    PayoffCode,
    PayoffCodeChanged,
    PayoffCodeMustBeApproved,
    PayoffCodeMustBeNew,
    PayoffCodeNotProposed,
    PayoffCodeState,
)
from kapital.tokenization.domain.problems_life import ProposalMustMatch
from kapital.tokenization.queries.list_payoff_codes import list_payoff_codes
from kapital.tokenization.use_cases.approve_payoff_code import DecidePayoffCode, ProposePayoffCode
from kapital.tokenization.use_cases.publish_decision import PublishDecision
from kapital.tokenization.use_cases.review_decision import ReviewDecision
from kapital.tokenization.use_cases.sign_decision import SignDecision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision
from tests.tokenization.world import LAWYER, MANAGER, RISK, World, key, staff

OFFICER = staff(Role.SECURITY)
BOTH = staff(Role.SECURITY, Role.RISK)


async def forget(world: World, code_sha256: str = LATEST.code_sha256) -> None:
    """As if the version had come with this release: nobody approved it yet."""
    async with world.databases.get("tokenization").engine.begin() as conn:
        await conn.execute(text("DELETE FROM payoff_code WHERE code_sha256 = :code"), {"code": code_sha256})


async def propose(world: World, by: Any = OFFICER, code_sha256: str = LATEST.code_sha256) -> PayoffCode:
    return await world.app.propose_payoff_code(
        ProposePayoffCode(
            command_id=key(), actor=by, code_sha256=code_sha256, reason="baskets", document_sha256="5e" * 32
        )
    )


async def decide(world: World, seen: str, by: Any = RISK, *, approve: bool = True) -> PayoffCode:
    return await world.app.decide_payoff_code(
        DecidePayoffCode(
            command_id=key(), actor=by, code_sha256=LATEST.code_sha256, proposal_sha256=seen, approve=approve
        )
    )


async def test_a_version_computes_new_issues_when_two_persons_approved_its_hash_and_the_audit_says_so(
    world: World,
) -> None:
    await forget(world)
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    older = await world.published(issuer)  # of version 1, which is in use
    issue_id, sha = await world.drafted(issuer, "basket-metals")
    seen: dict[str, Any] = {"issue_id": issue_id, "decision_sha256": sha}

    with pytest.raises(PayoffCodeMustBeApproved) as refused:
        await world.app.submit_decision(SubmitDecision(command_id=key(), actor=issuer.actor, **seen))
    assert refused.value.facts == {"code_sha256": LATEST.code_sha256, "evaluator_version": LATEST.version}
    assert await world.state(issue_id) == "draft"
    with pytest.raises(PayoffCodeNotProposed):
        await decide(world, "0" * 64)
    rejected = await propose(world)
    await decide(world, rejected.proposal_sha256, approve=False)
    with pytest.raises(WrongState):
        await decide(world, rejected.proposal_sha256)
    proposed = await propose(world, BOTH)
    with pytest.raises(PayoffCodeMustBeApproved):
        await world.app.submit_decision(SubmitDecision(command_id=key(), actor=issuer.actor, **seen))
    with pytest.raises(PayoffCodeMustBeNew):
        await propose(world)
    with pytest.raises(MakerAndCheckerMustDiffer):
        await decide(world, proposed.proposal_sha256, BOTH)
    with pytest.raises(ProposalMustMatch):
        await decide(world, rejected.proposal_sha256)
    approved = await decide(world, proposed.proposal_sha256)

    assert approved.state is PayoffCodeState.APPROVED
    await world.app.submit_decision(SubmitDecision(command_id=key(), actor=issuer.actor, **seen))
    told = await world.rows(
        "SELECT action, actor_id FROM audit_event WHERE subject = :id ORDER BY id", id=str(proposed.proposal_id)
    )
    assert [(row["action"], row["actor_id"]) for row in told] == [
        ("tokenization.payoff_code_proposed", BOTH.id),
        ("tokenization.payoff_code_approved", RISK.id),
    ]
    async with world.databases.get("tokenization").connect() as conn:
        listed = (await list_payoff_codes(conn, world.app.parts, RISK)).items
    assert sorted((one.evaluator_version, str(one.state)) for one in listed) == [
        (1, "approved"),
        (2, "approved"),
        (2, "rejected"),
    ]
    assert await world.state(older) == "published"


async def test_what_is_signed_is_not_published_while_its_version_is_not_approved(world: World) -> None:
    [issuer] = await world.people(1, role=Role.ISSUER, kind="legal_entity")
    issue_id, sha = await world.drafted(issuer, "basket-metals")
    seen: dict[str, Any] = {"issue_id": issue_id, "decision_sha256": sha}
    await world.app.submit_decision(SubmitDecision(command_id=key(), actor=issuer.actor, **seen))
    for reviewer in (MANAGER, LAWYER):
        answers = await world.answers(issue_id)
        await world.app.review_decision(ReviewDecision(command_id=key(), actor=reviewer, **seen, checklist=answers))
    await world.app.sign_decision(SignDecision(command_id=key(), actor=issuer.actor, **seen))
    await forget(world)

    with pytest.raises(PayoffCodeMustBeApproved):
        await world.app.publish_decision(PublishDecision(command_id=key(), actor=MANAGER, **seen))
    assert await world.state(issue_id) == "signed"
    await decide(world, (await propose(world)).proposal_sha256)
    await world.app.publish_decision(PublishDecision(command_id=key(), actor=MANAGER, **seen))
    assert await world.state(issue_id) == "published"


async def test_a_version_that_is_not_here_is_not_proposed(world: World) -> None:
    with pytest.raises(PayoffCodeUnknown):
        await propose(world, code_sha256="0" * 64)


def test_an_edited_file_of_a_version_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree(Path(kapital.tokenization.domain.__file__).parent, tmp_path / "edited_code")
    monkeypatch.syspath_prepend(tmp_path)
    # The copy as a package of its own: it is read and never run.
    (tmp_path / "edited_code" / "__init__.py").write_text("")
    require_code_unchanged("edited_code")
    edited = tmp_path / "edited_code" / EVALUATORS[0].file
    edited.write_bytes(edited.read_bytes() + b"# one byte more\n")

    with pytest.raises(PayoffCodeChanged) as changed:
        require_code_unchanged("edited_code")
    assert changed.value.facts["file"] == EVALUATORS[0].file
