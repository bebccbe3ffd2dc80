"""The bank's side of statements: writes them, signs them, hands them in."""

from datetime import timedelta
from io import BytesIO

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from kapital.kernel.calendar import MOSCOW
from kapital.sandbox.certification_authority import Authority, SandboxSigner, Subject
from kapital.settlement.adapters.bank_messages.camt_writer import write_camt
from kapital.settlement.domain.bank_message import Party, Side, StatementLine
from kapital.settlement.service import message_parts_of
from kapital.settlement.use_cases.message_admission import TakeInStatement
from kapital.settlement.use_cases.take_in_statement import take_in_statement
from tests.settlement.bank_messages.values import OWN, adding_up
from tests.settlement.world import STAFF

PAYER = Party(name="Плательщик", account="40817810000000000001")


class Desk:
    """The bank's side: writes statements, signs them, and hands them in."""

    def __init__(self, world, tmp_path) -> None:
        self.world, self.folder = world, tmp_path
        now = world.clock.now()
        authority = Authority.root("Test authority", at=now - timedelta(days=1))
        self.signer = SandboxSigner.for_subject(authority, Subject(common_name="Bank"), clock=world.clock)
        root = x509.load_der_x509_certificate(authority.own.encoded).public_bytes(Encoding.PEM)
        self.more = message_parts_of(tmp_path / "kept", account=OWN, certificates=root)
        self.day = now.astimezone(MOSCOW).date()
        self.balance = 0
        self.number = 0

    def line(self, number: int, kopecks: int, *, side: Side = Side.CREDIT, **more) -> StatementLine:
        return StatementLine(
            number=number, side=side, amount_kopecks=kopecks, booked_on=self.day, payer=PAYER, **more
        )

    def statement(self, *lines: StatementLine, **changes) -> bytes:
        """The next statement of our account."""
        self.number += 1
        head = adding_up(list(lines), opening=self.balance)
        self.balance = head.closing_kopecks
        head = msgspec.structs.replace(
            head, message_id=f"M-{self.number}", sequence_number=self.number, from_on=self.day, to_on=self.day
        )
        file = BytesIO()
        write_camt(file, msgspec.structs.replace(head, **changes), lines, created_at=self.world.clock.now())
        return file.getvalue()

    async def hand_in(self, content: bytes, *, signature=True, form: str = "camt", parts=None):
        (file := self.folder / "message").write_bytes(content)
        signed = self.signer.sign_now(content) if signature is True else signature
        cmd = TakeInStatement(actor=STAFF, file=file, format_name=form, signature=signed)
        return await take_in_statement(cmd, parts or self.world.parts, self.more)

    async def kept(self) -> list[tuple[str, str | None]]:
        rows = await self.world.rows("SELECT state, reason FROM incoming_message ORDER BY received_at, message_id")
        return [(row["state"], row["reason"]) for row in rows]
