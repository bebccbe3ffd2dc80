"""Reading a ledger entry (запись) from its exact bytes, and what can be re-checked from the entry alone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from .account_index import account_key, wallet_key
from .canonical_json import INTEGER_MAX, JsonInvalid, decode_canonical

BODY_BYTES_MAX: Final = 1 << 20
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
_REQUIRED: Final = frozenset({"actor", "basis", "code_version", "id", "recorded_at", "rule_book_version", "seq", "v"})
_OPTIONAL: Final = frozenset({"flags", "linked_set", "opens", "postings"})
# An entry that has one of these is of version 2, every other one of version 1.
_OF_FREEZES: Final = frozenset({"freezes", "income_of"})
_POSITIONS: Final = frozenset(
    {"available", "reserved", "locked", "pledged", "arrested", "frozen", "issued", "extinguished", "bank"}
)
_FREEZE_REQUIRED: Final = frozenset({"credits_stopped", "debits_stopped", "freeze", "wallet"})
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_AMOUNT: Final = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z", re.ASCII)


class EntryInvalid(Exception):
    """An entry that breaks its own format or arithmetic; `code` is stable, `reason` is for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class EntryPosting:
    """One signed change of one account, in units of the asset (money: kopecks).

    Shape: `instead_of` is the position that income was meant for before a freeze sent it to `position`.
    """

    asset: str
    position: str
    wallet: str
    amount: int
    instead_of: str | None = None


@dataclass(frozen=True, slots=True)
class EntryFreeze:
    """A freeze of a wallet set, changed or (nothing stopped) lifted. Shape: `allowance` in kopecks.

    The scope is one `asset`, all of one `kind` (units or money), or everything.
    """

    freeze: str
    wallet: str
    credits_stopped: bool
    debits_stopped: bool
    asset: str | None = None
    kind: str | None = None
    allowance: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the register of record, as far as the verifier understands it.

    Shape: `asset_codes` are pairs of id and code of the assets that the entry opens.
    """

    seq: int
    id: str
    recorded_at: str
    actor: str
    basis_kind: str
    basis_reference: str
    document_sha256: str | None
    postings: tuple[EntryPosting, ...]
    keys: tuple[str, ...]
    asset_codes: tuple[tuple[str, str], ...] = ()
    freezes: tuple[EntryFreeze, ...] = ()

    def touches(self, wallet: str) -> bool:
        """Whether the entry is counted under the wallet in the account index."""
        return wallet_key(wallet) in self.keys


def touched_keys(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of the account index that an entry touches, each once, in order of first appearance.

    An entry touches the accounts of its postings and flags and their wallets, and the wallets it opens or freezes.
    The opening of an asset touches the asset's own mirror wallet.
    Shape: the decoded body of an entry.
    """
    keys: dict[str, None] = {}
    for opened in body.get("opens", ()):
        keys[wallet_key(opened["wallet"] if "wallet" in opened else opened["asset"])] = None
    for frozen in body.get("freezes", ()):
        keys[wallet_key(frozen["wallet"])] = None
    for change in (*body.get("flags", ()), *body.get("postings", ())):
        account = change["account"]
        keys[account_key(account["asset"], account["position"], account["wallet"])] = None
        keys[wallet_key(account["wallet"])] = None
    return tuple(keys)


def read_entry(body: str) -> Entry:
    """Read an entry and check what it can prove by itself: spelling, fields, amounts, assets in balance.

    Raises: EntryInvalid.
    """
    members = _decode(body)
    version = members.get("v")
    _require(
        version in (1, 2) and type(version) is int,
        "entry_version_unknown",
        "this verifier knows entries of versions 1 and 2",
    )
    names = members.keys()
    _require(
        names >= _REQUIRED
        and names <= _REQUIRED | _OPTIONAL | _OF_FREEZES
        and (version == 2) is not names.isdisjoint(_OF_FREEZES),
        "entry_fields_wrong",
        "the entry lacks a field or has one that is unknown in its version",
    )
    seq = members["seq"]
    _require(type(seq) is int and 0 <= seq <= INTEGER_MAX, "entry_seq_malformed", "seq is a whole number from 0")
    basis = members["basis"]
    _require(
        isinstance(basis, dict) and {"kind", "reference"} <= basis.keys() <= {"kind", "reference", "document_sha256"},
        "entry_basis_malformed",
        "a basis has a kind, a reference and perhaps a document hash",
    )
    document = basis.get("document_sha256")
    _require(
        document is None or _matches(_SHA256, document),
        "entry_basis_malformed",
        "a document hash is 64 hex digits",
    )
    for text in (members["actor"], members["code_version"], members["rule_book_version"], *basis.values()):
        _require(isinstance(text, str) and text != "", "entry_text_malformed", "a text field is a non-empty string")
    for name in ("id", "linked_set", "income_of"):
        identifier = members.get(name, members["id"])
        _require(_matches(_UUID, identifier), "entry_id_malformed", "an id is a lower-case UUID")
    _require_instant(members["recorded_at"])
    postings = tuple(_read_postings(members))
    _require_balanced(postings)
    _require_changes(members)
    return Entry(
        seq=seq,
        id=members["id"],
        recorded_at=members["recorded_at"],
        actor=members["actor"],
        basis_kind=basis["kind"],
        basis_reference=basis["reference"],
        document_sha256=document,
        postings=postings,
        keys=touched_keys(members),
        asset_codes=tuple(
            (opened["asset"], opened["code"])
            for opened in members.get("opens", ())
            if opened["open"] == "asset" and isinstance(opened.get("code"), str)
        ),
        freezes=tuple(_read_freezes(members)),
    )


def _decode(body: str) -> dict[str, Any]:
    try:
        data = body.encode()
    except UnicodeEncodeError:
        raise EntryInvalid("entry_not_canonical", "the entry is not Unicode text") from None
    _require(len(data) <= BODY_BYTES_MAX, "entry_too_large", f"an entry has at most {BODY_BYTES_MAX} bytes")
    try:
        members = decode_canonical(data)
    except JsonInvalid as error:
        raise EntryInvalid("entry_not_canonical", f"{error.reason} ({error.code})") from None
    _require(isinstance(members, dict), "entry_not_canonical", "an entry is a JSON object")
    entry: dict[str, Any] = members
    return entry


def _read_postings(members: Mapping[str, Any]) -> Iterator[EntryPosting]:
    for posting in _list(members, "postings"):
        _require(
            isinstance(posting, dict)
            and {"account", "amount"} <= posting.keys() <= {"account", "amount", "instead_of"},
            "entry_posting_malformed",
            "a posting has an account and an amount",
        )
        asset, position, wallet = _read_account(posting["account"])
        instead_of = posting.get("instead_of")
        amount = posting["amount"]
        _require(
            _matches(_AMOUNT, amount) and INT64_MIN <= int(amount) <= INT64_MAX,
            "entry_amount_malformed",
            "an amount is a decimal string within 64 bits",
        )
        _require(
            "instead_of" not in posting
            or ("income_of" in members and instead_of == "available" and position == "frozen" and int(amount) > 0),
            "entry_posting_malformed",
            "only income is sent elsewhere: from available to frozen",
        )
        yield EntryPosting(asset, position, wallet, int(amount), instead_of)


def _read_freezes(members: Mapping[str, Any]) -> Iterator[EntryFreeze]:
    changes = _list(members, "freezes")
    _require("freezes" not in members or changes != [], "entry_freezes_malformed", "an empty list is left out")
    for change in changes:
        _require(
            isinstance(change, dict)
            and _FREEZE_REQUIRED <= change.keys() <= _FREEZE_REQUIRED | {"asset", "kind", "debit_allowance"},
            "entry_freezes_malformed",
            "a freeze has a name, a wallet, two stops and perhaps a scope and an allowance",
        )
        asset, kind, allowance = change.get("asset"), change.get("kind"), change.get("debit_allowance", 0)
        stops = (change["credits_stopped"], change["debits_stopped"])
        _require(
            _matches(_UUID, change["freeze"])
            and _matches(_UUID, change["wallet"])
            and all(isinstance(stop, bool) for stop in stops)
            and ("asset" not in change or (_matches(_UUID, asset) and "kind" not in change))
            and ("kind" not in change or kind in ("units", "money"))
            and ("debit_allowance" not in change or (type(allowance) is int and 0 < allowance <= INTEGER_MAX)),
            "entry_freezes_malformed",
            "a freeze names ids, true or false stops, one scope, and an allowance above zero",
        )
        yield EntryFreeze(change["freeze"], change["wallet"], *stops, asset, kind, allowance)


def _read_account(account: Any) -> tuple[str, str, str]:
    _require(
        isinstance(account, dict)
        and account.keys() == {"asset", "position", "wallet"}
        and _matches(_UUID, account["asset"])
        and _matches(_UUID, account["wallet"])
        and isinstance(account["position"], str)
        and account["position"] in _POSITIONS,
        "entry_account_malformed",
        "an account is an asset, a position and a wallet",
    )
    return account["asset"], account["position"], account["wallet"]


def _require_balanced(postings: tuple[EntryPosting, ...]) -> None:
    sums: dict[str, int] = {}
    for posting in postings:
        sums[posting.asset] = sums.get(posting.asset, 0) + posting.amount
    for asset, total in sums.items():
        _require(total == 0, "entry_unbalanced", f"the postings of asset {asset} sum to {total}, not to zero")


def _require_changes(members: Mapping[str, Any]) -> None:
    for change in _list(members, "flags"):
        _require(
            isinstance(change, dict) and change.keys() == {"account", "credits_stopped", "debits_stopped"},
            "entry_flags_malformed",
            "flags name an account and two stops",
        )
        _read_account(change["account"])
        for stop in (change["credits_stopped"], change["debits_stopped"]):
            _require(isinstance(stop, bool), "entry_flags_malformed", "a stop is true or false")
    for opened in _list(members, "opens"):
        _require(isinstance(opened, dict), "entry_opens_malformed", "an opening is an object")
        # What else an asset's opening says (code, scale, limit) is the ledger's; here only the id is used.
        target = opened.get("open")
        _require(
            target in ("wallet", "asset") and ("wallet" in opened) == (target == "wallet"),
            "entry_opens_malformed",
            "an opening is of a wallet or of an asset",
        )
        _require(_matches(_UUID, opened.get(target)), "entry_opens_malformed", "an opening names an id")


def _require_instant(instant: Any) -> None:
    _require(_matches(_INSTANT, instant), "entry_instant_malformed", "recorded_at is UTC with six decimals")
    try:
        datetime.fromisoformat(instant)
    except ValueError:
        raise EntryInvalid("entry_instant_malformed", f"{instant} is no instant") from None


def _list(members: Mapping[str, Any], name: str) -> list[Any]:
    value = members.get(name, [])
    _require(isinstance(value, list), "entry_fields_wrong", f"{name} is a list")
    items: list[Any] = value
    return items


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _require(condition: bool, code: str, reason: str) -> None:
    if not condition:
        raise EntryInvalid(code, reason)
