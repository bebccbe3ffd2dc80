"""Signed acts, the certificates that may sign, and the file of the act of an order."""

from alembic import op

from kapital.platform.acts.bindings import BOUND_CERTIFICATE
from kapital.platform.acts.records import SIGNED_ACT

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(BOUND_CERTIFICATE)
    for statement in SIGNED_ACT:
        op.execute(statement)
    op.execute("ALTER TABLE subscription_order ADD COLUMN act_file_sha256 text")
