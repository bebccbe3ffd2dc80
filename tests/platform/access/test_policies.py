"""The engine: what no policy permits is refused, names do not matter, and what cannot be used is not started with."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import Family, InvariantBroken, Problem, Retry
from kapital.kernel.roles import Role
from kapital.platform import access
from kapital.platform.access import ActorRef, Policies, PoliciesUnusable, Resource, load_policies
from kapital.platform.access.policies import policies_folder
from kapital.platform.access.questions import question, request_of

ROLES = ", ".join(f'"{role.value}"' for role in Role)
SCHEMA = (
    f"entity Role enum [{ROLES}];\n"
    """
entity Participant;
entity Actor in [Role] = { kind: String, participant?: Participant };
entity Thing = { owner?: Participant, made_by?: Actor };
action "read"; action "change"; action "public";
action "see" in ["read"] appliesTo { principal: [Actor], resource: [Thing] };
action "check" in ["change"] appliesTo { principal: [Actor], resource: [Thing] };
"""
)
POLICIES = """
@id("things.staff_see")
permit (principal in Role::"settlement", action == Action::"see", resource);
@id("things.own")
permit (principal, action == Action::"see", resource)
when { principal has participant && resource has owner && resource.owner == principal.participant };
@id("things.checked")
permit (principal in Role::"settlement", action == Action::"check", resource);
@id("things.two")
@needs("another person")
forbid (principal, action == Action::"check", resource)
when { resource has made_by && resource.made_by == principal };
"""
SETTLEMENT = Actor(str(uuid4()), None, frozenset({Role.SETTLEMENT}))
OTHER = uuid4()


class ThingNotFound(Problem):
    code = "thing_of_this_test_not_found"
    title = "No such thing"
    retry = Retry.NEVER
    family = Family.NOT_FOUND


def client(*roles: Role) -> Actor:
    participant = uuid4()
    return Actor(str(participant), participant, frozenset(roles))


@pytest.fixture
def things():
    before = access.current_policies()
    access.use_policies(Policies({"a.cedarschema": SCHEMA, "a.cedar": POLICIES}))
    yield access.current_policies()
    access.use_policies(before)


def test_the_policies_of_the_house_fit_their_schema_and_every_one_has_a_name():
    policies = load_policies()

    assert len(policies.annotations) == str(policies.files).count("@id(")
    assert len(policies.version) == 64


@pytest.mark.parametrize("action", sorted(load_policies().actions))
def test_what_no_policy_permits_is_refused(action):
    nobody = Actor(str(uuid4()), None, frozenset())
    policies = load_policies()
    kinds = set(policies.resource_kinds.values())
    fitting = 0
    for kind in kinds:
        try:
            [verdict] = policies.decide([question(nobody, action, Resource(kind))])
        except InvariantBroken:
            continue  # the action is not about this kind
        fitting += 1
        assert verdict.allowed == (policies.group(action) == "public")
    assert fitting == 1


def test_an_object_of_another_looks_like_one_that_does_not_exist(things):
    actor = client()

    access.require(actor, "see", Resource("Thing", owner=actor.participant_id), hidden=ThingNotFound)
    for nothing in (Resource("Thing"), Resource("Thing", owner=OTHER)):
        with pytest.raises(ThingNotFound):
            access.require(actor, "see", nothing, hidden=ThingNotFound)


def test_staff_without_the_right_learn_what_is_missing_and_nothing_of_existence(things):
    auditor = Actor(str(uuid4()), None, frozenset({Role.AUDITOR}))

    for thing in (Resource("Thing"), Resource("Thing", owner=OTHER)):
        with pytest.raises(NotPermitted) as refusal:
            access.require(auditor, "see", thing, hidden=ThingNotFound)
        assert refusal.value.facts == {"required": "settlement"}


def test_a_client_is_told_neither_roles_nor_policies(things):
    with pytest.raises(NotPermitted) as refusal:
        access.require(client(), "see", Resource("Thing", owner=OTHER))

    assert refusal.value.facts == {}
    assert "settlement" not in refusal.value.detail


def test_lists_are_filtered_by_what_the_policies_say_of_own_and_of_all(things):
    actor = client()

    assert access.scope(SETTLEMENT, "see", "Thing").only is None
    assert access.scope(actor, "see", "Thing").only == actor.participant_id
    with pytest.raises(NotPermitted):
        access.scope(Actor(str(uuid4()), None, frozenset({Role.AUDITOR})), "see", "Thing")


def test_a_change_cannot_be_asked_where_it_would_not_be_recorded(things):
    with pytest.raises(InvariantBroken, match="through its transaction"):
        access.require(SETTLEMENT, "check", Resource("Thing"))


def test_an_action_or_attribute_that_the_schema_does_not_know_is_our_fault(things):
    with pytest.raises(InvariantBroken):
        access.require(SETTLEMENT, "sea", Resource("Thing"))
    with pytest.raises(InvariantBroken):
        access.require(SETTLEMENT, "see", Resource("Thing", colour="red"))


actors = st.builds(
    lambda n, participant, roles: Actor(str(UUID(int=n)), UUID(int=n) if participant else None, frozenset(roles)),
    st.integers(1, 3),
    st.booleans(),
    st.lists(st.sampled_from([Role.SETTLEMENT, Role.AUDITOR])),
)


@given(actors, st.none() | st.integers(1, 3), st.none() | st.integers(1, 3), st.permutations([11, 22, 33]))
def test_an_answer_does_not_depend_on_who_is_who(actor, owner, maker, other):
    """Ids are renamed by a permutation, in Cedar itself: so one answer may be remembered for all of them."""
    names = {UUID(int=n): UUID(int=other[n - 1]) for n in (1, 2, 3)}
    policies = Policies({"a.cedarschema": SCHEMA, "a.cedar": POLICIES})

    def asked(rename):
        who = Actor(str(rename(UUID(actor.id))), actor.participant_id and rename(actor.participant_id), actor.roles)
        thing = Resource(
            "Thing",
            owner=None if owner is None else rename(UUID(int=owner)),
            made_by=None if maker is None else ActorRef(str(rename(UUID(int=maker)))),
        )
        return question(who, "check", thing)

    one, two = asked(lambda name: name), asked(names.__getitem__)
    assert one == two
    assert policies.decide([one]) == [policies.decide_request(request_of(two))]


def test_the_second_person_is_another_one(things):
    made, of_another = (Resource("Thing", made_by=ActorRef(by)) for by in (SETTLEMENT.id, str(uuid4())))
    [verdict] = things.decide([question(SETTLEMENT, "check", made)])

    assert verdict == (False, ("things.two",))
    assert things.decide([question(SETTLEMENT, "check", of_another)])[0].allowed


def test_the_version_is_the_hash_of_the_content():
    one = Policies({"a.cedarschema": SCHEMA, "a.cedar": POLICIES})
    other = Policies({"a.cedarschema": SCHEMA, "a.cedar": POLICIES + "// a word\n"})

    assert one.version != other.version
    assert one.version == Policies({"a.cedar": POLICIES, "a.cedarschema": SCHEMA}).version


@pytest.mark.parametrize(
    ("schema", "policies", "why"),
    [
        ("", POLICIES, "no policy or no schema"),
        (SCHEMA, "", "no policy or no schema"),
        (SCHEMA + "entity", POLICIES, "schema"),
        (SCHEMA, POLICIES + "permit (", "policies"),
        (SCHEMA, POLICIES + 'permit (principal, action, resource);', "no @id"),
        (SCHEMA, POLICIES + '@id("things.own") permit (principal, action, resource);', "two policies"),
        (SCHEMA, POLICIES + '@id("a.b") permit (principal in Role::"king", action, resource);', "king"),
        (SCHEMA, POLICIES + '@id("a.b") permit (principal, action == Action::"sea", resource);', "sea"),
        (SCHEMA, POLICIES + '@id("a.b") permit (principal == Actor::"x", action, resource);', "names"),
        (SCHEMA + 'action "x" in ["read", "change"] appliesTo { principal: [Actor], resource: [Thing] };', POLICIES,
         "action x"),
    ],
)  # fmt: skip
def test_a_set_that_cannot_be_used_is_refused_with_the_place(tmp_path, schema, policies, why):
    (tmp_path / "a.cedarschema").write_text(schema)
    (tmp_path / "a.cedar").write_text(policies)

    with pytest.raises(PoliciesUnusable, match=why) as refusal:
        load_policies(tmp_path)
    assert str(tmp_path) in refusal.value.detail


def test_a_missing_folder_a_huge_file_and_strange_bytes_are_refused(tmp_path):
    with pytest.raises(PoliciesUnusable, match="not a folder"):
        load_policies(tmp_path / "nowhere")
    (tmp_path / "a.cedar").write_bytes(b"\xff")
    with pytest.raises(PoliciesUnusable, match="UTF-8"):
        load_policies(tmp_path)
    (tmp_path / "a.cedar").write_bytes(b" " * 1_000_001)
    with pytest.raises(PoliciesUnusable, match="larger"):
        load_policies(tmp_path)


def test_every_role_of_the_house_is_in_the_schema():
    text = (policies_folder() / "common.cedarschema").read_text()

    assert all(f'"{role.value}"' in text for role in Role)
