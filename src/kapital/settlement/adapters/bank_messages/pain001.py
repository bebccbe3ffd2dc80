"""pain.001.001.09, the payment order of ISO 20022: written for a bank by files, and read as a bank would."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import BinaryIO, Final

import msgspec
from lxml import etree

from kapital.kernel.problems import ensure
from kapital.platform.xml_stream import XmlRecords, release
from kapital.settlement.adapters.bank_messages.camt_entry import party_of, purpose_of
from kapital.settlement.adapters.bank_messages.camt_head import amount_of
from kapital.settlement.adapters.bank_messages.iso_parts import (
    NAMESPACE,
    put,
    put_account,
    put_agent,
    put_party,
    put_path,
    put_remittance,
    tax_fields_of,
)
from kapital.settlement.adapters.bank_messages.schemas import names_of, schema_of
from kapital.settlement.adapters.bank_messages.xml_refusal import refusals
from kapital.settlement.adapters.bank_messages.xml_tree import Tree, day_of, every, name_of, sub, text, tree_of
from kapital.settlement.domain.bank_message import RUB, Deviations, Party, kopecks_of, rubles_text
from kapital.settlement.domain.payment_order import NO_UIN, PaymentOrder, require_sendable
from kapital.settlement.domain.problems import BankMessageUnreadable

MESSAGE: Final = "pain.001.001.09"
BYTES_MAX: Final = 16_777_216


def write_pain001(orders: Sequence[PaymentOrder], *, message_id: str, created_at: datetime) -> bytes:
    """The message with these orders, grouped by payer and day, checked before it is returned.

    Promise: valid against the schema; the same orders give the same bytes.
    Raises: PaymentOrderMalformed.
    """
    require_sendable(orders)
    space = f"{{{NAMESPACE}{MESSAGE}}}"
    document = etree.Element(f"{space}Document", nsmap={None: space[1:-1]})
    body = put(document, "CstmrCdtTrfInitn")
    header = put(body, "GrpHdr")
    put(header, "MsgId", message_id)
    put(header, "CreDtTm", created_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _count_and_sum(header, orders)
    put_path(header, "InitgPty", "Nm", text=orders[0].payer.name[:140])
    groups: dict[tuple[Party, date], list[PaymentOrder]] = defaultdict(list)
    for order in orders:
        groups[order.payer, order.drawn_on].append(order)
    for number, ((payer, on), group) in enumerate(groups.items(), start=1):
        _instruction(body, f"{message_id[:30]}-{number}", payer, on, group)
    schema = schema_of(MESSAGE)
    ensure(schema.validate(document), f"our {MESSAGE} does not fit its schema: {schema.error_log.last_error}")
    return bytes(etree.tostring(document, encoding="UTF-8", xml_declaration=True))


def _count_and_sum(parent: etree._Element, orders: Sequence[PaymentOrder]) -> None:
    put(parent, "NbOfTxs", str(len(orders)))
    put(parent, "CtrlSum", rubles_text(sum(order.amount_kopecks for order in orders)))


def _instruction(
    body: etree._Element, instruction_id: str, payer: Party, on: date, orders: Sequence[PaymentOrder]
) -> None:
    part = put(body, "PmtInf")
    put(part, "PmtInfId", instruction_id)
    put(part, "PmtMtd", "TRF")
    _count_and_sum(part, orders)
    put_path(part, "ReqdExctnDt", "Dt", text=on.isoformat())
    put_party(put(part, "Dbtr"), payer)
    put_account(part, "DbtrAcct", payer.account, RUB)
    put_agent(part, "DbtrAgt", payer)
    put_account(part, "DbtrAgtAcct", payer.correspondent_account)
    for order in orders:
        _transaction(part, order)


def _transaction(part: etree._Element, order: PaymentOrder) -> None:
    transaction = put(part, "CdtTrfTxInf")
    identification = put(transaction, "PmtId")
    put(identification, "InstrId", order.number)
    put(identification, "EndToEndId", order.reference)
    # Очередность has no place of its own in the standard: the profile puts it here.
    put_path(transaction, "PmtTpInf", "LclInstrm", "Prtry", text=str(order.priority))
    put(put(transaction, "Amt"), "InstdAmt", rubles_text(order.amount_kopecks), Ccy=RUB)
    payee = order.payee
    put_agent(transaction, "CdtrAgt", payee)
    put_account(transaction, "CdtrAgtAcct", payee.correspondent_account)
    put_party(put(transaction, "Cdtr"), payee)
    put_account(transaction, "CdtrAcct", payee.account, RUB)
    if order.purpose_code:
        put_path(transaction, "Purp", "Prtry", text=order.purpose_code)
    put_remittance(
        transaction,
        order.purpose,
        number=order.number,
        on=order.drawn_on,
        uin="" if order.uin == NO_UIN else order.uin,
        tax=order.tax,
    )


def read_pain001(file: BinaryIO, deviations: Deviations) -> list[PaymentOrder]:
    """The orders of a message, totals compared; at most 16 MiB. Deviations are grave when a sum or place is off.

    Raises: BankMessageUnreadable, BankMessageEncodingRefused, BankMessageHasDocumentType, BankMessageTooLarge,
    BankMessageAmountMustBeExact.
    """
    orders: list[PaymentOrder] = []
    header: Tree = {}
    with refusals():
        records = XmlRecords(file, roots={"Document"}, records={"GrpHdr", "PmtInf"}, bytes_max=BYTES_MAX)
        for number, element in enumerate(records):
            name = name_of(element)
            where = "GrpHdr" if name == "GrpHdr" else f"PmtInf[{number}]"
            tree = _tree(element, deviations, where)
            if name == "GrpHdr":
                header = tree
            else:
                _compare(tree, group := _orders(tree, deviations, where), deviations, where)
                orders += group
            for _ in release(element):
                pass
    if not orders:
        raise BankMessageUnreadable("no payment in the message", {"reason": "no_payment"})
    _compare(header, orders, deviations, "GrpHdr")
    return orders


def _tree(element: etree._Element, deviations: Deviations, where: str) -> Tree:
    return tree_of(element, names_of(MESSAGE), lambda name: deviations.report(f"{where}/{name}", "element_unknown"))


def _compare(told: Tree, orders: Sequence[PaymentOrder], deviations: Deviations, where: str) -> None:
    count, total = text(told, "NbOfTxs"), text(told, "CtrlSum")
    if count and count != str(len(orders)):
        deviations.report(f"{where}/NbOfTxs", "entry_count_differs", grave=True)
    found = sum(order.amount_kopecks for order in orders)
    if total and kopecks_of(total, f"{where}/CtrlSum", total=True) != found:
        deviations.report(f"{where}/CtrlSum", "entry_sum_differs", grave=True)


def _orders(tree: Tree, deviations: Deviations, where: str) -> list[PaymentOrder]:
    payer = _with_correspondent(
        party_of(sub(tree, "Dbtr"), sub(tree, "DbtrAcct"), sub(tree, "DbtrAgt")), sub(tree, "DbtrAgtAcct")
    )
    on = day_of(text(tree, "ReqdExctnDt", "Dt") or text(tree, "ReqdExctnDt"))
    found = []
    for number, one in enumerate(every(tree, "CdtTrfTxInf"), start=1):
        place = f"{where}/CdtTrfTxInf[{number}]"
        order = _order(one if isinstance(one, dict) else {}, payer, on, deviations, place)
        if order is None:
            deviations.report(f"{where}/ReqdExctnDt", "execution_date_missing", grave=True)
        else:
            found.append(order)
    return found


def _order(tree: Tree, payer: Party, on: date | None, deviations: Deviations, where: str) -> PaymentOrder | None:
    amount = {"Amt": sub(tree, "Amt").get("InstdAmt", "")}
    remittance = sub(tree, "RmtInf")
    drawn_on = day_of(text(remittance, "Strd", "RfrdDocInf", "RltdDt")) or on
    if drawn_on is None:
        return None
    payee = party_of(sub(tree, "Cdtr"), sub(tree, "CdtrAcct"), sub(tree, "CdtrAgt"))
    priority = text(tree, "PmtTpInf", "LclInstrm", "Prtry")
    return PaymentOrder(
        reference=text(tree, "PmtId", "EndToEndId"),
        number=text(tree, "PmtId", "InstrId"),
        drawn_on=drawn_on,
        amount_kopecks=amount_of(amount, RUB, deviations, f"{where}/Amt"),
        payer=payer,
        payee=_with_correspondent(payee, sub(tree, "CdtrAgtAcct")),
        purpose=purpose_of(remittance),
        priority=int(priority) if priority.isascii() and priority.isdigit() and len(priority) == 1 else 0,
        purpose_code=text(tree, "Purp", "Prtry"),
        uin=text(remittance, "Strd", "CdtrRefInf", "Ref") or NO_UIN,
        tax=tax_fields_of(remittance),
    )


def _with_correspondent(party: Party, account: Tree) -> Party:
    return msgspec.structs.replace(party, correspondent_account=text(account, "Id", "Othr", "Id"))
