"""The tables `participant`, `participant_change` and `wallet`: one statement per batch, never per row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.kernel.problems import ensure
from kapital.registry.domain.participant import Participant, ParticipantRole, Restriction
from kapital.registry.domain.states import ParticipantState
from kapital.registry.ports import Entrant, Wallet

# Ordered by number, not as asked: two batches with the same people then wait for each other instead of
# deadlocking. `n` decides between two items of one batch with the same number: the first one is entered.
_ADD: Final = text(
    """
    WITH entered AS (
        INSERT INTO participant (participant_id, kind, name, inn, hash_salt, roles, rule_book_version, state,
                                 registered_at, version)
        SELECT id, kind, name, inn, salt, string_to_array(roles, ','), rule_book, state, :now, version
        FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:names AS text[]),
                    CAST(:inns AS text[]), CAST(:salts AS bytea[]), CAST(:roles AS text[]),
                    CAST(:rule_books AS text[]), CAST(:states AS text[]), CAST(:versions AS bigint[])) WITH ORDINALITY
            AS e (id, kind, name, inn, salt, roles, rule_book, state, version, n)
        ORDER BY kind, inn, n
        ON CONFLICT (kind, inn) WHERE state NOT IN ('rejected', 'closed') DO NOTHING
        RETURNING participant_id, version, state
    )
    INSERT INTO participant_change (participant_id, version, state, changed_at)
    SELECT participant_id, version, state, :now FROM entered RETURNING participant_id
    """
)
_LOCK: Final = text(
    """
    SELECT participant_id, roles, state, restrictions, restricted_by, version FROM participant
    WHERE participant_id = ANY(CAST(:ids AS uuid[])) ORDER BY participant_id FOR UPDATE
    """
)
_SAVE: Final = text(
    """
    WITH changed AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:restrictions AS text[]),
                             CAST(:officers AS text[]), CAST(:versions AS bigint[]))
            AS c (id, state, restrictions, officer, version)
    ), noted AS (
        INSERT INTO participant_change (participant_id, version, state, changed_at)
        SELECT c.id, c.version, c.state, :now FROM changed c JOIN participant p ON p.participant_id = c.id
        WHERE p.state <> c.state
    )
    UPDATE participant p
    SET state = c.state, restrictions = string_to_array(c.restrictions, ','), restricted_by = c.officer,
        version = c.version
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


def _participant(row: Any) -> Participant:
    return Participant(
        # The driver has a UUID class of its own; ours must be equal and canonical everywhere.
        participant_id=UUID(str(row.participant_id)),
        roles=frozenset(ParticipantRole(role) for role in row.roles),
        state=ParticipantState(row.state),
        restrictions=frozenset(Restriction(ground) for ground in row.restrictions),
        restricted_by=row.restricted_by,
        version=row.version,
    )
