"""Writes camt.052, 053 and 054 (version 001.08) line by line: what the sandbox bank tells, and tests compare with."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import BinaryIO, Final

from lxml import etree

from kapital.settlement.adapters.bank_messages.iso_parts import (
    NAMESPACE,
    put,
    put_account,
    put_agent,
    put_party,
    put_path,
    put_remittance,
)
from kapital.settlement.domain.bank_message import (
    NOBODY,
    Party,
    Side,
    Statement,
    StatementKind,
    StatementLine,
    ToldTotals,
    rubles_text,
)

_SHAPES: Final = {
    StatementKind.REPORT: ("camt.052.001.08", "BkToCstmrAcctRpt", "Rpt"),
    StatementKind.STATEMENT: ("camt.053.001.08", "BkToCstmrStmt", "Stmt"),
    StatementKind.NOTICE: ("camt.054.001.08", "BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
_SIGNS: Final = {Side.CREDIT: "CRDT", Side.DEBIT: "DBIT"}
_FAMILIES: Final = {Side.CREDIT: "RCDT", Side.DEBIT: "ICDT"}


def write_camt(file: BinaryIO, statement: Statement, lines: Iterable[StatementLine], *, created_at: datetime) -> None:
    """Write one statement; memory does not grow with the lines.

    Shape: texts within the limits of the schema; an entry for each line. `details` but AddtlNtryInf and correspondent
    accounts have no place in the format and are not written.
    """
    message, body, name = _SHAPES[statement.kind]
    space = f"{{{NAMESPACE}{message}}}"
    declared = f' xmlns="{space[1:-1]}"'.encode()

    def write(part: etree._Element) -> None:
        # Every part declares the namespace that the document has declared already.
        file.write(etree.tostring(part, encoding="utf-8").replace(declared, b"", 1))

    header = etree.Element(f"{space}GrpHdr", nsmap={None: space[1:-1]})
    put(header, "MsgId", statement.message_id)
    put(header, "CreDtTm", _instant(created_at))
    file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<Document' + declared + f"><{body}>".encode())
    write(header)
    file.write(f"<{name}>".encode())
    for part in _head(space, statement, created_at):
        write(part)
    for line in lines:
        write(_entry(space, line, statement.currency))
    file.write(f"</{name}></{body}></Document>\n".encode())


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _head(space: str, statement: Statement, created_at: datetime) -> Iterable[etree._Element]:
    root = etree.Element(f"{space}head", nsmap={None: space[1:-1]})
    put(root, "Id", statement.statement_id)
    if statement.sequence_number is not None:
        put(root, "ElctrncSeqNb", str(statement.sequence_number))
    put(root, "CreDtTm", _instant(created_at))
    if statement.from_on and statement.to_on:
        period = put(root, "FrToDt")
        put(period, "FrDtTm", f"{statement.from_on}T00:00:00")
        put(period, "ToDtTm", f"{statement.to_on}T23:59:59")
    put_account(root, "Acct", statement.account, statement.currency)
    for code, kopecks, on in (
        ("OPBD", statement.opening_kopecks, statement.from_on),
        ("CLBD", statement.closing_kopecks, statement.to_on),
    ):
        if kopecks is not None:
            _balance(root, code, kopecks, statement.currency, on or created_at.date())
    _totals(root, statement.told)
    return list(root)


def _balance(root: etree._Element, code: str, kopecks: int, currency: str, on: date) -> None:
    balance = put(root, "Bal")
    put_path(balance, "Tp", "CdOrPrtry", "Cd", text=code)
    put(balance, "Amt", rubles_text(abs(kopecks)), Ccy=currency)
    put(balance, "CdtDbtInd", "DBIT" if kopecks < 0 else "CRDT")
    put_path(balance, "Dt", "Dt", text=on.isoformat())


def _totals(root: etree._Element, told: ToldTotals) -> None:
    if told == ToldTotals():
        return
    summary = put(root, "TxsSummry")
    for name, lines, kopecks in (
        ("TtlNtries", told.lines, told.sum_kopecks),
        ("TtlCdtNtries", told.credit_lines, told.credit_kopecks),
        ("TtlDbtNtries", told.debit_lines, told.debit_kopecks),
    ):
        net = told.net_kopecks if name == "TtlNtries" else None
        if lines is None and kopecks is None and net is None:
            continue
        part = put(summary, name)
        if lines is not None:
            put(part, "NbOfNtries", str(lines))
        if kopecks is not None:
            put(part, "Sum", rubles_text(kopecks))
        if net is not None:
            net_part = put(part, "TtlNetNtry")
            put(net_part, "Amt", rubles_text(abs(net)))
            put(net_part, "CdtDbtInd", "DBIT" if net < 0 else "CRDT")


def _entry(space: str, line: StatementLine, currency: str) -> etree._Element:
    entry = etree.Element(f"{space}Ntry", nsmap={None: space[1:-1]})
    details = dict(line.details)
    put(entry, "Amt", rubles_text(line.amount_kopecks), Ccy=currency)
    put(entry, "CdtDbtInd", _SIGNS[line.side])
    if line.reversal:
        put(entry, "RvslInd", "true")
    put_path(entry, "Sts", "Cd", text="PDNG" if line.pending else "BOOK")
    for name, on in (("BookgDt", line.booked_on), ("ValDt", line.valued_on)):
        if on is not None:
            put_path(entry, name, "Dt", text=on.isoformat())
    if line.bank_reference:
        put(entry, "AcctSvcrRef", line.bank_reference)
    domain = put_path(entry, "BkTxCd", "Domn")
    put(domain, "Cd", "PMNT")
    family = put(domain, "Fmly")
    put(family, "Cd", _FAMILIES[line.side])
    put(family, "SubFmlyCd", "DMCT")
    _transaction(put_path(entry, "NtryDtls", "TxDtls"), line)
    if more := details.get("AddtlNtryInf"):
        put(entry, "AddtlNtryInf", more)
    return entry


def _transaction(detail: etree._Element, line: StatementLine) -> None:
    if line.end_to_end_id:
        put_path(detail, "Refs", "EndToEndId", text=line.end_to_end_id)
    sides = (("Dbtr", line.payer), ("Cdtr", line.payee))
    if any(_is_named(party) or party.account for _, party in sides):
        parties = put(detail, "RltdPties")
        for name, party in sides:
            if _is_named(party):
                put_party(put_path(parties, name, "Pty"), party)
            put_account(parties, f"{name}Acct", party.account)
    if any(party.bic or party.bank_name for _, party in sides):
        agents = put(detail, "RltdAgts")
        for name, party in sides:
            put_agent(agents, f"{name}Agt", party)
    put_remittance(detail, line.purpose, number=line.document_number, kind=line.document_kind, on=line.document_on)


def _is_named(party: Party) -> bool:
    return party != NOBODY and bool(party.name or party.inn or party.kpp)
