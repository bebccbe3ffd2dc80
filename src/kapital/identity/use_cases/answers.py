"""How a refused item of a batch is told in the contract's words."""

from kapital.contracts import identity as contract
from kapital.kernel.problems import Problem


def item_problem(problem: Problem) -> contract.ItemProblem:
    """The contract's form of a refusal."""
    return contract.ItemProblem(
        code=problem.code,
        title=problem.title,
        detail=problem.detail,
        retry=contract.ProblemRetry(problem.retry.value),
        facts=problem.facts,
    )
