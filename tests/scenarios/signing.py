"""The sandbox's certification authority beside a house: served over real HTTP, believed by the house, with people."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from kapital.demo.cast import Player
from kapital.kernel.roles import Role
from kapital.platform.clock import SteppedClock
from kapital.sandbox.certification_authority import (
    Authority,
    BelievedAuthority,
    SandboxSigner,
    Subject,
    TimeStampAuthority,
)
from kapital.sandbox.certification_authority.powers import (
    Principal,
    Representative,
    SandboxPoaRegister,
    power_document,
)
from kapital.sandbox.certification_authority.serving import ServedAuthority
from kapital.sandbox.people import PersonKind
from tests.scenarios.house import START, House

BUY = "ORDERS_OF_DFA"
RULES = [
    {
        "kind": "place_orders",
        "signature": "qualified",
        "effective_from": "2020-01-01",
        "basis": "test",
        "powers": [BUY],
    },
    {"kind": "withdraw_orders", "signature": "qualified", "effective_from": "2020-01-01", "basis": "test"},
    {"kind": "withdraw_money", "signature": "qualified", "effective_from": "2020-01-01", "basis": "test"},
]
ORDERS = "/v1/tokenization/orders"


@dataclass
class Signing:
    """A house whose orders and withdrawals are signed, and all who sign in it."""

    house: House
    issuing: Authority
    served: ServedAuthority
    stamps: TimeStampAuthority
    powers: SandboxPoaRegister
    signers: dict[str, SandboxSigner] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def open(cls, server: str, folder: Path, **changes: Any) -> AsyncIterator["Signing"]:
        clock = SteppedClock(START)
        powers = SandboxPoaRegister(clock)
        async with BelievedAuthority.open(clock, folder / "trust") as believed:
            settings: dict[str, Any] = {
                "acts_signed": "simple",
                "act_rules": RULES,
                **believed.settings(),
                "signature_timeout_s": 20,
                "time_stamp_url": believed.served.time_stamp_url,
                "revocation_keep_s": 60,
            } | changes
            async with House.open(server, folder, clock=clock, powers=powers, **settings) as house:
                yield cls(house, believed.issuing, believed.served, believed.stamps, powers)

    # --- people

    def numbers_of(self, player: Player) -> dict[str, str]:
        """The participant's own numbers."""
        entity = player.person.kind is PersonKind.LEGAL_ENTITY
        return {"inn_legal_entity" if entity else "inn": player.person.inn}

    def signer(self, numbers: dict[str, str], **changes: Any) -> SandboxSigner:
        """A person with a certificate."""
        return SandboxSigner.for_subject(
            self.issuing, Subject("Подписант", numbers), clock=self.house.clock, **changes
        )

    async def bind(self, player: Player, signer: SandboxSigner, **more: Any) -> dict[str, Any]:
        """A member of the staff binds a certificate; the answer's item."""
        owner = [{"kind": kind, "value": digits} for kind, digits in self.numbers_of(player).items()]
        item = {
            "participant_id": str(player.actor.participant_id),
            "certificate": b64(signer.certificate()),
            "owner": owner,
            **more,
        }
        answer = await self.house.web.post(
            "/v1/identity/certificates",
            json={"certificates": [item]},
            headers=await self.house.staff_token(Role.ONBOARDING),
        )
        assert answer.status_code == 200, answer.text
        await self.house.kapital.bus.drain()
        [result] = answer.json()["results"]
        return dict(result)

    async def bound(self, player: Player, **changes: Any) -> SandboxSigner:
        """A participant with a certificate of its own, bound."""
        signer = self.signer(self.numbers_of(player), **changes)
        answer = await self.bind(player, signer)
        assert answer["problem"] is None, answer
        return signer

    # --- acts

    async def prepare(self, headers: dict[str, str], **command: Any) -> dict[str, Any]:
        """The act of a command that will be sent with these headers."""
        body = {"idempotency_key": headers["Idempotency-Key"], **command}
        answer = await self.house.web.post("/v1/tokenization/acts", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def order(
        self,
        player: Player,
        signer: SandboxSigner,
        issue_id: UUID,
        units: int,
        *,
        headers: dict[str, str] | None = None,
        signed_units: int | None = None,
    ) -> httpx.Response:
        """Prepare, sign and send one order."""
        headers = headers or await self.house.token(player)
        act = await self.prepare(headers, orders=[{"issue_id": str(issue_id), "units": signed_units or units}])
        signature = signer.sign_now(b64decode(act["act"]))
        body = {
            "orders": [{"issue_id": str(issue_id), "units": units}],
            "act": {"made_at": act["made_at"], "signature": b64(signature)},
        }
        return await self.house.web.post(ORDERS, json=body, headers=headers)

    def power(self, player: Player, codes: list[str], *, numbers: dict[str, str]) -> dict[str, Any]:
        """A registered power of attorney of a legal entity for the person with these numbers, as a body shows it."""
        number = uuid4()
        document = power_document(
            number,
            principal=Principal(name=player.person.name, inn=player.person.inn, ogrn="1209800000001"),
            representative=Representative(
                surname="Петров", given_name="Пётр", inn=numbers["inn"], snils=numbers["snils"]
            ),
            period=(START.date(), START.date() + timedelta(days=300)),
            powers=[(code, code) for code in codes],
        )
        self.powers.register(number)
        director = self.signer({"inn_legal_entity": player.person.inn, "ogrn": "1209800000001"})
        return {"document": b64(document), "signature": b64(director.sign_now(document)), "number": number}


def b64(content: bytes) -> str:
    """Base64 text."""
    return b64encode(content).decode()
