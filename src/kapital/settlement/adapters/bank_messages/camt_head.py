"""The head of a camt statement: account, period, balances, totals that it states."""

from collections.abc import Sequence
from typing import Final

from kapital.settlement.adapters.bank_messages.xml_tree import Sum, Tree, day_of, every, sub, text
from kapital.settlement.domain.bank_message import Deviations, Side, Statement, StatementKind, ToldTotals, kopecks_of

SIDES: Final = {"CRDT": Side.CREDIT, "DBIT": Side.DEBIT}
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)
_OTHER_BALANCES: Final = frozenset({"CLAV", "OPAV", "FWAV", "ITAV", "ITBD", "INFO", "XPCD"})
_COUNT_DIGITS_MAX: Final = 15


def statement_of(
    head: Tree, *, message_id: str, kind: StatementKind, deviations: Deviations, where: str
) -> Statement:
    """The head, from what stands before the entries. Raises: BankMessageAmountMustBeExact."""
    account = sub(head, "Acct")
    number = text(account, "Id", "IBAN") or text(account, "Id", "Othr", "Id")
    if not number:
        deviations.report(f"{where}/Acct", "account_missing", grave=True)
    balances = [one for one in every(head, "Bal") if isinstance(one, dict)]
    currency = text(account, "Ccy") or next((one["Amt"].currency for one in balances if _is_sum(one)), "")
    if not currency:
        deviations.report(f"{where}/Acct/Ccy", "currency_missing")
    opening, closing = _balances(balances, currency, deviations, where)
    sequence = _count(text(head, "ElctrncSeqNb") or text(head, "LglSeqNb"), deviations, f"{where}/ElctrncSeqNb")
    period = sub(head, "FrToDt")
    return Statement(
        message_id=message_id,
        statement_id=text(head, "Id"),
        kind=kind,
        account=number,
        currency=currency,
        sequence_number=sequence,
        from_on=day_of(text(period, "FrDtTm") or text(period, "FrDt")),
        to_on=day_of(text(period, "ToDtTm") or text(period, "ToDt")),
        opening_kopecks=opening,
        closing_kopecks=closing,
        told=_totals(sub(head, "TxsSummry"), deviations, f"{where}/TxsSummry"),
    )


def side_of(tree: Tree, deviations: Deviations, where: str) -> Side:
    """Credit or debit; anything else is grave, so that nothing of the message is booked."""
    said = text(tree, "CdtDbtInd")
    if said not in SIDES:
        deviations.report(f"{where}/CdtDbtInd", "credit_debit_unknown", grave=True)
    return SIDES.get(said, Side.CREDIT)


def amount_of(tree: Tree, currency: str, deviations: Deviations, where: str) -> int:
    """The sum under Amt, in the statement's currency. Raises: BankMessageAmountMustBeExact."""
    amount = tree.get("Amt", "")
    if not isinstance(amount, Sum) or amount.currency != (currency or amount.currency):
        deviations.report(f"{where}/Amt", "currency_differs", grave=True)
    return kopecks_of(amount.strip() if isinstance(amount, str) else "", f"{where}/Amt")


def _is_sum(tree: Tree) -> bool:
    return isinstance(tree.get("Amt"), Sum)


def _balances(
    balances: Sequence[Tree], currency: str, deviations: Deviations, where: str
) -> tuple[int | None, int | None]:
    found: dict[str, int] = {}
    for number, balance in enumerate(balances, start=1):
        place = f"{where}/Bal[{number}]"
        code = text(balance, "Tp", "CdOrPrtry", "Cd") or text(balance, "Tp", "CdOrPrtry", "Prtry")
        kopecks = amount_of(balance, currency, deviations, place)
        if side_of(balance, deviations, place) is Side.DEBIT:
            kopecks = -kopecks
        if code not in {*_OPENING, *_CLOSING, *_OTHER_BALANCES}:
            deviations.report(f"{place}/Tp", "balance_kind_unknown")
        elif code not in _OTHER_BALANCES and found.get(code, kopecks) != kopecks:
            deviations.report(place, "balance_told_twice", grave=True)
        found.setdefault(code, kopecks)
    opening = next((found[code] for code in _OPENING if code in found), None)
    if opening is not None and found.get("PRCD", opening) != opening:
        deviations.report(where, "opening_is_not_previous_closing", grave=True)
    return opening, next((found[code] for code in _CLOSING if code in found), None)


def _totals(summary: Tree, deviations: Deviations, where: str) -> ToldTotals:
    whole = sub(summary, "TtlNtries")
    lines, total = _count_and_sum(whole, deviations, f"{where}/TtlNtries")
    credit_lines, credit = _count_and_sum(sub(summary, "TtlCdtNtries"), deviations, f"{where}/TtlCdtNtries")
    debit_lines, debit = _count_and_sum(sub(summary, "TtlDbtNtries"), deviations, f"{where}/TtlDbtNtries")
    net: int | None = None
    if said := text(whole, "TtlNetNtry", "Amt") or text(whole, "TtlNetNtryAmt"):
        net = kopecks_of(said, f"{where}/TtlNtries/TtlNetNtry", total=True)
        if side_of(sub(whole, "TtlNetNtry") or whole, deviations, f"{where}/TtlNtries") is Side.DEBIT:
            net = -net
    if "TtlNtriesPerBkTxCd" in summary:
        deviations.report(f"{where}/TtlNtriesPerBkTxCd", "totals_by_code_not_compared")
    return ToldTotals(
        lines=lines,
        sum_kopecks=total,
        net_kopecks=net,
        credit_lines=credit_lines,
        credit_kopecks=credit,
        debit_lines=debit_lines,
        debit_kopecks=debit,
    )


def _count_and_sum(tree: Tree, deviations: Deviations, where: str) -> tuple[int | None, int | None]:
    total = text(tree, "Sum")
    return (
        _count(text(tree, "NbOfNtries"), deviations, f"{where}/NbOfNtries"),
        kopecks_of(total, f"{where}/Sum", total=True) if total else None,
    )


def _count(said: str, deviations: Deviations, where: str) -> int | None:
    if not said:
        return None
    if said.isascii() and said.isdigit() and len(said) <= _COUNT_DIGITS_MAX:
        return int(said)
    deviations.report(where, "count_not_a_number", grave=True)
    return None
