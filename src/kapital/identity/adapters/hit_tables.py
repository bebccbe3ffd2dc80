"""The tables of clients looked for and of hits: one statement per batch, never per row."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.screening import Grade, ListPurpose, ListSource, Particulars
from kapital.identity.domain.screening_hit import Measure, ScreeningHit
from kapital.identity.domain.screening_list import ScreenedClient
from kapital.identity.domain.states import HitState
from kapital.kernel.problems import ensure
from kapital.platform.row_versions import row_version

_PUT: Final = text(
    """
    INSERT INTO screening_client
        (participant_id, particulars_sha256, particulars, recorded_by, recorded_at, compared)
    SELECT id, sha256, particulars, maker, recorded_at, compared
    FROM unnest(CAST(:ids AS uuid[]), CAST(:sha256s AS text[]), CAST(:particulars AS jsonb[]),
                CAST(:makers AS text[]), CAST(:instants AS timestamptz[]), CAST(:compared AS jsonb[]))
        AS c (id, sha256, particulars, maker, recorded_at, compared)
    ORDER BY id
    ON CONFLICT (participant_id) DO UPDATE SET particulars_sha256 = EXCLUDED.particulars_sha256,
        particulars = EXCLUDED.particulars, recorded_by = EXCLUDED.recorded_by, recorded_at = EXCLUDED.recorded_at,
        compared = EXCLUDED.compared
    """
)
_CLIENT: Final = """
    SELECT participant_id, particulars_sha256, CAST(particulars AS text) AS particulars,
        COALESCE(measure, 'free') AS measure, recorded_by, recorded_at, CAST(compared AS text) AS compared
    FROM screening_client LEFT JOIN participant_measure USING (participant_id)
"""
_CLIENTS: Final = text(f"{_CLIENT} ORDER BY participant_id")
_CLIENTS_PAGE: Final = text(f"{_CLIENT} WHERE participant_id > :after ORDER BY participant_id LIMIT :limit")
_CLIENTS_READ: Final = text(f"{_CLIENT} WHERE participant_id = ANY(CAST(:ids AS uuid[]))")
# Those whom the ids name, and the participants of whose cases they are parties.
_CONCERNED: Final = text(
    """
    SELECT unnest(CAST(:ids AS uuid[])) AS participant_id
    UNION SELECT participant_id FROM kyc_party WHERE party_id = ANY(CAST(:ids AS uuid[]))
    """
)
_BEGIN_MEASURES: Final = text(
    """
    INSERT INTO participant_measure (participant_id, measure)
    SELECT id, 'free' FROM unnest(CAST(:ids AS uuid[])) AS m (id) ORDER BY id ON CONFLICT DO NOTHING
    """
)
_LOCK_MEASURES: Final = text(
    """
    SELECT participant_id, measure FROM participant_measure WHERE participant_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY participant_id FOR NO KEY UPDATE
    """
)
_PARTIES: Final = text("SELECT party_id FROM kyc_party WHERE party_id = ANY(CAST(:ids AS uuid[]))")
_SAVE_MEASURES: Final = text(
    """
    UPDATE participant_measure c SET measure = m.measure
    FROM unnest(CAST(:ids AS uuid[]), CAST(:measures AS text[])) AS m (id, measure) WHERE c.participant_id = m.id
    """
)
HIT_COLUMNS: Final = """
    hit_id, participant_id, source, list_number, entry_uid, entry_sha256, particulars_sha256, purpose, grade,
    score_ppm, reasons, state, raised_at, decide_by, proposed_by, proposed_at, proposal_reason, decided_by,
    decided_at, decision_reason
"""
_RAISE: Final = text(
    """
    INSERT INTO screening_hit (hit_id, participant_id, source, list_number, entry_uid, entry_sha256,
        particulars_sha256, purpose, grade, score_ppm, reasons, state, raised_at, decide_by)
    SELECT * FROM unnest(CAST(:hit_ids AS uuid[]), CAST(:participants AS uuid[]), CAST(:sources AS text[]),
        CAST(:numbers AS integer[]), CAST(:uids AS text[]), CAST(:entries AS text[]), CAST(:particulars AS text[]),
        CAST(:purposes AS text[]), CAST(:grades AS text[]), CAST(:scores AS integer[]), CAST(:reasons AS jsonb[]),
        CAST(:states AS text[]), CAST(:instants AS timestamptz[]), CAST(:terms AS timestamptz[]))
    ON CONFLICT (participant_id, source, entry_uid, entry_sha256, particulars_sha256) DO NOTHING
    RETURNING hit_id
    """
)
_SAID: Final = """
    unnest(CAST(:participants AS uuid[]), CAST(:sources AS text[]), CAST(:uids AS text[]), CAST(:entries AS text[]),
        CAST(:particulars AS text[])) AS said (participant_id, source, entry_uid, entry_sha256, particulars_sha256)
"""
# Raised with the very words before, decided or not.
_RAISED: Final = text(
    f"""
    SELECT h.participant_id, h.source, h.entry_uid, h.entry_sha256 FROM screening_hit h
    JOIN {_SAID} USING (participant_id, source, entry_uid, entry_sha256, particulars_sha256)
    """  # noqa: S608 - constants of this module
)
# One that stands with other words. Should there be two, of a time when both were raised, the stricter is it.
_STANDING: Final = text(
    f"""
    SELECT {HIT_COLUMNS} FROM screening_hit WHERE hit_id IN (
        SELECT DISTINCT ON (h.participant_id, h.source, h.entry_uid, h.entry_sha256) h.hit_id FROM screening_hit h
        JOIN {_SAID} USING (participant_id, source, entry_uid, entry_sha256)
        WHERE h.state IN ('suspected', 'frozen', 'pep')
        ORDER BY h.participant_id, h.source, h.entry_uid, h.entry_sha256, h.state = 'suspected', h.hit_id
    ) ORDER BY hit_id FOR UPDATE
    """  # noqa: S608 - constants of this module
)
_DESCRIBE: Final = text(
    """
    UPDATE screening_hit h SET list_number = s.number, particulars_sha256 = s.particulars, grade = s.grade,
        score_ppm = s.score, reasons = s.reasons, state = s.state, raised_at = s.instant, decide_by = s.term,
        proposed_by = NULL, proposed_at = NULL, proposal_reason = NULL
    FROM unnest(CAST(:hit_ids AS uuid[]), CAST(:numbers AS integer[]), CAST(:particulars AS text[]),
        CAST(:grades AS text[]), CAST(:scores AS integer[]), CAST(:reasons AS jsonb[]), CAST(:states AS text[]),
        CAST(:instants AS timestamptz[]), CAST(:terms AS timestamptz[]))
        AS s (id, number, particulars, grade, score, reasons, state, instant, term)
    WHERE h.hit_id = s.id
    """
)
_LOCK: Final = text(f"SELECT {HIT_COLUMNS} FROM screening_hit WHERE hit_id = :id FOR UPDATE")  # noqa: S608
_WHOSE: Final = text("SELECT participant_id FROM screening_hit WHERE hit_id = :id")
_SAVE: Final = text(
    """
    UPDATE screening_hit SET state = :state, proposed_by = :proposed_by, proposed_at = :proposed_at,
        proposal_reason = :proposal_reason, decided_by = :decided_by, decided_at = :decided_at,
        decision_reason = :decision_reason
    WHERE hit_id = :hit_id
    """
)
OWN_GROUNDS: Final = """
    SELECT participant_id, state, purpose FROM screening_hit WHERE participant_id = ANY(CAST(:ids AS uuid[]))
    UNION ALL
    -- What an officer froze by hand, whole.
    SELECT participant_id, 'frozen', 'sanctions' FROM property_freeze
    WHERE participant_id = ANY(CAST(:ids AS uuid[])) AND state IN ('active', 'partially_released')
        AND hit_id IS NULL AND reach->>'scope' = 'participant' AND reach->>'direction' <> 'credit'
"""
"""What measures rest on, of the participants themselves and not of whom their questionnaires name."""
# 115-FZ art. 7(10): whom a listed person owns, controls, heads or acts for, of them operations wait. The parties that
# count are those of cases under way and of the last one approved.
_GROUNDS_OF_PARTIES: Final = """
    SELECT p.participant_id, 'suspected', 'sanctions'
    FROM kyc_party p
    JOIN kyc_case c USING (case_id)
    JOIN screening_hit h ON h.participant_id = p.party_id
    WHERE p.participant_id = ANY(CAST(:ids AS uuid[]))
        AND (h.state = 'frozen' OR (h.state = 'suspected' AND h.purpose = 'sanctions'))
        AND (c.state IN ('identified', 'awaiting_senior', 'approved')
            OR (c.state = 'expired' AND NOT EXISTS (
                SELECT FROM kyc_case l WHERE l.participant_id = c.participant_id AND l.number > c.number
                    AND l.state IN ('approved', 'expired'))))
    UNION ALL
    -- Who acts for the participant by the register, whatever its questionnaires say.
    SELECT r.participant_id, 'suspected', 'sanctions'
    FROM kyc_representative r
    JOIN screening_hit h ON h.participant_id = r.representative_id
    WHERE r.participant_id = ANY(CAST(:ids AS uuid[])) AND r.ended_at IS NULL
        AND (h.state = 'frozen' OR (h.state = 'suspected' AND h.purpose = 'sanctions'))
"""
_MEASURES: Final = text(
    f"""
    SELECT participant_id,
        CASE WHEN bool_or(state = 'frozen') THEN 'frozen'
             WHEN bool_or(state = 'suspected' AND purpose = 'sanctions') THEN 'held' ELSE 'free' END AS measure
    FROM ({OWN_GROUNDS} UNION ALL {_GROUNDS_OF_PARTIES}) AS found
    GROUP BY participant_id
    """  # noqa: S608 - constants of this module
)
_PARTICULARS: Final = msgspec.json.Decoder(Particulars)
_COMPARED: Final = msgspec.json.Decoder(dict[ListSource, int])


class ClientTable:
    """ClientStore on PostgreSQL."""

    async def put(self, conn: AsyncConnection, clients: Sequence[ScreenedClient]) -> None:
        """Enter clients, or replace their particulars."""
        await conn.execute(
            _PUT,
            {
                "ids": [client.participant_id for client in clients],
                "sha256s": [client.particulars_sha256 for client in clients],
                "particulars": [msgspec.json.encode(client.particulars).decode() for client in clients],
                "makers": [client.recorded_by for client in clients],
                "instants": [client.recorded_at for client in clients],
                "compared": [msgspec.json.encode(client.compared).decode() for client in clients],
            },
        )

    async def all(self, conn: AsyncConnection) -> list[ScreenedClient]:
        """Every client, in the order of ids."""
        return [_client_of(row) for row in await conn.execute(_CLIENTS)]

    async def page(self, conn: AsyncConnection, *, after: UUID, limit: int) -> list[ScreenedClient]:
        """Clients with ids above `after`, in the order of ids."""
        return [_client_of(row) for row in await conn.execute(_CLIENTS_PAGE, {"after": after, "limit": limit})]

    async def read(self, conn: AsyncConnection, participant_ids: Collection[UUID]) -> dict[UUID, ScreenedClient]:
        """Those of the participants who are recorded."""
        rows = await conn.execute(_CLIENTS_READ, {"ids": list(participant_ids)})
        return {client.participant_id: client for client in map(_client_of, rows)}

    async def parties(self, conn: AsyncConnection, client_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the clients who are parties of a case and no participants."""
        return {UUID(str(row.party_id)) for row in await conn.execute(_PARTIES, {"ids": list(client_ids)})}

    async def concerned(self, conn: AsyncConnection, client_ids: Collection[UUID]) -> list[UUID]:
        """Whose measures hits of these clients touch: theirs, and of the participants whose parties they are."""
        rows = await conn.execute(_CONCERNED, {"ids": list(client_ids)})
        return sorted(UUID(str(row.participant_id)) for row in rows)

    async def lock_measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, Measure]:
        """Lock measures in the order of ids and read them; who has none yet is free."""
        await conn.execute(_BEGIN_MEASURES, {"ids": list(participant_ids)})
        rows = await conn.execute(_LOCK_MEASURES, {"ids": list(participant_ids)})
        return {UUID(str(row.participant_id)): Measure(row.measure) for row in rows}

    async def save_measures(self, conn: AsyncConnection, measures: Mapping[UUID, Measure]) -> None:
        """Write locked measures."""
        if not measures:
            return
        values = {"ids": list(measures), "measures": [measure.value for measure in measures.values()]}
        saved = await conn.execute(_SAVE_MEASURES, values)
        ensure(saved.rowcount == len(measures), "a locked measure has gone")


def _client_of(row: Any) -> ScreenedClient:
    return ScreenedClient(
        participant_id=UUID(str(row.participant_id)),
        particulars=_PARTICULARS.decode(row.particulars),
        particulars_sha256=row.particulars_sha256,
        measure=Measure(row.measure),
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
        compared=_COMPARED.decode(row.compared),
    )


class HitTable:
    """HitStore on PostgreSQL."""

    async def row_version(self, conn: AsyncConnection, hit_id: UUID) -> int:
        """The version of the hit; 0 without one."""
        return await row_version(conn, "screening_hit", "hit_id", hit_id)

    async def raise_new(self, conn: AsyncConnection, hits: Sequence[ScreeningHit]) -> list[ScreeningHit]:
        """Enter hits whose pair was never raised with the same words; of one that stands with others these are added.

        Returns those entered, and those that freeze now and did not before.
        """
        if not hits:
            return []
        known = {_pair(row) for row in await conn.execute(_RAISED, _columns(hits))}
        new = {_pair(hit): hit for hit in hits if _pair(hit) not in known}
        if not new:
            return []
        standing = [hit_of(row) for row in await conn.execute(_STANDING, _columns(list(new.values())))]
        frozen = [hit for hit in standing if hit.described_anew(new.pop(_pair(hit)))]
        if standing:
            await conn.execute(_DESCRIBE, _columns(standing))
        entered = set()
        if new:
            rows = await conn.execute(_RAISE, _columns(list(new.values())))
            entered = {UUID(str(row.hit_id)) for row in rows}
        return [*frozen, *(hit for hit in new.values() if hit.hit_id in entered)]

    async def lock(self, conn: AsyncConnection, hit_id: UUID) -> ScreeningHit | None:
        """Read and lock one hit."""
        row = (await conn.execute(_LOCK, {"id": hit_id})).one_or_none()
        return None if row is None else hit_of(row)

    async def whose(self, conn: AsyncConnection, hit_id: UUID) -> UUID | None:
        """Who was hit, not locked; never changes."""
        found = (await conn.execute(_WHOSE, {"id": hit_id})).scalar_one_or_none()
        return None if found is None else UUID(str(found))

    async def save(self, conn: AsyncConnection, hit: ScreeningHit) -> None:
        """Write state and decisions of a locked hit."""
        names = ("proposed_by", "proposed_at", "proposal_reason", "decided_by", "decided_at", "decision_reason")
        values = {name: getattr(hit, name) for name in names} | {"state": hit.state.value, "hit_id": hit.hit_id}
        saved = await conn.execute(_SAVE, values)
        ensure(saved.rowcount == 1, "a locked hit has gone")

    async def measures(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> dict[UUID, Measure]:
        """The strictest measure of each participant, by its own hits and freezes and those of its parties."""
        rows = await conn.execute(_MEASURES, {"ids": list(participant_ids)})
        return {UUID(str(row.participant_id)): Measure(row.measure) for row in rows}


def _pair(of: Any) -> tuple[UUID, str, str, str]:
    """Who was hit by what: of a hit, or of a row."""
    return (UUID(str(of.participant_id)), str(of.source), of.entry_uid, of.entry_sha256)


def _columns(hits: Sequence[ScreeningHit]) -> dict[str, list[Any]]:
    return {
        "hit_ids": [hit.hit_id for hit in hits],
        "participants": [hit.participant_id for hit in hits],
        "sources": [hit.source.value for hit in hits],
        "numbers": [hit.list_number for hit in hits],
        "uids": [hit.entry_uid for hit in hits],
        "entries": [hit.entry_sha256 for hit in hits],
        "particulars": [hit.particulars_sha256 for hit in hits],
        "purposes": [hit.purpose.value for hit in hits],
        "grades": [hit.grade.value for hit in hits],
        "scores": [hit.score_ppm for hit in hits],
        "reasons": [msgspec.json.encode(hit.reasons).decode() for hit in hits],
        "states": [hit.state.value for hit in hits],
        "instants": [hit.raised_at for hit in hits],
        "terms": [hit.decide_by for hit in hits],
    }


def hit_of(row: Any) -> ScreeningHit:
    """The hit in a row of HIT_COLUMNS."""
    values = {name.strip(): getattr(row, name.strip()) for name in HIT_COLUMNS.split(",")}
    reasons = row.reasons if isinstance(row.reasons, list) else msgspec.json.decode(row.reasons)
    values |= {
        "hit_id": UUID(str(row.hit_id)),
        "participant_id": UUID(str(row.participant_id)),
        "source": ListSource(row.source),
        "purpose": ListPurpose(row.purpose),
        "grade": Grade(row.grade),
        "state": HitState(row.state),
        "reasons": tuple(reasons),
    }
    return ScreeningHit(**values)
