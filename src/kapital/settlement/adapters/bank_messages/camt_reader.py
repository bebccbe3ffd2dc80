"""Reads camt.052, 053 and 054 (versions 02 to 08 and what looks like them) as a stream of statements and lines."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from lxml import etree

from kapital.platform.xml_stream import XmlRecords, release
from kapital.settlement.adapters.bank_messages.camt_entry import EntryReader
from kapital.settlement.adapters.bank_messages.camt_head import statement_of
from kapital.settlement.adapters.bank_messages.schemas import camt_names
from kapital.settlement.adapters.bank_messages.xml_refusal import XML_BYTES_MAX, refusals
from kapital.settlement.adapters.bank_messages.xml_tree import Tree, name_of, text, tree_of
from kapital.settlement.domain.bank_message import Deviations, Statement, StatementKind, StatementLine
from kapital.settlement.domain.problems import BankMessageUnreadable
from kapital.settlement.domain.statement_tally import StatementTally

_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.05"
_KINDS: Final = {"Stmt": StatementKind.STATEMENT, "Rpt": StatementKind.REPORT, "Ntfctn": StatementKind.NOTICE}
_AFTER_ENTRIES: Final = frozenset({"Ntry", "AddtlStmtInf", "AddtlRptInf", "AddtlNtfctnInf"})


def read_camt(file: BinaryIO, deviations: Deviations) -> Iterator[Statement | StatementLine]:
    """Statements, each followed by its lines, in the order of the file; totals are compared as they end.

    Shape: one entry is in memory at a time; at most 512 MiB are read. An entry of several transactions becomes a line
    for each when they have sums that add up to the entry's.
    Raises: BankMessageUnreadable, BankMessageEncodingRefused, BankMessageHasDocumentType, BankMessageTooLarge,
    BankMessageAmountMustBeExact – perhaps after values were given, which must then not be used.
    """
    with refusals():
        yield from _Camt(file, deviations).read()


class _Open:
    """The statement that is being read."""

    def __init__(self, head: Statement, deviations: Deviations, where: str) -> None:
        self.head, self.where = head, where
        self.tally = StatementTally(head)
        self.entries = EntryReader(head.currency, deviations, where)


class _Camt:
    def __init__(self, file: BinaryIO, deviations: Deviations) -> None:
        self._deviations = deviations
        self._records = XmlRecords(
            file, roots={"Document"}, records={"GrpHdr", "Ntry", *_KINDS}, bytes_max=XML_BYTES_MAX
        )
        self._message_id = ""
        self._statements = 0
        self._open: _Open | None = None
        self._names = camt_names()

    def read(self) -> Iterator[Statement | StatementLine]:
        for element in self._records:
            name = name_of(element)
            if name == "Ntry":
                yield from self._entry(element)
            elif name == "GrpHdr":
                self._message_id = text(self._tree(element, "GrpHdr"), "MsgId")
            else:
                yield from self._end(element, name)
        if self._statements == 0:
            raise BankMessageUnreadable("no statement in the message", {"reason": "no_statement"})
        if not self._records.namespace.startswith(_NAMESPACE):
            self._deviations.report("Document", "namespace_unknown")
        if not self._message_id:
            self._deviations.report("GrpHdr/MsgId", "message_id_missing")

    def _tree(self, element: etree._Element, where: str) -> Tree:
        return tree_of(
            element, self._names, lambda name: self._deviations.report(f"{where}/{name}", "element_unknown")
        )

    def _entry(self, element: etree._Element) -> Iterator[Statement | StatementLine]:
        statement = element.getparent()
        kind = name_of(statement) if statement is not None else ""
        if statement is None or kind not in _KINDS:
            self._deviations.report(f"{kind}/Ntry", "entry_in_wrong_place", grave=True)
            return
        first = self._open is None
        if self._open is None:
            self._open = self._begin(statement, kind)
            yield self._open.head
        opened = self._open
        yield from opened.entries.read(self._tree(element, opened.where), opened.tally)
        for before in release(element):
            if not first and name_of(before) != "Ntry":
                self._deviations.report(f"{opened.where}/{name_of(before)}", "element_out_of_order", grave=True)

    def _begin(self, statement: etree._Element, kind: str) -> _Open:
        self._statements += 1
        where = f"{kind}[{self._statements}]"
        head = etree.Element("head")
        for part in [part for part in statement if name_of(part) != "Ntry"]:
            head.append(part)  # moved: what is left before an entry now is an entry
        told = self._tree(head, where)
        read = statement_of(
            told, message_id=self._message_id, kind=_KINDS[kind], deviations=self._deviations, where=where
        )
        return _Open(read, self._deviations, where)

    def _end(self, element: etree._Element, kind: str) -> Iterator[Statement]:
        if self._open is None:
            self._open = self._begin(element, kind)
            yield self._open.head
            self._deviations.report(self._open.where, "statement_without_entries")
        opened, self._open = self._open, None
        for part in element:
            if name_of(part) not in _AFTER_ENTRIES:
                self._deviations.report(f"{opened.where}/{name_of(part)}", "element_out_of_order", grave=True)
        opened.tally.report(self._deviations, opened.where)
        for _ in release(element):
            pass
