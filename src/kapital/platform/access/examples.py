"""Examples of what the policies are to answer: tables that a person reads, in `policies/examples/*.csv`.

A line is `action,resource,allowed`: who of everybody (see SUBJECTS) may do the action to the resource; all others may
not. So a line is as many examples as there are subjects.
- `resource`: `-` when nothing is known of it, else attributes joined by spaces: `owner=self` (of the one who asks),
  `owner=other`, `published`, `not published`, `drafted_by=self`, `agents=self` (the one who asks, and nobody else).
- `allowed`: `everybody`, `nobody`, or subjects joined by `; `.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from kapital.kernel.actor import Actor
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import MACHINE_ROLES, Role
from kapital.platform.access.policies import Policies, PoliciesUnusable, policies_folder
from kapital.platform.access.questions import ActorRef, Attribute, Question, Resource, question
from kapital.platform.access.reading import ANONYMOUS

COLUMNS: Final = ("action", "resource", "allowed")
LINES_MAX: Final = 10_000
CLIENT_ROLES: Final = (
    Role.INVESTOR,
    Role.ISSUER,
    Role.NOMINEE,
    Role.BROKER,
    Role.ISSUER_SIGNATORY,
    Role.REPRESENTATIVE,
)
_SELF: Final = UUID("00000000-0000-4000-8000-000000000001")
_OTHER: Final = UUID("00000000-0000-4000-8000-000000000002")


def _subjects() -> dict[str, Actor]:
    named = {"anonymous": ANONYMOUS, "staff": Actor(str(_SELF), None, frozenset())}
    for role in Role:
        if role in CLIENT_ROLES:
            named[role.value] = Actor(str(_SELF), _SELF, frozenset({role}))
        elif role in MACHINE_ROLES:
            named[role.value] = Actor(f"machine:{role}", None, frozenset({role}))
        else:
            named[role.value] = Actor(str(_SELF), None, frozenset({role}))
    return named


SUBJECTS: Final = _subjects()
"""Who asks: each role by itself (a participant's, a member of staff's, a machine's), one of the staff without a
role (`staff`), and whoever sends no token (`anonymous`)."""


class Example(NamedTuple):
    """One line of a table."""

    where: str
    action: str
    resource: str
    allowed: frozenset[str]


class Wrong(NamedTuple):
    """An answer that is not as written."""

    where: str
    action: str
    resource: str
    who: str
    allowed: bool
    """What the policies say."""


def examples_of(policies_dir: Path | None, folder: Path | None = None) -> list[Example]:
    """All lines of all tables. Raises: PoliciesUnusable, with file and line."""
    place = folder or (policies_dir or policies_folder()) / "examples"
    paths = sorted(place.glob("*.csv")) if place.is_dir() else []
    if not paths:
        raise PoliciesUnusable(f"{place} holds no table of examples")
    found: list[Example] = []
    for path in paths:
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                lines = csv.reader(stream, strict=True)
                if tuple(next(lines, [])) != COLUMNS:
                    raise PoliciesUnusable(f"{path}: the first line is {','.join(COLUMNS)}")
                found += [_example(f"{path.name}:{lines.line_num}", line) for line in lines if line]
        except (UnicodeDecodeError, csv.Error) as error:
            raise PoliciesUnusable(f"{path}: {error}") from error
        if len(found) > LINES_MAX:
            raise PoliciesUnusable(f"{path}: more than {LINES_MAX} lines")
    return found


def _example(where: str, line: Sequence[str]) -> Example:
    if len(line) != len(COLUMNS):
        raise PoliciesUnusable(f"{where}: a line is {','.join(COLUMNS)}")
    action, resource, allowed = (cell.strip() for cell in line)
    names = frozenset(name.strip() for name in allowed.split(";"))
    if allowed == "everybody":
        names = frozenset(SUBJECTS)
    elif allowed == "nobody":
        names = frozenset()
    if unknown := names - SUBJECTS.keys():
        raise PoliciesUnusable(f"{where}: nobody is called {', '.join(sorted(unknown))}")
    return Example(where, action, resource, names)


def try_examples(policies: Policies, examples: Iterable[Example]) -> list[Wrong]:
    """The answers that are not as written. Raises: PoliciesUnusable for an action or attribute without schema."""
    wrong = []
    for one in examples:
        if one.action not in policies.actions:
            raise PoliciesUnusable(f"{one.where}: the schema has no action {one.action}")
        questions = [_question(policies, one, actor) for actor in SUBJECTS.values()]
        try:
            verdicts = policies.decide(questions)
        except InvariantBroken as error:
            raise PoliciesUnusable(f"{one.where}: {error}") from error
        wrong += [
            Wrong(one.where, one.action, one.resource, who, verdict.allowed)
            for who, verdict in zip(SUBJECTS, verdicts, strict=True)
            if verdict.allowed != (who in one.allowed)
        ]
    return wrong


def _question(policies: Policies, one: Example, actor: Actor) -> Question:
    attributes: dict[str, Attribute] = {}
    for word in one.resource.replace("not ", "not_").split():
        name, given, value = word.partition("=")
        if word == "-":
            continue
        if not given:
            attributes[name.removeprefix("not_")] = not name.startswith("not_")
            continue
        if value not in {"self", "other"}:
            raise PoliciesUnusable(f"{one.where}: {word} is neither {name}=self nor {name}=other")
        if name == "agents":
            attributes[name] = frozenset({_SELF if value == "self" else _OTHER})
        elif name.endswith("_by") or name == "subject":
            attributes[name] = ActorRef(actor.id if value == "self" else str(_OTHER))
        else:
            # Staff have no participant: an object of theirs is nobody's that the policies know.
            attributes[name] = _SELF if value == "self" else _OTHER
    return question(actor, one.action, Resource(policies.resource_kinds[one.action], **attributes))
