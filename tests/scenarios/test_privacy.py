"""Scenario 63: a client learns nothing of another by reading, search, count or export, an issuer nothing of the
holders of another's issue.
"""

from typing import Any
from uuid import uuid4

from kapital.kernel.roles import Role
from tests.scenarios.house import PRICE, House
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


async def test_scenario_63_an_issuer_reads_nothing_of_the_holders_of_another_issue(house: House) -> None:
    decision, other_decision = terms(quantity_min=10, quantity_max=1000), terms("debt-step-rate")
    theirs, mine = await house.people(1, decision, other_decision, kopecks=20 * PRICE)
    issue = await house.published(theirs, decision)
    await house.to(issue.opens_at)
    [holder] = house.investors
    placed = await house.order(holder, issue, 10)
    await house.closed(issue)
    assert await house.units(issue) == [10]
    secrets = (str(holder.actor.participant_id), str(holder.wallet), str(placed.order_id), holder.person.name)
    token = await house.token(mine)

    for path, statuses in (
        (f"/v1/ledger/assets/{issue.id}/register", {403}),
        (f"/v1/tokenization/issues/{issue.id}/order-book", {403, 404}),
        (f"/v1/ledger/wallets/{holder.wallet}/balances", {403, 404}),
        (f"/v1/registry/participants/{holder.actor.participant_id}", {404}),
        ("/v1/registry/extract", {403}),
    ):
        answer = await house.web.get(path, headers=token)
        assert answer.status_code in statuses, (path, answer.text)
        assert [secret for secret in secrets if secret in answer.text and secret not in path] == []
    # What everybody may know of a published issue names nobody.
    public = await house.web.get(f"/v1/tokenization/issues/{issue.id}", headers=token)
    assert public.status_code == 200
    assert [secret for secret in secrets if secret in public.text] == []
    # Its own order book it reads, and who may read the register of holders finds the holder.
    own = await house.web.get(f"/v1/tokenization/issues/{issue.id}/order-book", headers=await house.token(theirs))
    assert own.status_code == 200, own.text
    register = await house.web.get(
        f"/v1/ledger/assets/{issue.id}/register", headers=await house.staff_token(Role.COMPLIANCE)
    )
    assert str(holder.wallet) in register.text
