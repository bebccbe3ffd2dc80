"""What links let settle: AFTER waits for another to be settled, WITH makes instructions one set."""

from collections.abc import Container, Iterable
from typing import Final, Protocol
from uuid import UUID

from kapital.settlement.domain.dvp import LinkKind
from kapital.settlement.domain.states import DvpState

LINK_WAITS: Final = "linked_must_settle_before"
LINKED_NOT_READY: Final = "linked_must_be_ready"


class KnownLink(Protocol):
    """A link of an instruction that waits, and where the other one stands."""

    @property
    def instruction_id(self) -> UUID:
        """Whose link it is."""
        ...

    @property
    def kind(self) -> LinkKind:
        """AFTER or WITH."""
        ...

    @property
    def other_id(self) -> UUID:
        """The other instruction."""
        ...

    @property
    def other_state(self) -> DvpState:
        """Where the other one stands."""
        ...


def read_links(links: Iterable[KnownLink], waiting: Container[UUID]) -> tuple[dict[UUID, UUID], dict[UUID, str]]:
    """The name of its WITH set for each instruction that has one, and a code for each that its links hold back.

    A set is held back while one of it does not wait for settlement itself (held, not due, ended). Between members of
    one set AFTER orders nothing: they are entered at once.
    """
    known = list(links)
    top: dict[UUID, UUID] = {}

    def root(one: UUID) -> UUID:
        while (up := top.setdefault(one, one)) != one:
            top[one] = one = top[up]
        return one

    for link in known:
        if link.kind is LinkKind.WITH:
            first, second = sorted((root(link.instruction_id), root(link.other_id)))
            top[second] = first
    groups = {one: root(one) for one in list(top)}
    not_ready = {name for one, name in groups.items() if one not in waiting}
    blocked = {one: LINKED_NOT_READY for one, name in groups.items() if name in not_ready}
    for link in known:
        one, other = link.instruction_id, link.other_id
        together = one in groups and groups[one] == groups.get(other)
        if link.kind is LinkKind.AFTER and link.other_state is not DvpState.SETTLED and not together:
            blocked.setdefault(one, LINK_WAITS)
    return groups, blocked
