"""Read model: participants with their names, for staff and for the participant itself."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.registry.domain.participant import ParticipantKind
from kapital.registry.domain.problems import ParticipantNotFound
from kapital.registry.domain.search import name_key
from kapital.registry.domain.standing import Closing, Restriction
from kapital.registry.domain.states import ParticipantState, shown_state

PAGE_MAX: Final = 1_000

_COLUMNS: Final = """
    p.participant_id, p.kind, p.name, p.inn, p.roles, p.state, p.restrictions, p.rule_book_version,
    p.registered_at, p.version, p.ogrn, p.snils, p.closing_asked_by, p.closing_asked_at, p.closing_basis,
    w.wallet_id, w.profile, w.entry_seq, w.opened_at, w.closed_at,
    (SELECT json_agg(json_build_object('status', s.status, 'valid_from', s.valid_from, 'valid_until', s.valid_until)
            ORDER BY s.status)
        FROM participant_status s WHERE s.participant_id = p.participant_id AND s.state = 'held') AS statuses
"""
_ONE: Final = text(
    f"""
    SELECT {_COLUMNS} FROM participant p LEFT JOIN wallet w USING (participant_id)
    WHERE p.participant_id = :id
    """  # noqa: S608 - a constant of this module
)
_PAGE: Final = f"""
    SELECT {_COLUMNS} FROM participant p LEFT JOIN wallet w USING (participant_id)
    WHERE p.participant_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
        AND {{conditions}}
    ORDER BY p.participant_id LIMIT :limit
"""  # noqa: S608 - a constant of this module; conditions are those below
_EQUAL: Final = 'p.{column} COLLATE "C" = CAST(:{column} AS text)'
# Everything that begins with the text, as a range of the index: no sign sorts after the last one.
_BEGINS: Final = (
    'p.{column} COLLATE "C" >= CAST(:{column} AS text) '
    'AND p.{column} COLLATE "C" < CAST(:{column} AS text) || chr(1114111)'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a page is narrowed to; None leaves it open. `name`, `inn` and `ogrn` are beginnings unless `exact`."""

    state: ParticipantState | None = None
    kind: ParticipantKind | None = None
    name: str | None = None
    inn: str | None = None
    ogrn: str | None = None
    exact: bool = False

    def columns(self) -> dict[str, tuple[str, str]]:
        """For each column that narrows: the condition in SQL, and the value."""
        key = None if self.name is None else name_key(self.name)
        fixed = {"state": self.state, "kind": self.kind}
        typed = {"name_key": key, "inn": self.inn, "ogrn": self.ogrn}
        form = _EQUAL if self.exact else _BEGINS
        return {column: (_EQUAL, value.value) for column, value in fixed.items() if value is not None} | {
            column: (form, value) for column, value in typed.items() if value is not None
        }

    @property
    def names_nobody(self) -> bool:
        """True when a name is sought that has no letter and no digit."""
        return self.name is not None and not name_key(self.name)

    def fits(self, one: contract.Participant) -> bool:
        """The same question asked of one participant as its reader sees it."""
        shown = {
            "state": one.state.value,
            "kind": one.kind.value,
            "name_key": name_key(one.name),
            "inn": one.inn,
            "ogrn": one.ogrn or "",
        }
        return not self.names_nobody and all(
            shown[column] == value if form is _EQUAL else shown[column].startswith(value)
            for column, (form, value) in self.columns().items()
        )


EVERYBODY: Final = Sought()


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
    sought: Sought = EVERYBODY,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.ParticipantPage:
    """A page in the order of ids, which is that of registration; a participant sees a list of one: itself.

    A participant's search is asked of its own record only, so that nothing of others can be learnt from it, not even
    how long it takes. No count is told. Shape: `limit` 1 to 1,000.
    Raises: NotPermitted for staff who see no participant.
    """
    whose = access.scope(actor, "list_participants", "ParticipantRecord")
    if (itself := whose.only) is not None:
        return await _list_of_itself(conn, itself, sought=sought, after=after)
    if sought.names_nobody:
        return contract.ParticipantPage(participants=[], next_after=None)
    columns = sought.columns()
    conditions = [form.format(column=column) for column, (form, _) in columns.items()]
    values = {column: value for column, (_, value) in columns.items()}
    statement = text(_PAGE.format(conditions=" AND ".join(conditions) or "true"))
    rows = (await conn.execute(statement, {"after": after, "limit": limit + 1, **values})).all()
    shown = rows[:limit]
    return contract.ParticipantPage(
        participants=[_participant(row, own=False) for row in shown],
        next_after=UUID(str(shown[-1].participant_id)) if len(rows) > limit else None,
    )


async def _list_of_itself(
    conn: AsyncConnection, itself: UUID, *, sought: Sought, after: UUID | None
) -> contract.ParticipantPage:
    rows = [] if after is not None else (await conn.execute(_ONE, {"id": itself})).all()
    own = [_participant(row, own=True) for row in rows]
    return contract.ParticipantPage(participants=[one for one in own if sought.fits(one)], next_after=None)


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
        statuses=msgspec.convert(row.statuses or [], list[contract.HeldStatus]),
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
