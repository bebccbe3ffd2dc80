"""Use case: an extract of the register of users as of a past instant is signed by the operator's key."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from kapital.contracts import registry as contract
from kapital.custody.api import OPERATOR_KEY_NAME, Custody, KeyProfile
from kapital.kernel.actor import Actor
from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.ids import CommandId
from kapital.platform import access
from kapital.platform.unit_of_work import Transaction, UnitOfWork, fingerprint
from kapital.registry.domain.parameters import FINAL_AFTER
from kapital.registry.domain.problems import ExtractInstantNotFinal
from kapital.registry.ports import ExtractPages
from kapital.verify.register_extract import FORMAT
from kapital.verify.signed_note import Algorithm, vkey

PAGE: Final = 1_000
PURPOSE: Final = "register_extract"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRegisterExtract:
    """`at` is an instant that is final: older than any transaction can last."""

    command_id: CommandId
    actor: Actor
    at: datetime


async def sign_register_extract(
    cmd: SignRegisterExtract, *, uow: UnitOfWork, custody: Custody, operator: str, pages: ExtractPages
) -> contract.SignedExtract:
    """Hash every line of the register at the instant and sign the manifest; the lines are read page by page.

    Law: 259-FZ art. 8 (register of users, given to the Bank of Russia, courts and authorities on request).
    Promise: whoever reads the lines of the same instant later gets the same bytes, while the register goes on.
    Not: a qualified electronic signature; the key is custody's (Ed25519).
    Raises: IdempotencyKeyReused, NotPermitted, ExtractInstantInFuture, ExtractInstantNotFinal, KeyMustBeActive.
    """
    mark = fingerprint(cmd)
    async with uow.begin() as tx:
        if (earlier := await tx.replies.find(cmd.command_id, cmd.actor, mark)) is not None:
            return msgspec.json.decode(earlier, type=contract.SignedExtract)
        # A question about reading: no record changes, and an auditor and a regulator, who change nothing, sign.
        access.require(cmd.actor, "sign_register_extract")
        if tx.now - FINAL_AFTER < cmd.at <= tx.now:
            raise ExtractInstantNotFinal(facts={"final_after_s": int(FINAL_AFTER.total_seconds())})
        digest, count = sha256(), 0
        async for line in lines_of(tx, actor=cmd.actor, at=cmd.at, pages=pages):
            digest.update(line)
            count += 1
        manifest: dict[str, Any] = {
            "at": _instant(cmd.at),
            "content_sha256": digest.hexdigest(),
            "format": FORMAT,
            "lines": count,
            "made_at": _instant(tx.now),
            "operator": operator,
        }
        text = canonical_bytes(manifest)
        # Custody is called while the transaction is open: a signature that is lost with it names nothing false.
        key = await custody.ensure_key(OPERATOR_KEY_NAME, KeyProfile.OPERATOR)
        signer = await custody.signer(OPERATOR_KEY_NAME, purpose=PURPOSE, actor=cmd.actor.id)
        answer = contract.SignedExtract(
            at=cmd.at,
            made_at=tx.now,
            lines=count,
            content_sha256=manifest["content_sha256"],
            manifest=text.decode(),
            key=vkey(key.name, Algorithm.ED25519, key.public_key),
            signature=b64encode(await signer.sign(text)).decode(),
        )
        await tx.audit.append(
            "registry.extract_signed", answer.content_sha256, cmd.actor, basis={"at": cmd.at}, after={"lines": count}
        )
        await tx.replies.keep(cmd.command_id, cmd.actor, mark, msgspec.json.encode(answer))
        return answer


async def lines_of(tx: Transaction, *, actor: Actor, at: datetime, pages: ExtractPages) -> AsyncIterator[bytes]:
    """The lines of the register at an instant as they are hashed: RFC 8785 text and a line break each."""
    after = None
    while True:
        page = await pages(tx.conn, actor=actor, now=tx.now, at=at, after=after, limit=PAGE)
        for line in page.lines:
            yield canonical_bytes(msgspec.to_builtins(line)) + b"\n"
        if (after := page.next_after) is None:
            return


def header_of(signed: contract.SignedExtract) -> bytes:
    """The first line of the file that `kapital verify` reads."""
    manifest = msgspec.json.decode(signed.manifest)
    said = {"format": FORMAT, "key": signed.key, "manifest": manifest, "signature": signed.signature}
    return canonical_bytes(said) + b"\n"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
