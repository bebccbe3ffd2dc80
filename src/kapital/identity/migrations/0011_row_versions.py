"""Changes of certificates, hits, messages, lists and freezes are counted, for the decisions made about them."""

from alembic import op

from kapital.platform.row_versions import count_changes_of

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    count_changes_of(op, "certificate", "screening_hit", "aml_message", "screening_list_version", "property_freeze")
