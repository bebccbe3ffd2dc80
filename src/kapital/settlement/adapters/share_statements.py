"""Statements of `share_table`, each one for any number of wallets or orders."""

from typing import Final

from sqlalchemy import text

# Money that left without a beneficiary's name left the bank's undistributed money: no distribution finds it any more.
PAID_NAMELESS: Final = text(
    """
    SELECT EXISTS (SELECT FROM withdrawal AS w WHERE state IN ('sent', 'unknown', 'confirmed')
            AND (wallet_id = ANY(CAST(:wallets AS uuid[]))
                OR EXISTS (SELECT FROM beneficiary AS b WHERE b.wallet_id = w.wallet_id)))
        AND NOT EXISTS (SELECT FROM bank_share_walk)
    """
)
BEGIN: Final = text("INSERT INTO bank_share_walk (next_seq) VALUES (0) ON CONFLICT DO NOTHING")
HAS_BEGUN: Final = text("SELECT EXISTS (SELECT FROM bank_share_walk)")
ADD_KNOWN: Final = text(
    """
    INSERT INTO bank_share_holder (wallet_id, tried_at, changed_at) SELECT wallet_id, :now, :now FROM beneficiary
    ON CONFLICT DO NOTHING
    """
)
ADD: Final = text(
    """
    INSERT INTO bank_share_holder (wallet_id, tried_at, changed_at)
    SELECT wallet_id, :now, :now FROM unnest(CAST(:wallets AS uuid[])) AS w (wallet_id) ORDER BY wallet_id
    ON CONFLICT DO NOTHING
    """
)
WALKED: Final = text("SELECT next_seq FROM bank_share_walk FOR UPDATE")
COMPARED_TO: Final = text("SELECT compared_to FROM bank_share_walk")
COMPARED: Final = text("UPDATE bank_share_walk SET compared_to = :last")
WALK_ON: Final = text("UPDATE bank_share_walk SET next_seq = :next")
# A payment is distributed under the bank's id of it: of one whose owner two persons found, that of the decision's.
DISTRIBUTE: Final = text(
    """
    WITH came AS (
        SELECT c.order_id, c.entry_seq, c.wallet_id, c.amount, coalesce(c.bank_id, p.bank_id) AS incoming_id
        FROM unnest(CAST(:ids AS uuid[]), CAST(:seqs AS bigint[]), CAST(:wallets AS uuid[]),
            CAST(:amounts AS bigint[]), CAST(:bank_ids AS text[]), CAST(:decisions AS uuid[]))
            AS c (order_id, entry_seq, wallet_id, amount, bank_id, decision_id)
            LEFT JOIN money_decision AS d USING (decision_id) LEFT JOIN incoming_payment AS p USING (payment_id)
        ORDER BY c.entry_seq
    ), kept AS (
        INSERT INTO bank_share_order (order_id, kind, incoming_id, entry_seq, created_at, changed_at)
        SELECT order_id, 'distribution', incoming_id, entry_seq, :now, :now FROM came
    )
    INSERT INTO bank_share_line (order_id, wallet_id, amount_kopecks) SELECT order_id, wallet_id, amount FROM came
    """
)
OWE: Final = text(
    """
    UPDATE bank_share_holder AS h SET owed_kopecks = h.owed_kopecks + c.amount, changed_at = :now
    FROM unnest(CAST(:wallets AS uuid[]), CAST(:amounts AS bigint[])) AS c (wallet_id, amount)
    WHERE h.wallet_id = c.wallet_id
    """
)
TO_ASK: Final = text(
    "SELECT wallet_id FROM bank_share_holder WHERE scoring = :scoring ORDER BY tried_at, wallet_id LIMIT :limit"
)
NOTE_SCORED: Final = text(
    """
    UPDATE bank_share_holder AS h SET scoring = s.scoring, scoring_reasons = string_to_array(s.reasons, ','),
        tried_at = :now, changed_at = :now
    FROM unnest(CAST(:wallets AS uuid[]), CAST(:scorings AS text[]), CAST(:reasons AS text[]))
        AS s (wallet_id, scoring, reasons)
    WHERE h.wallet_id = s.wallet_id
        AND (h.scoring, h.scoring_reasons) IS DISTINCT FROM (s.scoring, string_to_array(s.reasons, ','))
    """
)
WALLETS_TRIED: Final = text(
    "UPDATE bank_share_holder SET tried_at = :now WHERE wallet_id = ANY(CAST(:wallets AS uuid[]))"
)
ORDERS_TRIED: Final = text(
    """
    UPDATE bank_share_order AS o SET tried_at = :now, reason = t.reason
    FROM unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[])) AS t (order_id, reason)
    WHERE o.order_id = t.order_id AND o.state = 'waiting'
    """
)
WAITING: Final = text(
    """
    SELECT o.order_id, o.kind, o.incoming_id, array_agg(l.wallet_id ORDER BY l.wallet_id) AS wallets,
        array_agg(l.amount_kopecks ORDER BY l.wallet_id) AS amounts
    FROM (
        SELECT * FROM bank_share_order AS o WHERE o.state = 'waiting' AND o.kind = :kind
            AND NOT EXISTS (SELECT FROM bank_share_line AS n JOIN bank_share_holder AS h USING (wallet_id)
                WHERE n.order_id = o.order_id AND h.scoring = 'unnamed')
        ORDER BY o.tried_at NULLS FIRST, o.number LIMIT :limit
    ) AS o JOIN bank_share_line AS l USING (order_id)
    GROUP BY o.order_id, o.kind, o.incoming_id, o.tried_at, o.number ORDER BY o.tried_at NULLS FIRST, o.number
    """
)
_UNDER_WAY: Final = """
    EXISTS (SELECT FROM bank_share_line AS l JOIN bank_share_order AS o USING (order_id)
        WHERE l.wallet_id = h.wallet_id AND o.state = 'waiting')
"""
OWED: Final = text(
    f"""
    SELECT h.wallet_id, h.owed_kopecks FROM bank_share_holder AS h
    WHERE h.owed_kopecks <> 0 AND h.scoring = 'succeeded' AND NOT {_UNDER_WAY}
        AND (h.rests_until IS NULL OR h.rests_until < :now)
    """  # noqa: S608 - constants of this module; values are bound
)
ADD_DEALS: Final = text(
    """
    INSERT INTO bank_share_order (order_id, kind, created_at, changed_at)
    SELECT order_id, 'deal', :now, :now
    FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS d (order_id, n) ORDER BY n
    """
)
ADD_LINES: Final = text(
    """
    INSERT INTO bank_share_line (order_id, wallet_id, amount_kopecks)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:wallets AS uuid[]), CAST(:amounts AS bigint[]))
    """
)
END: Final = text(
    """
    WITH done AS (
        UPDATE bank_share_order SET state = 'told', reason = NULL, changed_at = :now
        WHERE order_id = ANY(CAST(:ids AS uuid[])) AND state = 'waiting' RETURNING order_id, kind
    ), moved AS (
        SELECT l.wallet_id, sum(l.amount_kopecks)::bigint AS amount
        FROM bank_share_line AS l JOIN done USING (order_id) WHERE done.kind = 'deal' GROUP BY l.wallet_id
    )
    UPDATE bank_share_holder AS h SET owed_kopecks = h.owed_kopecks - moved.amount, changed_at = :now
    FROM moved WHERE h.wallet_id = moved.wallet_id
    """
)
CANCEL: Final = text(
    "UPDATE bank_share_order SET state = 'cancelled', changed_at = :now WHERE order_id = :id AND state = 'waiting'"
)
CANCEL_LOST: Final = text(
    """
    UPDATE bank_share_order SET state = 'cancelled', changed_at = :now
    WHERE order_id = ANY(CAST(:ids AS uuid[])) AND state = 'waiting' AND created_at < :before
    """
)
STOOD_AGAINST: Final = text(
    """
    UPDATE bank_share_holder AS h SET changed_at = :now,
        scoring = CASE WHEN r.is_asked_again THEN 'in_progress' ELSE h.scoring END,
        rests_until = coalesce(r.rests_until, h.rests_until)
    FROM unnest(CAST(:wallets AS uuid[]), CAST(:asked_again AS boolean[]), CAST(:rest_until AS timestamptz[]))
        AS r (wallet_id, is_asked_again, rests_until)
    WHERE h.wallet_id = r.wallet_id
    """
)
PAYABLE: Final = text(
    f"""
    SELECT h.wallet_id FROM bank_share_holder AS h
        JOIN unnest(CAST(:wallets AS uuid[]), CAST(:seqs AS bigint[])) AS asked (wallet_id, seq) USING (wallet_id)
    WHERE h.scoring = 'succeeded' AND h.owed_kopecks <= 0 AND NOT {_UNDER_WAY}
        AND asked.seq < (SELECT next_seq FROM bank_share_walk)
    """  # noqa: S608 - constants of this module; values are bound
)
ALL_OWED: Final = text("SELECT wallet_id, owed_kopecks FROM bank_share_holder WHERE owed_kopecks <> 0")
ON_THEIR_WAY: Final = text(
    """
    SELECT wallet_id FROM bank_share_line JOIN bank_share_order USING (order_id) WHERE state = 'waiting'
    UNION SELECT wallet_id FROM withdrawal WHERE state IN ('sent', 'unknown')
    """
)
# What two persons let be is not what they let be when it changes: it is a new question beside the old answer.
RESOLVED_NO_MORE: Final = text(
    """
    UPDATE reconciliation_break AS b SET stands = false
    FROM unnest(CAST(:subjects AS text[]), CAST(:differences AS bigint[])) AS f (subject, difference)
    WHERE b.stands AND b.state = 'resolved' AND b.kind = 'balance_differs' AND b.subject = f.subject
        AND b.difference_kopecks <> f.difference
    """
)
DIFFER: Final = text(
    """
    INSERT INTO reconciliation_break (kind, subject, difference_kopecks, opened_at)
    SELECT 'balance_differs', f.*, CAST(:now AS timestamptz)
    FROM unnest(CAST(:subjects AS text[]), CAST(:differences AS bigint[])) AS f
    ON CONFLICT (kind, subject) WHERE stands AND NOT (subject IN ('balance', 'books') AND state = 'resolved')
    DO UPDATE SET difference_kopecks = excluded.difference_kopecks, state = 'open', proposed_by = NULL,
        proposed_at = NULL, reason = NULL, document_sha256 = NULL
    WHERE reconciliation_break.difference_kopecks <> excluded.difference_kopecks
    """
)
AGREE: Final = text(
    """
    UPDATE reconciliation_break AS b SET stands = false,
        state = CASE WHEN b.state = 'resolved' THEN b.state ELSE 'explained' END,
        closed_at = coalesce(b.closed_at, :now), explained_by = :by
    WHERE b.stands AND b.subject LIKE 'share/%' AND b.subject <> ALL(CAST(:still AS text[]))
        AND b.subject COLLATE "C" > 'share/' || CAST(:after AS text)
        AND (CAST(:last AS text) IS NULL OR b.subject COLLATE "C" <= 'share/' || CAST(:last AS text))
    """
)
