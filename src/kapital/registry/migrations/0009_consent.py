"""The consent to the processing of personal data stands beside the acceptance that it came with."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    # Null: an acceptance of before, with which what was said was not kept.
    op.execute("ALTER TABLE rule_book_acceptance ADD COLUMN personal_data_consent boolean")
