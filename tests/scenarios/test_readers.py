"""Scenario 62: auditor, Bank of Russia and administrator try every write; each is refused, the refusal kept."""

from uuid import uuid4

from kapital.app import MIGRATIONS
from kapital.kernel.roles import Role
from kapital.platform.access.examples import examples_of
from tests.contracts.documents import SAFE
from tests.contracts.test_access_over_http import GUARDED, NO_ID, example_of
from tests.contracts.test_who_may_do_what import ANSWERS_ONLY
from tests.scenarios.house import House

READERS = (Role.AUDITOR, Role.REGULATOR, Role.ADMIN)
ADMINISTRATION = {
    "register_staff", "end_staff", "propose_staff_change", "decide_staff_change", "issue_access_token",
    "revoke_access_token",
}  # fmt: skip
"""What an administrator is there for; the other readers may not do it either."""


def _may(role: Role) -> set[str]:
    return {line.action for line in examples_of(None) if role.value in line.allowed}


async def _kept(house: House, role: Role) -> set[str]:
    found = set()
    for service in MIGRATIONS:
        [table] = await house.rows(service, "SELECT to_regclass('access_decision') IS NOT NULL AS is_there")
        if table["is_there"]:
            rows = await house.rows(
                service,
                "SELECT DISTINCT action FROM access_decision WHERE NOT allowed AND request::text LIKE :role",
                role=f"%{role.value}%",
            )
            found |= {row["action"] for row in rows}
    return found


async def test_62_who_only_reads_changes_nothing_and_each_attempt_is_kept(house: House) -> None:
    writes = [one for one in GUARDED if one.method not in SAFE and one.body["operationId"] not in ANSWERS_ONLY]
    size = await house.kapital.ledger.size()
    assert len(writes) > 50
    let_in: list[tuple[Role, str, str]] = []

    for role in READERS:
        allowed = _may(role)
        tried = [one for one in writes if one.body["operationId"] not in allowed]
        # The tables themselves: a reader is given no write, an administrator only its own work.
        assert {one.body["operationId"] for one in writes} & allowed <= (
            ADMINISTRATION if role is Role.ADMIN else {"revoke_access_token"}
        )
        headers = await house.staff_token(role)
        for operation in tried:
            path = operation.path.format(**{p["name"]: NO_ID for p in operation.parameters if p["in"] == "path"})
            answer = await house.web.request(
                operation.method,
                path,
                json=example_of(operation) if "requestBody" in operation.body else None,
                headers={**headers, "Idempotency-Key": str(uuid4())},
            )
            told = (answer.status_code, answer.json().get("code"))
            if told != (403, "not_permitted"):
                let_in.append((role, operation.label, answer.text))
        assert let_in == []
        assert {one.body["operationId"] for one in tried} - await _kept(house, role) == set()
    assert await house.kapital.ledger.size() == size
