"""pain.002, a bank's word about payment orders: read as it comes by files, and written as a bank would."""

from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO, Final

from lxml import etree

from kapital.kernel.problems import ensure
from kapital.platform.xml_stream import XmlRecords, release
from kapital.settlement.adapters.bank_messages.iso_parts import NAMESPACE, put, put_path
from kapital.settlement.adapters.bank_messages.schemas import names_of, schema_of
from kapital.settlement.adapters.bank_messages.xml_refusal import refusals
from kapital.settlement.adapters.bank_messages.xml_tree import Tree, every, name_of, sub, text, tree_of
from kapital.settlement.domain.bank_message import Deviations, PaymentState, PaymentStatus
from kapital.settlement.domain.problems import BankMessageUnreadable

MESSAGE: Final = "pain.002.001.10"
BYTES_MAX: Final = 16_777_216
STATES: Final = {
    "ACSC": PaymentState.EXECUTED,
    "ACCC": PaymentState.EXECUTED,
    "RJCT": PaymentState.REJECTED,
    "CANC": PaymentState.REJECTED,
    "RCVD": PaymentState.PENDING,
    "PDNG": PaymentState.PENDING,
    "ACTC": PaymentState.PENDING,
    "ACCP": PaymentState.PENDING,
    "ACSP": PaymentState.PENDING,
    "ACWC": PaymentState.PENDING,
    "ACWP": PaymentState.PENDING,
    "PATC": PaymentState.PENDING,
    "ACFC": PaymentState.PENDING,
}
"""ISO 20022 external codes of payment status. Only final words end a payment; an unknown one ends nothing."""
_GROUP_STATES: Final = {**STATES, "PART": PaymentState.PENDING}
_CODES: Final = {PaymentState.EXECUTED: "ACSC", PaymentState.REJECTED: "RJCT", PaymentState.PENDING: "PDNG"}


def write_pain002(
    statuses: Sequence[PaymentStatus], *, message_id: str, original_message_id: str, created_at: datetime
) -> bytes:
    """The message about orders of one pain.001. Promise: valid against the schema."""
    space = f"{{{NAMESPACE}{MESSAGE}}}"
    document = etree.Element(f"{space}Document", nsmap={None: space[1:-1]})
    body = put(document, "CstmrPmtStsRpt")
    header = put(body, "GrpHdr")
    put(header, "MsgId", message_id)
    put(header, "CreDtTm", created_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    original = put(body, "OrgnlGrpInfAndSts")
    put(original, "OrgnlMsgId", original_message_id)
    put(original, "OrgnlMsgNmId", "pain.001.001.09")
    payment = put(body, "OrgnlPmtInfAndSts")
    put(payment, "OrgnlPmtInfId", f"{original_message_id[:30]}-1")
    for status in statuses:
        one = put(payment, "TxInfAndSts")
        put(one, "OrgnlEndToEndId", status.reference)
        put(one, "TxSts", status.status_code or _CODES[status.state])
        if status.reason:
            put_path(one, "StsRsnInf", "Rsn", "Prtry", text=status.reason[:35])
    schema = schema_of(MESSAGE)
    ensure(schema.validate(document), f"our {MESSAGE} does not fit its schema: {schema.error_log.last_error}")
    return bytes(etree.tostring(document, encoding="UTF-8", xml_declaration=True))


class StatusReport:
    """A pain.002 as read: the message it answers, and the word about each order.

    `whole` is the word about every order of the message when the bank speaks of none by itself.
    """

    def __init__(self) -> None:
        self.message_id = ""
        self.original_message_id = ""
        self.whole: PaymentStatus | None = None
        self.statuses: list[PaymentStatus] = []


def read_pain002(file: BinaryIO, deviations: Deviations) -> StatusReport:
    """The statuses of a message; at most 16 MiB. A code that is not known concludes nothing: grave, PENDING.

    Raises: BankMessageUnreadable, BankMessageEncodingRefused, BankMessageHasDocumentType, BankMessageTooLarge.
    """
    found = StatusReport()
    with refusals():
        names = {"GrpHdr", "OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts"}
        records = XmlRecords(file, roots={"Document"}, records=names, bytes_max=BYTES_MAX)
        for element in records:
            name = name_of(element)
            tree = _tree(element, deviations, name)
            if name == "GrpHdr":
                found.message_id = text(tree, "MsgId")
            elif name == "OrgnlGrpInfAndSts":
                found.original_message_id = text(tree, "OrgnlMsgId")
                found.whole = _status(tree, "GrpSts", "", deviations, name)
                # Version 03 has the orders here.
                found.statuses += _each(tree, deviations, name)
            else:
                found.statuses += _each(tree, deviations, name)
                if found.whole is None and not every(tree, "TxInfAndSts"):
                    found.whole = _status(tree, "PmtInfSts", "", deviations, name)
            for _ in release(element):
                pass
    if not found.original_message_id:
        raise BankMessageUnreadable("no original message is named", {"reason": "no_original_message"})
    if not found.statuses and found.whole is None:
        deviations.report("Document", "status_missing", grave=True)
    return found


def _tree(element: etree._Element, deviations: Deviations, where: str) -> Tree:
    return tree_of(element, names_of(MESSAGE), lambda name: deviations.report(f"{where}/{name}", "element_unknown"))


def _each(tree: Tree, deviations: Deviations, where: str) -> list[PaymentStatus]:
    found = []
    for number, one in enumerate(every(tree, "TxInfAndSts"), start=1):
        place = f"{where}/TxInfAndSts[{number}]"
        said = one if isinstance(one, dict) else {}
        reference = text(said, "OrgnlEndToEndId")
        if not reference:
            deviations.report(f"{place}/OrgnlEndToEndId", "reference_missing", grave=True)
            continue
        status = _status(said, "TxSts", reference, deviations, place)
        if status is None:
            deviations.report(f"{place}/TxSts", "status_missing", grave=True)
        else:
            found.append(status)
    return found


def _status(tree: Tree, name: str, reference: str, deviations: Deviations, where: str) -> PaymentStatus | None:
    code = text(tree, name)
    if not code:
        return None
    states = STATES if name == "TxSts" else _GROUP_STATES
    if code not in states:
        deviations.report(f"{where}/{name}", "status_unknown", grave=True)
    reason = sub(tree, "StsRsnInf", "Rsn")
    return PaymentStatus(
        reference=reference,
        state=states.get(code, PaymentState.PENDING),
        status_code=code[:4],
        reason=text(reason, "Cd") or text(reason, "Prtry") or None,
    )
