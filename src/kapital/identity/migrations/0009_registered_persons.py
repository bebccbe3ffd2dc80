"""Who a participant is by the register: what staff type, and what a certificate says, is held against it."""

from alembic import op

revision = "0009"
down_revision = "0008"

_STATEMENTS = (
    # Null of those who were registered before the registry told it. Personal data: nobody but this service reads it.
    "ALTER TABLE kyc_participant ADD COLUMN name text",
    "ALTER TABLE kyc_participant ADD COLUMN inn text",
    "ALTER TABLE kyc_participant ADD COLUMN ogrn text",
    "ALTER TABLE kyc_participant ADD COLUMN snils text",
    "ALTER TABLE kyc_participant ADD CHECK ((name IS NULL) = (inn IS NULL))",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
