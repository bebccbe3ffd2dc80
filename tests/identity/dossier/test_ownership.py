"""Beneficial owners: exact, against a model that walks every path. Law: 115-FZ art. 3, 7(1)(2)."""

from datetime import date
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.identity.domain.kyc_problems import OwnershipCycle, OwnershipExceedsWhole, OwnershipGraphUnsound
from kapital.identity.domain.ownership import (
    DEPTH_MAX,
    ControlGround,
    ControlLink,
    GapReason,
    OwnerNode,
    OwnerNodeKind,
    OwnershipEdge,
    OwnershipGraph,
    beneficial_owners,
)
from kapital.identity.domain.parties import PersonParticulars
from kapital.kernel.parameters import ParameterNotInForce

ROOT, TODAY = UUID(int=1), date(2026, 3, 2)
KNOWN = PersonParticulars(
    family_name="Образцов", given_name="Лев", birth_date=date(1980, 1, 1), citizenship="RU", inn="500100732259"
)
E, P, X = OwnerNodeKind.ENTITY, OwnerNodeKind.NATURAL_PERSON, OwnerNodeKind.EXEMPT_ENTITY


def node(number: int, kind: OwnerNodeKind = P, known: bool = True) -> OwnerNode:
    own = {"inn": f"{number:012d}", "birth_date": date(1900 + number % 90, 1, 1)}
    person = msgspec.structs.replace(KNOWN, **own) if kind is P and known else None
    return OwnerNode(
        node_id=UUID(int=number), kind=kind, person=person, exemption="государство" if kind is X else None
    )


def edge(owner: int, owned: int, share: str) -> OwnershipEdge:
    return OwnershipEdge(owner_id=UUID(int=owner), owned_id=UUID(int=owned), share=share)


def graph(nodes, edges, control=(), reason=None) -> OwnershipGraph:
    links = tuple(ControlLink(controller_id=UUID(int=number), ground=ground) for number, ground in control)
    return OwnershipGraph(nodes=tuple(nodes), edges=tuple(edges), control=links, no_owner_reason=reason)


def found(*parts, **more):
    result = beneficial_owners(graph(*parts, **more), root=ROOT, on=TODAY)
    owners = {owner.node_id.int: (owner.share, owner.grounds) for owner in result.owners}
    return owners, [(gap.node_id.int, gap.reason, gap.share) for gap in result.gaps]


# Layers of a drawn graph: the root, two rows of entities, a row of persons; edges go to any lower layer.
LAYERS = ((1,), (2, 3), (4, 5), (6, 7, 8))


@st.composite
def layered(draw):
    edges: dict[int, dict[int, Fraction]] = {}
    for depth, layer in enumerate(LAYERS[:-1]):
        for owned in layer:
            owners = draw(st.lists(st.sampled_from([n for row in LAYERS[depth + 1 :] for n in row]), unique=True))
            parts = [draw(st.integers(1, 9)) for _ in owners]
            whole = sum(parts) + draw(st.integers(0, 9))
            edges[owned] = {owner: Fraction(part, whole) for owner, part in zip(owners, parts, strict=True)}
    linked = {1}
    for layer in LAYERS[:-1]:
        for owned in layer:
            if owned in linked:
                linked |= set(edges[owned])
            else:
                edges[owned] = {}
    return {owned: owners for owned, owners in edges.items() if owners}, linked - {1}


def by_every_path(edges, owned: int) -> dict[int, Fraction]:
    shares: dict[int, Fraction] = {}
    for owner, part in edges.get(owned, {}).items():
        shares[owner] = shares.get(owner, Fraction(0)) + part
        for above, more in by_every_path(edges, owner).items():
            shares[above] = shares.get(above, Fraction(0)) + part * more
    return shares


@given(drawn=layered())
def test_shares_are_the_sum_over_every_path(drawn):
    edges, linked = drawn
    shares = by_every_path(edges, 1)
    above = {n: share for n, share in shares.items() if n >= 6 and share > Fraction(1, 4)}
    named = {n: sum(owners.values(), Fraction(0)) for n, owners in edges.items()}
    hidden = {
        n: (Fraction(1) if n == 1 else shares[n]) * (1 - named.get(n, Fraction(0)))
        for n in [1, *(n for n in linked if n < 6)]
    }
    nodes = [node(n, P if n >= 6 else E) for n in sorted(linked)]

    owners, gaps = found(
        nodes, [edge(owner, owned, str(part)) for owned, row in edges.items() for owner, part in row.items()]
    )

    assert {n: Fraction(share) for n, (share, _) in owners.items()} == above
    undisclosed = {n: Fraction(share) for n, reason, share in gaps if reason is GapReason.OWNERS_UNDISCLOSED}
    too_much = sum(hidden.values()) > Fraction(1, 4)
    assert undisclosed == ({n: part for n, part in hidden.items() if part} if too_much else {})
    assert (GapReason.NO_OWNER_FOUND in {reason for _, reason, _ in gaps}) == (not above and not undisclosed)


@given(drawn=layered(), data=st.data())
def test_an_edge_back_is_a_circle_and_is_named(drawn, data):
    edges, linked = drawn
    entities = sorted(n for n in linked if n < 6)
    if not entities:
        return
    owner = data.draw(st.sampled_from(entities))
    below = [1] + [n for n in entities if n in edges and owner in by_every_path(edges, n)]
    owned = data.draw(st.sampled_from(below))
    back = edge(owned, owner, "1/1000")
    kept = [edge(o, n, str(p * Fraction(9, 10))) for n, row in edges.items() for o, p in row.items()]

    with pytest.raises(OwnershipCycle) as refused:
        found([node(n, P if n >= 6 else E) for n in sorted(linked)], [*kept, back])

    cycle = [UUID(one).int for one in str(refused.value.facts["cycle"]).split(", ")]
    assert cycle[0] == cycle[-1]
    assert {owner, owned} <= set(cycle)
    links = {(o, n) for n, row in edges.items() for o in row} | {(owned, owner)}
    assert all(pair in links for pair in pairwise(cycle))


def test_more_than_a_quarter_is_an_owner_and_a_quarter_is_none():
    nodes = [node(2), node(3), node(4)]

    owners, gaps = found(nodes, [edge(2, 1, "25%"), edge(3, 1, "25.000000000001%"), edge(4, 1, "49.9%")])

    assert set(owners) == {3, 4}
    assert gaps == []


def test_thirds_are_exact():
    owners, gaps = found([node(2), node(3), node(4)], [edge(n, 1, "1/3") for n in (2, 3, 4)])

    assert [share for share, _ in owners.values()] == ["1/3"] * 3
    assert gaps == []


def test_an_owner_above_the_threshold_who_is_not_known_is_a_gap():
    owners, gaps = found([node(2, E), node(3, known=False)], [edge(2, 1, "100%"), edge(3, 2, "80%")])

    assert owners[3] == ("4/5", ("share",))
    assert gaps == [(3, GapReason.OWNER_UNIDENTIFIED, "4/5")]


def test_hidden_parts_below_the_threshold_each_are_looked_at_together():
    nodes = [node(2, E), node(3, E), node(4)]
    edges = [edge(2, 1, "20%"), edge(3, 1, "20%"), edge(4, 1, "60%")]

    _, gaps = found(nodes, edges)

    assert gaps == [(2, GapReason.OWNERS_UNDISCLOSED, "1/5"), (3, GapReason.OWNERS_UNDISCLOSED, "1/5")]


def test_control_by_other_grounds_makes_an_owner_of_any_share():
    edges = [edge(2, 1, "10%"), edge(3, 1, "90%")]

    owners, gaps = found([node(2), node(3), node(4)], edges, [(4, ControlGround.AGREEMENT)])

    assert owners == {3: ("9/10", ("share",)), 4: ("0", ("agreement",))}
    assert gaps == []


def test_the_sole_executive_stands_for_an_owner_only_with_a_reason_and_without_another():
    nodes = [node(n) for n in range(2, 12)]
    spread = [edge(n, 1, "10%") for n in range(2, 12)]
    executive = [(2, ControlGround.SOLE_EXECUTIVE)]

    assert found(nodes, spread, executive)[1] == [(1, GapReason.NO_OWNER_FOUND, "0")]
    assert found(nodes, spread, executive, reason="выписка из реестра акционеров") == (
        {2: ("1/10", ("sole_executive",))},
        [],
    )
    two = [node(2), node(3)]
    assert found(two, [edge(3, 1, "100%")], executive, reason="искали")[0] == {3: ("1", ("share",))}


def test_of_what_the_state_has_more_than_half_no_owner_is_sought():
    edges = [edge(2, 1, "60%"), *(edge(n, 1, "10%") for n in (3, 4, 5, 6))]
    nodes = [node(2, X), node(3), node(4), node(5), node(6)]

    assert found(nodes, edges) == ({}, [])
    half = [edge(2, 1, "50%"), *(edge(n, 1, "12.5%") for n in (3, 4, 5, 6))]
    assert found(nodes, half)[1] == [(1, GapReason.NO_OWNER_FOUND, "0")]


@pytest.mark.parametrize(
    ("reason", "nodes", "edges", "control"),
    [
        ("node_twice", [node(2), node(2)], [edge(2, 1, "1%")], []),
        ("node_twice", [node(1)], [], []),
        ("node_missing", [node(2)], [edge(3, 1, "1%")], []),
        ("node_missing", [node(2)], [edge(2, 9, "1%")], []),
        ("person_owned", [node(2), node(3)], [edge(2, 1, "1%"), edge(3, 2, "1%")], []),
        ("edge_twice", [node(2)], [edge(2, 1, "1%"), edge(2, 1, "2%")], []),
        ("stray_node", [node(2), node(3)], [edge(2, 1, "1%")], []),
        ("stray_node", [node(2), node(3, E), node(4)], [edge(2, 1, "1%"), edge(4, 3, "1%")], []),
        ("controller", [node(2, E)], [edge(2, 1, "1%")], [(2, ControlGround.AGREEMENT)]),
        ("share", [node(2)], [edge(2, 1, "0%")], []),
        ("share", [node(2)], [edge(2, 1, "1/0")], []),
        ("share", [node(2)], [edge(2, 1, "3/2")], []),
        ("share", [node(2)], [edge(2, 1, "половина")], []),
    ],
)
def test_a_graph_that_does_not_hold_together_is_refused(reason, nodes, edges, control):
    with pytest.raises(OwnershipGraphUnsound) as refused:
        found(nodes, edges, control)

    assert refused.value.facts["reason"] == reason


def test_shares_of_more_than_the_whole_are_refused():
    with pytest.raises(OwnershipExceedsWhole) as refused:
        found([node(2), node(3)], [edge(2, 1, "50%"), edge(3, 1, "50.000000000001%")])

    assert refused.value.facts["node"] == str(ROOT)


def test_owning_oneself_is_a_circle():
    with pytest.raises(OwnershipCycle):
        found([node(2, E)], [edge(2, 1, "50%"), edge(2, 2, "50%")])


def test_a_chain_longer_than_any_lawful_one_is_refused():
    def chain(length):
        nodes = [node(n, E) for n in range(2, length + 1)] + [node(length + 1)]
        return nodes, [edge(n + 1, n, "100%") for n in range(1, length + 1)]

    assert found(*chain(DEPTH_MAX))[0] == {DEPTH_MAX + 1: ("1", ("share",))}
    with pytest.raises(OwnershipGraphUnsound) as refused:
        found(*chain(DEPTH_MAX + 1))
    assert refused.value.facts == {"reason": "depth", "limit": DEPTH_MAX}


def test_before_the_law_there_is_no_threshold():
    with pytest.raises(ParameterNotInForce):
        beneficial_owners(graph([node(2)], [edge(2, 1, "1%")]), root=ROOT, on=date(2001, 1, 1))
