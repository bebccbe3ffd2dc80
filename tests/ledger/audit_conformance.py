"""What every audit adapter must do. A test class inherits these and says in `make` how its copy is opened.

`make(place)` is called again for the same place to open the copy anew, as after a restart.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kapital.ledger.api import StoredEntry
from kapital.ledger.domain.problems import AuditDiverged, AuditGap, EntryNotFound
from kapital.ledger.ports import AuditAdapter, AuditReceipt
from kapital.verify.rfc9162 import EMPTY_ROOT, leaf_hash, root_from_leaf_hashes, verify_inclusion


def some_entries(start: int, stop: int, word: str = "entry") -> list[StoredEntry]:
    return [StoredEntry(seq, f'{{"{word}":{seq}}}'.encode()) for seq in range(start, stop)]


def receipt_of(entries: Sequence[StoredEntry]) -> AuditReceipt:
    return AuditReceipt(len(entries), root_from_leaf_hashes([leaf_hash(e.body) for e in entries]))


class AuditConformance:
    """The suite. Subclasses give `make`."""

    __test__ = False

    def make(self, place: Path) -> AuditAdapter:
        raise NotImplementedError

    async def test_an_empty_copy_has_the_empty_root(self, tmp_path):
        copy = self.make(tmp_path)
        assert await copy.append([]) == AuditReceipt(0, EMPTY_ROOT) == await copy.health()
        assert await copy.get(0, 10) == []
        with pytest.raises(EntryNotFound):
            await copy.prove(0)

    @pytest.mark.parametrize("cuts", [[700], [1, 255, 256, 257, 512, 700], [300, 300, 511, 513, 700]])
    async def test_what_was_appended_is_held_proved_and_healthy_after_each_reopening(self, tmp_path, cuts):
        given = some_entries(0, 700)
        start = 0
        for stop in cuts:
            receipt = await self.make(tmp_path).append(given[start:stop])
            assert receipt == receipt_of(given[:stop])
            assert await self.make(tmp_path).health() == receipt
            start = stop
        copy = self.make(tmp_path)
        assert await copy.get(0, 10_000) == given
        assert await copy.get(250, 260) == given[250:260]
        for seq in (0, 255, 256, 511, 512, 699):
            proof = await copy.prove(seq)
            assert proof.receipt == receipt_of(given)
            assert proof.leaf == leaf_hash(given[seq].body)
            verify_inclusion(leaf=proof.leaf, index=seq, size=700, proof=proof.path, root=proof.receipt.root)
        for size in (0, 1, 255, 256, 300, 512, 700):
            await copy.verify(receipt_of(given[:size]))

    async def test_a_repeated_batch_changes_nothing(self, tmp_path):
        copy, given = self.make(tmp_path), some_entries(0, 600)
        await copy.append(given[:400])
        for start, stop in ((0, 400), (100, 200), (399, 400), (200, 600), (0, 600)):
            expected = given[: max(400, stop) if stop == 600 else max(400, (await copy.append([])).size)]
            assert await copy.append(given[start:stop]) == receipt_of(expected)
        assert await copy.health() == receipt_of(given)

    async def test_a_gap_is_refused_and_nothing_is_taken(self, tmp_path):
        copy, given = self.make(tmp_path), some_entries(0, 20)
        await copy.append(given[:10])
        for batch in (given[11:], [*given[10:12], *given[13:]], [given[11], given[10]], [given[10], given[10]]):
            with pytest.raises(AuditGap):
                await copy.append(batch)
        assert await copy.health() == receipt_of(given[:10])

    async def test_another_history_is_refused_with_the_number_of_the_first_entry_that_differs(self, tmp_path):
        copy, given = self.make(tmp_path), some_entries(0, 300)
        await copy.append(given)
        with pytest.raises(AuditDiverged) as refused:
            await copy.append([*given[:257], *some_entries(257, 400, "lie")])
        assert refused.value.facts == {"seq": 257}
        assert await copy.health() == receipt_of(given)

    async def test_a_receipt_of_another_history_or_of_a_longer_log_is_refused(self, tmp_path):
        copy, given = self.make(tmp_path), some_entries(0, 300)
        await copy.append(given)
        for wrong in (
            receipt_of(some_entries(0, 300, "lie")),
            receipt_of(some_entries(0, 301)),
            AuditReceipt(0, bytes(32)),
        ):
            with pytest.raises(AuditDiverged):
                await copy.verify(wrong)
