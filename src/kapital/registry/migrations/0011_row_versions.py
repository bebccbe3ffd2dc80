"""Changes of statuses, disclosures and access tokens are counted, for the decisions made about them."""

from alembic import op

from kapital.platform.row_versions import count_changes_of

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    count_changes_of(op, "participant_status", "holder_disclosure", "access_token")
