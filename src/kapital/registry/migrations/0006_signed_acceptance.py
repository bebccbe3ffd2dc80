"""The acceptance of the rule book is a signed act: certificates bound, acts, and which file proves one."""

from alembic import op

from kapital.platform.acts.bindings import BOUND_CERTIFICATE
from kapital.platform.acts.records import SIGNED_ACT

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(BOUND_CERTIFICATE)
    for statement in SIGNED_ACT:
        op.execute(statement)
    op.execute(
        """
        ALTER TABLE rule_book_acceptance
            ADD COLUMN act_file_sha256 text CHECK (act_file_sha256 ~ '^[0-9a-f]{64}$')
        """
    )
