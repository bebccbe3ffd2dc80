"""Houses with one line wrong each: what a fault run must find."""

from uuid import uuid4

import msgspec

from kapital.commands import fault_house
from kapital.faults.processes import HouseStart
from kapital.settlement.adapters.http_bank import HttpBank
from kapital.settlement.adapters.http_escrow import HttpEscrow
from kapital.settlement.adapters.http_shares import HttpShares
from kapital.settlement.domain.bank_shares import ShareOrder
from kapital.settlement.domain.escrow import HoldOrder, HoldState, HoldStatus
from kapital.settlement.domain.incoming import BankCredit
from kapital.settlement.domain.incoming_message import NumberedLine
from kapital.settlement.domain.payout_account import PayoutAccount
from kapital.settlement.ports import PayoutStatus
from kapital.settlement.use_cases import book_message, take_in_bank_notice

_pay_out, _hold = HttpBank.pay_out, HttpEscrow.hold
_read_notice, _credit_of = take_in_bank_notice.read_notice, book_message.credit_of


async def _pay_out_anew(
    bank: HttpBank,
    _reference: str,
    amount_kopecks: int,
    account: PayoutAccount,
    purpose: str,
    beneficiary_id: str | None = None,
) -> PayoutStatus:
    return await _pay_out(bank, uuid4().hex, amount_kopecks, account, purpose, beneficiary_id)


def serve_paying_anew(start: HouseStart) -> None:
    """It asks the bank to pay under a new name each time: after a crash nobody knows what was paid."""
    HttpBank.pay_out = _pay_out_anew  # type: ignore[method-assign]
    fault_house.serve_house(start)


async def _hold_or_not(bank: HttpEscrow, order: HoldOrder) -> HoldStatus:
    said = await _hold(bank, order)
    return HoldStatus(HoldState.HELD) if said.state is HoldState.REFUSED else said


def serve_holding_nothing(start: HouseStart) -> None:
    """It takes a refused hold for one that stands, and lets the units pass."""
    HttpEscrow.hold = _hold_or_not  # type: ignore[method-assign]
    fault_house.serve_house(start)


def _read_as_another(body: bytes) -> BankCredit:
    credit = _read_notice(body)
    return msgspec.structs.replace(credit, bank_id=f"{credit.bank_id}-called")


def serve_hearing_double(start: HouseStart) -> None:
    """It takes what the call back tells for other money than what the list tells."""
    take_in_bank_notice.read_notice = _read_as_another
    fault_house.serve_house(start)


def _credit_of_another(line: NumberedLine) -> BankCredit:
    credit = _credit_of(line)
    return msgspec.structs.replace(credit, bank_id=f"{credit.bank_id}-stated")


def serve_stating_anew(start: HouseStart) -> None:
    """It takes what only the statement tells for money that the bank gave no id."""
    book_message.credit_of = _credit_of_another
    fault_house.serve_house(start)


async def _distribute_nothing(_bank: HttpShares, _order: ShareOrder) -> None:
    return None


def serve_telling_nothing(start: HouseStart) -> None:
    """It takes a credit for distributed that the bank was never told the owner of."""
    HttpShares.distribute = _distribute_nothing  # type: ignore[assignment,method-assign]
    fault_house.serve_house(start)
