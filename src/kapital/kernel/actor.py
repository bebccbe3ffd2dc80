"""Who asks: a pseudonym with roles, carried through every command and kept in the audit trail."""

import re
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.problems import Family, Problem, Retry, ensure
from kapital.kernel.roles import MACHINE_ROLES, Role

_PSEUDONYM: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|machine:[a-z][a-z0-9_]{0,40}")


class NotPermitted(Problem):
    """The access policies do not let the actor do this. Facts, for staff: `required`, the roles that would do."""

    code = "not_permitted"
    title = "The actor has no right to do this"
    retry = Retry.NEVER
    family = Family.FORBIDDEN


class Actor(msgspec.Struct, frozen=True):
    """A person or machine that acts.

    Shape: `id` is a pseudonym – participant UUID, staff UUID (both lower case with hyphens) or
    `machine:<name>` – and nothing else, so that no name or address can reach the audit trail through it.
    `participant_id` is None for staff and machines.
    """

    id: str
    participant_id: UUID | None
    roles: frozenset[Role]

    def __post_init__(self) -> None:
        ensure(bool(_PSEUDONYM.fullmatch(self.id)), "an actor id is a UUID or machine:<name>")


def machine_actor(role: Role) -> Actor:
    """The actor that stands for a machine role, e.g. `machine:scheduler`."""
    ensure(role in MACHINE_ROLES, f"{role} is not the role of a machine")
    return Actor(id=f"machine:{role}", participant_id=None, roles=frozenset({role}))
