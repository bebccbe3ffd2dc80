"""One person in two places of a graph of owners is one owner (115-FZ art. 3: more than 25 per cent in all)."""

from datetime import date
from uuid import UUID

import pytest

from kapital.identity.domain.kyc_problems import OwnershipGraphUnsound
from kapital.identity.domain.ownership import (
    ControlGround,
    ControlLink,
    OwnerNode,
    OwnerNodeKind,
    OwnershipEdge,
    OwnershipGraph,
    beneficial_owners,
)
from kapital.identity.domain.parties import PersonParticulars

ROOT = UUID(int=1)
INNS = ("500100732259", "500100732259", "980100000089", "980100000191", "980100000201")


def test_a_share_split_between_two_nodes_of_one_person_is_refused() -> None:
    nodes = tuple(
        OwnerNode(
            node_id=UUID(int=number),
            kind=OwnerNodeKind.NATURAL_PERSON,
            person=PersonParticulars(
                family_name="Образцов", given_name="Лев", birth_date=date(1980, 1, 1), citizenship="RU", inn=inn
            ),
        )
        for number, inn in enumerate(INNS, 2)
    )
    edges = tuple(OwnershipEdge(owner_id=node.node_id, owned_id=ROOT, share="20%") for node in nodes)
    executive = ControlLink(controller_id=nodes[-1].node_id, ground=ControlGround.SOLE_EXECUTIVE)
    graph = OwnershipGraph(nodes=nodes, edges=edges, control=(executive,), no_owner_reason="никто не имеет четверти")

    with pytest.raises(OwnershipGraphUnsound) as refused:
        beneficial_owners(graph, root=ROOT, on=date(2026, 3, 2))

    assert refused.value.facts["reason"] == "owner_in_two_nodes"
