"""Does a statement add up: its lines against its balances and the totals that it states itself."""

from collections.abc import Iterator

from kapital.settlement.domain.bank_message import Deviations, Side, Statement, StatementKind, StatementLine


class StatementTally:
    """Sums of one statement, taken as its entries pass.

    Totals that a message states count all its entries; balances are moved only by the lines that are not pending.
    """

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._entries = {Side.CREDIT: 0, Side.DEBIT: 0}
        self._kopecks = {Side.CREDIT: 0, Side.DEBIT: 0}
        self._turnover = 0

    def count_entry(self, side: Side, kopecks: int) -> None:
        """Count one entry, which may hold several lines."""
        self._entries[side] += 1
        self._kopecks[side] += kopecks

    def add(self, line: StatementLine) -> None:
        """Count what a line moves."""
        if not line.pending:
            self._turnover += line.amount_kopecks if line.side is Side.CREDIT else -line.amount_kopecks

    def report(self, deviations: Deviations, where: str) -> None:
        """Report every total that is off, all of them grave."""
        for code in self.findings():
            deviations.report(where, code, grave=True)

    def findings(self) -> Iterator[str]:
        """Codes of the totals that are off or missing."""
        told = self.statement.told
        credit, debit = self._kopecks[Side.CREDIT], self._kopecks[Side.DEBIT]
        for code, said, found in (
            ("credit_total_differs", told.credit_kopecks, credit),
            ("debit_total_differs", told.debit_kopecks, debit),
            ("credit_count_differs", told.credit_lines, self._entries[Side.CREDIT]),
            ("debit_count_differs", told.debit_lines, self._entries[Side.DEBIT]),
            ("entry_count_differs", told.lines, sum(self._entries.values())),
            ("entry_sum_differs", told.sum_kopecks, credit + debit),
            ("net_total_differs", told.net_kopecks, credit - debit),
        ):
            if said is not None and said != found:
                yield code
        opening, closing = self.statement.opening_kopecks, self.statement.closing_kopecks
        if self.statement.kind is StatementKind.STATEMENT:
            if opening is None:
                yield "opening_balance_missing"
            if closing is None:
                yield "closing_balance_missing"
        if opening is not None and closing is not None and opening + self._turnover != closing:
            yield "balances_do_not_add_up"
