"""One entry of a camt statement as lines."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from kapital.settlement.adapters.bank_messages.camt_head import amount_of, side_of
from kapital.settlement.adapters.bank_messages.xml_tree import Sum, Tree, day_of, every, sub, text
from kapital.settlement.domain.bank_message import NOBODY, Deviations, Party, StatementLine, kopecks_of
from kapital.settlement.domain.statement_tally import StatementTally

_STATUSES: Final = {"BOOK": False, "PDNG": True, "INFO": True, "FUTR": True}
_NOT_PROVIDED: Final = frozenset({"NOTPROVIDED", "NOT PROVIDED"})
USTRD_LENGTH: Final = 140
"""Longest text of one Ustrd; a part of just this length goes on in the next."""


class EntryReader:
    """Reads the entries of one statement."""

    def __init__(self, currency: str, deviations: Deviations, where: str) -> None:
        self._currency, self._deviations, self.where = currency, deviations, where
        self.count = 0
        self._lines = 0

    def read(self, entry: Tree, tally: StatementTally) -> Iterator[StatementLine]:
        """The lines of one entry. Raises: BankMessageAmountMustBeExact."""
        self.count += 1
        place = f"{self.where}/Ntry[{self.count}]"
        kopecks = amount_of(entry, self._currency, self._deviations, place)
        side = side_of(entry, self._deviations, place)
        pending = self._pending(entry, place)
        valued_on = _day(entry, "ValDt")
        booked_on = _day(entry, "BookgDt") or valued_on
        if booked_on is None:
            self._deviations.report(f"{place}/BookgDt", "booking_date_missing", grave=True)
        tally.count_entry(side, kopecks)
        details: list[Tree] = [
            one if isinstance(one, dict) else {}
            for batch in every(entry, "NtryDtls")
            if isinstance(batch, dict)
            for one in every(batch, "TxDtls")
        ] or [{}]
        sums = self._split(details, kopecks, place)
        reversal = text(entry, "RvslInd") in {"true", "1"}
        more = tuple((name, told) for name in ("NtryRef", "AddtlNtryInf") if (told := text(entry, name)))
        for number, (detail, amount) in enumerate(zip(details, sums, strict=True), start=1):
            self._lines += 1
            parties, agents = sub(detail, "RltdPties"), sub(detail, "RltdAgts")
            remittance = sub(detail, "RmtInf")
            document = sub(remittance, "Strd", "RfrdDocInf")
            end_to_end = text(detail, "Refs", "EndToEndId")
            line = StatementLine(
                number=self._lines,
                side=side,
                amount_kopecks=amount,
                booked_on=booked_on,
                valued_on=valued_on,
                bank_reference=_reference(entry, detail, number if len(details) > 1 else None),
                end_to_end_id="" if end_to_end.upper() in _NOT_PROVIDED else end_to_end,
                document_number=text(document, "Nb"),
                document_on=day_of(text(document, "RltdDt")),
                document_kind=text(document, "Tp", "CdOrPrtry", "Prtry") or text(document, "Tp", "CdOrPrtry", "Cd"),
                payer=party_of(sub(parties, "Dbtr"), sub(parties, "DbtrAcct"), sub(agents, "DbtrAgt")),
                payee=party_of(sub(parties, "Cdtr"), sub(parties, "CdtrAcct"), sub(agents, "CdtrAgt")),
                purpose=purpose_of(remittance),
                pending=pending,
                reversal=reversal,
                details=more,
            )
            tally.add(line)
            yield line

    def _pending(self, entry: Tree, place: str) -> bool:
        code = text(entry, "Sts") or text(entry, "Sts", "Cd") or text(entry, "Sts", "Prtry")
        if code not in _STATUSES:
            self._deviations.report(f"{place}/Sts", "status_unknown", grave=True)
        return _STATUSES.get(code, False)

    def _split(self, details: list[Tree], kopecks: int, place: str) -> list[int]:
        """The sum of each transaction; the entry's for the only one. Several must add up to the entry."""
        if len(details) == 1:
            return [kopecks]
        sums = []
        for detail in details:
            amount = detail.get("Amt") or sub(detail, "AmtDtls", "TxAmt").get("Amt")
            if not isinstance(amount, Sum) or (self._currency and amount.currency != self._currency):
                break
            sums.append(kopecks_of(amount, f"{place}/TxDtls/Amt"))
        if len(sums) == len(details) and sum(sums) == kopecks:
            return sums
        # The first line carries the whole, so that no money is missing; the entry is for a person.
        self._deviations.report(f"{place}/NtryDtls", "transactions_do_not_add_up", grave=True)
        return [kopecks] + [0] * (len(details) - 1)


def _reference(entry: Tree, detail: Tree, number: int | None) -> str:
    if own := text(detail, "Refs", "AcctSvcrRef"):
        return own
    shared = text(entry, "AcctSvcrRef")
    # One reference of the entry over many transactions would make them look like one.
    return shared if not shared or number is None else f"{shared}/{number}"


def purpose_of(remittance: Tree) -> str:
    """The purpose out of its parts: one of full length goes on in the next."""
    told, whole = "", True
    for part in every(remittance, "Ustrd"):
        told += part if whole else f" {part}"
        whole = len(part) == USTRD_LENGTH
    return told.strip()


def party_of(said: Tree, account: Tree, agent: Tree) -> Party:
    """A party with its account and bank, as versions 02 to 09 write them."""
    if not (said or account or agent):
        return NOBODY
    person = sub(said, "Pty") or said
    inn, kpp = _numbers(sub(person, "Id"))
    bank = sub(agent, "FinInstnId")
    return Party(
        name=text(person, "Nm"),
        inn=inn,
        kpp=kpp,
        account=text(account, "Id", "IBAN") or text(account, "Id", "Othr", "Id"),
        bic=text(bank, "ClrSysMmbId", "MmbId") or text(bank, "BICFI") or text(bank, "BIC"),
        bank_name=text(bank, "Nm"),
    )


def _numbers(identification: Tree) -> tuple[str, str]:
    inn = kpp = ""
    for kind in ("OrgId", "PrvtId"):
        for other in every(sub(identification, kind), "Othr"):
            if not isinstance(other, dict):
                continue
            scheme = text(other, "SchmeNm", "Cd") or text(other, "SchmeNm", "Prtry")
            if scheme == "KPP":
                kpp = text(other, "Id")
            elif scheme in {"TXID", "INN"}:
                inn = text(other, "Id")
    return inn, kpp


def _day(entry: Tree, name: str) -> date | None:
    return day_of(text(entry, name, "Dt") or text(entry, name, "DtTm"))
