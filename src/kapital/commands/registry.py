"""`kapital registry`: extracts of the register of users."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from cyclopts import App

from kapital.commands.console import Force, Json, end, in_house, silence_logs, tell
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.registry.domain.parameters import FINAL_AFTER
from kapital.registry.use_cases.sign_register_extract import SignRegisterExtract, header_of

if TYPE_CHECKING:
    from kapital.app import Kapital

app = App(name="registry", help="The register of users.")


@app.command
def extract(*, out: Path, at: datetime | None = None, force: Force = False, as_json: Json = False) -> None:
    """Write the register of users as it stood at a past instant, signed by the operator's key.

    `kapital verify FILE` checks the file offline. It holds personal data.

    Parameters
    ----------
    out
        File to write.
    at
        The instant, with its offset (2026-04-01T00:00:00+03:00); without it ten minutes ago: the latest.
    """
    silence_logs()
    if at is not None and at.tzinfo is None:
        end("--at: an instant has an offset, for example 2026-04-01T00:00:00+03:00")
    if out.exists() and not force:
        end(f"{out}: there is such a file (--force replaces it)")

    async def work(kapital: "Kapital") -> dict[str, Any]:
        legal = Actor(id="machine:console", participant_id=None, roles=frozenset({Role.LEGAL}))
        instant = kapital.clock.now() - FINAL_AFTER if at is None else at.astimezone(UTC)
        cmd = SignRegisterExtract(command_id=CommandId(str(uuid4())), actor=legal, at=instant)
        signed = await kapital.registry.use_cases.sign_register_extract(cmd)
        with out.open("wb" if force else "xb") as file:
            file.write(header_of(signed))
            async for line in kapital.registry.use_cases.extract_lines(actor=legal, at=instant):
                file.write(line)
        return {
            "file": str(out),
            "at": signed.at.isoformat(),
            "lines": signed.lines,
            "content_sha256": signed.content_sha256,
            "key": signed.key,
        }

    tell(in_house(work), as_json=as_json)
