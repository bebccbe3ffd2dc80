"""Beneficial owners (бенефициарные владельцы): who stands behind a legal entity, computed exactly.

Law: 115-FZ art. 3 (more than 25 per cent, directly or through others; or control by other grounds), art. 7(1)(2).
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final
from uuid import UUID

import msgspec

from kapital.identity.domain.kyc_problems import OwnershipCycle, OwnershipExceedsWhole, OwnershipGraphUnsound
from kapital.identity.domain.parties import EntityParticulars, PersonParticulars
from kapital.kernel.parameters import Confidence, DatedParameter

DEPTH_MAX: Final = 10
"""Links from the participant to an owner; nobody has shown a lawful chain as long."""

BENEFICIAL_OWNER_THRESHOLD: Final = DatedParameter(
    "beneficial_owner_threshold",
    [
        (
            date(2013, 6, 30),
            None,
            "1/4",
            "115-FZ art. 3: an owner of more than 25 per cent, directly or indirectly",
            Confidence.RECALLED,
        ),
    ],
)
"""Who has more than this part is a beneficial owner. A fraction of the whole."""

EXEMPT_OWNER_PART: Final = DatedParameter(
    "exempt_owner_part",
    [
        (
            date(2013, 6, 30),
            None,
            "1/2",
            "115-FZ art. 7(1)(2): no owner is sought where the state and the like have more than half",
            Confidence.RECALLED,
        ),
    ],
)
"""Of a participant of which owners that are exempt have more than this part, no beneficial owner is sought."""


class OwnerNodeKind(StrEnum):
    """What stands in the graph."""

    NATURAL_PERSON = "natural_person"
    ENTITY = "entity"
    EXEMPT_ENTITY = "exempt_entity"  # the state, a listed issuer: its owners are not asked for (art. 7(1)(2))


class ControlGround(StrEnum):
    """How a person controls otherwise than by shares."""

    AGREEMENT = "agreement"
    VOTING_RIGHTS = "voting_rights"
    BOARD_MAJORITY = "board_majority"
    SOLE_EXECUTIVE = "sole_executive"  # stands for an owner where none was found
    FAMILY = "family"
    OTHER = "other"


class OwnerNode(msgspec.Struct, frozen=True, kw_only=True):
    """An owner. Shape: `node_id` is a pseudonym; the particulars are personal data."""

    node_id: UUID
    kind: OwnerNodeKind
    person: PersonParticulars | None = None
    entity: EntityParticulars | None = None
    exemption: str | None = None
    is_pep: bool = False

    @property
    def is_identified(self) -> bool:
        """Whether what the law asks of a beneficial owner is known (444-P: birth, citizenship, paper)."""
        known = self.person
        if self.kind is not OwnerNodeKind.NATURAL_PERSON or known is None:
            return False
        return None not in (known.birth_date, known.citizenship) and (known.document or known.inn) is not None


class OwnershipEdge(msgspec.Struct, frozen=True, kw_only=True):
    """A direct share. Shape: per cent with its sign, `25.5%`, or a fraction of the whole, `1/3`."""

    owner_id: UUID
    owned_id: UUID
    share: str

    @property
    def part(self) -> Fraction:
        """The share, exactly. Raises: OwnershipGraphUnsound."""
        try:
            part = Fraction(self.share[:-1]) / 100 if self.share.endswith("%") else Fraction(self.share)
        except (ValueError, ZeroDivisionError):
            raise _unsound("share", self.owner_id) from None
        if not 0 < part <= 1:
            raise _unsound("share", self.owner_id)
        return part


class ControlLink(msgspec.Struct, frozen=True, kw_only=True):
    """Control of the participant by other grounds."""

    controller_id: UUID
    ground: ControlGround
    note: str | None = None


class OwnershipGraph(msgspec.Struct, frozen=True, kw_only=True):
    """Who owns a participant. Shape: the participant's own id is the root and no node; 200 nodes, 500 edges."""

    nodes: tuple[OwnerNode, ...]
    edges: tuple[OwnershipEdge, ...]
    control: tuple[ControlLink, ...] = ()
    no_owner_reason: str | None = None


class BeneficialOwner(msgspec.Struct, frozen=True, kw_only=True):
    """One beneficial owner. Shape: `share` is an exact fraction of the whole; `grounds` say why it is one."""

    node_id: UUID
    share: str
    grounds: tuple[str, ...]
    is_identified: bool
    is_pep: bool


class GapReason(StrEnum):
    """What stands between a legal entity and its approval."""

    OWNER_UNIDENTIFIED = "owner_unidentified"
    OWNERS_UNDISCLOSED = "owners_undisclosed"  # more than the threshold belongs to nobody who is named
    NO_OWNER_FOUND = "no_owner_found"  # and no sole executive stands for one with a reason


class OwnerGap(msgspec.Struct, frozen=True, kw_only=True):
    """One gap. Shape: `node_id` is the owner, or the entity whose owners are not named."""

    node_id: UUID
    reason: GapReason
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersFound:
    """What the graph says on one day."""

    owners: tuple[BeneficialOwner, ...]
    gaps: tuple[OwnerGap, ...]


def beneficial_owners(graph: OwnershipGraph, *, root: UUID, on: date) -> OwnersFound:
    """Who the beneficial owners of `root` are, and what is not known.

    An indirect share is the sum, over all paths, of the products of the direct ones. The parts that no edge names
    belong to somebody unknown: more than the threshold of them is a gap, as a person unidentified is one.

    Raises: OwnershipGraphUnsound, OwnershipCycle, OwnershipExceedsWhole.
    """
    nodes = _sound_nodes(graph, root)
    owners_of = _direct(graph.edges)
    order = _owned_before_owners(owners_of, root)
    _require_reachable(nodes, order, graph.control)
    shares = _effective(owners_of, order, root)
    threshold = Fraction(BENEFICIAL_OWNER_THRESHOLD.at(on))
    grounds: dict[UUID, list[str]] = defaultdict(list)
    for node_id, share in shares.items():
        if node_id != root and share > threshold and nodes[node_id].kind is OwnerNodeKind.NATURAL_PERSON:
            grounds[node_id].append("share")
    for link in graph.control:
        if link.ground is not ControlGround.SOLE_EXECUTIVE:
            grounds[link.controller_id].append(link.ground.value)
    gaps = _undisclosed(nodes, owners_of, shares, root, threshold=threshold)
    executives = [link.controller_id for link in graph.control if link.ground is ControlGround.SOLE_EXECUTIVE]
    if graph.no_owner_reason is not None and executives and not grounds:
        # Art. 7(1)(2): where the measures taken found no owner, the sole executive is deemed to be one.
        grounds, gaps = {executives[0]: [ControlGround.SOLE_EXECUTIVE.value]}, []
    elif not grounds and not gaps and _exempt_part(nodes, shares) <= Fraction(EXEMPT_OWNER_PART.at(on)):
        gaps = [OwnerGap(node_id=root, reason=GapReason.NO_OWNER_FOUND, share="0")]
    owners = tuple(_owner(nodes[node_id], shares, why) for node_id, why in sorted(grounds.items()))
    gaps += [
        OwnerGap(node_id=owner.node_id, reason=GapReason.OWNER_UNIDENTIFIED, share=owner.share)
        for owner in owners
        if not owner.is_identified
    ]
    return OwnersFound(owners=owners, gaps=tuple(gaps))


def _owner(node: OwnerNode, shares: Mapping[UUID, Fraction], grounds: Sequence[str]) -> BeneficialOwner:
    return BeneficialOwner(
        node_id=node.node_id,
        share=str(shares.get(node.node_id, Fraction(0))),
        grounds=tuple(dict.fromkeys(grounds)),
        is_identified=node.is_identified,
        is_pep=node.is_pep,
    )


def _exempt_part(nodes: Mapping[UUID, OwnerNode], shares: Mapping[UUID, Fraction]) -> Fraction:
    exempt = (node_id for node_id, node in nodes.items() if node.kind is OwnerNodeKind.EXEMPT_ENTITY)
    return sum((shares.get(node_id, Fraction(0)) for node_id in exempt), Fraction(0))


def _sound_nodes(graph: OwnershipGraph, root: UUID) -> dict[UUID, OwnerNode]:
    nodes = {node.node_id: node for node in graph.nodes}
    if len(nodes) != len(graph.nodes) or root in nodes:
        raise OwnershipGraphUnsound(facts={"reason": "node_twice"})
    for node in graph.nodes:
        is_person = node.kind is OwnerNodeKind.NATURAL_PERSON
        if node.kind is OwnerNodeKind.EXEMPT_ENTITY and node.exemption is None:
            raise _unsound("exemption_missing", node.node_id)
        if (node.person is not None and not is_person) or (node.entity is not None and is_person):
            raise _unsound("particulars", node.node_id)
    _require_each_once(graph.nodes)
    _require_sound_edges(graph.edges, nodes, root)
    for link in graph.control:
        controller = nodes.get(link.controller_id)
        if controller is None or controller.kind is not OwnerNodeKind.NATURAL_PERSON:
            raise _unsound("controller", link.controller_id)
    return nodes


def _require_each_once(nodes: Sequence[OwnerNode]) -> None:
    """Refuse one owner in two places: parts of a share would each stay under the threshold."""
    seen: set[tuple[str, ...]] = set()
    for node in nodes:
        marks = {*_marks_of_person(node.person), *_marks_of_entity(node.entity)}
        if marks & seen:
            raise _unsound("owner_in_two_nodes", node.node_id)
        seen |= marks


def _marks_of_person(person: PersonParticulars | None) -> Iterator[tuple[str, ...]]:
    """By what one person is known again: numbers, the paper, or the whole name with the day of birth."""
    if person is None:
        return
    if person.inn:
        yield "inn", person.inn
    if person.snils:
        yield "snils", person.snils
    if person.document is not None:
        paper = person.document
        yield "paper", paper.kind.value, paper.series or "", paper.number
    if person.birth_date is not None:
        name = " ".join((person.family_name, person.given_name, person.patronymic or ""))
        yield "born", person.birth_date.isoformat(), name.casefold().replace("ё", "е")


def _marks_of_entity(entity: EntityParticulars | None) -> Iterator[tuple[str, ...]]:
    if entity is None:
        return
    if entity.inn:
        yield "inn", entity.inn
    if entity.ogrn:
        yield "ogrn", entity.ogrn
    if entity.foreign_number:
        yield "foreign", entity.country or "", entity.foreign_number


def _require_sound_edges(edges: Sequence[OwnershipEdge], nodes: Mapping[UUID, OwnerNode], root: UUID) -> None:
    there = {root, *nodes}
    pairs: set[tuple[UUID, UUID]] = set()
    for edge in edges:
        if edge.owner_id == edge.owned_id:
            raise OwnershipCycle(facts={"cycle": f"{edge.owner_id}, {edge.owner_id}"})
        for node_id in (edge.owner_id, edge.owned_id):
            if node_id not in there:
                raise _unsound("node_missing", node_id)
        if edge.owned_id != root and nodes[edge.owned_id].kind is OwnerNodeKind.NATURAL_PERSON:
            raise _unsound("person_owned", edge.owned_id)
        if (edge.owner_id, edge.owned_id) in pairs:
            raise _unsound("edge_twice", edge.owner_id)
        pairs.add((edge.owner_id, edge.owned_id))


def _unsound(reason: str, node_id: UUID) -> OwnershipGraphUnsound:
    return OwnershipGraphUnsound(facts={"reason": reason, "node": str(node_id)})


def _direct(edges: Iterable[OwnershipEdge]) -> dict[UUID, dict[UUID, Fraction]]:
    """Of each entity, its direct owners. Raises: OwnershipGraphUnsound, OwnershipExceedsWhole."""
    owners_of: dict[UUID, dict[UUID, Fraction]] = defaultdict(dict)
    for edge in edges:
        owners_of[edge.owned_id][edge.owner_id] = edge.part
    for owned, owners in owners_of.items():
        total = sum(owners.values(), Fraction(0))
        if total > 1:
            raise OwnershipExceedsWhole(facts={"node": str(owned), "sum": str(total)})
    return dict(owners_of)


def _owned_before_owners(owners_of: Mapping[UUID, Mapping[UUID, Fraction]], root: UUID) -> list[UUID]:
    """Everybody from the root upwards, each after all that it owns. Raises: OwnershipCycle, OwnershipGraphUnsound."""
    waits_for: dict[UUID, int] = defaultdict(int)
    for owners in owners_of.values():
        for owner in owners:
            waits_for[owner] += 1
    everybody = {root, *owners_of, *waits_for}
    ready = deque(sorted(node for node in everybody if waits_for[node] == 0))
    order: list[UUID] = []
    depth: dict[UUID, int] = defaultdict(int)
    while ready:
        owned = ready.popleft()
        order.append(owned)
        for owner in sorted(owners_of.get(owned, ())):
            depth[owner] = max(depth[owner], depth[owned] + 1)
            waits_for[owner] -= 1
            if waits_for[owner] == 0:
                ready.append(owner)
    if len(order) < len(everybody):
        cycle = _cycle_in(owners_of, everybody - set(order))
        raise OwnershipCycle(facts={"cycle": ", ".join(str(node) for node in cycle)})
    if max(depth.values(), default=0) > DEPTH_MAX:
        raise OwnershipGraphUnsound(facts={"reason": "depth", "limit": DEPTH_MAX})
    return order


def _cycle_in(owners_of: Mapping[UUID, Mapping[UUID, Fraction]], left: set[UUID]) -> list[UUID]:
    """A circle among nodes of which each waits for another of them: walk down until somebody is met again."""
    owned_by = {owner: owned for owned in sorted(left) for owner in owners_of.get(owned, ()) if owner in left}
    walk = [min(left)]
    while walk[-1] not in walk[:-1]:
        walk.append(owned_by[walk[-1]])
    return walk[walk.index(walk[-1]) :]


def _require_reachable(
    nodes: Mapping[UUID, OwnerNode], order: Sequence[UUID], control: Sequence[ControlLink]
) -> None:
    """A node that has no part in the participant is a mistake of whoever wrote the graph."""
    linked = {*order, *(link.controller_id for link in control)}
    for node_id in nodes:
        if node_id not in linked:
            raise _unsound("stray_node", node_id)


def _effective(
    owners_of: Mapping[UUID, Mapping[UUID, Fraction]], order: Sequence[UUID], root: UUID
) -> dict[UUID, Fraction]:
    shares: dict[UUID, Fraction] = defaultdict(Fraction)
    shares[root] = Fraction(1)
    for owned in order:
        if owned not in shares:
            raise _unsound("stray_node", owned)
        for owner, part in owners_of.get(owned, {}).items():
            shares[owner] += shares[owned] * part
    return dict(shares)


def _undisclosed(
    nodes: Mapping[UUID, OwnerNode],
    owners_of: Mapping[UUID, Mapping[UUID, Fraction]],
    shares: Mapping[UUID, Fraction],
    root: UUID,
    *,
    threshold: Fraction,
) -> list[OwnerGap]:
    """The parts that no edge names, once they exceed the threshold: one unknown person may have them all."""
    entities = sorted([root] + [n for n in nodes if nodes[n].kind is OwnerNodeKind.ENTITY and n in shares])
    hidden = {n: shares[n] * (1 - sum(owners_of.get(n, {}).values(), Fraction(0))) for n in entities}
    if sum(hidden.values(), Fraction(0)) <= threshold:
        return []
    return [
        OwnerGap(node_id=node_id, reason=GapReason.OWNERS_UNDISCLOSED, share=str(part))
        for node_id, part in hidden.items()
        if part > 0
    ]
