"""Issues with their decisions and documents, and what the operator proposes about them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.tokenization.domain.decision import Decision, DecisionSignature, Review
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.issue_proposal import ExchangeConsent, IssueProposal


class Documents(Protocol):
    """Keeps documents under the SHA-256 of their bytes (platform.objects)."""

    async def put(self, content: bytes) -> str:
        """Keep the bytes and return their SHA-256 (hex); keeping them twice is keeping them once."""
        ...

    async def get(self, key: str) -> bytes:
        """The document. Raises: ObjectNotFound."""
        ...


class DecisionPrinter(Protocol):
    """Sets the text of a decision as a document that is kept and signed for years."""

    async def pdf(self, text: str, *, title: str, decision_sha256: str, made_at: datetime) -> bytes:
        """The same text as a PDF. Raises: DecisionMustBePrintable."""
        ...


class Issues(Protocol):
    """Issues, versions of decisions, reviews, signatures."""

    async def add(self, conn: AsyncConnection, issue: Issue) -> bool:
        """Insert a new issue; False if its code (or id) is taken."""
        ...

    async def save(self, conn: AsyncConnection, issues: Sequence[Issue]) -> None:
        """Write the next version of each. Raises: StaleVersion."""
        ...

    async def code_is_taken(self, conn: AsyncConnection, code: str, but_by: UUID) -> bool:
        """Whether another issue has the code."""
        ...

    async def read(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Issue]:
        """Those issues that exist, by id."""
        ...

    async def lock(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Issue]:
        """As `read`, rows locked in order of id until the transaction ends. Locked before any order of theirs."""
        ...

    async def page(
        self,
        conn: AsyncConnection,
        *,
        state: str | None,
        after: UUID | None,
        limit: int,
        reader_participant_id: UUID | None,
        all_issues: bool,
    ) -> list[Issue]:
        """Issues by id above `after`: all, or those that are published or the reader's own."""
        ...

    async def due_to_open(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Published issues whose placement has begun."""
        ...

    async def due_to_fill(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Issues in a continuous placement whose orders are to be filled, and that no held order keeps."""
        ...

    async def due_to_close(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Issues whose placement is over."""
        ...

    async def due_to_redeem(self, conn: AsyncConnection, now: datetime, limit: int) -> list[Issue]:
        """Issues whose redemption window has begun: circulating, or in technical default and not under its lock."""
        ...

    async def add_decision(self, conn: AsyncConnection, decision: Decision) -> None:
        """Keep a version of a decision for ever."""
        ...

    async def decisions(self, conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Decision]:
        """The present version of each issue's decision."""
        ...

    async def add_review(self, conn: AsyncConnection, review: Review) -> None:
        """Note a review."""
        ...

    async def reviews(self, conn: AsyncConnection, issue_id: UUID) -> list[Review]:
        """Every review of every version, oldest first."""
        ...

    async def add_signatures(self, conn: AsyncConnection, signatures: Sequence[DecisionSignature]) -> None:
        """Keep the signatures of a version."""
        ...

    async def signatures(self, conn: AsyncConnection, issue_id: UUID) -> list[DecisionSignature]:
        """The signatures of the present version: issuer, operator."""
        ...


class Proposals(Protocol):
    """Proposals of the operator on issues, and consents of holders to an exchange."""

    async def add(self, conn: AsyncConnection, proposal: IssueProposal) -> None:
        """Keep a new proposal."""
        ...

    async def save(self, conn: AsyncConnection, proposal: IssueProposal) -> None:
        """Write the next version. Raises: StaleVersion."""
        ...

    async def lock(self, conn: AsyncConnection, proposal_id: UUID) -> IssueProposal | None:
        """The proposal, locked. The issue is locked after it."""
        ...

    async def read(self, conn: AsyncConnection, proposal_id: UUID) -> IssueProposal | None:
        """The proposal as it stands."""
        ...

    async def page(
        self, conn: AsyncConnection, *, issue_id: UUID | None, after: UUID | None, limit: int, of_orders: bool
    ) -> list[IssueProposal]:
        """Proposals by id above `after`, of one issue if it is given; those about single orders only if asked for."""
        ...

    async def to_perform(self, conn: AsyncConnection, limit: int) -> list[IssueProposal]:
        """Approved write-offs whose records are not all extinguished yet."""
        ...

    async def add_consent(self, conn: AsyncConnection, consent: ExchangeConsent) -> bool:
        """Keep a consent; False if the wallet, or the command, has one."""
        ...

    async def open_consent(
        self, conn: AsyncConnection, proposal_id: UUID, wallet_id: UUID, *, actor_id: str, command_id: str
    ) -> ExchangeConsent | None:
        """The consent that this command made, else the one of the wallet that waits for its entry."""
        ...

    async def lock_consent(self, conn: AsyncConnection, consent_id: UUID) -> ExchangeConsent | None:
        """The consent, locked."""
        ...

    async def save_consent(self, conn: AsyncConnection, consent: ExchangeConsent) -> None:
        """Write the next version. Raises: StaleVersion."""
        ...

    async def drop_consent(self, conn: AsyncConnection, consent_id: UUID) -> None:
        """Forget a consent that the register refused."""
        ...

    async def consents_due(self, conn: AsyncConnection, before: datetime, limit: int) -> Sequence[ExchangeConsent]:
        """Consents without their entry, older than `before`."""
        ...

    async def exchanged(self, conn: AsyncConnection, proposal_id: UUID) -> int:
        """Units of the old issue that were exchanged."""
        ...
