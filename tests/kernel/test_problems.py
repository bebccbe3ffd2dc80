"""Problems: what a refusal carries, and that a wrong declaration cannot be imported."""

import pickle

import pytest

from kapital.kernel.problems import (
    Family,
    FieldFault,
    InvariantBroken,
    Problem,
    Retry,
    StaleVersion,
    Unavailable,
    ensure,
    problem_codes,
)


class KettleMustBeCold(Problem):
    code = "kettle_must_be_cold"
    title = "The kettle is still hot"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class MeasureInForce(Problem):
    code = "measure_in_force"
    title = "Held"
    retry = Retry.NEVER
    family = Family.FORBIDDEN
    confidential = True


class TestProblem:
    def test_carries_detail_facts_and_field_faults(self):
        fault = FieldFault("/kettle/degrees", "must be below 40")
        problem = KettleMustBeCold("it has 90 degrees", {"degrees": 90}, errors=[fault])

        assert problem.detail == "it has 90 degrees"
        assert problem.facts == {"degrees": 90}
        assert problem.errors == [fault]
        assert problem.confidential is False
        assert str(problem) == "kettle_must_be_cold: it has 90 degrees"

    def test_falls_back_to_its_title_and_no_facts(self):
        problem = KettleMustBeCold()

        assert (problem.detail, problem.facts, problem.errors) == ("The kettle is still hot", {}, [])

    def test_keeps_its_own_copy_of_the_facts(self):
        facts: dict[str, str | int] = {"degrees": 90}
        problem = KettleMustBeCold(facts=facts)

        facts["degrees"] = 10

        assert problem.facts == {"degrees": 90}

    def test_confidential_detail_stays_out_of_its_text(self):
        assert str(MeasureInForce("on list 17")) == "measure_in_force"
        assert str(KettleMustBeCold("on list 17", confidential=True)) == "kettle_must_be_cold"
        assert "on list 17" in str(MeasureInForce("on list 17", confidential=False))

    def test_survives_the_way_between_processes(self):
        problem = pickle.loads(pickle.dumps(KettleMustBeCold("hot", {"degrees": 90})))

        assert (type(problem), problem.detail, problem.facts) == (KettleMustBeCold, "hot", {"degrees": 90})

    def test_the_bare_class_is_never_raised(self):
        with pytest.raises(InvariantBroken):
            Problem("something")


GOOD = {"code": "spoon_must_be_clean", "title": "Dirty", "retry": Retry.NEVER, "family": Family.CONFLICT}


class TestDeclaration:
    @pytest.mark.parametrize(
        "fault",
        [
            {"code": None},
            {"code": "Spoon"},
            {"code": "ab"},
            {"code": "spoon_clean\n"},
            {"code": "x" * 65},
            {"title": None},
            {"title": "  "},
            {"retry": None},
            {"retry": "never"},
            {"family": None},
            {"family": "conflict"},
            {"code": "kettle_must_be_cold"},
        ],
    )
    def test_with_a_fault_cannot_be_imported_and_leaves_no_trace(self, fault):
        before = dict(problem_codes())
        declared = {name: value for name, value in (GOOD | fault).items() if value is not None}

        with pytest.raises(InvariantBroken):
            type("Spoon", (Problem,), declared)

        assert dict(problem_codes()) == before

    def test_of_a_subclass_inherits_retry_and_family_but_never_the_code(self):
        with pytest.raises(InvariantBroken):
            type("Again", (Unavailable,), {"title": "No answer"})
        bank = type("BankSilent", (Unavailable,), {"code": "bank_silent_here", "title": "No answer"})

        assert (bank.retry, bank.family) == (Retry.SAME_REQUEST, Family.UNAVAILABLE)
        assert problem_codes()["bank_silent_here"] is bank

    def test_is_found_by_code_in_a_view_nobody_can_change(self):
        assert problem_codes()["stale_version"] is StaleVersion
        with pytest.raises(TypeError):
            problem_codes()["stale_version"] = Unavailable  # type: ignore[index]

    def test_of_every_common_problem_says_what_a_retry_does(self):
        assert (StaleVersion.retry, StaleVersion.family) == (Retry.AFTER_CHANGE, Family.STALE)


class TestEnsure:
    def test_passes_what_holds(self):
        ensure(True, "never seen")

    def test_stops_on_what_does_not_hold(self):
        with pytest.raises(InvariantBroken, match="sum is off"):
            ensure(False, "sum is off")
