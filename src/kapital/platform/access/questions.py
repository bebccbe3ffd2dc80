"""A question to the policies, in the form that is asked, remembered and recorded.

Participants and actors are entities without attributes of their own, and the policies name none of them (the loader
refuses one that does). So a policy can only compare them with each other, and a question keeps its answer when all of
them are renamed: they are numbered in the order of their appearance. Hence few distinct questions, each decided once
for a set of policies – and nothing of a person in what is recorded.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, overload
from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.problems import ensure


class ActorRef(NamedTuple):
    """Somebody who acted: the maker of what another has to check."""

    actor_id: str


Attribute: TypeAlias = bool | int | str | UUID | ActorRef | frozenset[ActorRef] | frozenset[str] | frozenset[UUID]
"""A UUID is a participant, always: other objects stand in a resource's `id`."""


class Resource:
    """What is acted upon. `kind` and `attributes` are asked; `id` and `version` are only recorded.

    An object that is named has the version of the row whose attributes are asked about; 0 where there is no such row.
    An object without a name is one that would be, or any of its kind.
    """

    __slots__ = ("attributes", "id", "kind", "version")

    @overload
    def __init__(self, kind: str, /, **attributes: Attribute | None) -> None: ...
    @overload
    def __init__(
        self, kind: str, name: UUID | str | int, version: int, /, **attributes: Attribute | None
    ) -> None: ...
    def __init__(
        self,
        kind: str,
        name: UUID | str | int | None = None,
        version: int | None = None,
        /,
        **attributes: Attribute | None,
    ) -> None:
        ensure((name is None) == (version is None), f"{kind} {name}: what has a name is asked about with its version")
        self.kind = kind
        self.id = None if name is None else str(name)
        self.version = version
        self.attributes: Mapping[str, Attribute] = {
            name: value for name, value in attributes.items() if value is not None
        }


class Versioned(Protocol):
    """A row that counts its changes."""

    @property
    def version(self) -> int:
        """From 1."""
        ...


def of_row(kind: str, name: UUID | str | int, row: Versioned | None, /, **attributes: Attribute | None) -> Resource:
    """The object that `row` keeps; without one, what was named does not exist."""
    return Resource(kind, name, 0 if row is None else row.version, **attributes)


SERVICE: Final = Resource("Service")
"""Acted upon when the operation has no object of its own."""


class Question(NamedTuple):
    """One question after the renaming; two that are equal have the same answer."""

    action: str
    principal_kind: str
    roles: frozenset[str]
    participant: str | None
    resource_kind: str
    attributes: tuple[tuple[str, Any], ...]


def kind_of(actor: Actor) -> str:
    """`client`, `staff` or `machine`."""
    if actor.participant_id is not None:
        return "client"
    return "machine" if actor.id.startswith("machine:") else "staff"


def question(actor: Actor, action: str, resource: Resource) -> Question:
    """The question whether `actor` may do `action` to `resource`."""
    participants: dict[UUID, str] = {}
    actors: dict[str, str] = {actor.id: "1"}
    own = None
    if actor.participant_id is not None:
        own = participants[actor.participant_id] = "1"
    attributes = tuple(
        (name, _renamed(value, participants, actors)) for name, value in sorted(resource.attributes.items())
    )
    return Question(action, kind_of(actor), frozenset(actor.roles), own, resource.kind, attributes)


def _renamed(value: Attribute, participants: dict[UUID, str], actors: dict[str, str]) -> Any:
    if isinstance(value, UUID):
        return ("Participant", participants.setdefault(value, str(len(participants) + 1)))
    if isinstance(value, ActorRef):
        return ("Actor", actors.setdefault(value.actor_id, str(len(actors) + 1)))
    if isinstance(value, frozenset):
        texts = sorted(item for item in value if isinstance(item, str))
        refs = sorted(item for item in value if isinstance(item, ActorRef))
        owners = sorted(item for item in value if isinstance(item, UUID))
        named = [_renamed(ref, participants, actors) for ref in refs]
        return (*texts, *named, *(_renamed(owner, participants, actors) for owner in owners))
    return value


def request_of(asked: Question) -> dict[str, Any]:
    """The question as Cedar takes it: principal, action, resource, and the two entities."""
    principal: dict[str, Any] = {"kind": asked.principal_kind}
    if asked.participant is not None:
        principal["participant"] = _entity("Participant", asked.participant)
    return {
        "principal": {"type": "Actor", "id": "1"},
        "action": {"type": "Action", "id": asked.action},
        "resource": {"type": asked.resource_kind, "id": "1"},
        "entities": [
            {
                "uid": {"type": "Actor", "id": "1"},
                "attrs": principal,
                "parents": [{"type": "Role", "id": str(role)} for role in sorted(asked.roles)],
            },
            {
                "uid": {"type": asked.resource_kind, "id": "1"},
                "attrs": {name: _value(value) for name, value in asked.attributes},
                "parents": [],
            },
        ],
    }


def _value(value: Any) -> Any:
    if isinstance(value, tuple):
        if len(value) == 2 and value[0] in {"Participant", "Actor"}:
            return _entity(*value)
        return [_value(item) for item in value]
    return value


def _entity(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": name}}
