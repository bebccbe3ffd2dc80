"""Certificates bound to participants, as a service that checks acts knows them: a view of identity's events."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.identity import CertificateBound, CertificateEnded
from kapital.platform.events import CloudEvent

EVENTS: Final = ("kapital.identity.certificate_bound.v1", "kapital.identity.certificate_ended.v1")

BOUND_CERTIFICATE: Final = """
    CREATE TABLE bound_certificate (
        participant_id uuid NOT NULL,
        certificate_sha256 text NOT NULL CHECK (certificate_sha256 ~ '^[0-9a-f]{64}$'),
        active boolean NOT NULL,
        power_sha256 text,
        power_signature_sha256 text,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (participant_id, certificate_sha256)
    )
"""
"""The table, for a service's migration."""

_OF: Final = text(
    """
    SELECT participant_id, certificate_sha256, active, power_sha256, power_signature_sha256
    FROM bound_certificate WHERE participant_id = ANY(CAST(:ids AS uuid[]))
    """
)
_NOTE: Final = text(
    """
    INSERT INTO bound_certificate AS b
        (participant_id, certificate_sha256, active, power_sha256, power_signature_sha256, changed_at)
    SELECT participant_id, certificate_sha256, active, power_sha256, power_signature_sha256, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(participant_id uuid, certificate_sha256 text, active boolean,
        power_sha256 text, power_signature_sha256 text)
    ORDER BY participant_id, certificate_sha256
    ON CONFLICT (participant_id, certificate_sha256) DO UPDATE SET active = excluded.active,
        power_sha256 = coalesce(excluded.power_sha256, b.power_sha256),
        power_signature_sha256 = coalesce(excluded.power_signature_sha256, b.power_signature_sha256),
        changed_at = excluded.changed_at
    """
)


class BoundCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """`power_sha256` names the power of attorney under which an employee's certificate signs; None for an own one."""

    participant_id: UUID
    certificate_sha256: str
    active: bool
    power_sha256: str | None
    power_signature_sha256: str | None


Bound = Mapping[str, BoundCertificate]
"""A participant's certificates by their SHA-256."""


async def bound_to(conn: AsyncConnection, participant_ids: Iterable[UUID]) -> dict[UUID, dict[str, BoundCertificate]]:
    """The certificates that were ever bound to each participant."""
    found: dict[UUID, dict[str, BoundCertificate]] = {}
    if not (wanted := set(participant_ids)):
        return found
    for driver_id, certificate_sha256, active, power, power_signature in await conn.execute(
        _OF, {"ids": list(wanted)}
    ):
        participant_id = UUID(int=driver_id.int)  # the driver has a UUID of its own
        found.setdefault(participant_id, {})[certificate_sha256] = BoundCertificate(
            participant_id=participant_id,
            certificate_sha256=certificate_sha256,
            active=active,
            power_sha256=power,
            power_signature_sha256=power_signature,
        )
    return found


async def note_certificates(conn: AsyncConnection, events: Sequence[CloudEvent], now: datetime) -> None:
    """Take in what identity told; of one certificate the last word counts."""
    rows: dict[tuple[UUID, str], dict[str, Any]] = {}
    for event in events:
        if event.type == EVENTS[0]:
            bound = event.data_as(CertificateBound)
            row = {
                "power_sha256": bound.power_sha256,
                "power_signature_sha256": bound.power_signature_sha256,
                "active": True,
            }
            participant_id, certificate = bound.participant_id, bound.certificate_sha256
        else:
            ended = event.data_as(CertificateEnded)
            row = {"active": False}
            participant_id, certificate = ended.participant_id, ended.certificate_sha256
        known = rows.setdefault((participant_id, certificate), {})
        known |= {"participant_id": participant_id, "certificate_sha256": certificate, **row}
    if rows:
        await conn.execute(_NOTE, {"rows": msgspec.json.encode(list(rows.values())).decode(), "now": now})
