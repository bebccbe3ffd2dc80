"""`kapital screening`: lists of sanctions and public officials come into force."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from kapital.commands.console import Json, end, in_house, silence_logs, tell
from kapital.identity.adapters.lists.files import SOURCES, ListFile, ListFormat
from kapital.identity.domain.screening import ListSource
from kapital.identity.use_cases.load_list import LoadList
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role

if TYPE_CHECKING:
    from kapital.app import Kapital

app = App(name="screening", help="Lists of sanctions and public officials.")


@app.command
def load(
    file: Path,
    *,
    file_format: Annotated[ListFormat, Parameter(name="--format")],
    source: ListSource | None = None,
    as_json: Json = False,
) -> None:
    """Load the file of a list as its next version, and compare all clients with what it brings.

    A list that lost half of its entries is held until another person approves it over HTTP.

    Parameters
    ----------
    file
        The file as its publisher gives it.
    file_format
        How it is written.
    source
        Whose list it is, where a format serves several.
    """
    silence_logs()
    meant = source or SOURCES[file_format][0]
    if meant not in SOURCES[file_format]:
        end(f"{file_format.value} is no format of {meant.value}")

    async def work(kapital: "Kapital") -> dict[str, Any]:
        officer = Actor(id="machine:console", participant_id=None, roles=frozenset({Role.AML_OFFICER}))
        read = ListFile(file, file_format)
        version = await kapital.identity.screening.load_list(LoadList(actor=officer, source=meant, file=read))
        new_hits = await kapital.identity.screening.rescreen_clients(kapital.clock.now())
        return {
            "version_id": str(version.version_id),
            "source": version.source.value,
            "number": version.number,
            "state": version.state.value,
            "file_sha256": version.file_sha256,
            "entries": version.entry_count,
            "entries_before": version.entries_before,
            "deviation_count": version.deviation_count,
            "deviations": [{"where": where, "code": code} for where, code in read.deviations],
            "new_hits": new_hits,
        }

    tell(in_house(work), as_json=as_json)
