"""What the policies answer is written down; a changed policy is tried on it and on what was decided."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.platform.access import Policies, PoliciesUnusable, Resource, load_policies
from kapital.platform.access.examples import SUBJECTS, examples_of, try_examples
from kapital.platform.access.replay import replay
from kapital.platform.clock import SteppedClock
from kapital.platform.unit_of_work import UnitOfWork

RISK = Actor(str(uuid4()), None, frozenset({Role.RISK}))
AUDITOR = Actor(str(uuid4()), None, frozenset({Role.AUDITOR}))
CONFIRMS = 'permit (principal in Role::"risk", action == Action::"confirm_fixing", resource);'


def changed(old: str, new: str) -> Policies:
    policies = load_policies()
    assert any(old in text for text in policies.files.values())
    return Policies({name: text.replace(old, new) for name, text in policies.files.items()})


def test_the_policies_answer_as_their_examples_say():
    examples = examples_of(None)

    assert try_examples(load_policies(), examples) == []
    assert {one.action for one in examples} == load_policies().actions.keys()


def test_a_policy_that_lets_another_role_in_is_seen_by_the_examples():
    wider = changed(CONFIRMS, CONFIRMS.replace('in Role::"risk"', '').replace("resource)", 'resource) when '
                    '{ principal in [Role::"risk", Role::"legal"] }'))  # fmt: skip

    [wrong] = try_examples(wider, examples_of(None))
    assert (wrong.action, wrong.who, wrong.allowed) == ("confirm_fixing", "legal", True)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.REGULATOR])
def test_auditor_and_regulator_change_nothing_whatever_another_policy_permits(role):
    everything = '@id("all.all") permit (principal, action, resource);'
    policies = load_policies()
    wide = Policies({**policies.files, "all.cedar": everything})
    changes = [one for one in examples_of(None) if wide.group(one.action) == "change"]
    allowed = try_examples(wide, [one._replace(allowed=frozenset()) for one in changes])

    assert {one.action for one in allowed if one.who == role.value} == {"revoke_access_token"}
    assert {one.action for one in allowed if one.who == "admin"} == {
        "register_staff", "end_staff", "propose_staff_change", "decide_staff_change", "issue_access_token",
        "revoke_access_token",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("who,what\n", "first line"),
        ("action,resource,allowed\nconfirm_fixing,-\n", "t.csv:2: a line"),
        ("action,resource,allowed\nconfirm_fixing,-,king\n", "t.csv:2: nobody is called king"),
        ("action,resource,allowed\nconfirm,-,risk\n", "t.csv:2: the schema has no action"),
        ("action,resource,allowed\nconfirm_fixing,owner=me,risk\n", "t.csv:2: owner=me"),
        ("action,resource,allowed\nconfirm_fixing,colour,risk\n", "t.csv:2"),
        (None, "no table"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_line(tmp_path: Path, table, why):
    if table is not None:
        (tmp_path / "t.csv").write_text(table)

    with pytest.raises(PoliciesUnusable, match=why):
        try_examples(load_policies(), examples_of(None, tmp_path))


async def test_replay_names_the_decisions_that_would_turn_and_no_other(make_database):
    database = await make_database("registry")
    uow = UnitOfWork(database, SteppedClock(datetime(2026, 3, 2, 9, tzinfo=UTC)))
    for _ in range(3):
        async with uow.begin() as tx:
            tx.access.require(RISK, "confirm_fixing", Resource("Fixing", uuid4(), 1))
    async with uow.begin() as tx:
        assert tx.access.decide(AUDITOR, "confirm_fixing", [Resource("Fixing")]) == [False]

    assert [one.turns for one in await replay(database, load_policies())] == [False, False]
    narrower = changed(CONFIRMS, CONFIRMS.replace('"risk"', '"legal"'))
    [turned] = [one for one in await replay(database, narrower) if one.turns]
    assert (turned.action, turned.roles, turned.times) == ("confirm_fixing", ("risk",), 3)
    assert (turned.allowed, turned.allowed_now, turned.first_id, turned.last_id) == (True, False, 1, 3)


async def test_a_decision_on_an_action_that_is_gone_turns_with_the_reason(make_database):
    database = await make_database("registry")
    async with UnitOfWork(database, SteppedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))).begin() as tx:
        tx.access.require(RISK, "confirm_fixing", Resource("Fixing"))

    [turned] = await replay(database, changed("confirm_fixing", "approve_fixing"))
    assert turned.turns
    assert "confirm_fixing" in str(turned.reason)


def test_everybody_is_every_role_and_who_has_none():
    assert SUBJECTS.keys() == {role.value for role in Role} | {"staff", "anonymous"}
