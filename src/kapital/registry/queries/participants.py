"""Read model: participants with their names, for staff and for the participant itself."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.registry.domain.problems import ParticipantNotFound
from kapital.registry.domain.standing import Closing, Restriction
from kapital.registry.domain.states import ParticipantState, shown_state

PAGE_MAX: Final = 1_000

_COLUMNS: Final = """
    p.participant_id, p.kind, p.name, p.inn, p.roles, p.state, p.restrictions, p.rule_book_version,
    p.registered_at, p.version, p.ogrn, p.snils, p.closing_asked_by, p.closing_asked_at, p.closing_basis,
    w.wallet_id, w.profile, w.entry_seq, w.opened_at, w.closed_at
"""
_ONE: Final = text(
    f"""
    SELECT {_COLUMNS} FROM participant p LEFT JOIN wallet w USING (participant_id)
    WHERE p.participant_id = :id
    """  # noqa: S608 - a constant of this module
)
_PAGE: Final = text(
    f"""
    SELECT {_COLUMNS} FROM participant p LEFT JOIN wallet w USING (participant_id)
    WHERE p.participant_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
        AND (CAST(:state AS text) IS NULL OR p.state = CAST(:state AS text))
    ORDER BY p.participant_id LIMIT :limit
    """  # noqa: S608 - a constant of this module
)


async def get_participant(conn: AsyncConnection, participant_id: UUID, *, actor: Actor) -> contract.Participant:
    """One participant: any for staff that the policies let, itself for a participant.

    Raises: ParticipantNotFound – also for one that is not the actor's to see; NotPermitted for other staff,
    who see no participant at all.
    """
    whose = access.scope(actor, "get_participant", "ParticipantRecord")
    row = (await conn.execute(_ONE, {"id": participant_id})).one_or_none()
    if row is None or not whose.covers(participant_id):
        raise ParticipantNotFound
    return _participant(row, own=not whose.everything)


async def list_participants(
    conn: AsyncConnection,
    *,
    actor: Actor,
    state: ParticipantState | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.ParticipantPage:
    """A page in the order of ids, which is that of registration; a participant sees a list of one: itself.

    Shape: `limit` 1 to 1,000. Raises: NotPermitted for staff who see no participant.
    """
    whose = access.scope(actor, "list_participants", "ParticipantRecord")
    if (itself := whose.only) is not None:
        return await _list_of_itself(conn, itself, state=state, after=after)
    rows = (await conn.execute(_PAGE, {"after": after, "state": state, "limit": limit + 1})).all()
    shown = rows[:limit]
    return contract.ParticipantPage(
        participants=[_participant(row, own=False) for row in shown],
        next_after=UUID(str(shown[-1].participant_id)) if len(rows) > limit else None,
    )


async def _list_of_itself(
    conn: AsyncConnection, itself: UUID, *, state: ParticipantState | None, after: UUID | None
) -> contract.ParticipantPage:
    rows = [] if after is not None else (await conn.execute(_ONE, {"id": itself})).all()
    own = [_participant(row, own=True) for row in rows]
    shown = [one for one in own if state is None or one.state.value == state.value]
    return contract.ParticipantPage(participants=shown, next_after=None)


def _participant(row: Any, *, own: bool) -> contract.Participant:
    wallet = None
    if row.wallet_id is not None:
        wallet = contract.Wallet(
            wallet_id=UUID(str(row.wallet_id)),
            profile=contract.WalletProfile(row.profile),
            entry_seq=row.entry_seq,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
        )
    # 115-FZ, no tipping off: that an officer ordered a restriction is for staff only.
    hidden = {Restriction.OFFICER.value} if own else set()
    return contract.Participant(
        participant_id=UUID(str(row.participant_id)),
        kind=contract.ParticipantKind(row.kind),
        name=row.name,
        inn=row.inn,
        ogrn=row.ogrn,
        snils=row.snils,
        roles=[contract.ParticipantRole(role) for role in row.roles],
        state=contract.ParticipantState(shown_state(row.state, own=own)),
        restrictions=[contract.Restriction(ground) for ground in row.restrictions if ground not in hidden],
        rule_book_version=row.rule_book_version,
        registered_at=row.registered_at,
        version=row.version,
        wallet=wallet,
        closing_sha256=_closing_sha256(row),
    )


def _closing_sha256(row: Any) -> str | None:
    if row.closing_asked_by is None:
        return None
    return Closing(
        participant_id=UUID(str(row.participant_id)),
        asked_by=row.closing_asked_by,
        asked_at=row.closing_asked_at,
        basis_reference=row.closing_basis,
    ).sha256
