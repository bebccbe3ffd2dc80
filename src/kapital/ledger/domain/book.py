"""What the ledger knows in memory of accounts, wallets and assets, and the rules of one transaction.

The book is a cache of committed state plus the plan under way. It never guesses: an account that was not
loaded cannot be posted to (see `Book.missing`). Law: 259-FZ art. 4.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from kapital.ledger.api import (
    MAX_ACTOR_LENGTH,
    MAX_CODE_LENGTH,
    MAX_POSTINGS_PER_TRANSACTION,
    MAX_REFERENCE_LENGTH,
    MAX_RULE_BOOK_LENGTH,
    AccountKey,
    OpenAsset,
    OpenWallet,
    Position,
    SetFreeze,
    Transaction,
)
from kapital.ledger.domain.account import (
    INT64_MAX,
    Account,
    AccountRow,
    out_of_bounds,
    position_fits,
)
from kapital.ledger.domain.freeze import (
    CREDITS_STOPPED,
    DEBITS_STOPPED,
    Freeze,
    FreezeChange,
    changed_freezes,
    frozen_twin,
    is_redirected,
    malformed_freezes,
    require_unfrozen,
)
from kapital.ledger.domain.refusal import Refusal

MAX_ISSUE_LIMIT: Final = 2**53 - 1  # it stands in the entry as a JSON number (RFC 8785, RFC 7493)
MAX_SCALE: Final = 18
# Plain reference characters only: a name or an address cannot slip into a record that lives for ever.
_ACTOR: Final = re.compile(rf"[A-Za-z0-9:._/+-]{{1,{MAX_ACTOR_LENGTH}}}").fullmatch
_REFERENCE: Final = re.compile(rf"[A-Za-z0-9:._/+-]{{1,{MAX_REFERENCE_LENGTH}}}").fullmatch
_CODE: Final = re.compile(rf"[A-Za-z0-9:._/+-]{{1,{MAX_CODE_LENGTH}}}").fullmatch
_SHA256: Final = re.compile(r"[0-9a-f]{64}").fullmatch
_RULES: Final = re.compile(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{1,{MAX_RULE_BOOK_LENGTH}}}").fullmatch


class Applied(NamedTuple):
    """What a transaction did: (account, amount) of each posting, (account, earlier flags) of each flag change."""

    legs: Sequence[tuple[Account, int]]
    flagged: Sequence[tuple[Account, int]]
    freezes: Sequence[FreezeChange]


class Missing(NamedTuple):
    """What must be read before a plan can be made."""

    accounts: list[AccountKey]
    wallets: list[UUID]
    assets: list[UUID]


def malformed(tx: Transaction) -> str | None:
    """Say what is wrong with the shape of a transaction, or None. Sizes and texts only; no state."""
    if tx.id.int >> 76 & 15 != 7:
        return "id must be a UUIDv7"
    doings = len(tx.postings) + len(tx.opens) + len(tx.flags) + len(tx.freezes)
    if not 0 < doings <= MAX_POSTINGS_PER_TRANSACTION:
        return f"a transaction has 1 to {MAX_POSTINGS_PER_TRANSACTION} postings, openings, flags and freezes"
    if not _ACTOR(tx.actor):
        return f"actor must be 1 to {MAX_ACTOR_LENGTH} characters of A-Z a-z 0-9 : . _ / + -"
    if not _REFERENCE(tx.basis.reference):
        return f"basis.reference must be 1 to {MAX_REFERENCE_LENGTH} characters of A-Z a-z 0-9 : . _ / + -"
    if tx.basis.document_sha256 is not None and not _SHA256(tx.basis.document_sha256):
        return "basis.document_sha256 must be 64 lower-case hex digits"
    if tx.rule_book_version is not None and not _RULES(tx.rule_book_version):
        return f"rule_book_version must be 1 to {MAX_RULE_BOOK_LENGTH} printable characters"
    for opening in tx.opens:
        if isinstance(opening, OpenAsset) and (fault := _malformed_asset(opening)):
            return fault
    return malformed_freezes(tx) if tx.freezes else None


def _malformed_asset(opening: OpenAsset) -> str | None:
    if not _CODE(opening.code):
        return f"asset code must be 1 to {MAX_CODE_LENGTH} characters of A-Z a-z 0-9 : . _ / + -"
    if opening.scale.__class__ is not int or not 0 <= opening.scale <= MAX_SCALE:
        return f"scale must be 0 to {MAX_SCALE}"
    limit = opening.issue_limit
    if limit is not None and (limit.__class__ is not int or not 0 < limit <= MAX_ISSUE_LIMIT):
        return "issue_limit must be 1 to 2^53 - 1"
    return None


class Book:
    """Accounts, wallets and assets in memory, as after the last planned entry."""

    def __init__(self) -> None:
        self.accounts: dict[AccountKey, Account] = {}
        # Open wallets, and of each the account that was taken in last; the others hang on that one.
        self.wallets: dict[UUID, Account | None] = {}
        self.assets: dict[UUID, OpenAsset] = {}
        # Assets whose units or money may not move: a check found a row of theirs damaged.
        self.held: set[UUID] = set()
        # Freezes in force of the wallets asked for: only wallets that have one stand here.
        self.frozen: dict[UUID, tuple[Freeze, ...]] = {}
        # Keys that were asked for and are not in the database: they may spring into being.
        # Two sets: that an id is no wallet does not say that it is no asset.
        self.absent_wallets: set[UUID] = set()
        self.absent_assets: set[UUID] = set()

    # --- loading -------------------------------------------------------------------------------------

    def accounts_of(self, transactions: Iterable[Transaction]) -> list[list[Account | None]]:
        """Return the account of each posting of each transaction, None where it is not in the book.

        One look-up a posting for everything that follows: with a million accounts each costs a walk to main memory.
        """
        find = self.accounts.get
        return [[find(posting.account) for posting in tx.postings] for tx in transactions]

    def missing(self, transactions: Sequence[Transaction]) -> Missing:
        """Say which accounts, wallets and assets these transactions speak of that are not in the book."""
        known = self.accounts
        accounts = {key for tx in transactions for p in tx.postings if (key := p.account) not in known}
        wallets: set[UUID] = set()
        assets: set[UUID] = set()
        for tx in transactions:
            if tx.flags:
                accounts.update(key for change in tx.flags if (key := change.account) not in known)
            for opening in tx.opens:
                # Both: the id of one may not become the id of the other.
                opened = opening.wallet if isinstance(opening, OpenWallet) else opening.asset
                wallets.add(opened)
                assets.add(opened)
            for frozen in tx.freezes:
                wallets.add(frozen.wallet)
                assets.add(frozen.wallet)
                if frozen.asset is not None:
                    assets.add(frozen.asset)
            if tx.income_of is not None:
                assets.add(tx.income_of)
        for key in accounts:
            wallets.add(key.wallet)
            assets.add(key.asset)
        return Missing(
            list(accounts),
            [w for w in wallets if w not in self.wallets and w not in self.absent_wallets],
            [a for a in assets if a not in self.assets and a not in self.absent_assets],
        )

    def missing_twins(self, transactions: Sequence[Transaction]) -> Missing:
        """Say which blocked positions, where the income of these transactions may go, are not in the book.

        Asked when what was missing is learnt: only then is it known who is frozen, and of the others none is needed.
        """
        known, frozen = self.accounts, self.frozen
        freezing = {change.wallet for tx in transactions for change in tx.freezes}
        twins = {
            twin
            for tx in transactions
            if tx.income_of is not None
            for posting in tx.postings
            if ((wallet := posting.account.wallet) in frozen or wallet in freezing)
            and posting.amount > 0
            and posting.account.position is Position.AVAILABLE
            and (twin := frozen_twin(posting.account)) not in known
        }
        return Missing(list(twins), [], [])

    def learn(
        self,
        asked: Missing,
        accounts: Iterable[AccountRow],
        wallets: Iterable[UUID],
        assets: Iterable[OpenAsset],
        held: Iterable[UUID] = (),
        freezes: Iterable[Freeze] = (),
    ) -> None:
        """Take in what was read for `asked`; what was asked and not found is now known not to exist."""
        for wallet in wallets:
            self.wallets.setdefault(wallet)
        self.assets.update((asset.asset, asset) for asset in assets)
        self.held.update(held)
        for freeze in freezes:
            self.frozen[freeze.wallet] = (*self.frozen.get(freeze.wallet, ()), freeze)
        self.absent_wallets.update(wallet for wallet in asked.wallets if wallet not in self.wallets)
        self.absent_assets.update(asset for asset in asked.assets if asset not in self.assets)
        for row in accounts:
            # What came into being after the book learnt that it is not there shows a book that is behind the log: no
            # plan on it will be written.
            if row.key.asset in self.assets and (row.key.wallet == row.key.asset or row.key.wallet in self.wallets):
                self._take_in(Account(row.key, self.assets[row.key.asset], row))

    def account(self, key: AccountKey) -> Account:
        """Return the account, or refuse with the reason why there can be none."""
        account = self.accounts.get(key)
        if account is None:
            asset = self.assets.get(key.asset)
            if asset is None:
                raise Refusal("asset_unknown", "no such asset (issue) in the register", asset=str(key.asset))
            if key.wallet != key.asset and key.wallet not in self.wallets:
                raise Refusal("wallet_unknown", "no such wallet in the register", wallet=str(key.wallet))
            if not position_fits(key, asset):
                raise Refusal(
                    "mirror_position_misused",
                    "this position does not belong to this wallet in this asset",
                    wallet=str(key.wallet),
                    position=key.position,
                )
            account = self._take_in(Account(key, asset))
        return account

    def _take_in(self, account: Account) -> Account:
        key = account.key
        self.accounts[key] = account
        if key.wallet != key.asset:
            account.frozen = key.wallet in self.frozen
            account.beside, self.wallets[key.wallet] = self.wallets[key.wallet], account
        return account

    def _let_go(self, account: Account) -> None:
        """Forget an account that has no row. A mirror, and what was of a wallet that is gone, hangs nowhere."""
        key = account.key
        del self.accounts[key]
        here = self.wallets.get(key.wallet)
        if here is account:
            self.wallets[key.wallet] = account.beside
        while here is not None:
            if here.beside is account:
                here.beside = account.beside
            here = here.beside

    # --- rules of one transaction --------------------------------------------------------------------

    def apply(self, tx: Transaction, accounts: Sequence[Account | None]) -> Applied:
        """Change the book by one transaction. Raises Refusal with nothing changed.

        Shape: `accounts` are those of the postings (see `accounts_of`).
        """
        if not (tx.opens or tx.flags or tx.freezes or tx.income_of):
            legs, used = self._apply_postings(tx, accounts)
            return Applied(legs, (), used)
        if tx.income_of is not None and tx.income_of not in self.assets:
            raise Refusal("asset_unknown", "no such asset (issue) in the register", asset=str(tx.income_of))
        opened = self._open(tx)
        flagged: list[tuple[Account, int]] = []
        frozen: list[FreezeChange] = []
        try:
            frozen.extend(self._freeze(freeze) for freeze in tx.freezes)
            for change in tx.flags:
                account = self.account(change.account)
                if account.key.asset in self.held:
                    raise _held(account)
                flagged.append((account, account.flags))
                account.flags = (DEBITS_STOPPED if change.debits_stopped else 0) | (
                    CREDITS_STOPPED if change.credits_stopped else 0
                )
            legs, used = self._apply_postings(tx, accounts)
            return Applied(legs, flagged, (*frozen, *used))
        except Refusal:
            _unflag(flagged)
            self._unfreeze(frozen)
            self._unopen(opened)
            raise

    def take_back(self, tx: Transaction, applied: Applied) -> None:
        """Undo a transaction that was applied, the last one first."""
        for account, amount in applied.legs:
            account.balance -= amount
        _unflag(applied.flagged)
        self._unfreeze(applied.freezes)
        self._unopen(tx.opens)

    def _apply_postings(
        self, tx: Transaction, accounts: Sequence[Account | None]
    ) -> tuple[list[tuple[Account, int]], Sequence[FreezeChange]]:
        legs: list[tuple[Account, int]] = []
        sums: dict[int, int] = {}
        restricted = bool(self.held)
        for posting, found in zip(tx.postings, accounts, strict=True):
            amount = posting.amount
            account = found or self.account(posting.account)
            # The exact type: True is an int to Python and would be hashed as a word.
            if amount.__class__ is not int:
                raise Refusal("transaction_malformed", "an amount is a whole number")
            if amount == 0 or not -INT64_MAX <= amount <= INT64_MAX:
                raise Refusal("amount_out_of_range", "an amount is not zero and fits 64 bits", amount=str(amount))
            # One object per asset in the book, so its identity is its name and costs no hashing of a UUID.
            asset = id(account.asset)
            sums[asset] = sums.get(asset, 0) + amount
            if account.flags or account.frozen:
                restricted = True
            legs.append((account, amount))
        if any(sums.values()):
            raise Refusal("postings_unbalanced", "the postings of an asset do not sum to zero")
        used: Sequence[FreezeChange] = ()
        if restricted:
            legs, used = self._require_free(tx, legs)
        beyond = False
        for account, amount in legs:
            account.balance = balance = account.balance + amount
            if not account.floor <= balance <= INT64_MAX:
                beyond = True
        if beyond:
            _require_bounds(legs)
        if used:
            self.frozen.update((change.wallet, change.after) for change in used)
        return legs, used

    def _redirected(self, income_of: UUID, legs: Sequence[tuple[Account, int]]) -> list[tuple[Account, int]]:
        """Return the legs with income of frozen wallets in the blocked position."""
        units = self.assets[income_of]
        return [
            (self.account(frozen_twin(account.key)), amount)
            if account.frozen and is_redirected(account, amount, units, self.frozen[account.key.wallet])
            else (account, amount)
            for account, amount in legs
        ]

    def _freeze(self, change: SetFreeze) -> FreezeChange:
        # A mirror stands for the issue or the bank and is nobody's property.
        if change.wallet in self.assets:
            raise Refusal("mirror_position_misused", "an asset's own wallet is not frozen", wallet=str(change.wallet))
        if change.asset is not None and change.asset not in self.assets:
            raise Refusal("asset_unknown", "no such asset (issue) in the register", asset=str(change.asset))
        before = self.frozen.get(change.wallet, ())
        after = changed_freezes(before, change)
        self._put_freezes(change.wallet, after)
        return FreezeChange(change.wallet, before, after)

    def _unfreeze(self, changes: Sequence[FreezeChange]) -> None:
        for change in reversed(changes):
            self._put_freezes(change.wallet, change.before)

    def _put_freezes(self, wallet: UUID, freezes: tuple[Freeze, ...]) -> None:
        if freezes:
            self.frozen[wallet] = freezes
        else:
            self.frozen.pop(wallet, None)
        account = self.wallets.get(wallet)
        while account is not None:
            account.frozen = bool(freezes)
            account = account.beside

    def _require_free(
        self, tx: Transaction, legs: list[tuple[Account, int]]
    ) -> tuple[list[tuple[Account, int]], Sequence[FreezeChange]]:
        """Refuse what is held, stopped or frozen; return the legs as freezes let them be, and what they use up."""
        if tx.income_of is not None:
            legs = self._redirected(tx.income_of, legs)
        if self.held:
            for account, _ in legs:
                if account.key.asset in self.held:
                    raise _held(account)
        for account, amount in legs:
            if account.flags and account.flags & (DEBITS_STOPPED if amount < 0 else CREDITS_STOPPED):
                raise _stopped(account, amount)
        return legs, require_unfrozen(tx, legs, self.frozen)

    def _open(self, tx: Transaction) -> list[OpenWallet | OpenAsset]:
        done: list[OpenWallet | OpenAsset] = []
        for opening in tx.opens:
            try:
                self._open_one(opening)
            except Refusal:
                self._unopen(done)
                raise
            done.append(opening)
        return done

    def _open_one(self, opening: OpenWallet | OpenAsset) -> None:
        # A wallet that bore an asset's id would be the asset's mirror: one name, one thing.
        if isinstance(opening, OpenWallet):
            if opening.wallet in self.wallets or opening.wallet in self.assets:
                raise Refusal("wallet_exists", "the wallet is open already", wallet=str(opening.wallet))
            self.wallets[opening.wallet] = None
        else:
            # A freeze may name a wallet that is not open yet: that id is taken too.
            if opening.asset in self.assets or opening.asset in self.wallets or opening.asset in self.frozen:
                raise Refusal("asset_exists", "the asset is open already", asset=str(opening.asset))
            self.assets[opening.asset] = opening

    def _unopen(self, openings: Sequence[OpenWallet | OpenAsset]) -> None:
        gone = {opening.wallet if isinstance(opening, OpenWallet) else opening.asset for opening in openings}
        if not gone:
            return
        self.absent_wallets |= gone
        self.absent_assets |= gone
        for one in gone:
            self.wallets.pop(one, None)
            self.assets.pop(one, None)
        for account in [a for k, a in self.accounts.items() if k.wallet in gone or k.asset in gone]:
            self._let_go(account)


def _require_bounds(legs: Sequence[tuple[Account, int]]) -> None:
    """Refuse, and take the legs back, if a balance is out of bounds after all of them.

    The balance after the whole transaction counts, whatever stands between.
    """
    for account, _ in legs:
        if not account.floor <= account.balance <= INT64_MAX:
            reached = account.balance
            for changed, by in legs:
                changed.balance -= by
            raise out_of_bounds(account, reached)


def _unflag(flagged: Sequence[tuple[Account, int]]) -> None:
    for account, before in reversed(flagged):
        account.flags = before


def _held(account: Account) -> Refusal:
    # Flags are refused too: their leg would keep the damaged balance in the log's index for ever.
    return Refusal("asset_held", "a check found rows of this asset damaged", asset=str(account.key.asset))


def _stopped(account: Account, amount: int) -> Refusal:
    side = "debits" if amount < 0 else "credits"
    return Refusal(f"account_{side}_stopped", f"{side} of this account are stopped", wallet=str(account.key.wallet))


class Head(NamedTuple):
    """Where the log ends: entries, accounts, and the two clocks that never go back."""

    size: int
    accounts: int
    recorded_at: datetime
    closed_at: datetime
    generation: int  # how often the derived rows were made anew: what was read before then counts no more
