"""The act: the command in canonical form, bound to who acts, the idempotency key, an instant and the text shown.

A client may build the same bytes itself: `to_sign` is RFC 8785 of the envelope of `signatures.act`, whose `act` is

    {"actor_id", "command", "idempotency_key", "made_at", "participant_id", "text_version"}

with amounts and quantities as decimal strings. `contracts/README.md` has the recipe with an example.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from kapital.kernel.actor import Actor
from kapital.kernel.canonical import sha256_hex
from kapital.kernel.problems import InvariantBroken
from kapital.platform.signatures.act import act_to_sign

LANGUAGE = "ru"


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What a service says of a command: its kind, its fields in canonical form, the text shown and its version.

    Promise: the same command gives the same wording for ever; another wording is another `text_version`.
    """

    kind: str
    command: dict[str, Any]
    text: str
    text_version: str


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """An act that somebody signs. Shape: `made_at` is aware, in UTC, chosen when the act is prepared."""

    wording: Wording
    participant_id: UUID
    actor_id: str
    idempotency_key: str
    made_at: datetime

    def to_sign(self) -> bytes:
        """The bytes under the signature. Raises: ValueNotCanonical."""
        return act_to_sign(
            self.wording.kind,
            {
                "actor_id": self.actor_id,
                "command": self.wording.command,
                "idempotency_key": self.idempotency_key,
                "made_at": self.made_at,
                "participant_id": self.participant_id,
                "text_version": self.wording.text_version,
            },
            shown_text=self.wording.text,
            language=LANGUAGE,
        )

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the bytes under the signature."""
        return sha256_hex(self.to_sign())


def made_at_of(content: bytes) -> datetime:
    """When the act under a signature was prepared. Shape: `content` is what `Act.to_sign` gave."""
    return msgspec.convert(msgspec.json.decode(content)["act"]["made_at"], datetime)


class SignedAct(msgspec.Struct, frozen=True, kw_only=True):
    """What a command carries for its act: when it was prepared, and a detached CAdES signature in DER."""

    made_at: datetime
    signature: bytes


def act_of(wording: Wording, *, actor: Actor, idempotency_key: str, made_at: datetime) -> Act:
    """The act of a participant's command."""
    if actor.participant_id is None:
        raise InvariantBroken("an act is a participant's")
    return Act(
        wording=wording,
        participant_id=actor.participant_id,
        actor_id=actor.id,
        idempotency_key=idempotency_key,
        made_at=made_at,
    )
