"""Risk of a client (степень риска клиента): points by dated rules, the level, and the reasons that a person can read.

Law: 115-FZ art. 7 (degree of risk); Bank of Russia Regulation 445-P, the operator's rules of internal control [M?].
Promise: the same facts on the same day give the same assessment, whenever it is computed.
"""

from datetime import date
from enum import StrEnum

import msgspec

from kapital.identity.domain.risk_facts import RiskFacts
from kapital.identity.domain.risk_rules import LEVEL_POINTS, RISK_RULES
from kapital.kernel.canonical import canonical_bytes, sha256_hex


class RiskLevel(StrEnum):
    """Degree of risk."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class RiskReason(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that applies."""

    code: str
    points: int
    text_ru: str
    text_en: str


class RiskAssessment(msgspec.Struct, frozen=True, kw_only=True):
    """Points, level and reasons, by the rules of a day."""

    assessed_on: date
    facts: RiskFacts
    points: int
    level: RiskLevel
    reasons: tuple[RiskReason, ...]

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) over the RFC 8785 form."""
        return sha256_hex(canonical_bytes(self))


def assess(facts: RiskFacts, *, on: date) -> RiskAssessment:
    """The risk by the rules in force on `on`. Raises: ParameterNotInForce."""
    reasons = tuple(
        RiskReason(code=rule.code, points=rule.points, text_ru=rule.text_ru, text_en=rule.text_en)
        for rule in RISK_RULES
        if rule.is_in_force(on) and rule.applies(facts, on)
    )
    points = sum(reason.points for reason in reasons)
    medium, high = LEVEL_POINTS.at(on)
    level = RiskLevel.HIGH if points >= high else RiskLevel.MEDIUM if points >= medium else RiskLevel.LOW
    return RiskAssessment(assessed_on=on, facts=facts, points=points, level=level, reasons=reasons)
