"""Signed checkpoints and evidence: one note a size, whoever signs; packages that stand without us."""

import asyncio
import random

import msgspec
import pytest

from kapital.ledger.api import OpenWallet
from kapital.ledger.domain.problems import CheckpointKeyMissing
from kapital.ledger.service import LedgerService
from kapital.platform.ids import new_uuid7
from kapital.verify.account_index import AccountIndex, index_root_of
from kapital.verify.entry import touched_keys
from kapital.verify.rfc9162 import leaf_hash, root_from_leaf_hashes
from kapital.verify.signed_note import NoteVerifier, open_note, parse_checkpoint
from kapital.verify.verifier import verify
from tests.ledger.conftest import ORIGIN, MakeLedger, TestSigner
from tests.ledger.words import RUB, issue, move, top_up, tx, units

WALLETS = [new_uuid7() for _ in range(3)]
UNITS = new_uuid7()


@pytest.fixture
async def log(ledger: LedgerService) -> LedgerService:
    await ledger.post([tx(*(OpenWallet(w) for w in WALLETS), units(UNITS))])
    await ledger.post([tx(*top_up(w, 1000), *issue(UNITS, w, 10)) for w in WALLETS])
    return ledger


async def grow(ledger: LedgerService, count: int, seed: int = 0) -> None:
    chance = random.Random(seed)
    await ledger.post([tx(*move(RUB, *chance.sample(WALLETS, 2), 1)) for _ in range(count)])


async def require_true(ledger: LedgerService, note: str) -> int:
    """The note is signed and says the root and the index that the entries alone lead to."""
    text, names = open_note(note, [NoteVerifier.from_vkey(k) for k in ledger.verifier_keys])
    checkpoint = parse_checkpoint(text)
    entries = await ledger.entries(0, checkpoint.size)
    index = AccountIndex()
    for entry in entries:
        index.apply(entry.seq, leaf_hash(entry.body), touched_keys(msgspec.json.decode(entry.body)))
    assert names == (ORIGIN,)
    assert checkpoint.origin == ORIGIN
    assert checkpoint.root == root_from_leaf_hashes([leaf_hash(e.body) for e in entries])
    assert index_root_of(checkpoint) == index.root()
    return checkpoint.size


async def test_a_checkpoint_says_what_the_entries_lead_to_and_the_same_size_has_the_same_note(log):
    for count in (0, 1, 250, 260):
        await grow(log, count)
        note = await log.checkpoint()
        assert await require_true(log, note) == await log.size()
        assert await log.checkpoint() == note


async def test_a_log_that_was_followed_leaves_a_checkpoint_nothing_but_to_sign(log, make_ledger: MakeLedger):
    await grow(log, 300)
    await log.follow_log()
    await (await make_ledger()).follow_log()

    async with log._reader.session() as connection:
        followed = await connection.fetchval("SELECT size FROM checkpoint_index")
        notes = await connection.fetchval("SELECT count(*) FROM checkpoint")

    assert (followed, notes) == (await log.size(), 0)
    assert await require_true(log, await log.checkpoint()) == followed


async def test_two_processes_sign_one_note_a_size_while_the_log_grows(log, make_ledger: MakeLedger):
    others = [await make_ledger(), await make_ledger()]
    notes: list[str] = []
    growing = True

    async def sign(ledger: LedgerService) -> None:
        while growing:
            notes.append(await ledger.checkpoint())
            await asyncio.sleep(0)

    signing = [asyncio.create_task(sign(ledger)) for ledger in (log, *others, others[0])]
    while len(set(notes)) < 8:
        await grow(log, 7, len(notes))
        await asyncio.sleep(0.001)
    growing = False
    await asyncio.gather(*signing)
    by_size: dict[int, set[str]] = {}
    for note in notes:
        by_size.setdefault(int(note.split("\n")[1]), set()).add(note)
    assert len(by_size) > 3
    assert all(len(same) == 1 for same in by_size.values())
    for same in by_size.values():
        await require_true(log, next(iter(same)))
    assert (await log.check()).findings == []


async def test_right_after_a_rebuild_the_index_by_account_is_true_in_every_process(log, make_ledger: MakeLedger):
    other = await make_ledger()
    await log.checkpoint()
    await other.checkpoint()
    await grow(log, 20)
    await log.rebuild()
    await grow(other, 5)
    for ledger in (other, log):
        await require_true(ledger, await ledger.checkpoint())
        assert verify(await ledger.statement_evidence(WALLETS[0]), trusted_keys=ledger.verifier_keys).accepted
        await grow(ledger, 3)
    assert (await log.check()).findings == []


async def test_an_entrys_package_stands_by_itself(log):
    await grow(log, 300)
    await log.checkpoint()
    await grow(log, 10)
    for seq in (0, 1, 255, 256, 300, await log.size() - 1):
        report = verify(await log.entry_evidence(seq), trusted_keys=log.verifier_keys)
        assert report.accepted, report


async def test_a_statements_package_has_every_entry_of_the_wallet(log):
    for seed in range(3):
        await grow(log, 60, seed)
        for wallet in (*WALLETS, RUB, UNITS):
            package = await log.statement_evidence(wallet)
            assert verify(package, trusted_keys=log.verifier_keys).accepted
            seqs = [e["seq"] for e in msgspec.json.decode(package)["entries"]]
            assert seqs == await log.statement(wallet)


async def test_a_package_of_another_log_is_refused(log, make_ledger: MakeLedger):
    stranger = await make_ledger(signers=[TestSigner(b"\x01" * 32)])
    package = await stranger.entry_evidence(1)
    assert verify(package, trusted_keys=stranger.verifier_keys).accepted
    assert not verify(package, trusted_keys=log.verifier_keys).accepted


async def test_a_package_with_any_changed_part_is_refused(log):
    await grow(log, 20)
    for package in (await log.entry_evidence(7), await log.statement_evidence(WALLETS[1])):
        chance = random.Random(10)
        for _ in range(150):
            changed = bytearray(package)
            changed[chance.randrange(len(package))] ^= 1 << chance.randrange(7)
            assert not verify(bytes(changed), trusted_keys=log.verifier_keys).accepted, bytes(changed)


async def test_without_a_key_nothing_is_signed_and_nothing_kept(make_ledger: MakeLedger, sql):
    ledger = await make_ledger(signers=[])
    with pytest.raises(CheckpointKeyMissing):
        await ledger.checkpoint()
    assert await sql.fetchval("SELECT count(*) FROM checkpoint") == 0
