"""Questions about reading: nothing is recorded, a refusal is logged and counted."""

from typing import Final, NamedTuple
from uuid import UUID

from kapital.kernel.actor import Actor, NotPermitted
from kapital.kernel.problems import Problem, ensure
from kapital.platform.access.policies import Policies, Verdict, load_policies
from kapital.platform.access.questions import SERVICE, Question, Resource, kind_of, question
from kapital.platform.context import note_asked
from kapital.platform.logging import get_logger
from kapital.platform.telemetry import REFUSALS

ANONYMOUS: Final = Actor(id="machine:anonymous", participant_id=None, roles=frozenset())
"""Who asks without a token."""

NEUTRAL: Final = "you have no right to do this"

_log = get_logger("access")


class _Current:
    policies: Policies | None = None


def current_policies() -> Policies:
    """The policies of this process; those that came with the program until `use_policies` was called."""
    if _Current.policies is None:
        _Current.policies = load_policies()
    return _Current.policies


def use_policies(policies: Policies) -> None:
    """Let these decide from now on. Called once, before anything is served."""
    _Current.policies = policies


class Scope(NamedTuple):
    """Whose rows an actor may see: `everything`, else those of `participant_id`."""

    everything: bool
    participant_id: UUID | None

    @property
    def only(self) -> UUID | None:
        """For SQL: the participant to filter by, None for no filter. Never None unless everything is seen."""
        ensure(self.everything or self.participant_id is not None, "a scope is everything or somebody's")
        return None if self.everything else self.participant_id

    def covers(self, owner: UUID | None) -> bool:
        """Whether a row of this owner is seen."""
        return self.everything or (owner is not None and owner == self.participant_id)


def ask(actor: Actor, action: str, resources: list[Resource]) -> list[tuple[Question, Verdict]]:
    """The questions and the verdicts on them. The context of the work notes that the policies were asked."""
    policies = current_policies()
    questions = [question(actor, action, resource) for resource in resources]
    note_asked(action)
    return list(zip(questions, policies.decide(questions), strict=True))


def allows(actor: Actor, action: str, resource: Resource = SERVICE) -> bool:
    """Whether the policies allow it; for parts of an answer that is itself permitted."""
    _require_group(action, "read", "public")
    return ask(actor, action, [resource])[0][1].allowed


def require(actor: Actor, action: str, resource: Resource = SERVICE, *, hidden: type[Problem] | None = None) -> None:
    """Return if the actor may read it.

    `hidden` is what would be said if the object did not exist: it is raised when a client could be allowed, were the
    object its own, so that nobody learns of others' objects. Of an object that does not exist ask with its bare kind.
    Raises: NotPermitted, `hidden`.
    """
    _require_group(action, "read", "public")
    [(asked, verdict)] = ask(actor, action, [resource])
    if not verdict.allowed:
        raise refused(actor, action, resource, asked, hidden=hidden)


def scope(actor: Actor, action: str, kind: str) -> Scope:
    """Whose rows of this kind the actor may see: lists, counts and exports filter by it in SQL.

    Asked are two rows: one of which nothing is known, and one of the actor's own. Raises: NotPermitted.
    """
    _require_group(action, "read")
    probes = [Resource(kind)]
    if actor.participant_id is not None:
        probes.append(Resource(kind, owner=actor.participant_id))
    answers = ask(actor, action, probes)
    if answers[0][1].allowed:
        return Scope(True, actor.participant_id)
    if answers[-1][1].allowed:
        return Scope(False, actor.participant_id)
    raise refused(actor, action, probes[-1], answers[-1][0])


def refused(
    actor: Actor,
    action: str,
    resource: Resource,
    asked: Question,
    *,
    hidden: type[Problem] | None = None,
    own: Resource | None = None,
) -> Problem:
    """The problem of a refusal. What is missing is told to staff; clients get a neutral text."""
    policies = current_policies()
    REFUSALS.labels(action).inc()
    _log.warning("access.refused", name=action, actor_id=actor.id, code=NotPermitted.code)
    if own is None and actor.participant_id is not None:
        own = Resource(resource.kind, owner=actor.participant_id)
    if hidden is not None and own is not None and policies.decide([question(actor, action, own)])[0].allowed:
        return hidden()
    if kind_of(actor) == "client":
        return NotPermitted(NEUTRAL)
    [verdict] = policies.decide([asked])
    if needs := [
        policies.annotations[name]["needs"] for name in verdict.policies if "needs" in policies.annotations[name]
    ]:
        return NotPermitted("; ".join(needs), {"policies": ", ".join(verdict.policies)})
    if roles := policies.roles_that_would_do(asked):
        required = ", ".join(roles)
        return NotPermitted(f"needs one of the roles: {required}", {"required": required})
    return NotPermitted("no role alone would do: the object or the kind of actor is another one")


def _require_group(action: str, *groups: str) -> None:
    group = current_policies().group(action)
    ensure(group in groups, f"{action} is in the group {group}: a change is asked through its transaction")
