"""Who may see whose rows."""

from typing import Final
from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import Role

STAFF: Final = (Role.SETTLEMENT, Role.COMPLIANCE, Role.AML_OFFICER, Role.RISK, Role.AUDITOR, Role.REGULATOR)
CLIENTS: Final = (Role.INVESTOR, Role.ISSUER, Role.NOMINEE)

PAGE_MAX: Final = 500


def visible_participant(actor: Actor) -> UUID | None:
    """The participant whose rows the actor may see; None for staff, who see all. Raises: NotPermitted."""
    actor.require(*STAFF, *CLIENTS)
    if not actor.roles.isdisjoint(STAFF):
        return None
    if actor.participant_id is None:
        raise InvariantBroken("a client is a participant")
    return actor.participant_id
