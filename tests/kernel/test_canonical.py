"""Canonical bytes: equal to an independent RFC 8785 writer, or refused. Oracle: the `rfc8785` package."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from kapital.kernel.canonical import DEPTH_MAX, INTEGER_MAX, ValueNotCanonical, canonical_bytes, sha256_hex


class Side(StrEnum):
    BUY = "buy"


class Rank(IntEnum):
    FIRST = 1
    TOO_BIG = 2**53


class Plain(Enum):
    ONE = "one"


class DriverUUID(UUID):
    """As database drivers have them."""


class Leg(msgspec.Struct, frozen=True):
    wallet: UUID
    amount: int
    note: str | msgspec.UnsetType | None = msgspec.UNSET


class Deal(msgspec.Struct, rename="camel", tag_field="kind", tag="deal"):
    traded_on: date
    legs: list[Leg]
    price: Decimal
    side: Side
    done_at: datetime
    extra: Any = None


class Accented(msgspec.Struct):
    after: int = msgspec.field(name="\ufb33")
    before: int = msgspec.field(name="\U0001f600")


class Sparse(msgspec.Struct, omit_defaults=True):
    a: int = 1


class Row(msgspec.Struct, array_like=True):
    a: int = 1


# Every scalar value of Unicode and, often, those on which escaping and key order turn.
CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from(
    [chr(code) for code in range(0x20)] + list('"\\/\x7f\u2028\u2029\ud7ff\ue000\ufb33\uffff\U00010000\U0001f600')
)
TEXTS = st.text(CHARACTERS, max_size=8)
INTEGERS = st.integers(-INTEGER_MAX, INTEGER_MAX)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=30,
)
LEGS = st.builds(Leg, st.uuids(), INTEGERS, st.none() | TEXTS | st.just(msgspec.UNSET))
DEALS = st.builds(
    Deal,
    traded_on=st.dates(),
    legs=st.lists(LEGS, max_size=4),
    price=st.decimals(0, 10**9, places=4),
    side=st.sampled_from(Side),
    done_at=st.datetimes(timezones=st.just(UTC)),
    extra=JSON,
)


class TestEqualsTheOracle:
    @given(JSON)
    @example({"\U0001f600": 1, "\ufb33": 2, "\ue000": [{"\U00010000": 0, "\uffff": 0}]})
    @example("".join(map(chr, range(0x80))))
    @example([INTEGER_MAX, -INTEGER_MAX, 0, True, False, None, {}, []])
    def test_for_every_json_value(self, value):
        assert canonical_bytes(value) == rfc8785.dumps(value)

    @given(JSON | st.recursive(INTEGERS, lambda inner: st.tuples(inner, inner), max_leaves=6))
    def test_accepts_and_refuses_integers_as_the_oracle_does(self, value):
        for big in (INTEGER_MAX + 1, -INTEGER_MAX - 1):
            with pytest.raises(rfc8785.IntegerDomainError):
                rfc8785.dumps([value, big])
            with pytest.raises(ValueNotCanonical) as refusal:
                canonical_bytes([value, big])
            assert refusal.value.facts["reason"] == "integer_too_large"

    @given(DEALS)
    def test_for_structs_as_their_json_reads(self, deal):
        assert canonical_bytes(deal) == rfc8785.dumps(msgspec.json.decode(msgspec.json.encode(deal)))

    @given(LEGS)
    def test_for_structs_that_need_no_rebuilding(self, leg):
        assert canonical_bytes((leg, [leg])) == rfc8785.dumps(msgspec.to_builtins([leg, [leg]]))

    @given(JSON)
    def test_and_reading_them_back_changes_nothing(self, value):
        assert msgspec.json.decode(canonical_bytes(value)) == value

    @given(st.dictionaries(TEXTS, INTEGERS, max_size=8), st.randoms())
    def test_whatever_order_the_keys_came_in(self, value, random):
        items = list(value.items())
        random.shuffle(items)

        assert canonical_bytes(dict(items)) == canonical_bytes(value)


class TestLiteralBytes:
    """Never edited: what was signed under these bytes must verify for ever."""

    @pytest.mark.parametrize(
        ("value", "written"),
        [
            # RFC 8785, 3.2.3: the keys of the sorting example, in the order the RFC prints.
            (
                {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
                '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}',
            ),
            ('\u20ac$\u000f\nA\'B"\\\\"/', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
            (UUID("0190A6F3-7C00-7ABC-8DEF-0123456789AB"), '"0190a6f3-7c00-7abc-8def-0123456789ab"'),
            (DriverUUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
            ({Side.BUY: Side.BUY}, '{"buy":"buy"}'),
            (Rank.FIRST, "1"),
            (
                [Decimal("1.50"), Decimal("1E+2"), Decimal("1E-9"), Decimal(-7)],
                '["1.50","100","0.000000001","-7"]',
            ),
            (date(2026, 2, 3), '"2026-02-03"'),
            (datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), '"2026-02-03T04:05:06Z"'),
            (datetime(2026, 2, 3, 4, 5, 6, 70, tzinfo=ZoneInfo("UTC")), '"2026-02-03T04:05:06.000070Z"'),
            (Accented(after=1, before=2), '{"\U0001f600":2,"\ufb33":1}'),
            (Leg(UUID(int=0), 5), '{"amount":5,"wallet":"00000000-0000-0000-0000-000000000000"}'),
        ],
    )
    def test_of_a_value(self, value, written):
        assert canonical_bytes(value) == written.encode()

    def test_of_a_tagged_struct_with_renamed_fields(self):
        deal = Deal(date(2026, 1, 2), [], Decimal("9.90"), Side.BUY, datetime(2026, 1, 2, tzinfo=UTC))

        assert canonical_bytes(deal) == (
            b'{"doneAt":"2026-01-02T00:00:00Z","extra":null,"kind":"deal","legs":[],'
            b'"price":"9.90","side":"buy","tradedOn":"2026-01-02"}'
        )

    def test_hash_to_lower_case_hexadecimal(self):
        assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        assert sha256_hex(b"\x00") == sha256(b"\x00").hexdigest()


def nested(depth, leaf):
    value = leaf
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


class TestRefusal:
    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (1.0, "unsupported_type"),
            (float("nan"), "unsupported_type"),
            (b"bytes", "unsupported_type"),
            ({1, 2}, "unsupported_type"),
            (Plain.ONE, "unsupported_type"),
            (msgspec.UNSET, "unsupported_type"),
            (timedelta(1), "unsupported_type"),
            (INTEGER_MAX + 1, "integer_too_large"),
            (-INTEGER_MAX - 1, "integer_too_large"),
            (Rank.TOO_BIG, "integer_too_large"),
            (datetime(2026, 1, 1), "instant_not_utc"),  # noqa: DTZ001 – the fault under test
            (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=3))), "instant_not_utc"),
            (Decimal("NaN"), "decimal_not_finite"),
            (Decimal("-Infinity"), "decimal_not_finite"),
            (Decimal("1E+64"), "decimal_too_long"),
            (Decimal("1E-64"), "decimal_too_long"),
            (Decimal("1E+999999"), "decimal_too_long"),
            ("\ud83d", "lone_surrogate"),
            ("\ude00x", "lone_surrogate"),
            (Sparse(), "struct_form"),
            (Row(), "struct_form"),
        ],
    )
    def test_of_a_value_wherever_it_stands(self, value, reason):
        for place in (
            value,
            [value],
            {"a": value},
            {"\U0001f600": [value]},
            {"a": [Decimal(1), value]},
        ):
            with pytest.raises(ValueNotCanonical) as refusal:
                canonical_bytes(place)
            assert refusal.value.facts["reason"] == reason

    @pytest.mark.parametrize("key", [1, None, UUID(int=1), b"a", True])
    def test_of_keys_that_are_not_text(self, key):
        with pytest.raises(ValueNotCanonical) as refusal:
            canonical_bytes({"a": 1, key: 2})

        assert refusal.value.facts == {"reason": "key_not_text", "kind": type(key).__name__}

    def test_of_half_a_pair_in_a_key(self):
        with pytest.raises(ValueNotCanonical) as refusal:
            canonical_bytes({"\ud800": 1})

        assert refusal.value.facts["reason"] == "lone_surrogate"

    @pytest.mark.parametrize("leaf", [1, "a", Decimal(1)])
    def test_of_nesting_beyond_the_limit(self, leaf):
        canonical_bytes(nested(DEPTH_MAX, leaf))

        with pytest.raises(ValueNotCanonical) as refusal:
            canonical_bytes(nested(DEPTH_MAX + 1, leaf))
        assert refusal.value.facts == {"reason": "too_deep", "limit": DEPTH_MAX}

    def test_limits_are_part_of_the_form(self):
        assert (DEPTH_MAX, INTEGER_MAX) == (64, 9_007_199_254_740_991)

    def test_of_a_value_that_holds_itself(self):
        circle: list[Any] = []
        circle.append(circle)

        with pytest.raises(ValueNotCanonical):
            canonical_bytes(circle)

    def test_keeps_decimals_of_many_digits_exact(self):
        assert canonical_bytes(Decimal("1E+63")) == b'"1' + b"0" * 63 + b'"'
        assert canonical_bytes(Decimal("1E-63")) == b'"0.' + b"0" * 62 + b'1"'
