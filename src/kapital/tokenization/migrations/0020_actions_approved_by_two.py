"""Two persons may approve what was calculated of a payment: the calculation that a proposal is about."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE issue_proposal ADD COLUMN calculation_sha256 text,"
        " ADD CHECK ((calculation_sha256 IS NOT NULL) = (kind = 'approve_action'))"
    )
