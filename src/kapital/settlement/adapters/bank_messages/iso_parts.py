"""Parts that several ISO 20022 messages share, as they are written: parties, agents, accounts, remittance.

Where the standard leaves a place open, the profile is ours and is to be agreed with the bank: ИНН under the scheme
TXID, КПП under KPP, БИК as a member of the clearing system RUCBC, УИН as a creditor's reference of the type UIN;
of a payment to the budget the fields 105, 108, 109 as `AdmstnZone`, `RefNb`, `Mtd` of the tax remittance, and 106,
104, 101, 107 as `Ctgy`, `CtgyDtls`, `DbtrSts`, `FrmsCd` of its only record.
"""

from datetime import date
from typing import Final

from lxml import etree

from kapital.settlement.adapters.bank_messages.camt_entry import USTRD_LENGTH
from kapital.settlement.adapters.bank_messages.xml_tree import Tree, sub, text
from kapital.settlement.domain.bank_message import Party
from kapital.settlement.domain.tax_fields import TaxFields

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"
RUSSIAN_CLEARING: Final = "RUCBC"
PERSON_INN_DIGITS: Final = 12


def put(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    """Add an element of the parent's namespace."""
    namespace = parent.tag[: parent.tag.index("}") + 1]
    element = etree.SubElement(parent, namespace + name, attributes)
    element.text = text
    return element


def put_path(parent: etree._Element, *path: str, text: str | None = None) -> etree._Element:
    """Add elements one within the other; the innermost has the text."""
    for name in path:
        parent = put(parent, name)
    parent.text = text
    return parent


def put_party(parent: etree._Element, party: Party) -> None:
    """Name and numbers of a party."""
    if party.name:
        put(parent, "Nm", party.name)
    numbers = [(number, scheme) for number, scheme in ((party.inn, "TXID"), (party.kpp, "KPP")) if number]
    if numbers:
        person = len(party.inn) == PERSON_INN_DIGITS and not party.kpp
        holder = put_path(parent, "Id", "PrvtId" if person else "OrgId")
        for number, scheme in numbers:
            other = put(holder, "Othr")
            put(other, "Id", number)
            put_path(other, "SchmeNm", "Cd" if scheme == "TXID" else "Prtry", text=scheme)


def put_account(parent: etree._Element, name: str, account: str, currency: str | None = None) -> None:
    """An account by its number."""
    if account:
        holder = put(parent, name)
        put_path(holder, "Id", "Othr", "Id", text=account)
        if currency:
            put(holder, "Ccy", currency)


def put_agent(parent: etree._Element, name: str, party: Party) -> None:
    """A bank by its БИК and name."""
    if party.bic or party.bank_name:
        institution = put_path(parent, name, "FinInstnId")
        if party.bic:
            member = put(institution, "ClrSysMmbId")
            put_path(member, "ClrSysId", "Cd", text=RUSSIAN_CLEARING)
            put(member, "MmbId", party.bic)
        if party.bank_name:
            put(institution, "Nm", party.bank_name)


def put_remittance(
    parent: etree._Element,
    purpose: str,
    *,
    number: str = "",
    kind: str = "",
    on: date | None = None,
    uin: str = "",
    tax: TaxFields | None = None,
) -> None:
    """The purpose in parts of 140 characters, the document behind it, the УИН, what only a tax has."""
    if not (purpose or number or kind or on or uin or tax):
        return
    remittance = put(parent, "RmtInf")
    for start in range(0, len(purpose), USTRD_LENGTH):
        put(remittance, "Ustrd", purpose[start : start + USTRD_LENGTH])
    if number or kind or on or uin or tax:
        structured = put(remittance, "Strd")
        if number or kind or on:
            document = put(structured, "RfrdDocInf")
            if kind:
                put_path(document, "Tp", "CdOrPrtry", "Prtry", text=kind)
            if number:
                put(document, "Nb", number)
            if on:
                put(document, "RltdDt", on.isoformat())
        if uin:
            reference = put(structured, "CdtrRefInf")
            put_path(reference, "Tp", "CdOrPrtry", "Prtry", text="UIN")
            put(reference, "Ref", uin)
        if tax:
            _put_tax(put(structured, "TaxRmt"), tax)


def _put_tax(parent: etree._Element, tax: TaxFields) -> None:
    put(parent, "AdmstnZone", tax.oktmo)
    put(parent, "RefNb", tax.doc_number)
    put(parent, "Mtd", tax.doc_date)
    record = put(parent, "Rcrd")
    put(record, "Ctgy", tax.evidence)
    put(record, "CtgyDtls", tax.kbk)
    put(record, "DbtrSts", tax.payer_status)
    put(record, "FrmsCd", tax.period)


def tax_fields_of(remittance: Tree) -> TaxFields | None:
    """What `put_remittance` wrote of a tax; None where there is none."""
    told = sub(remittance, "Strd", "TaxRmt")
    if not told:
        return None
    return TaxFields(
        payer_status=text(told, "Rcrd", "DbtrSts"),
        kbk=text(told, "Rcrd", "CtgyDtls"),
        oktmo=text(told, "AdmstnZone"),
        evidence=text(told, "Rcrd", "Ctgy"),
        period=text(told, "Rcrd", "FrmsCd"),
        doc_number=text(told, "RefNb"),
        doc_date=text(told, "Mtd"),
    )
