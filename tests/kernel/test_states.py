"""State machines: the table decides, checks itself, and draws what it is."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import Role
from kapital.kernel.states import StateMachine, Step, WrongState


class Tea(StrEnum):
    COLD = "cold"
    BREWING = "brewing"
    READY = "ready"
    DRUNK = "drunk"
    SPILT = "spilt"


class Coffee(StrEnum):
    COLD = "cold"


BREW = Step(Tea.COLD, "brew", Tea.BREWING, Role.ISSUER)
STEPS = (
    BREW,
    Step(Tea.BREWING, "wait", Tea.READY, Role.SCHEDULER),
    Step(Tea.READY, "reheat", Tea.BREWING, Role.ISSUER, dual_control=True, guard="a cup | a pot"),
    Step(Tea.READY, "drink", Tea.DRUNK, Role.INVESTOR),
    Step(Tea.BREWING, "spill", Tea.SPILT, Role.ADMIN),
)
TERMINAL = {Tea.DRUNK, Tea.SPILT}


def tea(steps=STEPS, terminal=frozenset(TERMINAL), initial=Tea.COLD):
    return StateMachine("tea", steps, terminal, initial)


class TestStep:
    @given(st.sampled_from(Tea), st.sampled_from(["brew", "wait", "reheat", "drink", "spill", "sing", ""]))
    def test_is_the_row_of_the_table_or_a_refusal_that_says_what_is_possible(self, state, on):
        machine = tea()
        rows = [step for step in STEPS if (step.source, step.on) == (state, on)]

        if rows:
            assert [machine.step(state, on)] == rows
        else:
            with pytest.raises(WrongState) as refusal:
                machine.step(state, on)
            allowed = ", ".join(step.on for step in STEPS if step.source == state)
            assert refusal.value.facts == {"state": state.value, "on": on, "allowed": allowed}
            assert (allowed or "nothing") in refusal.value.detail

    def test_of_a_table_never_changes(self):
        with pytest.raises(AttributeError):
            BREW.target = Tea.DRUNK

    def test_allowed_stands_in_the_order_of_the_table(self):
        assert tea().allowed(Tea.READY) == ("reheat", "drink")
        assert tea().allowed(Tea.DRUNK) == ()


class TestReachable:
    @given(st.lists(st.sampled_from([step.on for step in STEPS]), max_size=12))
    def test_holds_every_state_that_any_walk_meets(self, walk):
        machine, state = tea(), Tea.COLD
        for on in walk:
            if on in machine.allowed(state):
                reachable = machine.reachable(state)
                state = machine.step(state, on).target
                assert state in reachable

    @pytest.mark.parametrize(
        ("state", "reachable"),
        [
            (Tea.COLD, set(Tea)),
            (Tea.BREWING, set(Tea) - {Tea.COLD}),
            (Tea.DRUNK, {Tea.DRUNK}),
        ],
    )
    def test_is_exact_and_includes_the_state_itself(self, state, reachable):
        assert tea().reachable(state) == reachable


class TestTableCheck:
    @pytest.mark.parametrize(
        ("fault", "why"),
        [
            ({"steps": (*STEPS, Step(Tea.COLD, "brew", Tea.SPILT, Role.ADMIN))}, "two steps"),
            ({"steps": (*STEPS, Step(Tea.DRUNK, "refill", Tea.COLD, Role.ADMIN))}, "never leave"),
            ({"terminal": {Tea.DRUNK}}, "never leave"),
            ({"terminal": {*TERMINAL, Tea.READY}}, "never leave"),
            ({"steps": STEPS[1:]}, "never leave"),
            ({"initial": Tea.BREWING}, "no way into cold"),
            ({"initial": frozenset()}, "no initial"),
            ({"steps": (*STEPS, Step(Tea.COLD, "", Tea.SPILT, Role.ADMIN))}, "without an event"),
            ({"steps": (Step(Coffee.COLD, "brew", Tea.BREWING, Role.ISSUER), *STEPS[1:])}, "another machine"),
            ({"steps": (*STEPS, Step(Tea.BREWING, "cool", Coffee.COLD, Role.ISSUER))}, "another machine"),
        ],
    )
    def test_stops_a_wrong_table(self, fault, why):
        with pytest.raises(InvariantBroken, match=why):
            tea(**fault)

    def test_stops_a_circle_nobody_can_leave(self):
        circle = (BREW, Step(Tea.BREWING, "cool", Tea.COLD, Role.ISSUER))
        walled = (*circle, Step(Tea.READY, "drink", Tea.DRUNK, Role.INVESTOR))

        with pytest.raises(InvariantBroken, match="can never end"):
            tea(walled, {Tea.DRUNK, Tea.SPILT}, frozenset({Tea.COLD, Tea.READY, Tea.SPILT}))

    def test_takes_several_initial_states(self):
        machine = tea(initial={Tea.COLD, Tea.BREWING})

        assert machine.initial == {Tea.COLD, Tea.BREWING}


class TestDrawing:
    def test_the_diagram_shows_every_birth_step_and_end(self):
        assert tea().mermaid() == (
            "stateDiagram-v2\n"
            "    [*] --> cold\n"
            "    cold --> brewing : brew\n"
            "    brewing --> ready : wait\n"
            "    ready --> brewing : reheat\n"
            "    ready --> drunk : drink\n"
            "    brewing --> spilt : spill\n"
            "    drunk --> [*]\n"
            "    spilt --> [*]\n"
        )

    def test_the_table_shows_who_four_eyes_and_condition(self):
        assert tea().table() == (
            "| From | On | To | Who | Four eyes | Condition |\n"
            "| --- | --- | --- | --- | --- | --- |\n"
            "| cold | brew | brewing | issuer |  |  |\n"
            "| brewing | wait | ready | scheduler |  |  |\n"
            "| ready | reheat | brewing | issuer | yes | a cup \\| a pot |\n"
            "| ready | drink | drunk | investor |  |  |\n"
            "| brewing | spill | spilt | admin |  |  |\n"
        )
