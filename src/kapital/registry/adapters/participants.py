"""The tables `participant`, `participant_change` and `wallet`: one statement per batch, never per row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.registry import RegisteredPerson
from kapital.kernel.problems import ensure
from kapital.registry.domain.participant import ParticipantRole
from kapital.registry.domain.search import name_key
from kapital.registry.domain.standing import Closing, Participant, Restriction
from kapital.registry.domain.states import HAS_WALLET, UNDECIDED, ParticipantState
from kapital.registry.ports import Entrant, Wallet

# Ordered by number, not as asked: two batches with the same people then wait for each other instead of
# deadlocking. `n` decides between two items of one batch with the same number: the first one is entered.
_ADD: Final = text(
    """
    WITH entered AS (
        INSERT INTO participant (participant_id, kind, name, inn, hash_salt, roles, rule_book_version, state,
                                 registered_at, version, ogrn, snils, name_key)
        SELECT id, kind, name, inn, salt, string_to_array(roles, ','), rule_book, state, :now, version, ogrn, snils,
            name_key
        FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:names AS text[]),
                    CAST(:inns AS text[]), CAST(:salts AS bytea[]), CAST(:roles AS text[]),
                    CAST(:rule_books AS text[]), CAST(:states AS text[]), CAST(:versions AS bigint[]),
                    CAST(:ogrns AS text[]), CAST(:snilses AS text[]), CAST(:keys AS text[]))
            WITH ORDINALITY
            AS e (id, kind, name, inn, salt, roles, rule_book, state, version, ogrn, snils, name_key, n)
        ORDER BY kind, inn, n
        ON CONFLICT (kind, inn) WHERE state NOT IN ('rejected', 'closed', 'expired') DO NOTHING
        RETURNING participant_id, version, state
    )
    INSERT INTO participant_change (participant_id, version, state, changed_at)
    SELECT participant_id, version, state, :now FROM entered RETURNING participant_id
    """
)
_LOCK: Final = text(
    """
    SELECT participant_id, roles, state, frozen_from, restrictions, restricted_by, version FROM participant
    WHERE participant_id = ANY(CAST(:ids AS uuid[])) ORDER BY participant_id FOR UPDATE
    """
)
_SAVE: Final = text(
    """
    WITH changed AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:restrictions AS text[]),
                             CAST(:officers AS text[]), CAST(:versions AS bigint[]), CAST(:frozen AS text[]),
                             CAST(:roles AS text[]))
            AS c (id, state, restrictions, officer, version, frozen_from, roles)
    ), noted AS (
        INSERT INTO participant_change (participant_id, version, state, changed_at)
        SELECT c.id, c.version, c.state, :now FROM changed c JOIN participant p ON p.participant_id = c.id
        WHERE p.state <> c.state
    )
    UPDATE participant p
    SET state = c.state, restrictions = string_to_array(c.restrictions, ','), restricted_by = c.officer,
        version = c.version, frozen_from = c.frozen_from, roles = string_to_array(c.roles, ',')
    FROM changed c WHERE p.participant_id = c.id AND p.version < c.version
    """
)
_ADD_WALLETS: Final = text(
    """
    INSERT INTO wallet (wallet_id, participant_id, profile, entry_seq, opened_at)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:participants AS uuid[]), CAST(:profiles AS text[]),
                         CAST(:seqs AS bigint[]), CAST(:opened AS timestamptz[]))
    """
)

_LOCK_UNDECIDED: Final = text(
    """
    SELECT participant_id, roles, state, frozen_from, restrictions, restricted_by, version FROM participant
    WHERE state = ANY(CAST(:states AS text[])) AND registered_at <= :before
    ORDER BY participant_id LIMIT :limit FOR UPDATE SKIP LOCKED
    """
)
_CLOSING: Final = text(
    """
    UPDATE participant SET closing_asked_by = :by, closing_asked_at = :at, closing_basis = :basis
    WHERE participant_id = :id
    """
)
_READ_CLOSING: Final = text(
    """
    SELECT closing_asked_by, closing_asked_at, closing_basis FROM participant
    WHERE participant_id = :id AND closing_asked_by IS NOT NULL
    """
)
_PERSON: Final = text("SELECT kind, name, inn, ogrn, snils FROM participant WHERE participant_id = :id")
_KIND: Final = text("SELECT kind FROM participant WHERE participant_id = :id")
_CLOSE_WALLET: Final = text("UPDATE wallet SET closed_seq = :seq, closed_at = :at WHERE participant_id = :id")
_NOTE_ISSUE: Final = text(
    """
    INSERT INTO issuer_issue AS i (issue_id, participant_id, state) VALUES (:issue, :issuer, :state)
    ON CONFLICT (issue_id) DO UPDATE SET participant_id = coalesce(excluded.participant_id, i.participant_id),
        state = coalesce(excluded.state, i.state)
    """
)
_LIVE_ISSUES: Final = text(
    """
    SELECT count(*) FROM issuer_issue
    WHERE participant_id = :id AND (state IS NULL OR state <> ALL(CAST(:ended AS text[])))
    """
)
_SIGNING: Final = text(
    """
    SELECT DISTINCT participant_id FROM bound_certificate
    WHERE participant_id = ANY(CAST(:ids AS uuid[])) AND active
    """
)
_UNLIKE_CERTIFICATES: Final = text(
    """
    SELECT participant_id FROM participant p
    WHERE (state = ANY(CAST(:states AS text[])) OR frozen_from = ANY(CAST(:states AS text[])))
        AND ('certificate' = ANY (restrictions)) <> (CAST(:required AS boolean) AND NOT EXISTS (
            SELECT FROM bound_certificate b WHERE b.participant_id = p.participant_id AND b.active))
    ORDER BY participant_id LIMIT :limit
    """
)
ISSUE_ENDED: Final = ("redeemed", "restructured", "written_off_by_act", "refunded", "cancelled")
"""States of an issue in which its issuer owes nothing by it any more (tokenization's state table)."""


class ParticipantTable:
    """ParticipantStore on PostgreSQL."""

    async def add(self, conn: AsyncConnection, entrants: Sequence[Entrant], *, now: datetime) -> set[UUID]:
        """Enter those whose kind and taxpayer number no living participant has; return the ids entered."""
        if not entrants:
            return set()
        rows = await conn.execute(
            _ADD,
            {
                "now": now,
                "ids": [e.participant.participant_id for e in entrants],
                "kinds": [e.application.kind.value for e in entrants],
                "names": [e.application.name for e in entrants],
                "inns": [e.application.inn for e in entrants],
                "salts": [e.hash_salt for e in entrants],
                "roles": [",".join(sorted(e.participant.roles)) for e in entrants],
                "rule_books": [e.application.rule_book_version for e in entrants],
                "states": [e.participant.state.value for e in entrants],
                "versions": [e.participant.version for e in entrants],
                "ogrns": [e.application.ogrn for e in entrants],
                "snilses": [e.application.snils for e in entrants],
                "keys": [name_key(e.application.name) for e in entrants],
            },
        )
        return {UUID(str(row.participant_id)) for row in rows}

    async def lock(self, conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Participant]:
        """Read and lock those that exist, in the order of their ids."""
        rows = await conn.execute(_LOCK, {"ids": list(ids)})
        found = (_participant(row) for row in rows)
        return {participant.participant_id: participant for participant in found}

    async def save(self, conn: AsyncConnection, changed: Sequence[Participant], *, now: datetime) -> None:
        """Write the standing of locked participants."""
        if not changed:
            return
        saved = await conn.execute(
            _SAVE,
            {
                "now": now,
                "ids": [p.participant_id for p in changed],
                "states": [p.state.value for p in changed],
                "restrictions": [",".join(sorted(p.restrictions)) for p in changed],
                "officers": [p.restricted_by for p in changed],
                "versions": [p.version for p in changed],
                "frozen": [p.frozen_from for p in changed],
                "roles": [",".join(sorted(p.roles)) for p in changed],
            },
        )
        ensure(saved.rowcount == len(changed), "a locked participant was changed by somebody else")

    async def add_wallets(self, conn: AsyncConnection, wallets: Sequence[Wallet]) -> None:
        """Enter opened wallets."""
        if not wallets:
            return
        await conn.execute(
            _ADD_WALLETS,
            {
                "ids": [w.wallet_id for w in wallets],
                "participants": [w.participant_id for w in wallets],
                "profiles": [w.profile.value for w in wallets],
                "seqs": [w.entry_seq for w in wallets],
                "opened": [w.opened_at for w in wallets],
            },
        )

    async def lock_undecided(self, conn: AsyncConnection, *, before: datetime, limit: int) -> list[Participant]:
        """Lock undecided applications registered at or before an instant that no other process is at."""
        states = sorted(UNDECIDED)
        rows = await conn.execute(_LOCK_UNDECIDED, {"states": states, "before": before, "limit": limit})
        return [_participant(row) for row in rows]

    async def ask_closing(self, conn: AsyncConnection, closing: Closing) -> None:
        """Keep a request to close."""
        said = {"by": closing.asked_by, "at": closing.asked_at, "basis": closing.basis_reference}
        await conn.execute(_CLOSING, {"id": closing.participant_id, **said})

    async def end_closing(self, conn: AsyncConnection, participant_id: UUID) -> None:
        """Forget a request that was refused."""
        await conn.execute(_CLOSING, {"id": participant_id, "by": None, "at": None, "basis": None})

    async def closing(self, conn: AsyncConnection, participant_id: UUID) -> Closing | None:
        """The request to close that stands."""
        row = (await conn.execute(_READ_CLOSING, {"id": participant_id})).one_or_none()
        if row is None:
            return None
        return Closing(
            participant_id=participant_id,
            asked_by=row.closing_asked_by,
            asked_at=row.closing_asked_at,
            basis_reference=row.closing_basis,
        )

    async def close_wallet(self, conn: AsyncConnection, participant_id: UUID, *, seq: int, at: datetime) -> None:
        """Note the ledger entry that closed the wallet."""
        await conn.execute(_CLOSE_WALLET, {"id": participant_id, "seq": seq, "at": at})

    async def kind(self, conn: AsyncConnection, participant_id: UUID) -> str:
        """What a participant is in law."""
        return str((await conn.execute(_KIND, {"id": participant_id})).scalar_one())

    async def person(self, conn: AsyncConnection, participant_id: UUID) -> tuple[str, RegisteredPerson]:
        """What a participant is in law, and who: personal data."""
        row = (await conn.execute(_PERSON, {"id": participant_id})).one()
        said = RegisteredPerson(id=participant_id, name=row.name, inn=row.inn, ogrn=row.ogrn, snils=row.snils)
        return row.kind, said

    async def note_issues(self, conn: AsyncConnection, news: Sequence[dict[str, Any]]) -> None:
        """Take in whose an issue is and in which state; what news does not tell stays."""
        if news:
            await conn.execute(_NOTE_ISSUE, [{"issuer": None, "state": None} | item for item in news])

    async def live_issues(self, conn: AsyncConnection, participant_id: UUID) -> int:
        """How many published decisions of an issuer are not at their end."""
        found = await conn.execute(_LIVE_ISSUES, {"id": participant_id, "ended": list(ISSUE_ENDED)})
        return int(found.scalar_one())

    async def signing(self, conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants to whom a certificate is bound that may sign."""
        return {UUID(str(one)) for one in (await conn.execute(_SIGNING, {"ids": list(ids)})).scalars()}

    async def unlike_certificates(self, conn: AsyncConnection, *, required: bool, limit: int) -> list[UUID]:
        """Who has a wallet and is restricted for want of a certificate when not to be, or the other way round."""
        asked = {"states": sorted(HAS_WALLET), "required": required, "limit": limit}
        return [UUID(str(one)) for one in (await conn.execute(_UNLIKE_CERTIFICATES, asked)).scalars()]


def _participant(row: Any) -> Participant:
    return Participant(
        # The driver has a UUID class of its own; ours must be equal and canonical everywhere.
        participant_id=UUID(str(row.participant_id)),
        roles=frozenset(ParticipantRole(role) for role in row.roles),
        state=ParticipantState(row.state),
        frozen_from=None if row.frozen_from is None else ParticipantState(row.frozen_from),
        restrictions=frozenset(Restriction(ground) for ground in row.restrictions),
        restricted_by=row.restricted_by,
        version=row.version,
    )
