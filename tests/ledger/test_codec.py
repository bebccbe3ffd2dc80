"""The bytes that are hashed: RFC 8785 for any entry, the same today as on the day they were first written."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

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
    SetFreeze,
    Transaction,
)
from kapital.ledger.domain.codec import (
    Entry,
    WirePosting,
    account_json,
    decode_entry,
    encode_entry,
    format_instant,
    parse_instant,
    transaction_of,
    version_of,
)
from kapital.verify.entry import read_entry
from kapital.verify.rfc9162 import leaf_hash

# Bytes that were hashed into logs that live on. Never edit this file: a change here means that old entries would be
# read or written otherwise. A new form of entry gets a new `v` and a new file.
GOLDEN = Path(__file__).parents[1] / "data" / "ledger" / "entry-v1.jsonl"
GOLDEN_LEAVES = Path(__file__).parents[1] / "data" / "ledger" / "entry-v1.leaves"
GOLDEN_OF_FREEZES = GOLDEN.with_name("entry-v2.jsonl")
GOLDEN_LEAVES_OF_FREEZES = GOLDEN.with_name("entry-v2.leaves")
OF_FREEZES = {"freezes", "income_of"}

words = st.from_regex(r"[A-Za-z0-9:._/+-]{1,40}", fullmatch=True)
uuids = st.uuids()
accounts = st.builds(AccountKey, uuids, st.sampled_from(Position), uuids)
amounts = st.integers(-(2**63) + 1, 2**63 - 1).filter(bool)
bases = st.builds(
    Basis,
    st.sampled_from(BasisKind),
    words,
    st.one_of(st.none(), st.from_regex(r"[0-9a-f]{64}", fullmatch=True)),
)
opens = st.one_of(
    st.builds(OpenWallet, uuids),
    st.builds(
        OpenAsset,
        uuids,
        st.sampled_from(AssetKind),
        words,
        st.integers(0, 18),
        st.one_of(st.none(), st.integers(1, 2**53 - 1)),
    ),
)
freezes = st.one_of(
    st.builds(SetFreeze, uuids, uuids, st.booleans(), st.booleans(), st.one_of(st.none(), uuids)),
    st.builds(
        SetFreeze,
        uuids,
        uuids,
        st.booleans(),
        st.booleans(),
        st.none(),
        st.sampled_from(AssetKind),
        st.integers(0, 2**53 - 1),
    ),
)
transactions = st.builds(
    Transaction,
    uuids,
    words,
    bases,
    st.lists(st.builds(Posting, accounts, amounts), max_size=4).map(tuple),
    st.lists(opens, max_size=3).map(tuple),
    st.lists(st.builds(SetFlags, accounts, st.booleans(), st.booleans()), max_size=3).map(tuple),
    st.one_of(st.none(), uuids),
    st.lists(freezes, max_size=2).map(tuple),
    st.one_of(st.none(), uuids),
)
instants = st.timedeltas(timedelta(0), timedelta(days=2_000_000)).map(
    lambda after: datetime(1, 1, 2, tzinfo=UTC) + after
)


def entry_of(tx: Transaction, seq: int, recorded_at: str) -> Entry:
    return Entry(
        actor=tx.actor,
        basis=tx.basis,
        code_version="0.1.0",
        flags=tx.flags,
        freezes=tx.freezes,
        id=tx.id,
        income_of=tx.income_of,
        linked_set=tx.linked_set,
        opens=tx.opens,
        postings=tuple(WirePosting(account_json(p.account), str(p.amount)) for p in tx.postings),
        recorded_at=recorded_at,
        rule_book_version="2026-01-01",
        seq=seq,
        v=version_of(tx),
    )


@settings(max_examples=200, deadline=None)
@given(transactions, st.integers(0, 2**53 - 1), instants)
def test_the_bytes_of_any_entry_are_its_rfc_8785_form(tx, seq, at):
    body = encode_entry(entry_of(tx, seq, format_instant(at)))
    assert body == rfc8785.dumps(msgspec.json.decode(body))


@settings(max_examples=200, deadline=None)
@given(transactions, st.integers(0, 2**53 - 1), instants)
def test_what_was_asked_for_is_read_back_from_the_bytes(tx, seq, at):
    body = encode_entry(entry_of(tx, seq, format_instant(at)))
    entry = decode_entry(body)
    assert transaction_of(entry) == tx
    assert parse_instant(entry.recorded_at) == at
    assert encode_entry(entry) == body


@settings(deadline=None)
@given(transactions, instants)
def test_the_independent_reader_understands_the_same_entry(tx, at):
    balanced = msgspec.structs.replace(
        tx, postings=tx.postings + tuple(Posting(p.account, -p.amount) for p in tx.postings)
    )
    read = read_entry(encode_entry(entry_of(balanced, 7, format_instant(at))).decode())
    assert (read.seq, read.id, read.actor) == (7, str(tx.id), tx.actor)
    assert [p.amount for p in read.postings] == [p.amount for p in balanced.postings]


def test_the_golden_bytes_are_read_and_written_as_on_the_first_day():
    bodies = GOLDEN.read_bytes().split(b"\n")[:-1]
    leaves = GOLDEN_LEAVES.read_text().split()
    assert len(bodies) == len(leaves) == 5
    for body, leaf in zip(bodies, leaves, strict=True):
        entry = decode_entry(body)
        again = entry_of(transaction_of(entry), entry.seq, entry.recorded_at)
        assert encode_entry(again) == body
        assert leaf_hash(body).hex() == leaf


def test_the_golden_bytes_use_every_part_of_an_entry():
    text = GOLDEN.read_text()
    fields = set(Entry.__struct_fields__) - OF_FREEZES
    assert set(re.findall(r'"(\w+)":', text)) >= fields | {"issue_limit", "document_sha256"}


def test_the_golden_bytes_of_freezes_are_read_and_written_as_on_the_first_day():
    bodies = GOLDEN_OF_FREEZES.read_bytes().split(b"\n")[:-1]
    leaves = GOLDEN_LEAVES_OF_FREEZES.read_text().split()
    assert len(bodies) == len(leaves) == 3
    for body, leaf in zip(bodies, leaves, strict=True):
        entry = decode_entry(body)
        assert encode_entry(entry) == body
        assert leaf_hash(body).hex() == leaf
        assert version_of(transaction_of(entry)) == entry.v == 2
    names = set(re.findall(r'"(\w+)":', GOLDEN_OF_FREEZES.read_text()))
    assert names >= OF_FREEZES | {*SetFreeze.__struct_fields__, "instead_of"}


def test_income_that_a_freeze_sent_elsewhere_is_read_back_as_it_was_asked_for():
    body = GOLDEN_OF_FREEZES.read_bytes().split(b"\n")[1]
    assert b'"position":"frozen"' in body
    assert [p.account.position for p in transaction_of(decode_entry(body)).postings] == [Position.AVAILABLE] * 2


@pytest.mark.parametrize(("golden", "version"), [(GOLDEN, b'"v":2'), (GOLDEN_OF_FREEZES, b'"v":1')])
def test_an_entry_under_the_version_of_the_other_form_is_refused(golden, version):
    body = golden.read_bytes().split(b"\n")[0]
    with pytest.raises(msgspec.ValidationError):
        decode_entry(re.sub(rb'"v":\d', version, body))


@pytest.mark.parametrize(
    "change",
    [
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v":"1"'),
        (b'"actor":', b'"author":'),
        (b'"kind":"ORDER"', b'"kind":"WHIM"'),
        (b'"seq":0', b'"seq":0.5'),
        (b"}", b""),
    ],
)
def test_bytes_that_are_no_entry_of_a_known_version_are_refused(change):
    tx = Transaction(UUID(int=1), "a", Basis(BasisKind.ORDER, "b"), opens=(OpenWallet(UUID(int=2)),))
    body = encode_entry(entry_of(tx, 0, "2026-01-02T03:04:05.678901Z"))
    assert change[0] in body
    with pytest.raises(msgspec.MsgspecError):
        decode_entry(body.replace(*change))
