"""What each profile signs, and that no bytes are signed by two kinds of key."""

import base64
import json
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from kapital.custody.domain.messages import require_message_allowed
from kapital.custody.domain.problems import MessageNotAllowedForProfile, MessageTooLarge
from kapital.custody.domain.profiles import MESSAGE_BYTES_MAX, KeyProfile
from kapital.verify.signed_note import Checkpoint, checkpoint_text

ROOT = sha256(b"root").digest()
CHECKPOINT = checkpoint_text(Checkpoint("kapital.example/ledger", 7, ROOT)).encode()
ACT = rfc8785.dumps({"act": "issuance_decision", "quantity_max": 50_000, "title": "Выпуск № 1"})

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def allowed(profile: KeyProfile, message: bytes) -> bool:
    try:
        require_message_allowed(profile, message)
    except (MessageNotAllowedForProfile, MessageTooLarge):
        return False
    return True


class TestAnchor:
    def test_signs_a_checkpoint(self):
        require_message_allowed(KeyProfile.ANCHOR, CHECKPOINT)

    @pytest.mark.parametrize(
        "message",
        [
            b"",
            b"hello\n",
            ACT,
            CHECKPOINT[:-1],
            CHECKPOINT.replace(b"\n7\n", b"\n07\n"),
            CHECKPOINT.replace(b"\n7\n", b"\n-7\n"),
            CHECKPOINT + b"\n",
            CHECKPOINT + "\n— kapital.example/ledger AAAA\n".encode(),
            CHECKPOINT.replace(base64.b64encode(ROOT), base64.b64encode(ROOT[:31])),
            b"\xff" + CHECKPOINT,
        ],
    )
    def test_signs_nothing_else(self, message):
        with pytest.raises(MessageNotAllowedForProfile) as refused:
            require_message_allowed(KeyProfile.ANCHOR, message)

        assert refused.value.code == "message_not_allowed_for_profile"
        assert refused.value.facts["reason"]


@pytest.mark.parametrize("profile", [KeyProfile.ISSUER, KeyProfile.OPERATOR])
class TestActs:
    def test_signs_canonical_json(self, profile):
        require_message_allowed(profile, ACT)

    @pytest.mark.parametrize(
        ("message", "reason"),
        [
            (b"", "not_json"),
            (b"{", "not_json"),
            (b"\xff", "not_json"),
            (b"[" * 100_000, "not_json"),
            (CHECKPOINT, "not_json"),
            (b"[]", "not_an_object"),
            (b'"text"', "not_an_object"),
            (b'{"b":1,"a":2}', "not_canonical"),
            (b'{"a":1,"a":2}', "not_canonical"),
            (b'{"a": 1}', "not_canonical"),
            (b'{"a":1}\n', "not_canonical"),
            (b'{"a":"\\u0041"}', "not_canonical"),
            (b'{"a":1.5}', "unsupported_type"),
            (b'{"a":9007199254740993}', "integer_too_large"),
        ],
    )
    def test_signs_nothing_else(self, profile, message, reason):
        with pytest.raises(MessageNotAllowedForProfile) as refused:
            require_message_allowed(profile, message)

        assert refused.value.facts["reason"] == reason

    def test_refuses_what_is_too_long_before_reading_it(self, profile):
        with pytest.raises(MessageTooLarge):
            require_message_allowed(profile, b"{" * (MESSAGE_BYTES_MAX[profile] + 1))


@settings(deadline=None)
@given(st.dictionaries(st.text(), json_values))
def test_every_canonical_object_is_an_act_and_never_a_checkpoint(value):
    message = rfc8785.dumps(value)

    assert allowed(KeyProfile.ISSUER, message)
    assert not allowed(KeyProfile.ANCHOR, message)


@settings(deadline=None)
@given(st.dictionaries(st.text(), json_values, min_size=1))
def test_json_with_blanks_is_never_an_act(value):
    assert not allowed(KeyProfile.ISSUER, json.dumps(value, indent=1).encode())


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40),
    st.integers(1, 2**62),
    st.binary(min_size=32, max_size=32),
)
def test_every_checkpoint_is_signed_by_the_anchor_and_never_an_act(origin, size, root):
    message = checkpoint_text(Checkpoint(origin, size, root)).encode()

    assert allowed(KeyProfile.ANCHOR, message)
    assert not allowed(KeyProfile.OPERATOR, message)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_are_both(message):
    assert not (allowed(KeyProfile.ANCHOR, message) and allowed(KeyProfile.ISSUER, message))
