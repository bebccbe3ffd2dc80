"""Puts the ledger together: the writer, the readers, the checkpoints, the audit copy."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.clock import Clock
from kapital.ledger.adapters import store
from kapital.ledger.adapters.reader import Reader
from kapital.ledger.adapters.tiles import TilesAudit
from kapital.ledger.adapters.writer import WriterHere
from kapital.ledger.api import (
    AccountKey,
    AssetKind,
    Basis,
    BasisKind,
    Committed,
    FreezeInForce,
    NoteSigner,
    OpenAsset,
    Position,
    Refused,
    RegisterPage,
    RegisterRow,
    StoredEntry,
    Transaction,
    money_asset,
)
from kapital.ledger.domain.plan import RuleBook
from kapital.ledger.domain.tree import Tile
from kapital.ledger.ports import AuditAdapter, AuditReceipt, BatchWriter
from kapital.ledger.queries import entries as entry_queries
from kapital.ledger.queries import holdings, register_pages
from kapital.ledger.queries.proofs import ProofReader
from kapital.ledger.use_cases import close_instant, evidence
from kapital.ledger.use_cases.check import CheckReport, check
from kapital.ledger.use_cases.checkpoint import Checkpointer
from kapital.ledger.use_cases.hold import Hold, Lifting, follow_check, lift_holds, list_holds
from kapital.ledger.use_cases.holder_list import HolderLists
from kapital.ledger.use_cases.mirror import mirror
from kapital.ledger.use_cases.post import MAX_BATCH, Poster
from kapital.ledger.use_cases.rebuild import rebuild
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7

MIGRATIONS = "kapital.ledger.migrations"
SYSTEM_ACTOR = "machine:ledger"


class LedgerService:
    """The ledger of one process (`kapital.ledger.api.Ledger`). Several processes may share its database."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        rule_book_version: str,
        code_version: str,
        origin: str,
        signers: Sequence[NoteSigner] = (),
        audit: AuditAdapter | None = None,
        writer: Callable[[str], BatchWriter] = WriterHere,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self.origin = origin
        self._clock = clock
        rules = RuleBook(rule_book_version, code_version)
        self._poster = Poster(database.dsn, clock, rules, writer(database.dsn), max_batch=max_batch)
        self._reader = Reader(database.dsn)
        self._proofs = ProofReader()
        self._checkpointer = Checkpointer(origin, clock, signers, self._proofs)
        self._audit = audit
        self._holder_lists = HolderLists(
            self._reader.snapshot, self._reader.session, self._checkpointer, self._proofs
        )

    # --- writing -------------------------------------------------------------------------------------

    async def post(self, transactions: Sequence[Transaction]) -> list[Committed | Refused]:
        """Enter transactions in order and answer each in its place (see `Poster.post`)."""
        return await self._poster.post(transactions)

    async def open_money(self, currency: str = "RUB", *, scale: int = 2) -> UUID:
        """Make money of a currency known, if it is not; return its asset id."""
        asset = money_asset(currency)
        opening = OpenAsset(asset, AssetKind.MONEY, currency, scale)
        basis = Basis(BasisKind.STATUTE, f"nominal-account/{currency}")
        [answer] = await self.post([Transaction(new_uuid7(), SYSTEM_ACTOR, basis, opens=(opening,))])
        if isinstance(answer, Refused) and answer.code != "asset_exists":
            raise ValueError(f"{answer.code}: {answer.detail}")
        return asset

    async def ready(self) -> None:
        """Have everything started that the first call would wait for."""
        await self._poster.ready()

    def follow_rule_book(self, version: str) -> None:
        """Name this version of the rule book in every entry from now on."""
        self._poster.rules = self._poster.rules._replace(rule_book_version=version)

    @property
    def stopped(self) -> bool:
        """Whether the writer ended by a fault of its own: nothing is entered any more until the process is new."""
        return self._poster.stopped

    async def close(self) -> None:
        """Finish what waits and close all connections."""
        try:
            await self._poster.close()
        finally:
            await self._reader.close()

    # --- reading -------------------------------------------------------------------------------------

    async def size(self) -> int:
        """Return the number of entries."""
        async with self._reader.snapshot() as connection:
            return await holdings.require_size(connection, None)

    async def balances(self, keys: Sequence[AccountKey]) -> list[int]:
        """Return the present balance of each account; an unknown account has 0."""
        async with self._reader.snapshot() as connection:
            return await holdings.balances(connection, keys)

    async def balances_at(self, keys: Sequence[AccountKey], *, size: int) -> list[int]:
        """Return each balance as it stood after the first `size` entries. Raises SizeAheadOfLog."""
        async with self._reader.snapshot() as connection:
            return await holdings.balances_at(connection, keys, size)

    async def size_at(self, at: datetime) -> int:
        """Return how many entries were recorded up to `at`, and close that instant. Raises InstantInFuture."""
        async with self._reader.session() as connection:
            return await close_instant.size_at(connection, self._clock, at)

    async def register(self, asset: UUID, *, size: int | None = None) -> list[RegisterRow]:
        """Return who holds the asset after `size` entries (None: now). Raises AssetNotFound, SizeAheadOfLog."""
        async with self._reader.snapshot() as connection:
            return await holdings.register(connection, asset, size)

    async def totals(self, asset: UUID) -> dict[Position, int]:
        """Return the present sum of the asset's balances in each position, mirror positions included."""
        async with self._reader.snapshot() as connection:
            return await register_pages.totals(connection, asset)

    async def register_page(self, asset: UUID, *, size: int, after: UUID | None, limit: int) -> RegisterPage:
        """Return a page of who held the asset after `size` entries. Raises AssetNotFound, SizeAheadOfLog."""
        async with self._reader.snapshot() as connection:
            return await register_pages.register_page(connection, asset, size, after, limit)

    async def wallet_balances(self, wallet: UUID) -> list[tuple[AccountKey, int]]:
        """Return all accounts of a wallet with their balances. Raises WalletNotFound."""
        async with self._reader.snapshot() as connection:
            return await holdings.wallet_balances(connection, wallet)

    async def wallet_accounts(self, wallet: UUID) -> list[AccountKey]:
        """Return the accounts of a wallet that an entry has touched; none of a wallet that is not open."""
        async with self._reader.snapshot() as connection:
            return await holdings.wallet_accounts(connection, wallet)

    async def freezes(self, wallets: Sequence[UUID]) -> list[FreezeInForce]:
        """Return the freezes in force of these wallets."""
        async with self._reader.snapshot() as connection:
            return await holdings.freezes(connection, wallets)

    async def has_asset(self, asset: UUID) -> bool:
        """Whether the asset is in the register."""
        async with self._reader.snapshot() as connection:
            return bool((await store.read_assets(connection, [asset]))[0])

    async def statement(self, wallet: UUID, *, size: int | None = None) -> list[int]:
        """Return the numbers of all entries that touch the wallet. Raises WalletNotFound, SizeAheadOfLog."""
        async with self._reader.snapshot() as connection:
            return await holdings.statement(connection, wallet, size)

    async def entries(self, start: int, stop: int) -> list[StoredEntry]:
        """Return the entries with start <= seq < stop, at most 10,000. Raises RangeTooLarge."""
        async with self._reader.snapshot() as connection:
            return await entry_queries.entries(connection, start, stop)

    # --- proving -------------------------------------------------------------------------------------

    @property
    def verifier_keys(self) -> list[str]:
        """The C2SP verifier keys of this log."""
        return self._checkpointer.keys

    async def checkpoint(self) -> str:
        """Return a signed note over the present size and root."""
        async with self._reader.session() as connection:
            note, _ = await self._checkpointer.checkpoint(connection)
            return note

    async def follow_log(self) -> None:
        """Bring the index by account up to the present log: many entries at once hold up who waits for an answer."""
        async with self._reader.session() as connection:
            await self._checkpointer.follow(connection)

    async def inclusion_proof(self, seq: int, size: int) -> list[bytes]:
        """Return the RFC 9162 §2.1.3.1 proof. Raises SizeAheadOfLog, ProofRangeInvalid."""
        return (await self.inclusion_proofs([seq], size))[0]

    async def inclusion_proofs(self, seqs: Sequence[int], size: int) -> list[list[bytes]]:
        """Return the proof of each entry: one reading of tiles for all of them."""
        async with self._reader.snapshot() as connection:
            await holdings.require_size(connection, size)
            return await self._proofs.inclusion(partial(store.read_tiles, connection), seqs, size)

    async def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Return the RFC 9162 §2.1.4.1 proof. Raises SizeAheadOfLog, ProofRangeInvalid."""
        async with self._reader.snapshot() as connection:
            await holdings.require_size(connection, new)
            return await self._proofs.consistency(partial(store.read_tiles, connection), old, new)

    async def tile(self, level: int, index: int) -> Tile | None:
        """Return one tile of the log, or None."""
        async with self._reader.snapshot() as connection:
            found = await store.read_tiles(connection, [(level, index)])
            return found[0] if found else None

    async def entry_evidence(self, seq: int) -> bytes:
        """Return an evidence package for one entry. Raises EntryNotFound."""
        async with self._reader.session() as connection:
            return await evidence.entry_evidence(connection, self._checkpointer, self._proofs, seq)

    async def statement_evidence(self, wallet: UUID) -> bytes:
        """Return an evidence package with all entries of a wallet. Raises WalletNotFound, StatementTooLong."""
        async with self._reader.session() as connection:
            return await evidence.statement_evidence(connection, self._checkpointer, self._proofs, wallet)

    def holder_list(self, asset: UUID, *, size: int, at: datetime, signer: NoteSigner) -> AsyncIterator[bytes]:
        """Yield the signed list of who held the asset after `size` entries (see `use_cases.holder_list`)."""
        return self._holder_lists.whole(asset, size=size, at=at, made_at=self._clock.now(), signer=signer)

    async def holding_evidence(
        self, asset: UUID, wallet: UUID, *, size: int, at: datetime, signer: NoteSigner
    ) -> bytes:
        """Return one holder's own lines of that list, with their proofs. Raises WalletHeldNothing."""
        now = self._clock.now()
        return await self._holder_lists.of_wallet(asset, wallet, size=size, at=at, made_at=now, signer=signer)

    # --- auditing ------------------------------------------------------------------------------------

    async def mirror(self, *, whole: bool = False) -> AuditReceipt | None:
        """Bring the audit copy up to date (`whole`: compare all); None if there is none. Raises AuditDiverged."""
        if self._audit is None:
            return None
        async with self._reader.session() as connection:
            return await mirror(connection, partial(store.read_tiles, connection), self._audit, whole=whole)

    async def check(self) -> CheckReport:
        """Recompute everything from the entries and compare."""
        async with self._reader.snapshot() as connection:
            return await check(connection, self.verifier_keys)

    async def follow_check(self, report: CheckReport) -> list[Hold]:
        """Hold the assets that a check found damaged; return what is on hold."""
        async with self._reader.session() as connection:
            return await follow_check(connection, self._clock, report)

    async def holds(self) -> list[Hold]:
        """Return what is on hold."""
        async with self._reader.session() as connection:
            return await list_holds(connection)

    async def lift_holds(
        self, actor: Actor, report: CheckReport, *, assets: Sequence[UUID] | None, reason: str
    ) -> Lifting:
        """Propose, or decide what another person proposed, that assets may move again (see `use_cases.hold`)."""
        async with self._reader.session() as connection:
            return await lift_holds(connection, self._clock, actor, report, assets=assets, reason=reason)

    async def rebuild(self) -> int:
        """Make every derived row again from the entries. Raises RebuildRefused."""
        async with self._reader.session() as connection:
            size = await rebuild(connection)
        self._proofs.forget()
        return size


def tiles_audit(folder: Path) -> AuditAdapter:
    """Return the embedded audit adapter: the log's copy in plain files."""
    return TilesAudit(folder)
