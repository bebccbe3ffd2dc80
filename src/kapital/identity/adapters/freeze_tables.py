"""The tables of freezes, of what they ask of the register, and of participants' wallets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.freeze import Freeze, FreezeBasis, ProposedRelease, Reach
from kapital.identity.domain.freeze_entry import AskedEntry, FollowedHit
from kapital.identity.domain.states import FreezeState, HitState
from kapital.kernel.problems import ensure
from kapital.platform.row_versions import row_version

_T = TypeVar("_T")

_ACTS: Final = 7_115_001
_REGISTER: Final = 7_115_002

FREEZE_COLUMNS: Final = (
    "freeze_id, participant_id, CAST(reach AS text) AS reach, CAST(basis AS text) AS basis, hit_id, source,"
    " list_number, state, reason, made_by, made_at, step, allowance_kopecks, decided_by, decided_at, decision_reason,"
    " CAST(release AS text) AS release"
)
_LOCK: Final = text("SELECT pg_advisory_xact_lock(:name)")
_FIND: Final = text(f"SELECT {FREEZE_COLUMNS} FROM property_freeze WHERE freeze_id = :id FOR UPDATE")  # noqa: S608
_LIVE: Final = text(
    f"SELECT {FREEZE_COLUMNS} FROM property_freeze WHERE participant_id = ANY(CAST(:ids AS uuid[]))"  # noqa: S608
    " AND state IN ('active', 'partially_released') ORDER BY freeze_id"
)
_ADD: Final = text(
    """
    INSERT INTO property_freeze (freeze_id, participant_id, reach, basis, hit_id, source, list_number, state, reason,
        made_by, made_at, step, allowance_kopecks)
    VALUES (:freeze_id, :participant_id, CAST(:reach AS jsonb), CAST(:basis AS jsonb), :hit_id, :source, :list_number,
        :state, :reason, :made_by, :made_at, :step, :allowance_kopecks)
    """
)
_SAVE: Final = text(
    """
    UPDATE property_freeze SET reach = CAST(:reach AS jsonb), state = :state, step = :step,
        allowance_kopecks = :allowance_kopecks, decided_by = :decided_by, decided_at = :decided_at,
        decision_reason = :decision_reason, release = CAST(:release AS jsonb)
    WHERE freeze_id = :freeze_id
    """
)
_KEEP_WALLETS: Final = text(
    """
    INSERT INTO participant_wallet SELECT * FROM unnest(CAST(:wallets AS uuid[]), CAST(:participants AS uuid[]))
    ON CONFLICT DO NOTHING
    """
)
_WALLETS: Final = text("SELECT wallet_id FROM participant_wallet WHERE participant_id = :id ORDER BY wallet_id")
_ASKED_WALLETS: Final = text("SELECT DISTINCT wallet_id FROM freeze_entry WHERE freeze_id = :id ORDER BY wallet_id")
_ASK: Final = text(
    """
    INSERT INTO freeze_entry (freeze_id, wallet_id, step, actor, document_sha256, asset_id, kind, debits_stopped,
        credits_stopped, allowance_kopecks, asked_at)
    SELECT * FROM unnest(CAST(:freezes AS uuid[]), CAST(:wallets AS uuid[]), CAST(:steps AS integer[]),
        CAST(:actors AS text[]), CAST(:documents AS text[]), CAST(:assets AS uuid[]), CAST(:kinds AS text[]),
        CAST(:debits AS boolean[]), CAST(:credits AS boolean[]), CAST(:allowances AS bigint[]),
        CAST(:instants AS timestamptz[]))
    ON CONFLICT (freeze_id, wallet_id, step) DO NOTHING
    """
)
_OPEN: Final = """
    SELECT freeze_id, wallet_id, step, actor, document_sha256, asset_id, kind, debits_stopped, credits_stopped,
        allowance_kopecks, asked_at, entry_seq, refusal
    FROM freeze_entry
    WHERE refusal IS NULL AND (entry_seq IS NULL OR NOT (swept OR debits_stopped OR credits_stopped))
    ORDER BY n LIMIT :limit
"""
_ENTRIES: Final = text(
    """
    SELECT freeze_id, wallet_id, step, actor, document_sha256, asset_id, kind, debits_stopped, credits_stopped,
        allowance_kopecks, asked_at, entry_seq, refusal
    FROM freeze_entry WHERE freeze_id = ANY(CAST(:ids AS uuid[])) ORDER BY n
    """
)
_NOTE: Final = text(
    """
    UPDATE freeze_entry e SET entry_seq = t.seq, refusal = t.refusal
    FROM unnest(CAST(:freezes AS uuid[]), CAST(:wallets AS uuid[]), CAST(:steps AS integer[]),
        CAST(:seqs AS bigint[]), CAST(:refusals AS text[])) AS t (freeze_id, wallet_id, step, seq, refusal)
    WHERE (e.freeze_id, e.wallet_id, e.step) = (t.freeze_id, t.wallet_id, t.step)
    """
)
_SWEPT: Final = text(
    """
    UPDATE freeze_entry e SET swept = true
    FROM unnest(CAST(:freezes AS uuid[]), CAST(:wallets AS uuid[]), CAST(:steps AS integer[]))
        AS t (freeze_id, wallet_id, step)
    WHERE (e.freeze_id, e.wallet_id, e.step) = (t.freeze_id, t.wallet_id, t.step)
    """
)
_RELEASED: Final = text(
    """
    SELECT coalesce(sum(e.allowance_kopecks), 0) FROM freeze_entry e JOIN property_freeze f USING (freeze_id)
    WHERE f.participant_id = :id AND e.asked_at >= :since
    """
)
_TO_FOLLOW: Final = text(
    """
    SELECT h.hit_id, h.participant_id, h.source, h.list_number, h.state, h.entry_sha256, h.raised_at,
        coalesce(h.decided_by, 'machine:scheduler') AS decided_by, f.freeze_id
    FROM screening_hit h LEFT JOIN property_freeze f USING (hit_id)
    -- A party of a case has no wallet; the participant is held, and an officer decides whether it is frozen.
    WHERE (h.state = 'frozen' AND f.freeze_id IS NULL
            AND NOT EXISTS (SELECT 1 FROM kyc_party p WHERE p.party_id = h.participant_id))
        OR (h.state = 'released' AND f.state IN ('active', 'partially_released'))
    ORDER BY h.hit_id LIMIT :limit
    """
)


class FreezeTables:
    """FreezeStore on PostgreSQL."""

    async def row_version(self, conn: AsyncConnection, freeze_id: UUID) -> int:
        """The version of the freeze; 0 without one."""
        return await row_version(conn, "property_freeze", "freeze_id", freeze_id)

    async def lock_acts(self, conn: AsyncConnection) -> None:
        """Let nobody else freeze, release or open a wallet until the transaction ends."""
        await conn.execute(_LOCK, {"name": _ACTS})

    async def lock_register(self, conn: AsyncConnection) -> None:
        """Let nobody else bring freezes to the register until the transaction ends."""
        await conn.execute(_LOCK, {"name": _REGISTER})

    async def find(self, conn: AsyncConnection, freeze_id: UUID) -> Freeze | None:
        """Read and lock one freeze."""
        row = (await conn.execute(_FIND, {"id": freeze_id})).one_or_none()
        return None if row is None else freeze_of(row)

    async def live(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> list[Freeze]:
        """The freezes in force of these participants."""
        return [freeze_of(row) for row in await conn.execute(_LIVE, {"ids": list(participant_ids)})]

    async def add(self, conn: AsyncConnection, freezes: Sequence[Freeze]) -> None:
        """Enter freezes."""
        if freezes:
            await conn.execute(_ADD, [_values(freeze) for freeze in freezes])

    async def save(self, conn: AsyncConnection, freeze: Freeze) -> None:
        """Write state, reach and decisions of a locked freeze."""
        saved = await conn.execute(_SAVE, _values(freeze))
        ensure(saved.rowcount == 1, "a locked freeze has gone")

    async def keep_wallets(self, conn: AsyncConnection, owners: Mapping[UUID, UUID]) -> None:
        """Note whose wallets these are (wallet → participant)."""
        values = {"wallets": list(owners), "participants": list(owners.values())}
        await conn.execute(_KEEP_WALLETS, values)

    async def wallets(self, conn: AsyncConnection, participant_id: UUID) -> list[UUID]:
        """The wallets of a participant that are known to be open."""
        return [UUID(str(row.wallet_id)) for row in await conn.execute(_WALLETS, {"id": participant_id})]

    async def asked_wallets(self, conn: AsyncConnection, freeze_id: UUID) -> list[UUID]:
        """The wallets for which this freeze has asked something of the register."""
        return [UUID(str(row.wallet_id)) for row in await conn.execute(_ASKED_WALLETS, {"id": freeze_id})]

    async def ask(self, conn: AsyncConnection, entries: Sequence[AskedEntry]) -> None:
        """Keep what is to be entered in the register; what was asked before stays as it was."""
        if not entries:
            return
        values: dict[str, Any] = _keys(entries) | {
            "actors": [one.actor for one in entries],
            "documents": [one.document_sha256 for one in entries],
            "assets": [one.asset_id for one in entries],
            "kinds": [one.kind for one in entries],
            "debits": [one.debits_stopped for one in entries],
            "credits": [one.credits_stopped for one in entries],
            "allowances": [one.allowance_kopecks for one in entries],
            "instants": [one.asked_at for one in entries],
        }
        await conn.execute(_ASK, values)

    async def open_entries(self, conn: AsyncConnection, limit: int) -> list[AskedEntry]:
        """What the register has not got yet, and released wallets whose blocked position is not emptied; in order."""
        return [entry_of(row) for row in await conn.execute(text(_OPEN), {"limit": limit})]

    async def note_entered(self, conn: AsyncConnection, entries: Sequence[AskedEntry]) -> None:
        """Write the numbers, or refusals, of entries."""
        if entries:
            seqs, refusals = [one.entry_seq for one in entries], [one.refusal for one in entries]
            await conn.execute(_NOTE, _keys(entries) | {"seqs": seqs, "refusals": refusals})

    async def entries(self, conn: AsyncConnection, freeze_ids: Sequence[UUID]) -> list[AskedEntry]:
        """All that these freezes have asked of the register, in order."""
        return [entry_of(row) for row in await conn.execute(_ENTRIES, {"ids": list(freeze_ids)})]

    async def note_swept(self, conn: AsyncConnection, entries: Sequence[AskedEntry]) -> None:
        """Note that the blocked position was emptied after these releases."""
        if entries:
            await conn.execute(_SWEPT, _keys(entries))

    async def released_kopecks(self, conn: AsyncConnection, participant_id: UUID, since: datetime) -> int:
        """How much money was let go out of the participant's freezes from this instant on."""
        total = (await conn.execute(_RELEASED, {"id": participant_id, "since": since})).scalar_one()
        return int(total)

    async def hits_to_follow(self, conn: AsyncConnection, limit: int) -> list[FollowedHit]:
        """Hits whose freeze is not made yet, or not ended yet."""
        return [
            FollowedHit(
                hit_id=UUID(str(row.hit_id)),
                participant_id=UUID(str(row.participant_id)),
                source=row.source,
                list_number=row.list_number,
                state=HitState(row.state),
                entry_sha256=row.entry_sha256,
                raised_at=row.raised_at,
                decided_by=row.decided_by,
                freeze_id=None if row.freeze_id is None else UUID(str(row.freeze_id)),
            )
            for row in await conn.execute(_TO_FOLLOW, {"limit": limit})
        ]


def _keys(entries: Sequence[AskedEntry]) -> dict[str, Any]:
    return {
        "freezes": [one.freeze_id for one in entries],
        "wallets": [one.wallet_id for one in entries],
        "steps": [one.step for one in entries],
    }


def _values(freeze: Freeze) -> dict[str, Any]:
    names = (
        "freeze_id participant_id hit_id source list_number reason made_by made_at step allowance_kopecks decided_by"
        " decided_at decision_reason"
    )
    values: dict[str, Any] = {name: getattr(freeze, name) for name in names.split()}
    return values | {
        "reach": msgspec.json.encode(freeze.reach).decode(),
        "basis": msgspec.json.encode(freeze.basis).decode(),
        "state": freeze.state.value,
        "release": None if freeze.release is None else msgspec.json.encode(freeze.release).decode(),
    }


def freeze_of(row: Any) -> Freeze:
    """The freeze in a row of FREEZE_COLUMNS."""
    return Freeze(
        freeze_id=UUID(str(row.freeze_id)),
        participant_id=UUID(str(row.participant_id)),
        reach=_read(row.reach, Reach),
        basis=_read(row.basis, FreezeBasis),
        hit_id=None if row.hit_id is None else UUID(str(row.hit_id)),
        source=row.source,
        list_number=row.list_number,
        state=FreezeState(row.state),
        reason=row.reason,
        made_by=row.made_by,
        made_at=row.made_at,
        step=row.step,
        allowance_kopecks=row.allowance_kopecks,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_reason=row.decision_reason,
        release=None if row.release is None else _read(row.release, ProposedRelease),
    )


def _read(value: Any, kind: type[_T]) -> _T:
    """A JSON column, as text or as the driver has read it."""
    return msgspec.json.decode(value, type=kind) if isinstance(value, str) else msgspec.convert(value, kind)


def entry_of(row: Any) -> AskedEntry:
    """What a row of `freeze_entry` asks."""
    return AskedEntry(
        freeze_id=UUID(str(row.freeze_id)),
        wallet_id=UUID(str(row.wallet_id)),
        step=row.step,
        actor=row.actor,
        document_sha256=row.document_sha256,
        asset_id=None if row.asset_id is None else UUID(str(row.asset_id)),
        kind=row.kind,
        debits_stopped=row.debits_stopped,
        credits_stopped=row.credits_stopped,
        allowance_kopecks=row.allowance_kopecks,
        asked_at=row.asked_at,
        entry_seq=row.entry_seq,
        refusal=row.refusal,
    )
