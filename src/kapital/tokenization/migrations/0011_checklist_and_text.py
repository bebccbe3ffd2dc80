"""What reviewers answered item by item, and the hash of the text that a version of a decision is printed as."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE decision_signature ADD COLUMN act_file_sha256 text")
    op.execute("ALTER TABLE review ADD COLUMN checklist jsonb NOT NULL DEFAULT '[]'")
    # None for versions of before: they are printed at their publication.
    op.execute("ALTER TABLE decision_version ADD COLUMN pdf_sha256 text CHECK (pdf_sha256 ~ '^[0-9a-f]{64}$')")
