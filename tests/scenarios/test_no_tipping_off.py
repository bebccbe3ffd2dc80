"""Scenario 25, over the whole contract: no operation of any service tells a client why it is held or frozen.

115-FZ art. 4: those concerned are not told of measures of internal control. Every operation of the contracts is asked
by a client of each kind before and under a measure. What is read stays the same word for word; what is refused is
refused in words that name no sanctions, lists, suspicion or anti-laundering.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from kapital.kernel.roles import Role
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.sandbox.people import PersonKind, synthetic_people
from tests.contracts.documents import SAFE, Operation, all_operations
from tests.contracts.test_access_over_http import NO_ID, example_of
from tests.scenarios.house import ADMINISTRATOR, PRICE, House, key
from tests.scenarios.test_screening import engine, list_comes, subject
from tests.tokenization.world import terms

__all__ = ["engine"]  # the fixture that wants the packages of screening

GROUNDS = re.compile(
    r"sanction|санкц|перечн|перечен|terror|террор|\baml\b|115-?(fz|фз)|под/?фт|подозр|suspic|suspect|screen|скрининг"
    r"|\bhits?\b|совпаден|launder|отмыв|росфинмон|rosfin|measure|\bheld\b|tipping|politically|\bpep\b|пдл\b|комплаенс",
    re.IGNORECASE,
)
FREEZE = re.compile(r"freez|froz|заморо|замораж|блокир", re.IGNORECASE)
# The register proves itself whole: a statement that left an entry out would not (ADR 0016). It names no grounds.
OF_THE_REGISTER = {"get_entry_evidence", "get_statement_evidence", "list_wallet_balances"}
# A withdrawal on its way when the freeze comes goes back to the wallet: seen, and told like any other standing.
OF_MONEY_UNDER_WAY = {"list_withdrawals", "get_withdrawal", "get_beneficiary"}
OF_MONEY_UNDER_WAY |= {"list_sbp_withdrawals", "get_sbp_withdrawal"}
# What anybody reads without a token and what grows with every entry or request of anybody.
OF_EVERYBODY = {"get_metrics", "get_checkpoint", "get_tile", "get_consistency_proof", "list_signatures"}
LAST = ("request_closing",)
"""Asked after the others: it would change what they say."""
WITHOUT_TIME = ("correlation_id", "instance", "trace_id", "checkpoint", "request_id")


@dataclass
class Client:
    """A client of one kind, and the ids that it would ask about."""

    kind: str
    token: str
    known: dict[str, Any]
    asked: int = field(default=0)

    def headers(self) -> dict[str, str]:
        self.asked += 1
        return {"Authorization": f"Bearer {self.token}", "Idempotency-Key": f"{self.kind}-{self.asked}"}

    async def ask(self, house: House, operation: Operation) -> httpx.Response:
        names = [p["name"] for p in operation.parameters if p["in"] == "path"]
        path = operation.path.format(**{name: self.known.get(name, NO_ID) for name in names})
        query = {"old": 1, "new": 2} if operation.path.endswith("consistency-proof") else {}
        body = self.filled(example_of(operation)) if "requestBody" in operation.body else None
        return await house.web.request(operation.method, path, params=query, json=body, headers=self.headers())

    def filled(self, example: Any) -> Any:
        """An example with this client's own ids in it."""
        if isinstance(example, list):
            return [self.filled(item) for item in example]
        if not isinstance(example, dict):
            return example
        return {name: self.known.get(name, self.filled(value)) for name, value in example.items()}


async def token_for(
    house: House, subject_id: UUID, *roles: Role, kind: TokenSubjectKind = TokenSubjectKind.PARTICIPANT
) -> str:
    issued = await house.kapital.registry.use_cases.issue_access_token(
        IssueAccessToken(
            command_id=key(),
            actor=ADMINISTRATOR,
            subject_kind=kind,
            subject_id=subject_id,
            roles=frozenset(roles),
            expires_at=house.clock.now() + timedelta(hours=8),
        )
    )
    return str(issued.token)


async def staff_asks(house: House, role: Role, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await house.web.post(path, json=body, headers=await house.staff_token(role))
    assert answer.is_success, answer.text
    return dict(answer.json())


async def clients_of_each_kind(house: House) -> list[Client]:
    """A person and a company that invest, a company and a proprietor that issue, who acts for one, an applicant."""
    decisions = [terms(), terms("debt-step-rate")]
    issuers = await house.people(3, *decisions, kopecks=50 * PRICE)
    issue = await house.published(issuers[0], decisions[0])
    other = await house.published(issuers[1], decisions[1])
    await house.to(issue.opens_at)
    clients = []
    for player in (house.investors[0], house.investors[2]):
        placed = await house.order(player, issue, 5)
        assert placed.order_id is not None
        known = {"issue_id": str(issue.id), "order_id": str(placed.order_id), "order_ids": [str(placed.order_id)]}
        clients.append(await client_of(house, f"{player.person.kind}-investor", player, known, Role.INVESTOR))
    for player, own in ((issuers[0], issue), (issuers[1], other)):
        roles = (Role.ISSUER, Role.ISSUER_SIGNATORY)
        clients.append(
            await client_of(house, f"{player.person.kind}-issuer", player, {"issue_id": str(own.id)}, *roles)
        )
    path = f"/v1/registry/participants/{issuers[0].actor.participant_id}/representatives"
    [head] = synthetic_people(815, 1)
    executive = {"kind": "sole_executive", "name": head.name, "inn": head.inn, "basis_reference": "ЕГРЮЛ"}
    acting = await staff_asks(house, Role.ONBOARDING, path, executive)
    await house.kapital.settle_down()
    said = example_of(next(one for one in all_operations() if one.body["operationId"] == "identify_representative"))
    seen = said | {"person": said["person"] | {"inn": head.inn}}
    identified = f"/v1/identity/representatives/{acting['representative_id']}/identification"
    await staff_asks(house, Role.ONBOARDING, identified, seen)
    await house.kapital.settle_down()
    token = await token_for(
        house,
        UUID(acting["representative_id"]),
        Role.ISSUER,
        Role.ISSUER_SIGNATORY,
        kind=TokenSubjectKind.REPRESENTATIVE,
    )
    known = clients[2].known | {"representative_id": acting["representative_id"]}
    clients.append(Client("representative", token, known))
    clients.append(await applicant(house))
    return clients


async def client_of(house: House, kind: str, player: Any, known: dict[str, Any], *roles: Role) -> Client:
    who, issue_id = player.actor.participant_id, known["issue_id"]
    account = {"bic": player.account.bic, "account": player.account.account}
    money = {"wallet_id": str(player.wallet), "amount_kopecks": 1_000, "payout_account": account}
    token = await token_for(house, who, *roles)
    answer = await house.web.post(
        "/v1/settlement/withdrawals",
        json={"withdrawals": [money]},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(key())},
    )
    assert answer.is_success, answer.text
    withdrawn = answer.json()["withdrawals"][0]
    await house.kapital.settle_down()
    house.money_in -= 1_000 if withdrawn["outcome"] == "accepted" else 0
    [wallet] = await house.rows("registry", "SELECT entry_seq FROM wallet WHERE wallet_id = :id", id=player.wallet)
    ids = {
        "participant_id": str(who),
        "wallet_id": str(player.wallet),
        "asset_id": issue_id,
        "withdrawal_id": withdrawn.get("withdrawal_id") or NO_ID,
        "payout_account": account,
        "amount_kopecks": 1_000,
        "units": 1,
        "seq": wallet["entry_seq"],
        "level": 0,
        "number": 0,
        "service": "registry",
        "code": "not_permitted",
        "rule_book_version": house.kapital.settings.rule_book_version,
    }
    return Client(kind, token, ids | known)


async def applicant(house: House) -> Client:
    """A nominee holder whose application is under way."""
    [firm] = synthetic_people(4_711, 1, kinds=(PersonKind.LEGAL_ENTITY,))
    item = {
        "kind": "legal_entity",
        "name": firm.name,
        "inn": firm.inn,
        "roles": ["nominee"],
        "rule_book_version": house.kapital.settings.rule_book_version,
    }
    answer = await staff_asks(house, Role.ONBOARDING, "/v1/registry/participants", {"participants": [item]})
    [made] = answer["results"]
    await house.kapital.bus.drain()
    token = await token_for(house, UUID(made["participant_id"]), Role.NOMINEE)
    known = {name: made[name] for name in ("participant_id", "wallet_id")}
    return Client("nominee-applicant", token, known | {"service": "registry", "code": "not_permitted", "seq": 1})


def safe() -> Iterator[Operation]:
    return (one for one in all_operations() if one.method in SAFE and one.body["operationId"] not in OF_EVERYBODY)


def unsafe() -> list[Operation]:
    found = [one for one in all_operations() if one.method not in SAFE]
    return sorted(found, key=lambda one: one.body["operationId"] in LAST)


async def reads(house: House, client: Client) -> dict[str, Any]:
    """Every answer that the client can read, by operation."""
    return {one.label: seen(await client.ask(house, one)) for one in safe()}


def seen(answer: httpx.Response) -> tuple[int, Any]:
    try:
        body = answer.json()
    except ValueError:
        return answer.status_code, answer.content
    return answer.status_code, without_time(body)


def without_time(body: Any) -> Any:
    if isinstance(body, list):
        return [without_time(item) for item in body]
    if not isinstance(body, dict):
        return body
    return {name: without_time(value) for name, value in body.items() if name not in WITHOUT_TIME}


def named(pattern: re.Pattern[str], answer: httpx.Response) -> set[str]:
    """What an answer says that neither the question nor the name of what was asked says."""
    asked = answer.request.url.path + answer.request.content.decode()
    headers = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    own = {match.group().casefold() for match in pattern.finditer(asked)}
    return {match.group().casefold() for match in pattern.finditer(answer.text + headers)} - own


async def must_refuse_in_neutral_words(house: House, client: Client) -> None:
    for operation in unsafe():
        answer = await client.ask(house, operation)
        assert answer.status_code < 500, (operation.label, answer.text)
        assert named(GROUNDS, answer) == set(), (client.kind, operation.label, answer.text)
        assert named(FREEZE, answer) == set(), (client.kind, operation.label, answer.text)


async def must_prove_without_grounds(house: House, client: Client) -> None:
    for operation in safe():
        if operation.body["operationId"] in OF_THE_REGISTER:
            answer = await client.ask(house, operation)
            assert named(GROUNDS, answer) == set(), (client.kind, operation.label, answer.text)


def changed(was: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What reads otherwise than before, but for what the register proves of itself."""
    left_out = {one.label for one in safe() if one.body["operationId"] in OF_THE_REGISTER}
    return {label: (was[label], now[label]) for label in was if was[label] != now[label] and label not in left_out}


async def names_to_list(house: House, client: Client) -> str:
    """A person whom a list would name to hold this client: itself, or who heads the company."""
    rows = await house.rows(
        "identity",
        "SELECT particulars->'names'->>0 AS name FROM screening_client s LEFT JOIN kyc_party p"
        " ON p.party_id = s.participant_id WHERE particulars->>'kind' = 'person'"
        " AND (s.participant_id = :id OR p.participant_id = :id)",
        id=UUID(client.known["participant_id"]),
    )
    return str(rows[0]["name"]).upper() if rows else "НИКТО ИЗ КЛИЕНТОВ"


async def measures_of(house: House, clients: list[Client]) -> list[str]:
    ids = [UUID(client.known["participant_id"]) for client in clients]
    rows = await house.rows("identity", "SELECT * FROM participant_measure WHERE participant_id = ANY(:ids)", ids=ids)
    found = {str(row["participant_id"]): row["measure"] for row in rows}
    return [found.get(client.known["participant_id"], "free") for client in clients]


async def test_25_no_operation_tells_a_client_of_any_kind_why_it_is_held_or_frozen(damaged_house: House) -> None:
    house = damaged_house  # the walk asks for whatever the examples ask for
    clients = await clients_of_each_kind(house)
    assert len({client.kind for client in clients}) == len(clients) == 6
    before = [await reads(house, client) for client in clients]

    listed = {await names_to_list(house, client) for client in clients}
    await list_comes(house, *(subject(str(n), name) for n, name in enumerate(sorted(listed))), date="2027-01-11")

    # Held, all that were approved; an applicant without papers is frozen below.
    assert await measures_of(house, clients) == ["held"] * 5 + ["free"]
    for client, was in zip(clients, before, strict=True):
        now = await reads(house, client)
        assert changed(was, now) == {}, client.kind
        await must_prove_without_grounds(house, client)
    for client in clients[:5]:
        await must_refuse_in_neutral_words(house, client)
    await house.kapital.settle_down()

    before = [await reads(house, client) for client in clients]
    for participant_id in dict.fromkeys(client.known["participant_id"] for client in clients):
        freeze = {
            "participant_id": participant_id,
            "scope": "participant",
            "direction": "both",
            "wallet_id": None,
            "asset_id": None,
            "basis": {"reference": "решение", "document_sha256": None},
            "reason": "проверка",
        }
        await staff_asks(house, Role.AML_OFFICER, "/v1/identity/freezes", freeze)
    await house.kapital.settle_down()

    assert await measures_of(house, clients) == ["frozen"] * 6
    for client, was in zip(clients, before, strict=True):
        now = await reads(house, client)
        record = "GET /v1/registry/participants/{participant_id}"
        assert json.dumps(now[record][1]).count("frozen") == 0
        # Restricted, as anybody may be: that is all that is new.
        for answers in (now, was):
            for label in (record, "GET /v1/registry/participants"):
                answers[label] = (answers[label][0], neutral(answers[label][1]))
        different = changed(was, now)
        money = {one.label for one in safe() if one.body["operationId"] in OF_MONEY_UNDER_WAY}
        assert different.keys() <= money, (client.kind, different)
        for was_told, is_told in different.values():
            assert FREEZE.findall(str(is_told)) == FREEZE.findall(str(was_told)), is_told
            assert GROUNDS.findall(str(is_told)) == []
        await must_prove_without_grounds(house, client)
        await must_refuse_in_neutral_words(house, client)


def neutral(body: Any) -> Any:
    """A record of a participant without its state and version, which a restriction of any kind changes."""
    if isinstance(body, list):
        return [neutral(item) for item in body]
    if not isinstance(body, dict):
        return body
    return {name: neutral(value) for name, value in body.items() if name not in ("state", "version")}


def test_the_words_looked_for_are_found_where_they_stand() -> None:
    request = httpx.Request("POST", "http://kapital.test/v1/tokenization/orders", content=b"{}")
    told = httpx.Response(409, request=request, text="Participant is in the sanction list; имущество заморожено")

    assert named(GROUNDS, told) == {"sanction"}
    assert named(FREEZE, told) == {"заморо"}
    asked = httpx.Request("GET", f"http://kapital.test/v1/identity/screening/hits/{uuid4()}")
    assert named(GROUNDS, httpx.Response(404, request=asked, text="/v1/identity/screening/hits")) == set()
