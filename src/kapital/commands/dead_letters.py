"""`kapital dead-letters`: events that a service could not use."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from kapital.commands.console import Json, Reason, in_house, person, print_json, silence_logs

if TYPE_CHECKING:
    from kapital.app import Kapital

app = App(name="dead-letters", help="Events that a service could not use. KAPITAL_ACCESS_TOKEN says who acts.")
Service = Annotated[str, Parameter(help="Name of the service, as `dead-letters list` shows it.")]
LetterNumber = Annotated[int, Parameter(help="Number of the letter there.")]


@app.command(name="list")
def list_dead_letters(*, as_json: Json = False) -> None:
    """Show the open dead letters of every service, oldest first; the event itself stays in the database."""
    from kapital.platform.dead_letters import DeadLetters

    silence_logs()

    async def work(kapital: "Kapital") -> list[dict[str, Any]]:
        return [
            {
                "service": service,
                "id": letter.id,
                "state": letter.state,
                "code": letter.code,
                "type": letter.event.type,
                "subject": letter.event.subject,
                "attempts": letter.attempts,
                "parked_at": letter.parked_at.isoformat(),
                "skip_proposed_by": letter.skip_proposed_by,
            }
            for service in kapital.bus.consumers
            for letter in await DeadLetters(kapital.databases.get(service), kapital.clock).list_all_open()
        ]

    letters = in_house(work)
    if as_json:
        print_json({"dead_letters": letters})
        return
    for letter in letters:
        print("  ".join(str(told) for told in letter.values() if told is not None))
    print(f"{len(letters)} open", file=sys.stderr)


@app.command(name="retry")
def retry_dead_letter(service: Service, number: LetterNumber) -> None:
    """Ask for another try of dead letter NUMBER of SERVICE; a running server makes it, or the next one to start."""
    silence_logs()

    async def work(kapital: "Kapital") -> None:
        actor = await person(kapital)
        await kapital.bus.dead_letters(service).retry(number, actor)

    in_house(work)
    print(f"{service} {number}: to be tried again")


@app.command(name="skip")
def skip_dead_letter(service: Service, number: LetterNumber, *, reason: Reason) -> None:
    """Give dead letter NUMBER of SERVICE up for ever: one person proposes, the same command of another decides."""
    silence_logs()

    async def work(kapital: "Kapital") -> bool:
        actor = await person(kapital)
        return await kapital.bus.dead_letters(service).skip(number, actor, reason)

    done = in_house(work)
    print(f"{service} {number}: " + ("skipped" if done else "skip proposed, another person must do the same"))
