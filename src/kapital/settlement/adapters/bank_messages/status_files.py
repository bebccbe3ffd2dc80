"""Messages of a bank about orders, as files: each word under the reference of the order."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from kapital.settlement.adapters.bank_messages.client_bank_orders import read_receipts
from kapital.settlement.adapters.bank_messages.pain002 import read_pain002
from kapital.settlement.domain.bank_files import StatusesRead
from kapital.settlement.domain.bank_message import Deviations, PaymentStatus

_Read = tuple[str, list[PaymentStatus]]
_CODE: Final = re.compile(r"[0-9A-Za-z_]{1,35}")


def read_statuses(path: Path, format_name: str) -> StatusesRead:
    """Read a message whole: `pain002` or `1c_receipt`.

    Raises: BankMessageUnreadable and its kin; KeyError for a format that tells of no orders.
    """
    deviations = Deviations()
    with path.open("rb") as file:
        told_id, statuses = _READERS[format_name](file, deviations)
    return StatusesRead(
        told_id=told_id,
        statuses=tuple(_without_prose(one) for one in statuses),
        deviations=tuple(deviations.kept),
        deviation_count=deviations.count,
        grave_count=deviations.grave_count,
    )


def _of_pain002(file: BinaryIO, deviations: Deviations) -> _Read:
    """A word about the whole message is about its one order, whose reference is its id."""
    report = read_pain002(file, deviations)
    if not report.statuses and report.whole is not None:
        whole = msgspec.structs.replace(report.whole, reference=report.original_message_id)
        return report.message_id, [whole]
    return report.message_id, report.statuses


def _of_receipts(file: BinaryIO, deviations: Deviations) -> _Read:
    """A file of the 1C exchange has no id of its own."""
    return "", read_receipts(file, deviations)


_READERS: Final[Mapping[str, Callable[[BinaryIO, Deviations], _Read]]] = {
    "pain002": _of_pain002,
    "1c_receipt": _of_receipts,
}


def _without_prose(status: PaymentStatus) -> PaymentStatus:
    """A reason is shown to the owner and told in events: a code of the bank may go there, its prose may not."""
    is_code = status.reason is not None and _CODE.fullmatch(status.reason) is not None
    return msgspec.structs.replace(status, reason=str(status.reason).lower() if is_code else None)
