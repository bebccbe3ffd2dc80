"""A whole story, and what it leaves behind for those who read the contracts against it."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from kapital.app import MIGRATIONS, Kapital, http_app
from kapital.custody.api import KeyProfile
from kapital.demo.cast import ONBOARDING
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.platform.events import CloudEvent, source_of
from kapital.platform.http import HttpApp
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.adapters.representatives import RepresentativeTable
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.domain.participant import Application, ParticipantKind, ParticipantRole
from kapital.registry.domain.representative import Representative, RepresentativeKind, RepresentativeSaid
from kapital.registry.ports import KeptPower, NewRepresentative
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.registry.use_cases.register_participants import RegisterParticipants
from kapital.registry.use_cases.register_staff import RegisterStaff
from kapital.sandbox.people import PersonKind, synthetic_people

TERMS = ("fixed-rate-window.yaml", "discount-one-month.yaml", "debt-step-rate.yaml")
INVESTORS = 9
ADMIN = Actor(id="machine:console", participant_id=None, roles=frozenset({Role.ADMIN}))
STAND_ALONE = {"admin": Role.ADMIN, "auditor": Role.AUDITOR}
DESK = (
    Role.ONBOARDING,
    Role.AML_OFFICER,
    Role.COMPLIANCE,
    Role.ISSUE_MANAGER,
    Role.SETTLEMENT,
    Role.CUSTODY_OFFICER,
    Role.LEGAL,
    Role.RISK,
    Role.SECURITY,
)
_OUTBOX = text(
    """
    SELECT event_id, type, aggregate_id, aggregate_version, occurred_at, correlation_id, causation_id, data
    FROM outbox ORDER BY id
    """
)


@dataclass
class Story:
    """What a played story left behind; `known` are ids of things that exist, by the name of a path parameter."""

    folder: Path
    told: list[CloudEvent] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    packages: dict[str, bytes] = field(default_factory=dict)
    app: HttpApp | None = None


async def remember(kapital: Kapital, story: Story) -> None:
    story.app = http_app(kapital)
    for service in MIGRATIONS:
        story.told += await _outbox(kapital, service)
    opened = [event for event in story.told if event.type == "kapital.registry.wallet_opened.v1"]
    investor = next(event.data for event in opened if event.data["profile"] != "issuer" and _trades(story, event))
    issuer = next(event.data for event in opened if event.data["profile"] == "issuer")
    published = next(event.data for event in story.told if event.type.endswith("decision_published.v1"))
    settled = next(event.data for event in story.told if event.type.endswith("allocation_settled.v1"))
    withdrawn = next(event.data for event in story.told if event.type.endswith("withdrawal_changed.v1"))
    # Not the key of the log: without it nothing could be written any more.
    key = next(event.data for event in story.told if event.data.get("profile") == KeyProfile.ISSUER)
    story.known = {
        "participant_id": investor["participant_id"],
        "wallet_id": investor["wallet_id"],
        "issue_id": published["issue_id"],
        "asset_id": published["issue_id"],
        "sha256": published["decision_sha256"],
        "order_id": settled["lines"][0]["order_id"],
        "withdrawal_id": withdrawn["withdrawal_id"],
        "key_id": key["key_id"],
        "seq": "5",
        "level": "0",
        "number": "0",
        "service": "registry",
        "code": "not_permitted",
    }
    story.packages = {
        "entry": await kapital.ledger.entry_evidence(5),
        "statement": await kapital.ledger.statement_evidence(UUID(investor["wallet_id"])),
    }
    story.tokens = {
        "desk": await staff_token(kapital, *DESK),
        **{name: await staff_token(kapital, role) for name, role in STAND_ALONE.items()},
        **{role.value: await staff_token(kapital, role) for role in (*DESK, Role.REGULATOR)},
        "investor": await token_of(kapital, investor["participant_id"], Role.INVESTOR),
        "issuer": await token_of(kapital, issuer["participant_id"], Role.ISSUER, Role.ISSUER_SIGNATORY),
        "issuer_signatory": await token_of(kapital, issuer["participant_id"], Role.ISSUER_SIGNATORY),
        "nominee": await token_of(kapital, await _firm(kapital, ParticipantRole.NOMINEE), Role.NOMINEE),
        "broker": await token_of(kapital, await _firm(kapital, ParticipantRole.BROKER), Role.BROKER),
        "representative": await token_of(
            kapital,
            await _representative(kapital, UUID(investor["participant_id"])),
            Role.REPRESENTATIVE,
            kind=TokenSubjectKind.REPRESENTATIVE,
        ),
    }


async def _firm(kapital: Kapital, role: ParticipantRole) -> str:
    seed = 4_712 + list(ParticipantRole).index(role)
    [firm] = synthetic_people(seed, 1, kinds=(PersonKind.LEGAL_ENTITY,))
    application = Application(
        kind=ParticipantKind.LEGAL_ENTITY,
        name=firm.name,
        inn=firm.inn,
        roles=frozenset({role}),
        rule_book_version=kapital.settings.rule_book_version,
    )
    command = RegisterParticipants(
        command_id=CommandId(f"test-{new_uuid7()}"), actor=ONBOARDING, participants=(application,)
    )
    [result] = (await kapital.registry.use_cases.register_participants(command)).results
    assert result.participant_id is not None, result.problem
    return str(result.participant_id)


async def _representative(kapital: Kapital, participant_id: UUID) -> str:
    """One by power of attorney with no power that a policy asks for, as the register holds it."""
    one = Representative(
        representative_id=new_uuid7(),
        participant_id=participant_id,
        kind=RepresentativeKind.POWER_OF_ATTORNEY,
        powers=frozenset({"0"}),
        valid_from=kapital.clock.now(),
        valid_until=None,
    )
    [person] = synthetic_people(4_713, 1)
    said = RepresentativeSaid(kind=one.kind, name=person.name, inn=person.inn, basis_reference="МЧД 1")
    power = KeptPower(number="1", sha256="0" * 64, signature_sha256="0" * 64)
    new = NewRepresentative(representative=one, said=said, power=power, appointed_by=ONBOARDING.id)
    async with UnitOfWork(kapital.databases.get("registry"), kapital.clock).begin() as tx:
        assert await RepresentativeTable().add(tx.conn, new)
        await RepresentativeTable().note_identified(tx.conn, {one.representative_id: tx.now})
    return str(one.representative_id)


def _trades(story: Story, opened: CloudEvent) -> bool:
    """Whether the wallet has withdrawn money, so that there is something to read of it."""
    return any(
        event.data["wallet_id"] == opened.data["wallet_id"]
        for event in story.told
        if event.type.endswith("withdrawal_changed.v1")
    )


async def _outbox(kapital: Kapital, service: str) -> list[CloudEvent]:
    async with kapital.databases.get(service).connect() as conn:
        if not (await conn.execute(text("SELECT to_regclass('outbox') IS NOT NULL"))).scalar_one():
            return []
        rows: list[Any] = list(await conn.execute(_OUTBOX))
    return [
        CloudEvent(
            id=row.event_id,
            source=source_of(service),
            type=row.type,
            subject=row.aggregate_id,
            time=row.occurred_at,
            data=row.data,
            correlationid=row.correlation_id,
            causationid=row.causation_id,
            aggregateversion=row.aggregate_version,
        )
        for row in rows
    ]


async def staff_token(kapital: Kapital, *roles: Role) -> str:
    staff_id = new_uuid7()
    command = RegisterStaff(
        command_id=CommandId(f"test-{new_uuid7()}"), actor=ADMIN, staff_id=staff_id, roles=frozenset(roles)
    )
    await kapital.registry.use_cases.register_staff(command)
    return await token_of(kapital, str(staff_id), *roles, kind=TokenSubjectKind.STAFF)


async def token_of(
    kapital: Kapital, subject: str, *roles: Role, kind: TokenSubjectKind = TokenSubjectKind.PARTICIPANT
) -> str:
    issued = await kapital.registry.use_cases.issue_access_token(
        IssueAccessToken(
            command_id=CommandId(f"test-{new_uuid7()}"),
            actor=ADMIN,
            subject_kind=kind,
            subject_id=UUID(subject),
            roles=frozenset(roles),
            expires_at=kapital.clock.now() + timedelta(hours=8),
        )
    )
    return str(issued.token)
