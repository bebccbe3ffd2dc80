"""From waiting transactions to the rows of one database transaction. Pure: the store only writes what stands here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from kapital.ledger.api import Committed, OpenAsset, OpenWallet, Refused, StoredEntry, Transaction
from kapital.ledger.domain.account import NO_NUMBER, Account, AccountRow
from kapital.ledger.domain.book import (
    Applied,
    Book,
    Head,
    malformed,
)
from kapital.ledger.domain.codec import (
    Entry,
    WirePosting,
    decode_entry,
    encode_entry,
    format_instant,
    is_of,
    parse_instant,
    version_of,
)
from kapital.ledger.domain.freeze import FreezeRow, freeze_rows
from kapital.ledger.domain.refusal import Refusal
from kapital.ledger.domain.tree import GrowingTree, Tile
from kapital.verify.rfc9162 import leaf_hash

INSTANT = timedelta(microseconds=1)
LEG_WIDTH = 4  # account number, amount, previous entry of the account, balance after this entry


class EntryRow(NamedTuple):
    """A row of `entry`. `legs` holds LEG_WIDTH numbers a posting or flag change."""

    seq: int
    id: UUID
    legs: list[int]
    body: bytes


class Changes(NamedTuple):
    """New state of accounts that have a row already, as columns, by number."""

    numbers: list[int]
    balances: list[int]
    flags: list[int]
    last_seqs: list[int]


class Batch(NamedTuple):
    """One database transaction of the ledger: what it stands on and the rows it writes."""

    before: Head
    after: Head
    entries: list[EntryRow]
    new_accounts: list[AccountRow]
    changed_accounts: Changes
    new_wallets: list[tuple[UUID, int]]
    new_assets: list[tuple[OpenAsset, int]]
    new_freezes: list[FreezeRow]
    tiles: list[Tile]
    refused: list[UUID]  # ids that were refused without looking whether they stand in the log already


class Plan(NamedTuple):
    """A batch, and what each waiting transaction will be told when it is written."""

    batch: Batch
    answers: list[Committed | Refused]


class RuleBook(NamedTuple):
    """What every entry says about the rules in force when it was made."""

    rule_book_version: str
    code_version: str


class _Accepted(NamedTuple):
    tx: Transaction
    applied: Applied
    balances: list[int]  # after this transaction, a number per posting and per flag change


def make_plan(
    book: Book,
    tree: GrowingTree,
    head: Head,
    calls: Sequence[Sequence[Transaction]],
    *,
    accounts: Iterable[Sequence[Account | None]],
    existing: Mapping[UUID, StoredEntry],
    now: datetime,
    rules: RuleBook,
) -> Plan:
    """Decide every transaction of every call in order and prepare the rows. Changes `book` and `tree`.

    Calls are kept apart only so that a linked set cannot reach from one caller's transactions into another's.
    `accounts` are those of each transaction's postings, call after call (`Book.accounts_of`).
    `existing` are entries already in the log whose id one of the transactions bears.
    """
    accepted: list[_Accepted] = []
    verdicts: list[Verdict] = []
    planned: dict[UUID, int] = {}
    found = iter(accounts)
    for transactions in calls:
        verdicts += _decide(book, transactions, found, existing, planned, accepted)
    # Strictly after the last entry and after every instant that was closed by a reader.
    recorded_at = max(now, head.recorded_at + INSTANT, head.closed_at + INSTANT)
    rows, leaves, touched, new = _record(accepted, head, recorded_at, rules)
    # Rows are copied out now: the book moves on to the next batch while this one is being written.
    new_rows = [AccountRow(a.number, a.key, a.balance, a.flags, a.last_seq) for a in new]
    old = [account for account in touched if account.number < head.accounts] if new else touched
    old.sort(key=attrgetter("number"))
    changed = Changes(
        [a.number for a in old], [a.balance for a in old], [a.flags for a in old], [a.last_seq for a in old]
    )
    answers: list[Committed | Refused] = []
    for verdict in verdicts:
        if isinstance(verdict, tuple):
            at, replayed = verdict
            row = rows[at]
            answers.append(Committed(row.id, row.seq, recorded_at, leaves[at], replayed))
        else:
            answers.append(verdict)
    after = head
    if rows:
        after = head._replace(size=head.size + len(rows), accounts=head.accounts + len(new), recorded_at=recorded_at)
    wallets, assets = _openings(accepted, head.size)
    refused = [verdict.id for verdict in verdicts if isinstance(verdict, Refused)]
    freezes = [
        row
        for seq, one in enumerate(accepted, head.size)
        if one.applied.freezes
        for row in freeze_rows(seq, one.applied.freezes)
    ]
    batch = Batch(head, after, rows, new_rows, changed, wallets, assets, freezes, tree.append(leaves), refused)
    return Plan(batch, answers)


# A refusal, an entry that was there before, or (place among the accepted, is it a repeat).
Verdict = Committed | Refused | tuple[int, bool]


def _decide(
    book: Book,
    transactions: Sequence[Transaction],
    found: Iterator[Sequence[Account | None]],
    existing: Mapping[UUID, StoredEntry],
    planned: dict[UUID, int],
    accepted: list[_Accepted],
) -> list[Verdict]:
    verdicts: list[Verdict] = []
    start, count = 0, len(transactions)
    while start < count:
        linked = transactions[start].linked_set
        stop = start + 1
        if linked is not None:
            while stop < count and transactions[stop].linked_set == linked:
                stop += 1
        mark = len(accepted)
        group = [_verdict(book, tx, next(found), existing, planned, accepted) for tx in transactions[start:stop]]
        if stop - start > 1 and any(isinstance(v, Refused) for v in group):
            group = _break_set(book, group, transactions[start:stop], accepted, mark, planned)
        verdicts += group
        start = stop
    return verdicts


def _verdict(
    book: Book,
    tx: Transaction,
    accounts: Sequence[Account | None],
    existing: Mapping[UUID, StoredEntry],
    planned: dict[UUID, int],
    accepted: list[_Accepted],
) -> Verdict:
    fault = malformed(tx)
    if fault:
        return Refused(tx.id, "transaction_malformed", fault)
    earlier = planned.get(tx.id)
    if earlier is not None:
        return (earlier, True) if accepted[earlier].tx == tx else _reused(tx)
    if existing and (stored := existing.get(tx.id)) is not None:
        return _replay(tx, stored)
    try:
        applied = book.apply(tx, accounts)
    except Refusal as no:
        return Refused(tx.id, no.code, no.detail, no.facts)
    balances = [account.balance for account, _ in applied.legs]
    if applied.flagged:
        balances += [account.balance for account, _ in applied.flagged]
    planned[tx.id] = len(accepted)
    accepted.append(_Accepted(tx, applied, balances))
    return (len(accepted) - 1, False)


def _replay(tx: Transaction, stored: StoredEntry) -> Committed | Refused:
    entry = decode_entry(stored.body)
    if not is_of(entry, tx):
        return _reused(tx)
    return Committed(tx.id, stored.seq, parse_instant(entry.recorded_at), leaf_hash(stored.body), True)


def _reused(tx: Transaction) -> Refused:
    return Refused(tx.id, "id_reused_with_other_content", "this id stands for another transaction")


def _break_set(
    book: Book,
    group: list[Verdict],
    transactions: Sequence[Transaction],
    accepted: list[_Accepted],
    mark: int,
    planned: dict[UUID, int],
) -> list[Verdict]:
    """Take back what the set had done; each of its members is refused, those already in the log excepted."""
    for gone in reversed(accepted[mark:]):
        del planned[gone.tx.id]
        book.take_back(gone.tx, gone.applied)
    del accepted[mark:]
    because = next(v for v in group if isinstance(v, Refused)).code
    return [
        Refused(tx.id, "linked_set_broken", "another transaction of the set was refused", {"because": because})
        # A repeat of what an earlier caller of this batch entered stays entered.
        if isinstance(verdict, tuple) and verdict[0] >= mark
        else verdict
        for verdict, tx in zip(group, transactions, strict=True)
    ]


def _record(
    accepted: Sequence[_Accepted], head: Head, recorded_at: datetime, rules: RuleBook
) -> tuple[list[EntryRow], list[bytes], list[Account], list[Account]]:
    rows: list[EntryRow] = []
    leaves: list[bytes] = []
    touched: list[Account] = []
    new: list[Account] = []
    first, number, instant = head.size, head.accounts, format_instant(recorded_at)
    for seq, (tx, (postings, flagged, _), balances) in enumerate(accepted, first):
        # A change of flags touches the account, so it stands in the account's history: a leg of amount 0.
        legs = [*postings, *((account, 0) for account, _ in flagged)] if flagged else postings
        flat: list[int] = []
        for (account, amount), balance in zip(legs, balances, strict=True):
            if account.number == NO_NUMBER:
                account.number = number
                new.append(account)
                number += 1
            flat += (account.number, amount, account.last_seq, balance)
        # A transaction may name one account twice: both legs point at the entry before this one.
        for account, _ in legs:
            if account.last_seq < first:
                touched.append(account)
            account.last_seq = seq
        body = encode_entry(
            Entry(
                actor=tx.actor,
                basis=tx.basis,
                code_version=rules.code_version,
                flags=tx.flags,
                freezes=tx.freezes,
                id=tx.id,
                income_of=tx.income_of,
                linked_set=tx.linked_set,
                opens=tx.opens,
                postings=_wire(tx, postings)
                if tx.income_of
                else tuple([WirePosting(account.json, str(amount)) for account, amount in postings]),
                recorded_at=instant,
                rule_book_version=tx.rule_book_version or rules.rule_book_version,
                seq=seq,
                v=version_of(tx),
            )
        )
        rows.append(EntryRow(seq, tx.id, flat, body))
        leaves.append(leaf_hash(body))
    return rows, leaves, touched, new


def _wire(tx: Transaction, postings: Sequence[tuple[Account, int]]) -> tuple[WirePosting, ...]:
    """The postings of income as they are hashed: with the position meant, where a freeze has changed it."""
    return tuple(
        WirePosting(
            account.json,
            str(amount),
            None if account.key.position is asked.account.position else asked.account.position,
        )
        for asked, (account, amount) in zip(tx.postings, postings, strict=True)
    )


def _openings(
    accepted: Sequence[_Accepted], first: int
) -> tuple[list[tuple[UUID, int]], list[tuple[OpenAsset, int]]]:
    wallets: list[tuple[UUID, int]] = []
    assets: list[tuple[OpenAsset, int]] = []
    for seq, one in enumerate(accepted, first):
        for opening in one.tx.opens:
            if isinstance(opening, OpenWallet):
                wallets.append((opening.wallet, seq))
            else:
                assets.append((opening, seq))
    return wallets, assets
