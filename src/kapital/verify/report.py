"""What a verification found: what was proved, what was not, and why it was refused."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from . import texts
from .entry import EntryFreeze, EntryPosting

EXIT_ACCEPTED: Final = 0
EXIT_REFUSED: Final = 1
EXIT_UNREADABLE: Final = 2
# Well-known id of roubles on the nominal account: UUIDv5 of `kapital/money/RUB`. Their unit is the kopeck.
RUB: Final = "0dc8fcb7-b291-581b-8453-78cca32aeb3f"
# Moscow has kept this offset since 2014, before any log of ours; the table of time zones may be absent here.
_MOSCOW: Final = timezone(timedelta(hours=3))


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of the report: a stable key and the values in it."""

    key: str
    facts: dict[str, str | int] = field(default_factory=dict)

    def text(self, lang: str) -> str:
        """Return the sentence in `en` or `ru`."""
        shown = {name: _shown(str(value)) for name, value in self.facts.items()}
        return texts.FINDINGS[self.key][lang].format(**shown)


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signed the checkpoint. `trusted` if the reader named it; `signed_at` in POSIX seconds."""

    name: str
    algorithm: str
    fingerprint: str
    trusted: bool
    signed_at: int | None


@dataclass(frozen=True, slots=True)
class Balance:
    """Sum of a wallet's postings in the listed entries, in units of the asset (money: kopecks)."""

    asset: str
    position: str
    amount: int


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry of the package with the leaf hash computed from its bytes.

    Shape: `postings` and `freezes` of a statement are those of its wallet, of another package all.
    """

    seq: int
    id: str
    recorded_at: str
    leaf: str
    basis: str
    postings: tuple[EntryPosting, ...] = ()
    freezes: tuple[EntryFreeze, ...] = ()


@dataclass(slots=True)
class Report:
    """Result of `verify`. Shape: `step` is the last step begun (1 to 7), the failed one if refused."""

    step: int = 1
    code: str | None = None
    reason: str | None = None
    unreadable: bool = False
    kind: str | None = None
    origin: str | None = None
    size: int | None = None
    root: str | None = None
    wallet: str | None = None
    complete: bool = False
    signers: list[Signer] = field(default_factory=list)
    entries: list[ListedEntry] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    asset_codes: dict[str, str] = field(default_factory=dict)
    passed: list[int] = field(default_factory=list)
    proved: list[Finding] = field(default_factory=list)
    not_proved: list[Finding] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        """Whether every check that applies was passed."""
        return self.code is None

    @property
    def exit_code(self) -> int:
        """0 accepted, 1 refused, 2 there was no package to read."""
        if self.accepted:
            return EXIT_ACCEPTED
        return EXIT_UNREADABLE if self.unreadable else EXIT_REFUSED

    def refuse(self, code: str, reason: str, *, unreadable: bool = False) -> None:
        """Turn the report into a refusal: what was found up to here proves nothing any more."""
        self.code, self.reason, self.unreadable = code, reason, unreadable
        self.proved, self.balances, self.complete = [], [], False

    def to_json(self, lang: str = "en") -> str:
        """Return the report as one JSON object; keys and codes are stable, texts follow `lang`."""
        value: dict[str, Any] = {
            "report": "kapital.evidence_report.v1",
            "accepted": self.accepted,
            "exit_code": self.exit_code,
            "kind": self.kind,
            "origin": self.origin,
            "size": self.size,
            "root": self.root,
            "wallet": self.wallet,
            "complete": self.complete,
            "steps": [
                {"step": number, "title": titles[lang], "outcome": self._outcome(number)}
                for number, titles in texts.STEPS.items()
            ],
            "signers": [
                {
                    "name": signer.name,
                    "algorithm": signer.algorithm,
                    "fingerprint": signer.fingerprint,
                    "trusted": signer.trusted,
                    "signed_at": signer.signed_at,
                }
                for signer in self.signers
            ],
            "entries": [
                {
                    "seq": e.seq,
                    "id": e.id,
                    "recorded_at": e.recorded_at,
                    "leaf": e.leaf,
                    "basis": e.basis,
                    "postings": [
                        {"asset": p.asset, "position": p.position, "wallet": p.wallet, "amount": str(p.amount)}
                        | ({"instead_of": p.instead_of} if p.instead_of else {})
                        for p in e.postings
                    ],
                    "freezes": [_freeze(one) for one in e.freezes],
                }
                for e in self.entries
            ],
            "balances": [{"asset": b.asset, "position": b.position, "amount": str(b.amount)} for b in self.balances],
            "proved": [_finding(item, lang) for item in self.proved],
            "not_proved": [_finding(item, lang) for item in self.not_proved],
        }
        if self.code is not None:
            value["refusal"] = {
                "step": self.step,
                "code": self.code,
                "title": texts.REFUSALS[self.code][lang],
                "reason": self.reason,
            }
        return json.dumps(value, ensure_ascii=False, indent=2)

    def to_text(self, lang: str = "en") -> str:
        """Return the report in words, in `en` or `ru`."""
        words = texts.WORDS
        lines = [words["accepted" if self.accepted else "refused"][lang]]
        if self.code is not None:
            lines += [
                f"  {words['step'][lang]} {self.step}: {texts.STEPS[self.step][lang]}",
                f"  {self.code}: {texts.REFUSALS[self.code][lang]}",
                f"  ({_shown(self.reason or '')})",
            ]
        lines.append("")
        for number, titles in texts.STEPS.items():
            lines.append(f"{number}. {titles[lang]}: {words[self._outcome(number)][lang]}")
        lines += self._facts_text(lang)
        for heading, findings in (("proved", self.proved), ("not_proved", self.not_proved)):
            if findings:
                lines += ["", words[heading][lang]]
                lines += [f"  - {item.text(lang)}" for item in findings]
        return "\n".join(lines) + "\n"

    def _facts_text(self, lang: str) -> list[str]:
        words = texts.WORDS
        lines: list[str] = []
        if self.signers:
            lines += ["", words["signers"][lang]]
            for signer in self.signers:
                mark = words["key_trusted" if signer.trusted else "key_from_package"][lang]
                lines += [
                    f"  {_shown(signer.name)} ({signer.algorithm}), {mark}",
                    f"    SHA-256 {signer.fingerprint}",
                ]
        if self.accepted and self.entries:
            heading = words["entries" if self.wallet is None else "entries_of_wallet"][lang]
            lines += ["", heading.format(wallet=self.wallet)]
            for entry in self.entries:
                lines += self._entry_text(entry, lang)
        if self.balances:
            lines += ["", words["balances" if self.complete else "sums"][lang]]
            lines += [f"  {self._amount_text(b, lang, signed=False)}" for b in self.balances]
        return lines

    def _entry_text(self, entry: ListedEntry, lang: str) -> list[str]:
        kind, _, reference = entry.basis.partition(" ")
        basis = f"{texts.BASES.get(kind, {}).get(lang, kind)} ({reference})"
        lines = [f"  {entry.seq}  {_instant_text(entry.recorded_at, lang)}  {_shown(basis)}  {entry.id}"]
        for posting in entry.postings:
            whose = "" if self.wallet else f", {texts.WORDS['wallet'][lang]} {posting.wallet}"
            redirected = f", {texts.WORDS['sent_to_frozen'][lang]}" if posting.instead_of else ""
            lines.append(f"    {self._amount_text(posting, lang)}{whose}{redirected}")
        lines += [f"    {self._freeze_text(one, lang)}" for one in entry.freezes]
        moved = entry.postings or entry.freezes
        return lines if moved else [*lines, f"    {texts.WORDS['nothing_moved'][lang]}"]

    def _freeze_text(self, one: EntryFreeze, lang: str) -> str:
        """What a freeze of a wallet stops from this entry on."""
        whose = "" if self.wallet else f", {texts.WORDS['wallet'][lang]} {one.wallet}"
        stops = texts.STOPS[one.debits_stopped, one.credits_stopped][lang]
        if not (one.debits_stopped or one.credits_stopped):
            return f"{stops}{whose}; {one.freeze}"
        code = self.asset_codes.get(one.asset or "")
        scope = texts.SCOPES[one.kind][lang] if one.asset is None else one.asset
        if code:
            scope = f"{_shown(code)} ({scope})"
        allowed = ""
        if one.allowance:
            allowed = f"; {texts.WORDS['may_leave'][lang]} {_number_text(RUB, one.allowance, lang, signed=False)}"
        return f"{stops}: {scope}{whose}{allowed}; {one.freeze}"

    def _amount_text(self, of: EntryPosting | Balance, lang: str, *, signed: bool = True) -> str:
        """Amount, asset, position: roubles with two decimals, the asset by its code where it is known."""
        number = _number_text(of.asset, of.amount, lang, signed=signed)
        asset = "RUB" if of.asset == RUB else of.asset
        code = self.asset_codes.get(of.asset)
        named = f"{_shown(code)} ({of.asset})" if code and of.asset != RUB else asset
        return f"{number:>20}  {named}  {texts.POSITIONS[of.position][lang]}"

    def _outcome(self, number: int) -> str:
        if number in self.passed:
            return "passed"
        if self.code is None:
            return "not_applicable"
        return "failed" if number == self.step else "not_reached"


def _number_text(asset: str, amount: int, lang: str, *, signed: bool) -> str:
    sign = "-" if amount < 0 else "+" if signed else ""
    whole, kopecks = divmod(abs(amount), 100) if asset == RUB else (abs(amount), None)
    number = f"{sign}{whole:,}" + ("" if kopecks is None else f".{kopecks:02}")
    return number.replace(",", "\u00a0").replace(".", ",") if lang == "ru" else number


def _freeze(one: EntryFreeze) -> dict[str, Any]:
    return {
        "freeze": one.freeze,
        "wallet": one.wallet,
        "debits_stopped": one.debits_stopped,
        "credits_stopped": one.credits_stopped,
        "asset": one.asset,
        "kind": one.kind,
        "debit_allowance": one.allowance,
    }


def _shown(text: str) -> str:
    """Return text of the package safe to print: an escape or line break in it could fake a report."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _instant_text(recorded_at: str, lang: str) -> str:
    """The instant as the entry spells it, and as Moscow reads it; at the end of time only the first."""
    try:
        local = datetime.fromisoformat(recorded_at).astimezone(_MOSCOW)
    except OverflowError:
        return recorded_at
    day = f"{local:%d.%m.%Y}" if lang == "ru" else f"{local:%Y-%m-%d}"
    return f"{recorded_at} ({day} {local:%H:%M:%S} {texts.WORDS['moscow'][lang]})"


def _finding(item: Finding, lang: str) -> dict[str, Any]:
    return {"key": item.key, "text": item.text(lang), "facts": item.facts}
