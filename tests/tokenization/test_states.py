"""The lifecycles as tables: what may follow what. Rules about the tables themselves run on import."""

import pytest

from kapital.kernel.states import WrongState
from kapital.tokenization.domain.states import ACTION, FIXING, ISSUE, MACHINES, ORDER, IssueState, OrderState


def test_every_state_of_the_domain_has_its_place() -> None:
    assert {len(machine.states) for machine in MACHINES} == {22, 16, 14, 5}


def test_a_published_decision_can_never_be_edited_again() -> None:
    later = ISSUE.reachable(IssueState.PUBLISHED)
    assert later.isdisjoint({IssueState.DRAFT, IssueState.RETURNED, IssueState.OPERATOR_REVIEW})


def test_nobody_withdraws_an_order_that_was_allocated() -> None:
    for state in (OrderState.ALLOCATED, OrderState.PARTIALLY_ALLOCATED, OrderState.SETTLING, OrderState.SETTLED):
        with pytest.raises(WrongState):
            ORDER.step(state, "withdrawn")


def test_the_tables_print_themselves() -> None:
    for machine in (ISSUE, ORDER, ACTION, FIXING):
        assert machine.table().count("\n") == len(machine.steps) + 2
        assert machine.mermaid().startswith("stateDiagram-v2")
