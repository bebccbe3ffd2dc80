"""`kapital policy`: try the access policies on examples, and on decisions that were made."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from kapital.commands.console import Json, in_house, print_json, read_settings, run, silence_logs
from kapital.platform.access import Policies, load_policies
from kapital.platform.access.examples import SUBJECTS, Example, Wrong, examples_of, try_examples
from kapital.platform.access.replay import Replayed, replay

if TYPE_CHECKING:
    from kapital.app import Kapital

app = App(name="policy", help="Access policies: who may do what.")
Folder = Annotated[
    Path | None, Parameter(help="Folder with policies and schema; without it those that this installation uses.")
]


@app.command(name="test")
def try_policies(
    *,
    policies: Folder = None,
    examples: Annotated[
        Path | None, Parameter(help="Folder with the tables of examples; without it `examples` beside the policies.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask the policies every question of the tables of examples; name each whose answer is another one.

    Exit status: 0 all answers are as written, 1 some are not, 2 the policies or the tables cannot be used.
    """
    silence_logs()

    async def work() -> tuple[Policies, list[Example], list[Wrong]]:
        folder = policies or read_settings().policies_dir
        tried, written = load_policies(folder), examples_of(folder, examples)
        return tried, written, try_examples(tried, written)

    tried, written, wrong = run(work())
    count = len(written) * len(SUBJECTS)
    if as_json:
        told = [one._asdict() for one in wrong]
        print_json({"policies_sha256": tried.version, "examples": count, "wrong": told})
    else:
        for one in wrong:
            answer = "allowed" if one.allowed else "denied"
            print(f"{one.where}: {one.action} of {one.resource} by {one.who}: {answer}, which is not as written")
        print(f"{count} examples, {len(wrong)} wrong; policies {tried.version[:16]}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


@app.command(name="replay")
def replay_decisions(*, policies: Folder = None, as_json: Json = False) -> None:
    """Decide all recorded decisions on changes again; name those that these policies would turn.

    Exit status: 0 none would turn, 1 some would, 2 the policies cannot be used.
    """
    silence_logs()

    async def work(kapital: "Kapital") -> tuple[Policies, list[tuple[str, Replayed]]]:
        from kapital.app import MIGRATIONS

        tried = load_policies(policies or kapital.settings.policies_dir)
        answers = [
            (service, one) for service in MIGRATIONS for one in await replay(kapital.databases.get(service), tried)
        ]
        return tried, answers

    tried, found = in_house(work)
    turned = [(service, one) for service, one in found if one.turns]
    told: dict[str, Any] = {
        "policies_sha256": tried.version,
        "decisions": sum(one.times for _, one in found),
        "turned": [{"service": service, **one.told()} for service, one in turned],
    }
    if as_json:
        print_json(told)
    else:
        for service, one in turned:
            print(f"{service}  {one.line()}")
        count = sum(one.times for _, one in turned)
        print(f"{told['decisions']} decisions, {count} would turn; policies {tried.version[:16]}", file=sys.stderr)
    sys.exit(1 if turned else 0)
