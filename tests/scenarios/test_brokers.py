"""A broker from its role to the units of its clients, over HTTP and with signatures: told whole."""

from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest_asyncio

from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.platform.acts.files import read_signed_act
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.sandbox.certification_authority import SandboxSigner
from tests.scenarios.house import ADMINISTRATOR, PRICE, House, Issue, key
from tests.scenarios.signing import ORDERS, RULES, Signing, b64
from tests.scenarios.test_order_entry import told

_SIGNED = {"signature": "qualified", "effective_from": "2020-01-01", "basis": "test"}
ACT_RULES = [*RULES, *({"kind": kind, **_SIGNED} for kind in ("give_mandate", "accept_mandate"))]


@pytest_asyncio.fixture
async def signing(server: str, tmp_path: Path) -> AsyncIterator[Signing]:
    async with Signing.open(server, tmp_path, act_rules=ACT_RULES) as made:
        yield made
        await made.house.must_be_sound()


async def asked(house: House, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
    answer = await house.web.post(path, json=body, headers=headers | {"Idempotency-Key": key()})
    assert answer.is_success, answer.text
    return dict(answer.json())


async def token_of(house: House, participant_id: str, *roles: Role) -> dict[str, str]:
    issued = await house.kapital.registry.use_cases.issue_access_token(
        IssueAccessToken(
            command_id=key(),
            actor=ADMINISTRATOR,
            subject_kind=TokenSubjectKind.PARTICIPANT,
            subject_id=UUID(participant_id),
            roles=frozenset(roles),
            expires_at=house.clock.now() + timedelta(hours=8),
        )
    )
    return {"Authorization": f"Bearer {issued.token}"}


async def signed(
    house: House, acts: str, path: str, command: dict[str, Any], body: Any, headers: dict[str, str], by: SandboxSigner
) -> httpx.Response:
    """Prepare the act of a command, sign it and send the command with it."""
    keyed = headers | {"Idempotency-Key": key()}
    prepared = await house.web.post(
        acts, json={"idempotency_key": keyed["Idempotency-Key"], **command}, headers=headers
    )
    assert prepared.status_code == 200, prepared.text
    act = prepared.json()
    signature = b64(by.sign_now(b64decode(act["act"])))
    return await house.web.post(
        path, json=body | {"act": {"made_at": act["made_at"], "signature": signature}}, headers=keyed
    )


async def made_a_broker(house: House, participant_id: str) -> None:
    """ONBOARDING proposes the role, COMPLIANCE decides."""
    said = {
        "status": "broker",
        "basis_reference": "Лицензия профессионального участника 045-7",
    }
    proposed = await asked(
        house,
        f"/v1/registry/participants/{participant_id}/statuses",
        said,
        await house.staff_token(Role.ONBOARDING),
    )
    seen = {"decision": "accept", "status_sha256": proposed["status_sha256"]}
    path = f"/v1/registry/statuses/{proposed['status_id']}/decision"
    await asked(house, path, seen, await house.staff_token(Role.COMPLIANCE))
    await house.kapital.bus.drain()


async def orders_for(
    house: House, issue: Issue, headers: dict[str, str], signer: SandboxSigner, *lines: tuple[str, int]
) -> httpx.Response:
    orders = [{"issue_id": str(issue.id), "units": units, "for_participant_id": whose} for whose, units in lines]
    body = {"orders": orders}
    return await signed(house, "/v1/tokenization/acts", ORDERS, body, body, headers, signer)


async def test_a_broker_orders_for_its_clients_until_one_of_them_ends_it(signing: Signing) -> None:
    house = signing.house
    issue = await house.opened(3, units_each=10, quantity_min=1, quantity_max=100)
    first = house.investors[0]
    ids = [str(player.actor.participant_id) for player in house.investors]
    signers = [await signing.bound(player) for player in house.investors]
    await made_a_broker(house, ids[2])
    broker = await token_of(house, ids[2], Role.BROKER)
    clients = [await token_of(house, who, Role.INVESTOR) for who in ids[:2]]

    # Each client gives a mandate by its signature; the broker accepts it, by the hash of its text, by its own.
    mandates = []
    for who, headers, signer in zip(ids, clients, signers, strict=False):
        said = {
            "broker_id": ids[2],
            "powers": ["place_orders", "withdraw_orders"],
            "order_limit_kopecks": 6 * PRICE,
            "day_limit_kopecks": 9 * PRICE,
            "valid_until": (issue.closes_at + timedelta(days=30)).isoformat(),
        }
        path = f"/v1/registry/participants/{who}/mandates"
        acts = "/v1/registry/mandate-acts"
        given = await signed(house, acts, path, {"mandate": said}, {"mandate": said}, headers, signer)
        assert given.status_code == 201, given.text
        mandate = given.json()
        early = await orders_for(house, issue, broker, signers[2], (who, 1))
        assert told(early) == ["mandate_must_be_in_force"], "a mandate that was only given lets nothing"
        seen = {"text_sha256": mandate["text_sha256"]}
        command = {"acceptance": seen | {"mandate_id": mandate["mandate_id"]}}
        path = f"/v1/registry/mandates/{mandate['mandate_id']}/acceptance"
        taken = await signed(house, acts, path, command, seen, broker, signers[2])
        assert (taken.status_code, taken.json()["state"]) == (200, "in_force"), taken.text
        mandates.append(mandate["mandate_id"])
    await house.kapital.bus.drain()

    # One signature covers orders of several principals; the limits of one order and of a day hold.
    answer = await orders_for(
        house, issue, broker, signers[2], (ids[0], 5), (ids[1], 3), (ids[0], 7), (ids[0], 5), (ids[1], 4)
    )
    assert told(answer) == ["accepted", "accepted", "order_exceeds_mandate", "order_exceeds_mandate_day", "accepted"]
    assert [await house.money(player, Position.RESERVED) for player in house.investors] == [5 * PRICE, 7 * PRICE, 0]
    file = await house.rows("tokenization", "SELECT file_sha256 FROM signed_act WHERE state = 'valid' LIMIT 1")
    text = read_signed_act(await house.kapital.objects.get(file[0]["file_sha256"])).shown_text
    assert "Клиент, для которого подана заявка" in text

    # Each side sees its own list.
    own = (await house.web.get(ORDERS, headers=clients[0])).json()["items"]
    assert {row["placed_by_participant_id"] for row in own} == {ids[2]}
    path = "/v1/tokenization/placed-orders"
    of_second = (await house.web.get(path, headers=broker, params={"for_participant_id": ids[1]})).json()["items"]
    assert [(row["for_participant_id"], row["units"]) for row in of_second if row["state"] == "accepted"] == [
        (ids[1], 3),
        (ids[1], 4),
    ]

    # The first ends its mandate before the close: what was accepted by it buys nothing, what it orders itself does.
    await asked(house, f"/v1/registry/mandates/{mandates[0]}/end", None, clients[0])
    await house.kapital.bus.drain()
    late = await orders_for(house, issue, broker, signers[2], (ids[0], 1), (ids[1], 1))
    assert told(late) == ["mandate_must_be_in_force", "accepted"]
    alone = await signing.order(first, signers[0], issue.id, 2)
    assert told(alone) == ["accepted"]

    await house.closed(issue)

    assert await house.units(issue) == [2, 8, 0]
    assert [await house.money(player) for player in house.investors] == [8 * PRICE, 2 * PRICE, 10 * PRICE]
    later = await token_of(house, ids[2], Role.BROKER)
    page = (await house.web.get(f"/v1/registry/participants/{ids[2]}/mandates", headers=later)).json()
    assert [one["state"] for one in page["mandates"]] == ["ended", "in_force"]
