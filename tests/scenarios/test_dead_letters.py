"""An operator at the console: an event that a service cannot use is seen, tried again, and given up by two only."""

import json

import pytest

from kapital.demo.cast import bring_on_stage
from kapital.kernel.problems import Family, Problem, Retry
from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction
from kapital.tokenization.domain.terms import load_terms
from tests.scenarios.house import House, Told
from tests.tokenization.world import terms

TYPE = "kapital.identity.kyc_decided.v1"


class MustNotBe(Problem):
    """A refusal that a consumer of this test makes."""

    code = "must_not_be"
    title = "Refused by the test"
    retry = Retry.NEVER
    family = Family.CONFLICT


async def refuse(_: Transaction, __: list[CloudEvent]) -> None:
    raise MustNotBe


async def test_dead_letters_are_listed_retried_and_skipped_by_two_persons(
    damaged_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = damaged_house
    # By the command too: tokens of the house end by its own clock, and the console has the clock of the world.
    bearer = [(await house.cli("token", "settlement")).out.strip() for _ in range(2)]
    house.kapital.bus.subscribe("settlement", [TYPE], refuse)
    await bring_on_stage(house.kapital, 1, [load_terms(terms())])
    await house.kapital.bus.drain()
    letters = house.kapital.bus.dead_letters("settlement")

    async def by(token: str, *arguments: str) -> Told:
        monkeypatch.setenv("KAPITAL_ACCESS_TOKEN", token)
        return await house.cli("dead-letters", *arguments)

    told = await by("", "list", "--json")
    shown = json.loads(told.out)["dead_letters"]
    assert {(one["service"], one["type"], one["code"]) for one in shown} == {("settlement", TYPE, "must_not_be")}
    number = str(shown[0]["id"])

    refused = await by("", "retry", "settlement", number)
    assert (refused.code, refused.err.split(":")[0]) == (2, "access_token_required")
    assert (await by(bearer[0], "retry", "settlement", number)).code == 0
    assert (await letters.list_open())[0].state == "retry"
    await house.kapital.bus.drain()
    again = (await letters.list_open())[0]
    assert (again.state, again.attempts) == ("failed", shown[0]["attempts"] + 1)

    proposed = await by(bearer[0], "skip", "settlement", number, "--reason", "made by a test")
    assert (proposed.code, "another person" in proposed.out) == (0, True)
    alone = await by(bearer[0], "skip", "settlement", number, "--reason", "made by a test")
    assert (alone.code, alone.err.split(":")[0]) == (2, "skip_needs_two_actors")
    assert again.id in {one.id for one in await letters.list_open()}
    decided = await by(bearer[1], "skip", "settlement", number, "--reason", "so it is")
    assert (decided.code, decided.out) == (0, f"settlement {number}: skipped\n")
    assert again.id not in {one.id for one in await letters.list_open()}
    acts = await house.rows("settlement", "SELECT actor_id FROM audit_event WHERE action LIKE 'bus.%' ORDER BY id")
    assert len(acts) == 3
    assert acts[1]["actor_id"] != acts[2]["actor_id"]
