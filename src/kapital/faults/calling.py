"""Who asks the house and the bank as a client does: again under the same key, until there is an answer."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import msgspec

from kapital.faults.finding import Broken
from kapital.faults.world import World
from kapital.platform.ids import new_uuid7
from kapital.sandbox.bank.faults import read_script
from kapital.settlement.domain.payout_account import PayoutAccount

PATIENCE_S: Final = 300.0
WAIT_S: Final = 0.5
"""What a script lets take longer takes so long here."""
TOO_MANY: Final = 3
_AGAIN_S: Final = 0.1
_UNCERTAIN: Final = frozenset({502, 503, 504})
_KEY: Final = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Command:
    """What was asked, and what was answered."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    status: int
    answer: bytes


@dataclass(slots=True)
class Caller:
    """One case's callers. What the house answered is kept, to be asked for once more at the end."""

    world: World
    web: httpx.AsyncClient
    commands: list[Command] = field(default_factory=list)

    async def command(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        """A command of the house, sent until it is answered. Raises: Broken when it never is, or by a fault."""
        headers = {**headers, _KEY: str(new_uuid7())}
        answer = await self._until_answered(self.world.house.url + path, body, headers)
        self.commands.append(Command(path, body, headers, answer.status_code, answer.content))
        return answer

    async def repeat(self) -> None:
        """Send every command again: it is answered as before. Raises: Broken."""
        for one in self.commands:
            again = await self._until_answered(self.world.house.url + one.path, one.body, one.headers)
            if (again.status_code, again.content) != (one.status, one.answer):
                raise Broken("answered_differently", f"{one.path}: {one.status}, then {again.status_code}")

    async def reconcile(self, headers: dict[str, str]) -> None:
        """Ask the house to compare the bank with the register."""
        await self._until_answered(self.world.house.url + "/v1/settlement/reconciliations", None, headers)

    async def pay_in(self, kopecks: int, purpose: str) -> None:
        """Somebody pays in at the bank."""
        await self._of_bank("/sandbox/credits", {"amount_kopecks": kopecks, "purpose": purpose})

    async def put_in(self, account: PayoutAccount, kopecks: int) -> None:
        """A client of the bank puts money on its own account."""
        named = {"bic": account.bic, "account": account.account}
        await self._of_bank("/sandbox/clients", {"account": named, "amount_kopecks": kopecks})
        self.world.put_in[account.bic, account.account] += kopecks

    async def pay_by_code(self, qr_id: str) -> None:
        """Somebody pays by a QR code of the SBP; by one that the bank's clock holds for expired nobody can."""
        answer = await self._ask_bank("/sandbox/sbp-payments", {"qr_id": qr_id})
        if not answer.is_success and answer.json()["facts"].get("state") != "expired":
            raise Broken("bank_refused", f"code {qr_id}: {answer.status_code} {answer.text[:300]}")

    async def play(self, script: dict[str, Any]) -> None:
        """Put a fault script in force at the bank."""
        await self._of_bank("/sandbox/faults", script)

    async def _of_bank(self, path: str, body: dict[str, Any]) -> None:
        answer = await self._ask_bank(path, body)
        if not answer.is_success:
            raise Broken("bank_refused", f"{path}: {answer.status_code} {answer.text[:300]}")

    async def _ask_bank(self, path: str, body: dict[str, Any]) -> httpx.Response:
        token = self.world.bank.token_file.read_text().strip()
        headers = {"Authorization": f"Bearer {token}", _KEY: str(new_uuid7())}
        return await self._until_answered(self.world.bank.url + path, body, headers)

    async def _until_answered(self, url: str, body: dict[str, Any] | None, headers: dict[str, str]) -> httpx.Response:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        answer = await self.web.post(url, json=body, headers=headers)
                    except httpx.TransportError:
                        answer = None
                    if answer is not None and answer.status_code not in _UNCERTAIN:
                        break
                    await asyncio.sleep(_AGAIN_S)
        except TimeoutError:
            raise Broken("never_answered", url) from None
        if answer.status_code >= 500:
            raise Broken("answered_by_a_fault", f"{url}: {answer.status_code} {answer.text[:300]}")
        return answer


def quickened(data: bytes) -> dict[str, Any]:
    """A fault script as it is played here: what takes time takes little, and the bank's patience is short."""
    told: dict[str, Any] = msgspec.to_builtins(read_script(data))
    for step in told["steps"]:
        if step["do"] != "clock_skew":
            step["seconds"] = min(step.get("seconds", 0), WAIT_S)
        if step["do"] == "too_many_requests":
            step["times"] = min(step.get("times", 1), TOO_MANY)
    return told
