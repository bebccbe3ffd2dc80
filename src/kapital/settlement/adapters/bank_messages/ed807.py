"""ED807, the БИК directory of the Bank of Russia (УФЭБС): full editions, WINDOWS-1251 or UTF-8.

Source: cbr_ed807 of УФЭБС 2017.4.2 to 2021.1.0. Names are the format's; what is unknown is reported.
"""

from collections.abc import Iterator
from datetime import date
from typing import BinaryIO, Final

from lxml import etree

from kapital.kernel.requisites import account_has_form, bic_is_valid
from kapital.platform.xml_stream import XmlRecords, release
from kapital.settlement.adapters.bank_messages.xml_refusal import refusals
from kapital.settlement.adapters.bank_messages.xml_tree import day_of, name_of
from kapital.settlement.domain.bank_directory import DirectoryAccount, DirectoryBank
from kapital.settlement.domain.bank_message import Deviations
from kapital.settlement.domain.problems import BankMessageUnreadable

BYTES_MAX: Final = 67_108_864
BANKS_MAX: Final = 100_000
NAMESPACE: Final = "urn:cbr-ru:ed:v2.0"
_FULL: Final = "FIRR"
"""InfoTypeCode of a full directory; SIRR tells changes only ([M])."""
_KNOWN: Final = frozenset({"ParticipantInfo", "RstrList", "SWBICS", "Accounts", "AccRstrList"})
_STATUSES: Final = frozenset({"PSAC", "PSDL"})


class Ed807:
    """One file. `business_on` and `is_full` hold once the first bank was read."""

    def __init__(self, file: BinaryIO, deviations: Deviations) -> None:
        self._file, self._deviations = file, deviations
        self.business_on: date | None = None
        self.is_full = False

    def banks(self) -> Iterator[DirectoryBank]:
        """The participants, in order. Raises: BankMessageUnreadable and the refusals of the XML stream."""
        seen: set[str] = set()
        with refusals():
            records = XmlRecords(self._file, roots={"ED807"}, records={"BICDirectoryEntry"}, bytes_max=BYTES_MAX)
            for number, element in enumerate(records, start=1):
                if number == 1:
                    self._head(element.getroottree().getroot())
                where = f"BICDirectoryEntry[{number}]"
                bank = self._bank(element, where)
                if bank is not None and bank.bic in seen:
                    self._deviations.report(where, "bic_repeated", grave=True)
                elif bank is not None:
                    if len(seen) >= BANKS_MAX:
                        raise BankMessageUnreadable("too many participants", {"reason": "too_many"})
                    seen.add(bank.bic)
                    yield bank
                for _ in release(element):
                    pass
            if records.namespace != NAMESPACE:
                self._deviations.report("ED807", "namespace_unknown")
        if not seen:
            raise BankMessageUnreadable("no participant in the directory", {"reason": "no_participant"})

    def _head(self, root: etree._Element) -> None:
        self.business_on = day_of(root.get("BusinessDay") or root.get("EDDate") or "")
        if self.business_on is None:
            raise BankMessageUnreadable("no business day is named", {"reason": "no_business_day"})
        self.is_full = root.get("InfoTypeCode") == _FULL

    def _bank(self, element: etree._Element, where: str) -> DirectoryBank | None:
        bic = element.get("BIC") or ""
        if not bic_is_valid(bic):
            self._deviations.report(where, "bic_malformed", grave=True)
            return None
        info: etree._Element | None = None
        accounts: list[DirectoryAccount] = []
        for part in element:
            name = name_of(part)
            if name not in _KNOWN:
                self._deviations.report(f"{where}/{name}", "element_unknown")
            elif name == "ParticipantInfo":
                info = part
            elif name == "Accounts":
                accounts.append(self._account(part, f"{where}/Accounts[{len(accounts) + 1}]"))
        if info is None:
            self._deviations.report(where, "participant_info_missing", grave=True)
            return None
        status = info.get("ParticipantStatus") or ""
        if status not in _STATUSES:
            self._deviations.report(f"{where}/ParticipantInfo", "status_unknown", grave=bool(status))
        return DirectoryBank(
            bic=bic,
            name=(info.get("NameP") or "").strip()[:160],
            kind=(info.get("PtType") or "")[:2],
            status=status,
            opened_on=self._day(info, "DateIn", where),
            closed_on=self._day(info, "DateOut", where),
            restrictions=self._restrictions(info, "RstrList", "Rstr", where),
            accounts=tuple(accounts),
        )

    def _account(self, element: etree._Element, where: str) -> DirectoryAccount:
        number = element.get("Account") or ""
        if not account_has_form(number):
            self._deviations.report(where, "account_malformed")
        return DirectoryAccount(
            account=number[:20],
            kind=(element.get("RegulationAccountType") or "")[:4],
            held_at_bic=(element.get("AccountCBRBIC") or "")[:9],
            status=(element.get("AccountStatus") or "")[:4],
            opened_on=self._day(element, "DateIn", where),
            closed_on=self._day(element, "DateOut", where),
            restrictions=self._restrictions(element, "AccRstrList", "AccRstr", where),
        )

    def _restrictions(self, element: etree._Element, name: str, code: str, where: str) -> tuple[str, ...]:
        found = []
        for part in element:
            if name_of(part) == name:
                # A restriction without a code is a restriction all the same.
                found.append((part.get(code) or "UNKNOWN")[:10])
            else:
                self._deviations.report(f"{where}/{name_of(part)}", "element_unknown")
        return tuple(sorted(set(found)))

    def _day(self, element: etree._Element, name: str, where: str) -> date | None:
        text = element.get(name)
        if not text:
            return None
        if (day := day_of(text)) is None:
            self._deviations.report(f"{where}/@{name}", "date_not_understood", grave=True)
        return day
