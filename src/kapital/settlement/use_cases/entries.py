"""The ledger entries of settlement: every shape in one place, every id derived, so that a repeat meets itself."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

import msgspec

from kapital.kernel.ids import derive_uuid7
from kapital.kernel.problems import ensure
from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Basis,
    BasisKind,
    OpenAsset,
    OpenWallet,
    Position,
    Posting,
    SetFlags,
    Transaction,
    money_asset,
)
from kapital.settlement.domain.incoming import UNIDENTIFIED_WALLET, IncomingPayment
from kapital.settlement.domain.instructions import AllocationDecided, AllocationLine, PayoutLine, PayoutsInstructed
from kapital.settlement.domain.money_decision import MoneyDecision
from kapital.settlement.domain.tax import TAX_WALLET, TaxAgent, Withheld
from kapital.settlement.domain.withdrawal import Withdrawal

MONEY: Final = money_asset()
BANK_MIRROR: Final = AccountKey(asset=MONEY, position=Position.BANK, wallet=MONEY)
ACTOR: Final = "machine:settlement"

# Where the money for units in a position goes (domain.md 3.6, 3.8 and scenario 45); for all others: available.
_MONEY_POSITION: Final = {Position.FROZEN: Position.FROZEN, Position.ARRESTED: Position.ARRESTED}


def money(wallet: UUID, position: Position = Position.AVAILABLE) -> AccountKey:
    """A wallet's money in a position."""
    return AccountKey(asset=MONEY, position=position, wallet=wallet)


def opening() -> tuple[Transaction, ...]:
    """Money of the nominal account, and the operator's wallets for unidentified money and for withheld tax."""
    basis = Basis(kind=BasisKind.STATUTE, reference="nominal_account")
    asset = OpenAsset(asset=MONEY, kind=AssetKind.MONEY, code="RUB", scale=2)
    wallet, tax = OpenWallet(wallet=UNIDENTIFIED_WALLET), OpenWallet(wallet=TAX_WALLET)
    return (
        Transaction(id=derive_uuid7(MONEY, "open"), actor=ACTOR, basis=basis, opens=(asset,)),
        Transaction(id=derive_uuid7(UNIDENTIFIED_WALLET, "open"), actor=ACTOR, basis=basis, opens=(wallet,)),
        Transaction(id=derive_uuid7(TAX_WALLET, "open"), actor=ACTOR, basis=basis, opens=(tax,)),
    )


def top_up(payment: IncomingPayment) -> Transaction:
    """Money came: bank −, wallet available +.

    The id is that of the payment, whatever wallet it goes to: of two bookings of one credit only one can be entered.
    """
    kind = BasisKind.STATUTE if payment.wallet_id == UNIDENTIFIED_WALLET else BasisKind.HOLDER_INSTRUCTION
    amount = payment.credit.amount_kopecks
    return Transaction(
        id=derive_uuid7(payment.payment_id, "top_up"),
        actor=ACTOR,
        # No hash of the notice: it would be an unsalted commitment to the payer's name.
        basis=Basis(kind=kind, reference=f"bank_credit/{payment.credit.bank_id}"),
        postings=_netted([(BANK_MIRROR, -amount), (money(payment.wallet_id), amount)]),
    )


def delivery(decided: AllocationDecided, line: AllocationLine) -> Transaction:
    """Units against money in one entry, with what is left of the reserve going back in the same entry."""
    ensure(line.units > 0, "a delivery has units")
    asset = decided.asset_id
    return Transaction(
        id=derive_uuid7(line.order_id, "dvp"),
        actor=ACTOR,
        basis=Basis(kind=BasisKind.SMART_CONTRACT, reference=f"order/{line.order_id}"),
        postings=_netted(
            [
                (money(line.wallet_id, Position.RESERVED), -line.reserved_kopecks),
                (money(decided.issuer_wallet_id), line.pay_kopecks),
                (money(line.wallet_id), line.refund_kopecks),
                (AccountKey(asset=asset, position=Position.ISSUED, wallet=asset), -line.units),
                (AccountKey(asset=asset, position=Position.AVAILABLE, wallet=line.wallet_id), line.units),
            ]
        ),
        rule_book_version=line.rules,
    )


def refund(line: AllocationLine) -> Transaction:
    """The whole reserve goes back: reserved −, available +.

    The id is also that of a release on the investor's withdrawal of the order: one reserve goes back once.
    """
    ensure(line.units == 0, "a refund has no units")
    return _reserve_back(line, "release")


def turned_back(line: AllocationLine) -> Transaction:
    """The whole reserve goes back to a buyer to whom a freeze lets nothing be delivered.

    The id is that of the delivery: of the two only one can ever be entered, whatever is lifted between two tries.
    """
    ensure(line.units > 0, "a delivery has units")
    return _reserve_back(line, "dvp")


def _reserve_back(line: AllocationLine, purpose: str) -> Transaction:
    return Transaction(
        id=derive_uuid7(line.order_id, purpose),
        actor=ACTOR,
        basis=Basis(kind=BasisKind.SMART_CONTRACT, reference=f"order/{line.order_id}"),
        postings=_netted(
            [
                (money(line.wallet_id, Position.RESERVED), -line.reserved_kopecks),
                (money(line.wallet_id), line.reserved_kopecks),
            ]
        ),
        rule_book_version=line.rules,
    )


def payer_money(instructed: PayoutsInstructed) -> AccountKey:
    """Where the payer's money for a part stands: set aside for the action, or with all that it has available."""
    position = Position.RESERVED if instructed.is_set_aside else Position.AVAILABLE
    return money(instructed.payer_wallet_id, position)


def payouts(instructed: PayoutsInstructed, withholding: Mapping[tuple[UUID, str], Withheld]) -> list[Transaction]:
    """Payer's money to the holders, and the units extinguished with it; all lines of a part stand or fall together.

    What the operator withholds goes to the wallet of tax in the same entry; what the issuer withholds stays its own:
    of money set aside it goes back to what the issuer has available. Nothing is withheld of a line that is not named.

    Units under the transfer lock of a redemption are freed and extinguished in the same entry, so that there is no
    moment at which they could be moved. Said to be income, the money goes where the ledger's freezes send it: what is
    frozen at that very entry is not known here (115-FZ art. 7).
    """
    basis = Basis(kind=BasisKind.SMART_CONTRACT, reference=f"corporate_action/{instructed.action_id}")
    linked_set = derive_uuid7(instructed.action_id, f"payouts/{instructed.part}")
    payer, nothing = payer_money(instructed), Withheld()
    return [
        _payout(instructed, line, withholding.get((line.wallet_id, line.position), nothing), payer, basis, linked_set)
        for line in instructed.lines
    ]


def _payout(
    instructed: PayoutsInstructed,
    line: PayoutLine,
    withheld: Withheld,
    payer: AccountKey,
    basis: Basis,
    linked_set: UUID,
) -> Transaction:
    asset, position = instructed.asset_id, Position(line.position)
    units = AccountKey(asset=asset, position=position, wallet=line.wallet_id)
    purpose = f"payout/{line.wallet_id}" + ("" if position is Position.AVAILABLE else f"/{position}")
    unlock = instructed.debits_stopped and line.extinguish_units > 0
    net = line.amount_kopecks - withheld.kopecks
    changes = [
        (payer, -line.amount_kopecks),
        (money(line.wallet_id, _MONEY_POSITION.get(position, Position.AVAILABLE)), net),
    ]
    if withheld.kopecks:
        by_operator = withheld.agent is TaxAgent.OPERATOR
        changes.append((money(TAX_WALLET if by_operator else instructed.payer_wallet_id), withheld.kopecks))
    if line.extinguish_units:
        changes.append((units, -line.extinguish_units))
        changes.append((AccountKey(asset=asset, position=Position.EXTINGUISHED, wallet=asset), line.extinguish_units))
    return Transaction(
        id=derive_uuid7(instructed.action_id, purpose),
        actor=ACTOR,
        basis=basis,
        postings=_netted(changes),
        flags=(SetFlags(account=units, credits_stopped=False, debits_stopped=False),) if unlock else (),
        linked_set=linked_set,
        income_of=asset,
    )


def withdrawal_lock(withdrawal: Withdrawal) -> Transaction:
    """Before the bank is called: available −, locked +. Parts of one withdrawal are locked together or not at all."""
    made = _withdrawal(withdrawal, "lock", money(withdrawal.wallet_id), _locked(withdrawal))
    return msgspec.structs.replace(made, linked_set=withdrawal.sbp_withdrawal_id)


def withdrawal_paid(withdrawal: Withdrawal) -> Transaction:
    """The bank has paid: locked −, bank +."""
    return _withdrawal(withdrawal, "paid", _locked(withdrawal), BANK_MIRROR)


def withdrawal_re_credit(withdrawal: Withdrawal) -> Transaction:
    """The bank has rejected: locked −, available +."""
    return _withdrawal(withdrawal, "re_credit", _locked(withdrawal), money(withdrawal.wallet_id))


def owner_found(payment_id: UUID, wallet_id: UUID, amount_kopecks: int, decision: MoneyDecision) -> Transaction:
    """Two persons found whose unidentified money is: the operator's wallet −, the owner's available +.

    The id is that of the payment: of two owners only one can ever get it.
    """
    return Transaction(
        id=derive_uuid7(payment_id, "owner_found"),
        actor=decision.proposed_by,
        basis=Basis(kind=BasisKind.CORRECTION, reference=f"money_decision/{decision.decision_id}"),
        postings=_netted([(money(UNIDENTIFIED_WALLET), -amount_kopecks), (money(wallet_id), amount_kopecks)]),
    )


def _withdrawal(withdrawal: Withdrawal, purpose: str, debit: AccountKey, credit: AccountKey) -> Transaction:
    amount = withdrawal.amount_kopecks
    own = withdrawal.wallet_id in (UNIDENTIFIED_WALLET, TAX_WALLET)
    return Transaction(
        id=derive_uuid7(withdrawal.withdrawal_id, purpose),
        actor=withdrawal.requested_by,
        basis=Basis(
            kind=BasisKind.STATUTE if own else BasisKind.HOLDER_INSTRUCTION,
            reference=f"withdrawal/{withdrawal.withdrawal_id}",
        ),
        postings=_netted([(debit, -amount), (credit, amount)]),
    )


def _locked(withdrawal: Withdrawal) -> AccountKey:
    return money(withdrawal.wallet_id, Position.LOCKED)


def _netted(changes: Iterable[tuple[AccountKey, int]]) -> tuple[Posting, ...]:
    """One posting per account that changes, in the order in which accounts were first named."""
    sums: dict[AccountKey, int] = {}
    for account, amount in changes:
        sums[account] = sums.get(account, 0) + amount
    return tuple(Posting(account=account, amount=amount) for account, amount in sums.items() if amount)
