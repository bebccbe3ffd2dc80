"""A problem in the place of one item of a batch."""

from collections.abc import Mapping

from kapital.contracts.tokenization import Refusal, RetryAdvice
from kapital.kernel.problems import Problem, Retry, problem_codes


def refusal_of(problem: Problem) -> Refusal:
    """The problem as the contract's item."""
    return Refusal(
        code=problem.code,
        title=problem.title,
        detail=problem.detail,
        retry=RetryAdvice(problem.retry.value),
        facts=problem.facts,
    )


def refusal_of_code(code: str, detail: str, facts: Mapping[str, str | int]) -> Refusal:
    """A kept refusal. A code that is not ours is the ledger's: money or flags may change, so try again then."""
    known = problem_codes().get(code)
    return Refusal(
        code=code,
        title=known.title if known else "The register refused the record",
        detail=detail[:2000],
        retry=RetryAdvice((known.retry if known else Retry.AFTER_CHANGE).value),
        facts=dict(sorted(facts.items())),  # as they come out of the table: a replay is the same to the byte
    )
