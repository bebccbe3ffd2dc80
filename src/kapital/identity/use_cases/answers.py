"""How a refused item of a batch is told in the contract's words."""

from collections.abc import Sequence

from kapital.contracts import identity as contract
from kapital.identity.domain.certificate import Certificate
from kapital.identity.domain.freeze import Freeze, FreezeBasis, ProposedRelease
from kapital.identity.domain.freeze_entry import AskedEntry
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


def certificate_binding(one: Certificate) -> contract.CertificateBinding:
    """The contract's form of a binding."""
    return contract.CertificateBinding(
        certificate_id=one.certificate_id,
        participant_id=one.participant_id,
        certificate_sha256=one.certificate_sha256,
        by_power_of_attorney=one.power_sha256 is not None,
        state=contract.CertificateState(one.state.value),
        bound_at=one.bound_at,
        valid_until=one.valid_until,
        changed_at=one.changed_at,
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


def freeze_answer(freeze: Freeze, entries: Sequence[AskedEntry]) -> contract.Freeze:
    """The contract's form of a freeze. Shape: `entries` may be those of other freezes too."""
    reach = freeze.reach
    return contract.Freeze(
        freeze_id=freeze.freeze_id,
        freeze_sha256=freeze.sha256,
        participant_id=freeze.participant_id,
        scope=contract.FreezeScope(reach.scope.value),
        wallet_id=reach.wallet_id,
        asset_id=reach.asset_id,
        direction=contract.FreezeDirection(reach.direction.value),
        basis=_basis(freeze.basis),
        hit_id=freeze.hit_id,
        source=None if freeze.source is None else contract.ListSource(freeze.source),
        list_number=freeze.list_number,
        state=contract.FreezeState(freeze.state.value),
        reason=freeze.reason,
        made_by=freeze.made_by,
        made_at=freeze.made_at,
        decided_by=freeze.decided_by,
        decided_at=freeze.decided_at,
        release=None if freeze.release is None else _release(freeze.release),
        entries=[
            contract.FreezeEntry(wallet_id=one.wallet_id, step=one.step, entry_seq=one.entry_seq, refusal=one.refusal)
            for one in entries
            if one.freeze_id == freeze.freeze_id
        ],
    )


def _release(release: ProposedRelease) -> contract.FreezeRelease:
    remaining = release.remaining
    return contract.FreezeRelease(
        kind=contract.FreezeReleaseKind(release.kind.value),
        scope=None if remaining is None else contract.FreezeScope(remaining.scope.value),
        asset_id=None if remaining is None else remaining.asset_id,
        direction=None if remaining is None else contract.FreezeDirection(remaining.direction.value),
        amount_kopecks=release.amount_kopecks,
        basis=_basis(release.basis),
        proposed_by=release.proposed_by,
        proposed_at=release.proposed_at,
        reason=release.reason,
    )


def _basis(basis: FreezeBasis) -> contract.FreezeBasis:
    return contract.FreezeBasis(reference=basis.reference, document_sha256=basis.document_sha256)
