"""What each profile signs: the one form of message by which the domains are kept apart."""

import msgspec

from kapital.custody.domain.problems import MessageNotAllowedForProfile, MessageTooLarge
from kapital.custody.domain.profiles import MESSAGE_BYTES_MAX, KeyProfile
from kapital.kernel.canonical import ValueNotCanonical, canonical_bytes
from kapital.verify.signed_note import NoteInvalid, parse_checkpoint


def require_message_allowed(profile: KeyProfile, message: bytes) -> None:
    """Return if a key of `profile` signs `message`: a checkpoint for ANCHOR, an RFC 8785 JSON object else.

    A key that signed anything could be made to sign a checkpoint of another history, or an act that nobody
    saw, hidden in innocent bytes.
    Raises: MessageTooLarge, MessageNotAllowedForProfile (fact `reason`).
    """
    limit = MESSAGE_BYTES_MAX[profile]
    if len(message) > limit:
        raise MessageTooLarge(
            f"a key of profile {profile} signs at most {limit} bytes",
            {"bytes": len(message), "bytes_max": limit},
        )
    if profile is KeyProfile.ANCHOR:
        _require_checkpoint(message)
    else:
        _require_canonical_object(message)


def _require_checkpoint(message: bytes) -> None:
    try:
        parse_checkpoint(message.decode())
    except UnicodeDecodeError:
        raise _refusal("note_not_utf8", "the message is not a text") from None
    except NoteInvalid as error:
        raise _refusal(error.code, f"the message is not a checkpoint: {error.reason}") from None


def _require_canonical_object(message: bytes) -> None:
    try:
        act = msgspec.json.decode(message)
        canonical = canonical_bytes(act)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _refusal("not_json", "the message is not JSON") from None
    except ValueNotCanonical as error:
        raise _refusal(str(error.facts["reason"]), error.detail) from None
    if not isinstance(act, dict):
        raise _refusal("not_an_object", "an act is a JSON object")
    # Duplicate keys, blanks, another order or spelling of numbers all end here.
    if canonical != message:
        raise _refusal("not_canonical", "the message is not in RFC 8785 form")


def _refusal(reason: str, detail: str) -> MessageNotAllowedForProfile:
    return MessageNotAllowedForProfile(detail, {"reason": reason})
