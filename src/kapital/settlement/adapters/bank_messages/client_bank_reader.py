"""Reads 1CClientBankExchange (kl_to_1c.txt, versions 1.01 to 1.03) as statements and lines."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import BinaryIO, Final

from kapital.settlement.adapters.bank_messages.client_bank_keys import (
    DETAIL_KEYS,
    KIND_DETAIL,
    KINDS,
    PAYEE,
    PAYER,
    PURPOSE_PARTS,
)
from kapital.settlement.adapters.bank_messages.client_bank_sections import Section, Sections, sections_of
from kapital.settlement.domain.bank_message import (
    Deviations,
    Party,
    Side,
    Statement,
    StatementKind,
    StatementLine,
    ToldTotals,
    kopecks_of,
)
from kapital.settlement.domain.problems import BankMessageAmountMustBeExact, BankMessageUnreadable
from kapital.settlement.domain.statement_tally import StatementTally

_VERSIONS: Final = frozenset({"1.01", "1.02", "1.03"})


@dataclass(slots=True)
class _Account:
    """One account of the file: its head, and its lines in the order of the documents."""

    head: Statement
    where: str
    lines: list[StatementLine] = field(default_factory=list)


def read_client_bank(file: BinaryIO, deviations: Deviations) -> Iterator[Statement | StatementLine]:
    """Statements by account, each followed by its lines; totals are compared. At most 32 MiB, held in memory.

    The side of a document is told by ДатаСписано and ДатаПоступило; where both are there, by its accounts: between
    two accounts of the file it is a line of each. A document that is no account's is reported, grave.
    Raises: BankMessageUnreadable, BankMessageEncodingRefused, BankMessageTooLarge, BankMessageAmountMustBeExact.
    """
    found = sections_of(file, deviations)
    accounts = _Reader(found, deviations).read()
    for account in accounts:
        tally = StatementTally(account.head)
        yield account.head
        for line in account.lines:
            tally.count_entry(line.side, line.amount_kopecks)
            tally.add(line)
            yield line
        tally.report(deviations, account.where)


class _Reader:
    def __init__(self, found: Sections, deviations: Deviations) -> None:
        self._found, self._deviations = found, deviations
        self._from_on = self._day(found.header, "ДатаНачала", needed=True)
        self._to_on = self._day(found.header, "ДатаКонца", needed=True)

    def read(self) -> list[_Account]:
        header = self._found.header
        if header.text("ВерсияФормата") not in _VERSIONS:
            self._deviations.report("ВерсияФормата", "version_unknown")
        if not header.text("Получатель"):
            self._deviations.report("Получатель", "receiver_missing")
        accounts = self._accounts()
        if not accounts:
            raise BankMessageUnreadable("no account in the file", {"reason": "no_account"})
        for number, document in enumerate(self._found.documents, start=1):
            self._document(document, f"document {number} (line {document.line})", accounts)
        return list(accounts.values())

    def _accounts(self) -> dict[str, _Account]:
        """The accounts. Several sections of one (a day each) are one statement; each goes on where the last ended."""
        sections: dict[str, list[Section]] = defaultdict(list)
        for section in self._found.accounts:
            number = section.text("РасчСчет")
            if not number:
                self._deviations.report(f"line {section.line}", "account_missing", grave=True)
            sections[number].append(section)
        for number in self._found.named_accounts:
            if number not in sections:
                self._deviations.report("РасчСчет", "account_without_section")
                sections[number] = []
        return {number: self._account(number, parts) for number, parts in sections.items() if number}

    def _account(self, number: str, parts: list[Section]) -> _Account:
        place = f"account section (line {parts[0].line})" if parts else "РасчСчет"
        opening = closing = credit = debit = None
        for part in parts:
            where = f"line {part.line}"
            begins, ends = self._sum(part, "НачальныйОстаток"), self._sum(part, "КонечныйОстаток")
            received, written_off = self._sum(part, "ВсегоПоступило"), self._sum(part, "ВсегоСписано")
            if closing is not None and begins is not None and begins != closing:
                self._deviations.report(where, "gap_between_sections", grave=True)
            if None not in (begins, ends, received, written_off) and (
                (begins or 0) + (received or 0) - (written_off or 0) != ends
            ):
                self._deviations.report(where, "balances_do_not_add_up", grave=True)
            opening = begins if opening is None else opening
            closing = ends
            credit = _plus(credit, received)
            debit = _plus(debit, written_off)
        first = self._day(parts[0], "ДатаНачала") if parts else None
        last = self._day(parts[-1], "ДатаКонца") if parts else None
        head = Statement(
            message_id="",
            statement_id="",
            kind=StatementKind.STATEMENT,
            account=number,
            from_on=first or self._from_on,
            to_on=last or self._to_on,
            opening_kopecks=opening,
            closing_kopecks=closing,
            told=ToldTotals(credit_kopecks=credit, debit_kopecks=debit),
        )
        return _Account(head, place)

    def _document(self, section: Section, where: str, accounts: dict[str, _Account]) -> None:
        if section.title not in KINDS:
            self._deviations.report(where, "document_kind_unknown")
        off, came = self._day(section, "ДатаСписано"), self._day(section, "ДатаПоступило")
        payer = section.text(f"{PAYER}Счет", f"{PAYER}РасчСчет")
        payee = section.text(f"{PAYEE}Счет", f"{PAYEE}РасчСчет")
        sides: list[tuple[Side, str, date | None]] = []
        if payer in accounts and (off or not came):
            sides.append((Side.DEBIT, payer, off))
        if payee in accounts and (came or not off):
            sides.append((Side.CREDIT, payee, came))
        if not sides and len(accounts) == 1 and bool(off) != bool(came):
            # The bank masks or leaves out our own account: the date alone says the side.
            self._deviations.report(where, "own_account_not_named")
            sides.append((Side.DEBIT if off else Side.CREDIT, next(iter(accounts)), off or came))
        if not sides:
            self._deviations.report(where, "document_of_no_account", grave=True)
        for side, number, on in sides:
            account = accounts[number]
            account.lines.append(self._line(section, where, len(account.lines) + 1, side, on))

    def _line(self, section: Section, where: str, number: int, side: Side, on: date | None) -> StatementLine:
        drawn_on = self._day(section, "Дата")
        if on is None:
            self._deviations.report(where, "booking_date_missing")
        booked_on = on or drawn_on
        if booked_on is None:
            self._deviations.report(where, "date_missing", grave=True)
        elif (self._from_on and booked_on < self._from_on) or (self._to_on and booked_on > self._to_on):
            self._deviations.report(where, "date_outside_period")
        purpose = section.text("НазначениеПлатежа") or " ".join(
            text for key in PURPOSE_PARTS if (text := section.text(key))
        )
        details = [(key, text) for key in DETAIL_KEYS if (text := section.text(key))]
        return StatementLine(
            number=number,
            side=side,
            amount_kopecks=self._amount(section, where),
            booked_on=booked_on,
            document_number=section.text("Номер"),
            document_on=drawn_on,
            document_kind=section.text("ВидОплаты"),
            payer=party_in(section, PAYER),
            payee=party_in(section, PAYEE),
            purpose=purpose,
            details=((KIND_DETAIL, section.title), *details, *_left(section), *section.unknown),
        )

    def _amount(self, section: Section, where: str) -> int:
        return kopecks_of(section.text("Сумма"), where)

    def _sum(self, section: Section, key: str) -> int | None:
        """A balance or total, perhaps negative; None, and reported, when it is missing."""
        text = section.text(key)
        if not text:
            self._deviations.report(f"line {section.line}", "total_missing")
            return None
        kopecks = kopecks_of(text.removeprefix("-"), f"line {section.line}")
        if text.startswith("-") and key not in {"НачальныйОстаток", "КонечныйОстаток"}:
            raise BankMessageAmountMustBeExact("a turnover is not negative", {"where": f"line {section.line}"})
        return -kopecks if text.startswith("-") else kopecks

    def _day(self, section: Section, key: str, *, needed: bool = False) -> date | None:
        text = section.text(key)
        if text:
            try:
                return datetime.strptime(text, "%d.%m.%Y").date()  # noqa: DTZ007 - a day of the bank, without a zone
            except ValueError:
                self._deviations.report(f"line {section.line}", "date_not_understood", grave=True)
        elif needed:
            self._deviations.report(key, "date_missing")
        return None


def _plus(total: int | None, more: int | None) -> int | None:
    return more if total is None else total + (more or 0)


def _left(section: Section) -> Iterator[tuple[str, str]]:
    """Texts about the parties that have no place in a Party, so that nothing is dropped."""
    for side in (PAYER, PAYEE):
        shown = {section.text(f"{side}1", side), section.text(f"{side}Счет", f"{side}РасчСчет"), ""}
        for key in (side, f"{side}2", f"{side}3", f"{side}4", f"{side}РасчСчет"):
            if (text := section.text(key)) not in shown:
                yield key, text


def party_in(section: Section, side: str) -> Party:
    """The payer or payee of a document."""
    return Party(
        name=section.text(f"{side}1", side),
        inn=section.text(f"{side}ИНН"),
        kpp=section.text(f"{side}КПП"),
        account=section.text(f"{side}Счет", f"{side}РасчСчет"),
        bic=section.text(f"{side}БИК"),
        bank_name=" ".join(text for key in ("Банк1", "Банк2") if (text := section.text(f"{side}{key}"))),
        correspondent_account=section.text(f"{side}Корсчет"),
    )
