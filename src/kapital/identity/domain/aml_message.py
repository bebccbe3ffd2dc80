"""The message to Rosfinmonitoring on measures applied (сообщение о принятых мерах), drafted with the measure itself.

Law: 115-FZ art. 7(1)(6) (who freezes tells of it without delay).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from kapital.identity.domain.business_terms import end_of_term
from kapital.identity.domain.problems import (
    AmlMessageMustBePrepared,
    AmlMessageStepNeedsReference,
    DecisionNamesAnotherMessage,
    MakerAndCheckerMustDiffer,
)
from kapital.identity.domain.screening import Particulars
from kapital.identity.domain.screening_hit import ScreeningHit
from kapital.identity.domain.states import AML_MESSAGE, AmlMessageState
from kapital.kernel.calendar import MOSCOW, BusinessCalendar
from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.parameters import Confidence, DatedParameter
from kapital.kernel.problems import ensure

MESSAGE_BUSINESS_DAYS: Final = DatedParameter(
    "aml_message_business_days",
    [
        (
            date(2014, 1, 1),
            None,
            1,
            "115-FZ art. 7(1)(6): Rosfinmonitoring is told of a freeze without delay; the term is to be confirmed",
            Confidence.DOUBTFUL,
        ),
    ],
)
"""Business days after the measure until whose end the message has to be sent."""

FORMAT: Final = "kapital-aml-message/1"
"""Our own structure: no schema of Rosfinmonitoring for this message of this kind of operator was published."""


def due_at_of(applied_at: datetime, calendar: BusinessCalendar) -> datetime:
    """The first instant that is too late for a message on a measure of this instant. See `end_of_term`."""
    days = MESSAGE_BUSINESS_DAYS.at(applied_at.astimezone(MOSCOW).date())
    return end_of_term(applied_at, business_days=days, calendar=calendar)


@dataclass(slots=True, kw_only=True)
class AmlMessage:
    """A message. Shape: `number` counts those on one hit from 1; `content` is the RFC 8785 form, personal data."""

    message_id: UUID
    hit_id: UUID
    number: int
    participant_id: UUID
    format: str
    content: bytes
    state: AmlMessageState
    drafted_at: datetime
    due_at: datetime
    prepared_by: str | None = None
    prepared_at: datetime | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    sent_by: str | None = None
    sent_at: datetime | None = None
    sent_reference: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    answer_reference: str | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the file: every step names it."""
        return sha256_hex(self.content)

    def require_same(self, named: str) -> None:
        """Refuse a step made on other bytes than these. Raises: DecisionNamesAnotherMessage."""
        if named != self.sha256:
            raise DecisionNamesAnotherMessage(facts={"named": named, "recorded": self.sha256})

    def prepare(self, content: bytes, *, officer_id: str, now: datetime) -> None:
        """Take in what an officer completed; the bytes change, and whoever approves has to see the new ones."""
        ensure(self.state is AmlMessageState.DRAFT, "the caller has looked at the state")
        self.content, self.prepared_by, self.prepared_at = content, officer_id, now

    def approve(self, *, officer_id: str, now: datetime) -> None:
        """Approve the bytes as they are. Raises: AmlMessageMustBePrepared, MakerAndCheckerMustDiffer."""
        if self.prepared_by is None:
            raise AmlMessageMustBePrepared
        if self.prepared_by == officer_id:
            raise MakerAndCheckerMustDiffer
        self._step("approved")
        self.approved_by, self.approved_at = officer_id, now

    def send(self, *, reference: str | None, officer_id: str, now: datetime) -> None:
        """Note that a person sent the file, and the receipt. Raises: AmlMessageStepNeedsReference."""
        self.sent_reference = _given(reference, "send")
        self._step("sent")
        self.sent_by, self.sent_at = officer_id, now

    def answer(self, on: str, *, reference: str | None, officer_id: str, now: datetime) -> None:
        """Note the answer, `accepted` or `rejected`. Raises: AmlMessageStepNeedsReference."""
        self.answer_reference = _given(reference, on)
        self._step(on)
        self.answered_by, self.answered_at = officer_id, now

    def _step(self, on: str) -> None:
        self.state = AML_MESSAGE.step(self.state, on).target


def _given(text: str | None, step: str) -> str:
    if text is None or not text.strip():
        raise AmlMessageStepNeedsReference(facts={"step": step})
    return text


def drafted(
    message_id: UUID, hit: ScreeningHit, said: Particulars, *, number: int, calendar: BusinessCalendar, now: datetime
) -> AmlMessage:
    """The draft on a hit that froze somebody. Its clock starts with the measure, not with the draft."""
    return AmlMessage(
        message_id=message_id,
        hit_id=hit.hit_id,
        number=number,
        participant_id=hit.participant_id,
        format=FORMAT,
        content=canonical_bytes(BUILDERS[FORMAT](hit, said, number, None)),
        state=AmlMessageState.DRAFT,
        drafted_at=now,
        due_at=due_at_of(_applied_at(hit), calendar),
    )


def _applied_at(hit: ScreeningHit) -> datetime:
    """When the measure came: with the hit, or with the decision of the officer who confirmed it."""
    return hit.decided_at or hit.raised_at


Builder = Callable[[ScreeningHit, Particulars, int, str | None], Mapping[str, Any]]


def _first_version(hit: ScreeningHit, said: Particulars, number: int, comment: str | None) -> Mapping[str, Any]:
    return {
        "format": FORMAT,
        "kind": "measures_applied",
        "number": number,
        "participant_id": str(hit.participant_id),
        "subject": said,
        "list": {
            "source": hit.source.value,
            "version": hit.list_number,
            "entry": hit.entry_uid,
            "entry_sha256": hit.entry_sha256,
        },
        "match": {"hit_sha256": hit.sha256, "grade": hit.grade.value, "score_ppm": hit.score_ppm},
        "measure": {"kind": "frozen", "applied_at": _applied_at(hit).astimezone(UTC)},
        "comment": comment,
    }


BUILDERS: Final[Mapping[str, Builder]] = {FORMAT: _first_version}
"""How each format is built. A published one becomes another row; messages name theirs."""


def completed(message: AmlMessage, hit: ScreeningHit, said: Particulars, comment: str | None) -> bytes:
    """The bytes of a draft with an officer's comment. Raises: AmlMessageStepNeedsReference."""
    text = _given(comment, "prepare")
    return canonical_bytes(BUILDERS[message.format](hit, said, message.number, text))
