"""The tables of certificates and of owners' numbers: one statement per batch, never per row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.certificate import Certificate
from kapital.identity.domain.questionnaire import Questionnaire
from kapital.identity.domain.states import CertificateState
from kapital.platform.row_versions import row_version

_COLUMNS: Final = """
    certificate_id, participant_id, certificate_sha256, encoded, power_sha256, power_signature_sha256, state,
    valid_until, bound_by, bound_at, changed_by, changed_at
"""
_KNOWN: Final = text("SELECT DISTINCT participant_id FROM kyc_case WHERE participant_id = ANY(CAST(:ids AS uuid[]))")
_QUESTIONNAIRES: Final = text(
    """
    SELECT DISTINCT ON (participant_id) participant_id, content FROM kyc_case JOIN kyc_questionnaire USING (case_id)
    WHERE participant_id = ANY(CAST(:ids AS uuid[]))
        AND state IN ('identified', 'awaiting_senior', 'approved', 'expired', 'superseded')
    ORDER BY participant_id, number DESC
    """
)
_NUMBERS: Final = text(
    """
    SELECT participant_id, name, digits FROM owner_number WHERE participant_id = ANY(CAST(:ids AS uuid[]))
    """
)
_PUT_NUMBERS: Final = text(
    """
    INSERT INTO owner_number (participant_id, name, digits)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[]), CAST(:digits AS text[]))
    ON CONFLICT DO NOTHING
    """
)
_LOCK_PARTICIPANTS: Final = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('certificate:' || id, 0)) "
    "FROM (SELECT id FROM unnest(CAST(:ids AS text[])) AS p (id) ORDER BY id) ordered"
)
_ADD: Final = text(
    f"""
    INSERT INTO certificate ({_COLUMNS})
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:participants AS uuid[]), CAST(:hashes AS text[]),
        CAST(:encoded AS bytea[]), CAST(:powers AS text[]), CAST(:power_signatures AS text[]),
        CAST(:states AS text[]), CAST(:terms AS timestamptz[]), CAST(:makers AS text[]),
        CAST(:instants AS timestamptz[]), CAST(:makers AS text[]), CAST(:instants AS timestamptz[]))
    ON CONFLICT (participant_id, certificate_sha256) DO NOTHING RETURNING certificate_id
    """  # noqa: S608 - constants of this module; values are bound
)
_LOCK: Final = text(f"SELECT {_COLUMNS} FROM certificate WHERE certificate_id = :id FOR UPDATE")  # noqa: S608
_ENDED: Final = text(
    f"""
    SELECT {_COLUMNS} FROM certificate WHERE state IN ('active', 'suspended') AND valid_until <= :now
    ORDER BY valid_until LIMIT :limit FOR UPDATE SKIP LOCKED
    """  # noqa: S608 - constants of this module; values are bound
)
_SAVE: Final = text(
    """
    UPDATE certificate c SET state = s.state, changed_by = s.changed_by, changed_at = s.changed_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:makers AS text[]),
        CAST(:instants AS timestamptz[])) AS s (id, state, changed_by, changed_at)
    WHERE c.certificate_id = s.id
    """
)
_SIGNING: Final = text(
    """
    SELECT DISTINCT participant_id FROM certificate
    WHERE participant_id = ANY(CAST(:ids AS uuid[])) AND state = 'active' AND valid_until > CAST(:now AS timestamptz)
    """
)


class CertificateTable:
    """CertificateStore on PostgreSQL."""

    async def row_version(self, conn: AsyncConnection, certificate_id: UUID) -> int:
        """The version of the binding; 0 without one."""
        return await row_version(conn, "certificate", "certificate_id", certificate_id)

    async def known(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the participants that identity knows."""
        rows = (await conn.execute(_KNOWN, {"ids": list(participant_ids)})).scalars()
        return {UUID(str(one)) for one in rows}

    async def questionnaires(
        self, conn: AsyncConnection, participant_ids: Sequence[UUID]
    ) -> dict[UUID, Questionnaire]:
        """The questionnaire last recorded of each participant who has one; what was only filled in is none."""
        rows = await conn.execute(_QUESTIONNAIRES, {"ids": list(participant_ids)})
        return {UUID(str(row.participant_id)): msgspec.convert(row.content, Questionnaire) for row in rows}

    async def lock_numbers(
        self, conn: AsyncConnection, participant_ids: Sequence[UUID]
    ) -> dict[UUID, dict[str, str]]:
        """The numbers kept of each participant; nobody else binds to them until the transaction ends."""
        await conn.execute(_LOCK_PARTICIPANTS, {"ids": sorted({str(one) for one in participant_ids})})
        found: dict[UUID, dict[str, str]] = {}
        for row in await conn.execute(_NUMBERS, {"ids": list(participant_ids)}):
            found.setdefault(UUID(str(row.participant_id)), {})[row.name] = row.digits
        return found

    async def put_numbers(self, conn: AsyncConnection, numbers: Mapping[UUID, Mapping[str, str]]) -> None:
        """Keep numbers; one that is kept already stays."""
        rows = [(owner, name, digits) for owner, given in numbers.items() for name, digits in given.items()]
        if rows:
            ids, names, digits = zip(*rows, strict=True)
            await conn.execute(_PUT_NUMBERS, {"ids": list(ids), "names": list(names), "digits": list(digits)})

    async def add(self, conn: AsyncConnection, certificates: Sequence[Certificate]) -> set[UUID]:
        """Insert bindings; return the ids of those that were not there."""
        if not certificates:
            return set()
        values: dict[str, Any] = {
            "ids": [one.certificate_id for one in certificates],
            "participants": [one.participant_id for one in certificates],
            "hashes": [one.certificate_sha256 for one in certificates],
            "encoded": [one.encoded for one in certificates],
            "powers": [one.power_sha256 for one in certificates],
            "power_signatures": [one.power_signature_sha256 for one in certificates],
            "states": [one.state.value for one in certificates],
            "terms": [one.valid_until for one in certificates],
            "makers": [one.bound_by for one in certificates],
            "instants": [one.bound_at for one in certificates],
        }
        return {UUID(str(one)) for one in (await conn.execute(_ADD, values)).scalars()}

    async def lock(self, conn: AsyncConnection, certificate_id: UUID) -> Certificate | None:
        """Read and lock one binding."""
        row = (await conn.execute(_LOCK, {"id": certificate_id})).mappings().one_or_none()
        return None if row is None else _certificate(row)

    async def lock_ended(self, conn: AsyncConnection, *, now: datetime, limit: int) -> list[Certificate]:
        """Live bindings whose term has come, locked, leaving out those that somebody works on."""
        rows = (await conn.execute(_ENDED, {"now": now, "limit": limit})).mappings()
        return [_certificate(row) for row in rows]

    async def save(self, conn: AsyncConnection, certificates: Sequence[Certificate]) -> None:
        """Write the state of locked bindings."""
        if certificates:
            values = {
                "ids": [one.certificate_id for one in certificates],
                "states": [one.state.value for one in certificates],
                "makers": [one.changed_by for one in certificates],
                "instants": [one.changed_at for one in certificates],
            }
            await conn.execute(_SAVE, values)

    async def signing(self, conn: AsyncConnection, participant_ids: Sequence[UUID], now: datetime) -> set[UUID]:
        """Those of the participants to whom a certificate is bound that may sign now."""
        rows = (await conn.execute(_SIGNING, {"ids": list(participant_ids), "now": now})).scalars()
        return {UUID(str(one)) for one in rows}


def _certificate(row: Any) -> Certificate:
    values = dict(row)
    for name in ("certificate_id", "participant_id"):
        values[name] = UUID(str(values[name]))
    return Certificate(**{**values, "state": CertificateState(row["state"]), "encoded": bytes(row["encoded"])})
