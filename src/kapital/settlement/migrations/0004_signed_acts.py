"""Signed acts, and the certificates that may sign."""

from alembic import op

from kapital.platform.acts.bindings import BOUND_CERTIFICATE
from kapital.platform.acts.records import SIGNED_ACT

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(BOUND_CERTIFICATE)
    for statement in SIGNED_ACT:
        op.execute(statement)
