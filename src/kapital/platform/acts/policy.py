"""Which signature an act needs: dated rules of the settings, for each kind of act; without a rule, qualified.

Law: 63-FZ art. 6 part 1 (a qualified signature equals a hand's) and part 2 (a simple one by agreement, which is the
rule-book): which acts the rule-book of an installation opens to the simple signature is its operator's to say [M?].
"""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Literal

from kapital.platform.dated_rules import DatedRule, by_day


class ActKind(StrEnum):
    """Kinds of acts of participants."""

    PLACE_ORDERS = "place_orders"
    WITHDRAW_ORDERS = "withdraw_orders"
    SIGN_DECISION = "sign_decision"
    WITHDRAW_MONEY = "withdraw_money"
    ACCEPT_RULE_BOOK = "accept_rule_book"
    CALL_UNITS = "call_units"
    OFFER_BUYBACK = "offer_buyback"
    INSTRUCT_REDEMPTION = "instruct_redemption"
    WITHDRAW_INSTRUCTION = "withdraw_instruction"
    CONSENT_TO_CANCELLATION = "consent_to_cancellation"
    CONSENT_TO_EXCHANGE = "consent_to_exchange"
    END_PLACEMENT = "end_placement"
    GIVE_MANDATE = "give_mandate"
    ACCEPT_MANDATE = "accept_mandate"


class Need(StrEnum):
    """УКЭП, or the authenticated session (ПЭП by agreement)."""

    QUALIFIED = "qualified"
    SIMPLE = "simple"


class ActRule(DatedRule):
    """One rule: from a day to a day (both included) an act of this kind needs this signature.

    `powers`: codes that a power of attorney (МЧД) must give to an employee who signs it with a personal certificate;
    without any code no power of attorney is enough.
    """

    kind: ActKind
    signature: Literal["qualified", "simple"]
    powers: tuple[str, ...] = ()


class RecheckRule(DatedRule):
    """From a day to a day (both included) certificates behind accepted orders are checked again before settlement."""


class ActPolicy:
    """The rules, by kind and day. Raises on making: InvariantBroken for rules of one kind that overlap."""

    def __init__(self, default: Need, rules: Iterable[ActRule] = (), rechecks: Iterable[RecheckRule] = ()) -> None:
        self._default = default
        self._recheck = by_day("recheck_at_settlement", rechecks)
        given = list(rules)
        self._by_kind = {
            kind: by_day(f"act_{kind}", [rule for rule in given if rule.kind is kind]) for kind in ActKind
        }

    def need(self, kind: ActKind, on: date) -> Need:
        """The signature that an act needs on a day."""
        rule = self._rule(kind, on)
        return Need(rule.signature) if rule else self._default

    def powers(self, kind: ActKind, on: date) -> frozenset[str]:
        """Codes that a power of attorney must give for the act."""
        rule = self._rule(kind, on)
        return frozenset(rule.powers) if rule else frozenset()

    def rechecks_at_settlement(self, on: date) -> bool:
        """Whether orders of a placement that ends on this day wait for a second check of their certificates."""
        return self._recheck is not None and self._recheck.find_row_at(on) is not None

    def _rule(self, kind: ActKind, on: date) -> ActRule | None:
        parameter = self._by_kind[kind]
        row = None if parameter is None else parameter.find_row_at(on)
        return None if row is None else row.value
