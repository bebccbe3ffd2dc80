"""A passed test of investors is a status of the register: on whose word, by what document, until when."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE participant_status DROP CONSTRAINT participant_status_status_check")
    op.execute(
        """
        ALTER TABLE participant_status ADD CONSTRAINT participant_status_status_check CHECK (status IN
            ('investor', 'issuer', 'nominee', 'qualified_by_law', 'qualified_by_recognition', 'investor_test_passed'))
        """
    )
