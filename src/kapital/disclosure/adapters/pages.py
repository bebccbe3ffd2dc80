"""SQL that writes the pages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from kapital.disclosure.domain.decision import DecisionHead
from kapital.disclosure.domain.tellings import DecisionPublished
from kapital.disclosure.ports import PageEvent, PageTotal
from kapital.kernel.problems import ensure
from kapital.platform.unit_of_work import Transaction

_PUBLISH: Final = text(
    """
    INSERT INTO issue_page (issue_id, code, title, issuer_name, issuer_inn, issuer_ogrn, issuer_participant_id,
        right_kind, decision_sha256, quantity_min, quantity_max, price_kopecks, placement_start_at,
        placement_end_at, published_at)
    VALUES (:issue_id, :code, :title, :issuer_name, :issuer_inn, :issuer_ogrn, :issuer_participant_id,
        :right_kind, :decision_sha256, :quantity_min, :quantity_max, :price_kopecks, :placement_start_at,
        :placement_end_at, :published_at)
    ON CONFLICT (issue_id) DO NOTHING
    """
)
_PUBLISHED_AS: Final = text("SELECT decision_sha256 FROM issue_page WHERE issue_id = :issue_id")
_DOCUMENTS: Final = text(
    """
    INSERT INTO page_document (issue_id, place, sha256, name, media_type, bytes)
    SELECT :issue_id, n, sha256, name, media_type, bytes
    FROM unnest(CAST(:sha256 AS text[]), CAST(:name AS text[]), CAST(:media_type AS text[]),
                CAST(:bytes AS bigint[])) WITH ORDINALITY AS d (sha256, name, media_type, bytes, n)
    """
)
_SIGNATURES: Final = text(
    """
    INSERT INTO page_signature (issue_id, place, key_name, algorithm, signature_b64, public_key_b64)
    SELECT :issue_id, n, key_name, algorithm, signature_b64, public_key_b64
    FROM unnest(CAST(:key_name AS text[]), CAST(:algorithm AS text[]), CAST(:signature_b64 AS text[]),
                CAST(:public_key_b64 AS text[]))
        WITH ORDINALITY AS s (key_name, algorithm, signature_b64, public_key_b64, n)
    """
)
_EVENTS: Final = text(
    """
    INSERT INTO page_event (event_id, issue_id, kind, value, at)
    SELECT event_id, issue_id, kind, value, at
    FROM unnest(CAST(:event_id AS uuid[]), CAST(:issue_id AS uuid[]), CAST(:kind AS text[]),
                CAST(:value AS text[]), CAST(:at AS timestamptz[]))
        WITH ORDINALITY AS e (event_id, issue_id, kind, value, at, n)
    ORDER BY n
    ON CONFLICT (event_id) DO NOTHING
    """
)
# A repeat finds equal sums and is counted; other sums are not, which is how they are noticed. `at` stays the first.
_TOTALS: Final = text(
    """
    INSERT INTO page_total AS kept (issue_id, topic, subject_id, part, parts, kind, lines, units, paid_kopecks,
                                    refunded_kopecks, at)
    SELECT * FROM unnest(CAST(:issue_id AS uuid[]), CAST(:topic AS text[]), CAST(:subject_id AS uuid[]),
        CAST(:part AS integer[]), CAST(:parts AS integer[]), CAST(:kind AS text[]), CAST(:lines AS bigint[]),
        CAST(:units AS bigint[]), CAST(:paid_kopecks AS bigint[]), CAST(:refunded_kopecks AS bigint[]),
        CAST(:at AS timestamptz[]))
    ON CONFLICT (issue_id, topic, subject_id, part) DO UPDATE SET lines = EXCLUDED.lines
    WHERE (kept.parts, kept.kind, kept.lines, kept.units, kept.paid_kopecks, kept.refunded_kopecks)
        = (EXCLUDED.parts, EXCLUDED.kind, EXCLUDED.lines, EXCLUDED.units, EXCLUDED.paid_kopecks,
           EXCLUDED.refunded_kopecks)
    """
)


class SqlPages:
    """Pages in disclosure's database."""

    async def publish(self, tx: Transaction, told: DecisionPublished, head: DecisionHead, at: datetime) -> None:
        """As `Pages.publish`."""
        written = await tx.conn.execute(
            _PUBLISH,
            {
                "issue_id": told.issue_id,
                "code": told.code,
                "title": head.title,
                "issuer_name": head.issuer.name,
                "issuer_inn": head.issuer.inn,
                "issuer_ogrn": head.issuer.ogrn,
                "issuer_participant_id": told.issuer_participant_id,
                "right_kind": told.right_kind,
                "decision_sha256": told.decision_sha256,
                "quantity_min": told.quantity_min,
                "quantity_max": told.quantity_max,
                "price_kopecks": told.price_kopecks,
                "placement_start_at": told.placement_start_at,
                "placement_end_at": told.placement_end_at,
                "published_at": at,
            },
        )
        if written.rowcount == 0:
            kept = (await tx.conn.execute(_PUBLISHED_AS, {"issue_id": told.issue_id})).scalar_one()
            ensure(kept == told.decision_sha256, "an issue is published with one decision")
            return
        columns = _columns(told.documents, ("sha256", "name", "media_type", "bytes"))
        await tx.conn.execute(_DOCUMENTS, columns | {"issue_id": told.issue_id})
        columns = _columns(told.signatures, ("key_name", "algorithm", "signature_b64", "public_key_b64"))
        await tx.conn.execute(_SIGNATURES, columns | {"issue_id": told.issue_id})

    async def add_events(self, tx: Transaction, events: Sequence[PageEvent]) -> None:
        """As `Pages.add_events`."""
        await tx.conn.execute(_EVENTS, _columns(events, PageEvent._fields))

    async def add_totals(self, tx: Transaction, totals: Sequence[PageTotal]) -> None:
        """As `Pages.add_totals`."""
        written = await tx.conn.execute(_TOTALS, _columns(totals, PageTotal._fields))
        ensure(written.rowcount == len(totals), "a part told again has the sums it had")


def _columns(rows: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: [getattr(row, name) for row in rows] for name in names}
