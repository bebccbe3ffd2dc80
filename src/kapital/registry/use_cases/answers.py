"""How the registry's answers are told in the contract's words."""

from kapital.contracts import registry as contract
from kapital.kernel.problems import Problem
from kapital.registry.domain.standing import Participant


def item_problem(problem: Problem) -> contract.ItemProblem:
    """The contract's form of a refusal."""
    return contract.ItemProblem(
        code=problem.code,
        title=problem.title,
        detail=problem.detail,
        retry=contract.ProblemRetry(problem.retry.value),
        facts=problem.facts,
    )


def state_answer(participant: Participant) -> contract.ParticipantStateAnswer:
    """The contract's form of a participant's standing."""
    return contract.ParticipantStateAnswer(
        participant_id=participant.participant_id,
        state=contract.ParticipantState(participant.state.value),
        restrictions=[contract.Restriction(ground.value) for ground in sorted(participant.restrictions)],
        version=participant.version,
    )
