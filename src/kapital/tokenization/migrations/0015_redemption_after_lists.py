"""A redemption is paid when no list of income is still to be taken: also of the issues that circulate already."""

from alembic import op

revision = "0015"
down_revision = "0014"

_AFTER_LISTS = """
    UPDATE corporate_action AS r SET pay_at = l.last_list_at
    FROM (
        SELECT issue_id, max(record_at) AS last_list_at FROM corporate_action WHERE early IS NULL GROUP BY issue_id
    ) AS l
    WHERE r.issue_id = l.issue_id AND r.kind = 'redemption' AND r.pay_at < l.last_list_at
        AND r.state NOT IN ('paying', 'paid', 'closed', 'defaulted', 'cancelled')
"""


def upgrade() -> None:
    op.execute(_AFTER_LISTS)
