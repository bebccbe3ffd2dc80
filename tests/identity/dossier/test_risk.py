"""Risk by dated rules: the level, its reasons, and that a past day gives what it gave."""

from datetime import date, timedelta
from itertools import pairwise

import msgspec
import pytest
from msgspec.structs import replace

from kapital.identity.domain.dossier import owners_of
from kapital.identity.domain.parties import Party
from kapital.identity.domain.questionnaire import SourceOfFunds, TaxResidency
from kapital.identity.domain.risk import RiskAssessment, RiskLevel, assess
from kapital.identity.domain.risk_facts import RiskFacts, facts_of
from kapital.identity.domain.risk_rules import RISK_RULES, RiskRule
from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.parameters import ParameterNotInForce
from tests.identity.dossier.papers import ROOT, TODAY, of_firm, of_person

PERSON, FIRM = of_person(), of_firm()


def facts(questionnaire=None, **changes) -> RiskFacts:
    said = {
        "method": "full" if questionnaire else "attested",
        "is_entity": False,
        "is_pep": False,
        "foreign_document": False,
        "on": TODAY,
    }
    found = owners_of(questionnaire, participant_id=ROOT, on=TODAY)
    return facts_of(questionnaire, found, **(said | changes))


def level(*args, **changes) -> tuple[RiskLevel, list[str]]:
    assessed = assess(facts(*args, **changes), on=TODAY)
    return assessed.level, [reason.code for reason in assessed.reasons]


def with_country(country: str):
    return replace(PERSON, tax_residencies=(TaxResidency(country=country),))


@pytest.mark.parametrize(
    ("args", "changes", "expected"),
    [
        ([PERSON], {}, (RiskLevel.LOW, [])),
        ([FIRM], {"is_entity": True}, (RiskLevel.LOW, [])),
        ([], {}, (RiskLevel.MEDIUM, ["no_questionnaire"])),
        ([], {"foreign_document": True}, (RiskLevel.MEDIUM, ["foreign_country", "no_questionnaire"])),
        ([PERSON], {"is_pep": True}, (RiskLevel.HIGH, ["public_official"])),
        ([replace(PERSON, is_related_to_pep=True)], {}, (RiskLevel.HIGH, ["public_official"])),
        (
            [replace(FIRM, owners=replace(FIRM.owners, nodes=(replace(FIRM.owners.nodes[0], is_pep=True),)))],
            {"is_entity": True},
            (RiskLevel.HIGH, ["public_official"]),
        ),
        ([with_country("KZ")], {}, (RiskLevel.LOW, ["foreign_country"])),
        ([with_country("BZ")], {}, (RiskLevel.MEDIUM, ["offshore_country", "foreign_country"])),
        ([with_country("IR")], {}, (RiskLevel.HIGH, ["high_risk_country", "foreign_country"])),
        ([PERSON], {"method": "simplified"}, (RiskLevel.MEDIUM, ["simplified"])),
        (
            [replace(PERSON, representative=Party(person_id=ROOT, person=PERSON.person))],
            {},
            (RiskLevel.LOW, ["representative"]),
        ),
        (
            [replace(PERSON, acts_for_own_account=False, beneficiary=Party(person_id=ROOT, person=PERSON.person))],
            {},
            (RiskLevel.MEDIUM, ["acts_for_another"]),
        ),
        ([replace(PERSON, sources_of_funds=(SourceOfFunds.OTHER,))], {}, (RiskLevel.LOW, ["other_source_of_funds"])),
        (
            [replace(FIRM, entity=replace(FIRM.entity, registered_on=TODAY - timedelta(days=179)))],
            {"is_entity": True},
            (RiskLevel.MEDIUM, ["young_entity"]),
        ),
        (
            [replace(FIRM, entity=replace(FIRM.entity, registered_on=TODAY - timedelta(days=180)))],
            {"is_entity": True},
            (RiskLevel.LOW, []),
        ),
        ([replace(PERSON, expected_turnover_kopecks=10_000_000_000)], {}, (RiskLevel.LOW, ["large_turnover"])),
    ],
)
def test_the_rules_say(args, changes, expected):
    assert level(*args, **changes) == expected


def test_a_past_day_gives_what_it_gave(monkeypatch):
    before = assess(facts(PERSON), on=TODAY)
    kept = msgspec.json.decode(canonical_bytes(before), type=RiskAssessment)
    later = RiskRule("new", TODAY + timedelta(days=1), None, 99, lambda f, on: True, "Новое", "New", "rules")
    monkeypatch.setattr("kapital.identity.domain.risk.RISK_RULES", (*RISK_RULES, later))

    again = assess(kept.facts, on=kept.assessed_on)
    now = assess(kept.facts, on=TODAY + timedelta(days=1))

    assert again == before
    assert again.sha256 == before.sha256
    assert (now.level, [reason.code for reason in now.reasons]) == (RiskLevel.HIGH, ["new"])


def test_every_rule_can_be_read_and_names_its_basis():
    for rule in RISK_RULES:
        assert rule.points > 0
        assert rule.basis
        assert any("а" <= letter <= "я" for letter in rule.text_ru.lower())
        assert rule.text_en.isascii()
    by_code: dict[str, list[RiskRule]] = {}
    for rule in RISK_RULES:
        by_code.setdefault(rule.code, []).append(rule)
    for rows in by_code.values():
        for earlier, later in pairwise(rows):
            assert earlier.effective_to is not None
            assert earlier.effective_to < later.effective_from


def test_before_the_rules_nothing_is_computed():
    with pytest.raises(ParameterNotInForce):
        assess(facts(PERSON), on=date(2020, 1, 1))


def test_facts_name_nobody():
    told = canonical_bytes(facts(FIRM, is_entity=True)).decode()

    for secret in (FIRM.entity.full_name, FIRM.entity.inn, FIRM.entity.head.family_name):
        assert secret not in told
