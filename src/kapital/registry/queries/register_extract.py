"""Read model: the register of users as it stood at an instant (выписка из реестра пользователей)."""

from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import registry as contract
from kapital.contracts.base import unset_if_none
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.registry.domain.parameters import FINAL_AFTER
from kapital.registry.domain.problems import ExtractInstantInFuture
from kapital.registry.domain.status import ROLES

T = TypeVar("T", contract.ExtractRepresentative, contract.ExtractStatus)

_PAGE: Final = text(
    """
    SELECT p.participant_id, p.kind, p.name, p.inn, p.ogrn, p.snils, h.roles, p.registered_at,
        coalesce(a.version, '') AS rule_book_version, s.state, s.changed_at, w.wallet_id, r.representatives,
        h.statuses
    FROM participant p
    JOIN LATERAL (
        SELECT c.state, c.changed_at FROM participant_change c
        WHERE c.participant_id = p.participant_id AND c.changed_at <= :at ORDER BY c.version DESC LIMIT 1
    ) s ON true
    LEFT JOIN LATERAL (
        SELECT b.version FROM rule_book_acceptance b
        WHERE b.participant_id = p.participant_id AND b.accepted_at <= :at ORDER BY b.accepted_at DESC LIMIT 1
    ) a ON true
    LEFT JOIN LATERAL (
        SELECT json_agg(json_build_object('representative_id', x.representative_id, 'kind', x.kind, 'name', x.name,
                'powers', x.powers, 'valid_from', x.valid_from, 'valid_until', x.valid_until)
            ORDER BY x.representative_id) AS representatives
        FROM representative x
        WHERE x.participant_id = p.participant_id AND x.valid_from <= :at
            AND (x.ended_at IS NULL OR x.ended_at > :at) AND (x.valid_until IS NULL OR x.valid_until > :at)
    ) r ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(x.status ORDER BY x.status) FILTER (WHERE x.is_role) AS roles,
            json_agg(json_build_object('status_id', x.status_id, 'status', x.status, 'valid_from', x.valid_from,
                'valid_until', x.valid_until, 'recognised_by', x.recognised_by,
                'evidence_sha256', x.evidence_sha256, 'held_at', x.held_at) ORDER BY x.status)
                FILTER (WHERE NOT x.is_role OR x.held_at > p.registered_at OR x.valid_until IS NOT NULL) AS statuses
        FROM (
            SELECT y.*, y.status = ANY(CAST(:roles AS text[])) AS is_role FROM participant_status y
            WHERE y.participant_id = p.participant_id AND y.held_at <= :at
                AND (y.ended_at IS NULL OR y.ended_at > :at) AND (y.valid_until IS NULL OR y.valid_until > :at)
        ) AS x
    ) h ON true
    LEFT JOIN wallet w ON w.participant_id = p.participant_id AND w.opened_at <= :at
        AND (w.closed_at IS NULL OR w.closed_at > :at)
    WHERE p.registered_at <= :at
        AND p.participant_id > COALESCE(CAST(:after AS uuid), '00000000-0000-0000-0000-000000000000')
    ORDER BY p.participant_id LIMIT :limit
    """
)


async def register_extract(
    conn: AsyncConnection,
    *,
    actor: Actor,
    now: datetime,
    at: datetime | None = None,
    after: UUID | None = None,
    limit: int = 100,
) -> contract.RegisterExtract:
    """A page of the register at `at` (None: now), in the order of ids.

    Shape: `limit` 1 to 1,000. Law: 259-FZ art. 8. Raises: NotPermitted, ExtractInstantInFuture.
    Not: signed (`sign_register_extract` does that); a history of names, which cannot be changed in this version.
    """
    access.require(actor, "get_register_extract")
    instant = now if at is None else at
    if instant > now:
        raise ExtractInstantInFuture
    asked = {"at": instant, "after": after, "limit": limit + 1, "roles": [name.value for name in ROLES]}
    rows = (await conn.execute(_PAGE, asked)).all()
    shown = rows[:limit]
    return contract.RegisterExtract(
        at=instant,
        is_final=instant <= now - FINAL_AFTER,
        lines=[_line(row) for row in shown],
        next_after=UUID(str(shown[-1].participant_id)) if len(rows) > limit else None,
    )


def _line(row: Any) -> contract.ExtractLine:
    return contract.ExtractLine(
        participant_id=UUID(str(row.participant_id)),
        kind=contract.ParticipantKind(row.kind),
        name=row.name,
        inn=row.inn,
        ogrn=row.ogrn,
        snils=row.snils,
        roles=[contract.ParticipantRole(role) for role in row.roles or ()],
        state=contract.ParticipantState(row.state),
        rule_book_version=row.rule_book_version,
        registered_at=row.registered_at,
        state_since_at=row.changed_at,
        wallet_id=None if row.wallet_id is None else UUID(str(row.wallet_id)),
        representatives=unset_if_none(_dated(row.representatives, contract.ExtractRepresentative)),
        statuses=unset_if_none(_dated(row.statuses, contract.ExtractStatus)),
    )


def _dated(rows: list[dict[str, Any]] | None, form: type[T]) -> list[T] | None:
    if rows is None:
        return None
    # The database writes instants in the zone of its session: one spelling, or the bytes under a signature differ.
    return [msgspec.structs.replace(one, **_in_utc(one)) for one in (msgspec.convert(row, form) for row in rows)]


def _in_utc(one: msgspec.Struct) -> dict[str, datetime]:
    values = ((name, getattr(one, name)) for name in one.__struct_fields__)
    return {name: value.astimezone(UTC) for name, value in values if isinstance(value, datetime)}
