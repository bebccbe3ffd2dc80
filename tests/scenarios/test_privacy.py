"""Scenario 63 for the register of users: a client learns nothing of another by reading, search, count or export."""

from typing import Any
from uuid import uuid4

from kapital.kernel.roles import Role
from tests.scenarios.house import House
from tests.tokenization.world import terms

LIST = "/v1/registry/participants"


async def test_scenario_63_a_client_learns_nothing_of_another_client(house: House) -> None:
    await house.people(2, terms())
    me, other = house.investors
    mine, theirs = str(me.actor.participant_id), str(other.actor.participant_id)
    token = await house.token(me)

    async def told(path: str, **query: Any) -> tuple[int, Any]:
        answer = await house.web.get(path, params=query, headers=token)
        body = answer.json()
        # Which request it was is the only difference allowed.
        for of_request in ("instance", "correlation_id"):
            body.pop(of_request, None)
        return answer.status_code, body

    for path in (f"{LIST}/{{}}", f"{LIST}/{{}}/representatives"):
        assert await told(path.format(theirs)) == await told(path.format(uuid4()))
        assert (await told(path.format(theirs)))[0] == 404
    # By search: what is there and what is not give the same answer, and no number of what was found.
    name, inn = other.person.name, other.person.inn
    nothing = (200, {"participants": [], "next_after": None})
    assert await told(LIST, inn=inn) == nothing
    assert await told(LIST, inn=inn, match="exact") == nothing
    assert await told(LIST, name=name) == nothing
    assert await told(LIST, name="такого нет") == nothing
    # By count: the pages of a client end with itself.
    status, page = await told(LIST, limit=1)
    assert (status, [one["participant_id"] for one in page["participants"]]) == (200, [mine])
    assert page["next_after"] is None
    # By export.
    assert (await told("/v1/registry/extract"))[0] == 403
    signed = await house.web.post(
        "/v1/registry/extracts",
        json={"at": (house.clock.now()).isoformat()},
        headers=await house.token(me),
    )
    assert signed.status_code == 403
    for answer in (await told("/v1/registry/extract"), (403, signed.json())):
        assert theirs not in str(answer)
        assert name not in str(answer)
    # Not because nothing is found at all: who may see finds.
    staff = await house.staff_token(Role.LEGAL)
    found = await house.web.get(LIST, params={"name": name.upper()}, headers=staff)
    assert theirs in [one["participant_id"] for one in found.json()["participants"]]
