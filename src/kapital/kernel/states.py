"""State machines as data: a table of steps that checks itself on import and draws itself for the docs."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from kapital.kernel.problems import Family, Problem, Retry, ensure
from kapital.kernel.roles import Role

S = TypeVar("S", bound=StrEnum)


class WrongState(Problem):
    """The object is in a state in which this cannot happen."""

    code = "wrong_state"
    title = "This is not possible in the present state"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """One row: in `source`, `on` an event or act of `who`, go to `target`.

    `dual_control`: a maker and another person as checker are needed. `guard`: the condition in words,
    shown in the table; the use case that makes the step checks it.
    """

    source: S
    on: str
    target: S
    who: Role
    dual_control: bool = False
    guard: str = ""


class StateMachine(Generic[S]):
    """A closed table of steps over all members of one StrEnum.

    Checked when made, so a wrong edit cannot start the service: no two steps from one state on one event;
    terminal states never leave and all others do; every state can be entered and can end.
    `initial` is the state, or the set of states, in which an object may be born.
    """

    def __init__(self, name: str, steps: Iterable[Step[S]], terminal: Iterable[S], initial: S | Set[S]) -> None:
        self.name = name
        self.steps = tuple(steps)
        self.terminal = frozenset(terminal)
        self.initial = frozenset(initial) if isinstance(initial, Set) else frozenset({initial})
        ensure(bool(self.initial), f"state machine {name}: no initial state")
        self._kind = type(next(iter(self.initial)))
        self.states: tuple[S, ...] = tuple(self._kind)
        self._table = {(step.source, step.on): step for step in self.steps}
        self._check()

    def step(self, state: S, on: str) -> Step[S]:
        """The step that `on` makes from `state`. Raises: WrongState (facts: state, on, allowed)."""
        found = self._table.get((state, on))
        if found is None:
            allowed = ", ".join(self.allowed(state))
            facts = {"state": state.value, "on": on, "allowed": allowed}
            raise WrongState(f"in state {state.value} only this is possible: {allowed or 'nothing'}", facts)
        return found

    def allowed(self, state: S) -> tuple[str, ...]:
        """What can happen in `state`, in the order of the table."""
        return tuple(step.on for step in self.steps if step.source == state)

    def reachable(self, state: S) -> frozenset[S]:
        """`state` itself and every state that can still follow it."""
        seen, frontier = {state}, [state]
        while frontier:
            source = frontier.pop()
            fresh = {step.target for step in self.steps if step.source == source} - seen
            seen |= fresh
            frontier.extend(fresh)
        return frozenset(seen)

    def mermaid(self) -> str:
        """The diagram as Mermaid `stateDiagram-v2` text, in the order of the table."""
        lines = ["stateDiagram-v2"]
        lines += [f"    [*] --> {state.value}" for state in self.states if state in self.initial]
        for step in self.steps:
            lines.append(f"    {step.source.value} --> {step.target.value} : {step.on}")
        lines += [f"    {state.value} --> [*]" for state in self.states if state in self.terminal]
        return "\n".join(lines) + "\n"

    def table(self) -> str:
        """The steps as a Markdown table, in the order in which they were written."""
        lines = ["| From | On | To | Who | Four eyes | Condition |", "| --- | --- | --- | --- | --- | --- |"]
        for step in self.steps:
            four_eyes = "yes" if step.dual_control else ""
            cells = (step.source.value, step.on, step.target.value, step.who.value, four_eyes, step.guard)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        return "\n".join(lines) + "\n"

    def _check(self) -> None:
        def rule(holds: bool, message: str) -> None:
            ensure(holds, f"state machine {self.name}: {message}")

        rule(len(self._table) == len(self.steps), "two steps from one state on one event")
        for step in self.steps:
            # By type, for StrEnum members of two machines are equal when their texts are.
            ours = type(step.source) is self._kind and type(step.target) is self._kind
            rule(ours, f"the step on {step.on} belongs to another machine")
            rule(bool(step.on), "a step without an event")
        leaving = {step.source for step in self.steps}
        rule(self.terminal == set(self.states) - leaving, "terminal states are those that never leave")
        for state in self.states:
            rule(any(state in self.reachable(born) for born in self.initial), f"no way into {state.value}")
            rule(bool(self.reachable(state) & self.terminal), f"{state.value} can never end")
