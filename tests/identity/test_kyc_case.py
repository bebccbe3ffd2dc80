"""The case: the term of an approval, the hash that is decided on, the order of refusals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.identity.domain.dossier import IdentificationMethod, ReviewReason
from kapital.identity.domain.kyc_case import (
    DocumentKind,
    Identification,
    InvestorCategory,
    KycCase,
    KycOutcome,
    ScreeningResult,
)
from kapital.identity.domain.parameters import MonthsByRisk, valid_until_of
from kapital.identity.domain.problems import (
    CaseNotAwaitingIdentification,
    DecisionNamesAnotherIdentification,
    MakerAndCheckerMustDiffer,
    QualifiedStatusNeedsEvidence,
    ScreeningHitCannotBeApproved,
)
from kapital.identity.domain.risk import RiskLevel
from kapital.identity.domain.states import KYC_CASE, CaseState
from kapital.kernel.problems import InvariantBroken, Problem
from kapital.kernel.states import WrongState

CASE_ID = UUID("01931c9e-8f20-7aaa-8def-0123456789ab")
PARTICIPANT_ID = UUID("01931c9e-8f20-7bbb-8def-0123456789ab")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

RECORDED = Identification(
    case_id=CASE_ID,
    participant_id=PARTICIPANT_ID,
    document_kind=DocumentKind.PASSPORT_RF,
    document_sha256="ab" * 32,
    category=InvestorCategory.UNQUALIFIED,
    category_evidence_reference=None,
    screening_list_version="rfm-2026-03-01",
    screening_result=ScreeningResult.CLEAR,
    identified_by="machine:maker",
    identified_at=NOW,
)


def opened() -> KycCase:
    return KycCase(case_id=CASE_ID, participant_id=PARTICIPANT_ID, number=1, opened_at=NOW)


def changed(**changes: object) -> Identification:
    return Identification(**({field: getattr(RECORDED, field) for field in RECORDED.__struct_fields__} | changes))  # type: ignore[arg-type]


def decide(case: KycCase, outcome: KycOutcome = KycOutcome.APPROVED, **changes: str) -> None:
    said = {"identification_sha256": RECORDED.sha256, "basis": "1", "officer_id": "checker"} | changes
    case.decide(outcome, now=NOW, months=MonthsByRisk(low=36, medium=12, high=6), **said)


def test_the_hash_of_an_identification_is_fixed() -> None:
    # Made from plain JSON with the rfc8785 package.
    assert RECORDED.sha256 == "429e66a9d1af4e42bcff5499976973a503315bf706f158d0b6e1d47723d31744"


def test_the_hash_covers_every_field() -> None:
    others = {
        "case_id": PARTICIPANT_ID,
        "participant_id": CASE_ID,
        "document_kind": DocumentKind.PASSPORT_FOREIGN,
        "document_sha256": "cd" * 32,
        "category": InvestorCategory.QUALIFIED,
        "category_evidence_reference": "1",
        "screening_list_version": "other",
        "screening_result": ScreeningResult.HIT,
        "identified_by": "somebody",
        "identified_at": NOW + timedelta(microseconds=1),
        "method": IdentificationMethod.FULL,
        "dossier_sha256": "cd" * 32,
        "risk_level": RiskLevel.LOW,
        "review_reasons": (ReviewReason.HIGH_RISK,),
        "filled_by": "somebody",
    }
    assert set(others) == set(RECORDED.__struct_fields__)

    hashes = {changed(**{field: value}).sha256 for field, value in others.items()}

    assert len(hashes | {RECORDED.sha256}) == len(others) + 1


# Rows stand in the order of the checks, so this tests precedence as well.
@pytest.mark.parametrize(
    ("recorded", "decision", "refused"),
    [
        (None, {}, WrongState),
        (
            {"screening_result": ScreeningResult.HIT},
            {"officer_id": "machine:maker", "identification_sha256": "0" * 64},
            MakerAndCheckerMustDiffer,
        ),
        (
            {"screening_result": ScreeningResult.HIT},
            {"identification_sha256": "0" * 64},
            DecisionNamesAnotherIdentification,
        ),
        ({"screening_result": ScreeningResult.HIT}, {}, ScreeningHitCannotBeApproved),
    ],
)
def test_a_decision_is_refused_for_the_first_rule_it_breaks(
    recorded: dict | None, decision: dict, refused: type[Problem]
) -> None:
    case = opened()
    if recorded is not None:
        identification = changed(**recorded)
        case.record(identification)
        decision = {"identification_sha256": identification.sha256} | decision
    before = replace(case)

    with pytest.raises(refused):
        decide(case, **decision)

    assert case == before


def test_a_hit_may_be_rejected() -> None:
    case = opened()
    hit = changed(screening_result=ScreeningResult.HIT)
    case.record(hit)

    decide(case, KycOutcome.REJECTED, identification_sha256=hit.sha256)

    assert case.state is CaseState.REJECTED
    assert case.valid_until is None


def test_qualified_status_needs_evidence() -> None:
    with pytest.raises(QualifiedStatusNeedsEvidence):
        opened().record(changed(category=InvestorCategory.QUALIFIED))

    opened().record(changed(category=InvestorCategory.QUALIFIED, category_evidence_reference="КИ-1"))


@pytest.mark.parametrize("state", [state for state in CaseState if state is not CaseState.OPENED])
def test_only_an_opened_case_takes_an_identification(state: CaseState) -> None:
    case = opened()
    case.state = state

    with pytest.raises(CaseNotAwaitingIdentification) as refused:
        case.record(RECORDED)

    assert refused.value.facts == {"state": state.value}


def test_an_approval_does_not_expire_before_its_term() -> None:
    case = opened()
    case.record(RECORDED)
    decide(case)
    assert case.valid_until is not None

    with pytest.raises(InvariantBroken):
        case.expire(now=case.valid_until - timedelta(microseconds=1))
    case.expire(now=case.valid_until)

    assert case.state is CaseState.EXPIRED


@pytest.mark.parametrize(
    ("approved_at", "until"),
    [
        ("2026-03-02T09:00:00+00:00", "2027-03-02T09:00:00+00:00"),
        ("2028-02-29T12:00:00+00:00", "2029-02-28T12:00:00+00:00"),
        # 22:00 UTC on 28 February is already the 29th in Moscow.
        ("2028-02-28T22:00:00+00:00", "2029-02-27T22:00:00+00:00"),
        ("2026-12-31T21:30:00+00:00", "2027-12-31T21:30:00+00:00"),
    ],
)
def test_an_approval_holds_a_year_by_the_moscow_calendar(approved_at: str, until: str) -> None:
    assert valid_until_of(datetime.fromisoformat(approved_at), months=12) == datetime.fromisoformat(until)


@given(st.integers(0, 75 * 365 * 86_400))
def test_an_approval_never_holds_longer_than_a_year_and_never_much_shorter(second: int) -> None:
    approved_at = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=second)

    held = valid_until_of(approved_at, months=12) - approved_at

    assert timedelta(days=364) <= held <= timedelta(days=366)


def test_the_diagram_names_every_state() -> None:
    assert all(state.value in KYC_CASE.mermaid() for state in CaseState)


@pytest.mark.parametrize(
    ("months", "approved_at", "until"),
    [
        (6, "2026-08-31T09:00:00+00:00", "2027-02-28T09:00:00+00:00"),
        (1, "2026-12-31T09:00:00+00:00", "2027-01-31T09:00:00+00:00"),
        (36, "2026-03-02T09:00:00+00:00", "2029-03-02T09:00:00+00:00"),
    ],
)
def test_a_term_is_so_many_months(months: int, approved_at: str, until: str) -> None:
    assert valid_until_of(datetime.fromisoformat(approved_at), months=months) == datetime.fromisoformat(until)


@pytest.mark.parametrize(("level", "months"), [(RiskLevel.LOW, 36), (RiskLevel.MEDIUM, 12), (RiskLevel.HIGH, 6)])
def test_the_term_follows_the_risk(level: RiskLevel, months: int) -> None:
    case, identification = opened(), changed(risk_level=level)
    case.record(identification)

    decide(case, identification_sha256=identification.sha256)

    assert case.valid_until == valid_until_of(NOW, months=months)


def test_a_public_official_is_approved_by_three_persons() -> None:
    case, identification = opened(), changed(review_reasons=(ReviewReason.PUBLIC_OFFICIAL,), filled_by="filler")
    case.record(identification)

    for maker in ("machine:maker", "filler"):
        with pytest.raises(MakerAndCheckerMustDiffer):
            decide(case, identification_sha256=identification.sha256, officer_id=maker)
    decide(case, identification_sha256=identification.sha256, officer_id="officer")
    assert (case.state, case.decided_by, case.valid_until) == (CaseState.AWAITING_SENIOR, None, None)
    with pytest.raises(MakerAndCheckerMustDiffer):
        decide(case, identification_sha256=identification.sha256, officer_id="officer")
    decide(case, identification_sha256=identification.sha256, officer_id="senior")

    assert (case.state, case.endorsed_by, case.decided_by) == (CaseState.APPROVED, "officer", "senior")
    assert case.valid_until is not None
