"""How a refused item of a batch is told in the contract's words."""

from kapital.contracts import identity as contract
from kapital.identity.domain.screening_list import ListVersion
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


def list_version(version: ListVersion) -> contract.ListVersion:
    """The contract's form of a list version."""
    return contract.ListVersion(
        version_id=version.version_id,
        source=contract.ListSource(version.source.value),
        number=version.number,
        format=version.format,
        file_sha256=version.file_sha256,
        file_bytes=version.file_bytes,
        list_date=version.list_date,
        entry_count=version.entry_count,
        entries_before=version.entries_before,
        changed_count=version.changed_count,
        deviation_count=version.deviation_count,
        state=contract.ListVersionState(version.state.value),
        loaded_by=version.loaded_by,
        loaded_at=version.loaded_at,
        decided_by=version.decided_by,
        decided_at=version.decided_at,
        rescreened_at=version.rescreened_at,
    )
