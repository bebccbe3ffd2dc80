"""Scenario 55: a request told twice has one effect and one answer; a key tells one request only.

Every unsafe operation of every contract is made to succeed once, in the order of a story, and is then repeated.
"""

import asyncio
import base64
import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import msgspec
import pytest
from ruamel.yaml import YAML
from sqlalchemy import text

from kapital.app import MIGRATIONS, Kapital, http_app, open_kapital
from kapital.demo.questionnaires import questionnaire_of
from kapital.demo.run import examples_folder
from kapital.identity.adapters.lists.files import ListFile, ListFormat
from kapital.identity.domain.screening import ListSource
from kapital.identity.use_cases.load_list import LoadList
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.platform.access import current_policies
from kapital.platform.clock import SteppedClock
from kapital.platform.ids import new_uuid7
from kapital.platform.settings import Settings
from kapital.registry.domain.participant import Application, ParticipantKind, ParticipantRole
from kapital.registry.use_cases.register_participants import RegisterParticipants
from kapital.sandbox.certification_authority import Authority, SandboxSigner, Subject
from kapital.sandbox.certification_authority.serving import ServedAuthority
from kapital.sandbox.people import PersonKind, SyntheticPerson, synthetic_people
from kapital.settlement.adapters.incoming_message_table import IncomingMessageTable
from kapital.settlement.domain.incoming_message import (
    IncomingMessage,
    MessageReason,
    MessageState,
    SignatureOutcome,
    SignatureVerdict,
)
from kapital.settlement.domain.top_up_code import top_up_code
from kapital.tokenization.domain.checklist import items_of
from kapital.tokenization.domain.evaluator import LATEST
from kapital.tokenization.domain.order_review import OrderReview, ReviewState
from kapital.tokenization.domain.terms import load_terms
from tests.contracts.documents import all_operations, validator
from tests.contracts.story import staff_token, token_of
from tests.contracts.test_access_over_http import example_of
from tests.identity.dossier.papers import png
from tests.places import quick_folder

KEYED = {f"{o.method.upper()} {o.path}": o for o in all_operations() if o.needs_key}
RULES = Settings().rule_book_version
DAY, WALLET = "2026-11-20", "wallet_id"
BASIS = {"reference": "РВ-7", "document_sha256": "7c" * 32}
DISPUTED = {"determined_by_on": "2027-06-08", "dispute_business_days": 3}
QUOTED = {
    "quote": {
        "quoted": "Учебный индекс",
        "source_name": "Учебная биржа",
        "source_url": "https://exchange.example/index",
        "multiplier": "1",
        "spread_kopecks": 0,
        "price_min_kopecks": 50_000,
        "price_max_kopecks": 150_000,
        "valid_for_s": 3600,
        "text": "Цена равна индексу.",
    }
}
# What they are about comes into being by them: there is no row yet that has a version.
OF_NEW_THINGS = {
    "issue_access_token", "draft_decision", "propose_issue_step", "place_orders", "instruct_redemption",
    "propose_money_decision", "record_tax_residency", "instruct_dvp",
}  # fmt: skip
_numbers = count(1)


@dataclass
class Tried:
    """One operation: the first time, again, with the same key for something else, without a key."""

    body: Any
    first: httpx.Response
    again: httpx.Response
    other: httpx.Response
    keyless: httpx.Response
    odd_key: httpx.Response
    traces_of_first: int
    traces_of_the_rest: int


@dataclass
class Play:
    """Asks, and keeps what came back by the label of the operation."""

    kapital: Kapital
    client: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)
    tried: dict[str, Tried] = field(default_factory=dict)
    cast: dict[str, Any] = field(default_factory=dict)

    async def try_out(
        self, label: str, who: str, body: Any, *, other: Any = None, other_at: str | None = None, **at: str
    ) -> Any:
        """Make the operation succeed once, then try to make it happen again; the answer of the first time."""
        method, template = label.split(" ")
        path, key = template.format(**at), f"try-{next(_numbers)}"

        async def ask(path: str, body: Any, key: str | None) -> httpx.Response:
            headers = {"Authorization": f"Bearer {self.tokens[who]}"} | ({"Idempotency-Key": key} if key else {})
            return await self.client.request(method, path, json=body, headers=headers)

        before = await self.traces()
        first = await ask(path, body, key)
        assert first.is_success, f"{label}: {first.text}"
        between = await self.traces()
        again = await ask(path, body, f'"{key}"')  # the quotes of the draft standard are no part of the key
        elsewhere = template.format(**(at | dict.fromkeys(at, other_at))) if other_at else path
        reused = await ask(elsewhere, body if other_at else other, key)
        keyless, odd = await ask(path, body, None), await ask(path, body, "two words")
        after = await self.traces()
        self.tried.setdefault(
            label, Tried(body, first, again, reused, keyless, odd, between - before, after - between)
        )
        return first.json()

    async def traces(self) -> int:
        """Whatever an effect leaves behind: audit, events, ledger entries."""
        total = await self.kapital.ledger.size()
        for service in set(MIGRATIONS) - {"ledger", "sandbox", "disclosure"}:
            async with self.kapital.databases.get(service).connect() as conn:
                rows = text("SELECT (SELECT count(*) FROM audit_event) + (SELECT count(*) FROM outbox)")
                total += int((await conn.execute(rows)).scalar_one())
        return total


class Decision(NamedTuple):
    """What a service has kept of one answer of the access policies."""

    action: str
    allowed: bool
    subjects: list[tuple[str, int | None]]


class Played(NamedTuple):
    """What the story left behind."""

    tried: dict[str, Tried]
    decisions: list[Decision]


@pytest.fixture(scope="module")
def tried(played: Played) -> dict[str, Tried]:
    return played.tried


@pytest.fixture(scope="module")
def played() -> Played:
    # A server of its own: the names of the house's databases on the session's server belong to the scenarios.
    with TemporaryDirectory(prefix="kapital-play-", dir=quick_folder(), ignore_cleanup_errors=True) as folder:
        return asyncio.run(_play(Path(folder) / "data"))


async def _play(folder: Path) -> Played:
    terms = load_terms((examples_folder() / "fixed-rate-window.yaml").read_bytes())
    clock = SteppedClock(terms.placement_start_at.replace(hour=4))
    served = ServedAuthority.at_free_port(clock)
    authority = Authority.root("Учебный УЦ", at=clock.now() - timedelta(days=1))
    authority.ocsp_urls, authority.crl_urls = served.addresses(0)
    (folder.parent / "trust" / "roots").mkdir(parents=True)
    (folder.parent / "trust" / "roots" / "root.cer").write_bytes(authority.certificates[0])
    await served.start([authority])
    settings = Settings(
        data_dir=folder,
        postgres_shared_buffers_mb=128,
        acts_signed="simple",
        unchecked_documents_allowed=True,
        trust_dir=folder.parent / "trust",
        signature_hosts=(served.host,),
        signature_timeout_s=60,
        bank_escrow=True,
    )
    async with open_kapital(settings, clock) as kapital:
        transport = httpx.ASGITransport(app=http_app(kapital))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            play = Play(kapital, client)
            await _staff(play)
            for act in (
                _access,
                _people,
                _mandates,
                _keys,
                _values,
                _payoff_code,
                _issue,
                _orders,
                _restructured,
                _early,
                _money,
                _restriction,
                _rules,
                _screening,
                _dossier,
                _delegation,
                _representatives,
                _freezes,
            ):
                await act(play)
            await _certificates(play, authority)
            await served.close()
            return Played(play.tried, await _decisions(kapital))


async def _decisions(kapital: Kapital) -> list[Decision]:
    found: list[Decision] = []
    for service in set(MIGRATIONS) - {"sandbox", "disclosure"}:
        async with kapital.databases.get(service).connect() as conn:
            rows = await conn.execute(text("SELECT action, allowed, subjects FROM access_decision"))
            found += [Decision(row.action, row.allowed, [(name, n) for name, n in row.subjects]) for row in rows]
    return found


async def _staff(play: Play) -> None:
    """Tokens of everybody who acts for the operator."""
    for role in (Role.ADMIN, Role.ONBOARDING, Role.AML_OFFICER, Role.COMPLIANCE, Role.ISSUE_MANAGER,
                 Role.LEGAL, Role.SETTLEMENT, Role.RISK, Role.CUSTODY_OFFICER, Role.SECURITY):  # fmt: skip
        play.tokens[role.value] = await staff_token(play.kapital, role)
    play.tokens["second_settlement"] = await staff_token(play.kapital, Role.SETTLEMENT)
    play.tokens["second_legal"] = await staff_token(play.kapital, Role.LEGAL)
    play.tokens["second_officer"] = await staff_token(play.kapital, Role.AML_OFFICER)
    play.tokens["second_compliance"] = await staff_token(play.kapital, Role.COMPLIANCE)


async def _certificates(play: Play, authority: Authority) -> None:
    """A participant's certificate is bound, suspended by SECURITY."""
    participant = play.cast["investor"]["participant_id"]
    _, investor = synthetic_people(7, 2, kinds=(PersonKind.LEGAL_ENTITY, PersonKind.NATURAL_PERSON))
    person = Subject("Подписант", {"inn": investor.inn})
    signer = SandboxSigner.for_subject(authority, person, clock=play.kapital.clock)
    item = {
        "participant_id": participant,
        "certificate": b64encode(signer.certificate()).decode(),
        "owner": [{"kind": "inn", "value": investor.inn}],
    }
    other = item | {"owner": [{"kind": "snils", "value": "11223344595"}]}
    bound = await play.try_out(
        "POST /v1/identity/certificates",
        "onboarding",
        {"certificates": [item]},
        other={"certificates": [other]},
    )
    [result] = bound["results"]
    assert result["problem"] is None, result
    await play.try_out(
        "POST /v1/identity/certificates/{certificate_id}/changes",
        "security",
        {"change": "suspend", "reason": "носитель утерян"},
        other={"change": "revoke", "reason": "носитель утерян"},
        certificate_id=result["certificate_id"],
    )


async def _access(play: Play) -> None:
    staff = await play.try_out(
        "POST /v1/registry/staff", "admin", {"roles": ["onboarding"]}, other={"roles": ["legal"]}
    )
    soon = (play.kapital.clock.now().replace(microsecond=0)).isoformat().replace("+00:00", "Z")
    ask = {
        "subject_kind": "staff",
        "subject_id": staff["staff_id"],
        "roles": ["onboarding"],
        "expires_at": soon.replace("2026", "2027"),
    }
    issued = await play.try_out(
        "POST /v1/registry/access-tokens", "admin", ask, other=ask | {"expires_at": "2027-01-01T00:00:00Z"}
    )
    await play.try_out(
        "POST /v1/registry/access-tokens/{token_id}/revoke",
        "admin",
        None,
        other_at=staff["staff_id"],
        token_id=issued["token_id"],
    )
    ask = {"roles": ["legal"], "basis_reference": "Приказ 11-к", "valid_until": "2027-03-01T00:00:00Z"}
    proposed = await play.try_out(
        "POST /v1/registry/staff/{staff_id}/changes",
        "admin",
        ask,
        other=ask | {"roles": ["risk"]},
        staff_id=staff["staff_id"],
    )
    decision = {"decision": "make", "change_sha256": proposed["change_sha256"]}
    await play.try_out(
        "POST /v1/registry/staff-changes/{change_id}/decision",
        "security",
        decision,
        other=decision | {"decision": "refuse"},
        change_id=proposed["change_id"],
    )
    await play.try_out(
        "POST /v1/registry/staff/{staff_id}/end",
        "admin",
        {"basis_reference": "Приказ 12-к"},
        other={"basis_reference": "Приказ 13-к"},
        staff_id=staff["staff_id"],
    )


async def _people(play: Play) -> None:
    firm, person = synthetic_people(7, 2, kinds=(PersonKind.LEGAL_ENTITY, PersonKind.NATURAL_PERSON))
    wanted = [(firm, "issuer", "egrul_extract"), (person, "investor", "passport_rf")]
    said = {"rule_book_version": RULES, "personal_data_consent": True}
    applications = [
        {"kind": one.kind.value, "name": one.name, "inn": one.inn, "roles": [role]} | said for one, role, _ in wanted
    ]
    answer = await play.try_out(
        "POST /v1/registry/participants",
        "onboarding",
        {"participants": applications},
        other={"participants": applications[:1]},
    )
    ids = [result["participant_id"] for result in answer["results"]]
    await play.kapital.bus.drain()
    # Nobody is approved before being compared with the lists; how this operation repeats, `_screening` shows.
    screened = await play.client.post(
        "/v1/identity/screening/clients",
        json={
            "clients": [
                {
                    "participant_id": one,
                    "kind": "organisation" if who.kind.value == "legal_entity" else "person",
                    "names": [who.name],
                }
                for one, (who, _, _) in zip(ids, wanted, strict=True)
            ]
        },
        headers={"Authorization": f"Bearer {play.tokens['onboarding']}", "Idempotency-Key": "screen-people"},
    )
    assert screened.is_success, screened.text
    seen = [
        {
            "participant_id": one,
            "document_kind": document,
            "document_sha256": "ab" * 32,
            "category": "unqualified",
            "screening_list_version": "rfm-2026-12-01",
            "screening_result": "clear",
        }
        for one, (_, _, document) in zip(ids, wanted, strict=True)
    ]
    seen[0]["questionnaire"] = _questionnaire(play, firm, ids[0])
    recorded = await play.try_out(
        "POST /v1/identity/identifications",
        "onboarding",
        {"identifications": seen},
        other={"identifications": seen[:1]},
    )
    decisions = [
        {
            "participant_id": result["participant_id"],
            "outcome": "approved",
            "identification_sha256": result["identification_sha256"],
            "basis_reference": "ЗКЛ-41",
        }
        for result in recorded["results"]
    ]
    await play.try_out(
        "POST /v1/identity/decisions", "aml_officer", {"decisions": decisions}, other={"decisions": decisions[:1]}
    )
    await play.kapital.bus.drain()
    for (one, role, _), result in zip(wanted, answer["results"], strict=True):
        roles = [Role.ISSUER, Role.ISSUER_SIGNATORY] if role == "issuer" else [Role.INVESTOR]
        ask = {
            "subject_kind": "participant",
            "subject_id": result["participant_id"],
            "roles": roles,
            "expires_at": "2027-03-01T00:00:00Z",
        }
        issued = await play.try_out(
            "POST /v1/registry/access-tokens", "admin", ask, other=ask | {"expires_at": "2027-02-01T00:00:00Z"}
        )
        play.tokens[role] = issued["token"]
        play.cast[role] = result | {"person": one}


async def _keys(play: Play) -> None:
    made = {"name": "issuer/second-desk", "profile": "issuer"}
    key = await play.try_out("POST /v1/custody/keys", "custody_officer", made, other=made | {"profile": "operator"})
    at, reason = {"key_id": key["key_id"]}, {"reason": "Проверка No 14"}
    key = await play.try_out(
        "POST /v1/custody/keys/{key_id}/suspend", "security", reason, other={"reason": "другая"}, **at
    )
    back = reason | {"version": key["version"]}
    await play.try_out(
        "POST /v1/custody/keys/{key_id}/resume", "security", back, other=back | {"reason": "другая"}, **at
    )
    key = await play.try_out(
        "POST /v1/custody/keys/{key_id}/report-compromise", "security", reason, other={"reason": "другая"}, **at
    )
    end = reason | {"version": key["version"]}
    await play.try_out(
        "POST /v1/custody/keys/{key_id}/revoke", "custody_officer", end, other=end | {"reason": "другая"}, **at
    )


async def _values(play: Play) -> None:
    value = {
        "series": "cbr_key_rate",
        "observed_on": DAY,
        "value": "16.50",
        "evidence": "https://www.cbr.ru/hd_base/KeyRate/",
    }
    fixing = await play.try_out(
        "POST /v1/tokenization/fixings", "settlement", value, other=value | {"value": "16.00"}
    )
    await play.try_out(
        "POST /v1/tokenization/fixings/{fixing_id}/confirmation",
        "risk",
        {"value": "16.50", "verdict": "confirm"},
        other={"value": "16.50", "verdict": "reject"},
        fixing_id=fixing["fixing_id"],
    )
    row = "<KeyRate><KR><DT>2026-11-19T00:00:00+03:00</DT><Rate>16.50</Rate></KR></KeyRate>"
    answer = {
        "content_base64": base64.b64encode(row.encode()).decode(),
        "from_on": "2026-11-19",
        "to_on": "2026-11-19",
        "evidence": "KeyRateXML",
    }
    loaded = await play.try_out(
        "POST /v1/tokenization/rates", "settlement", answer, other=answer | {"to_on": "2026-11-20"}
    )
    assert [item["value"] for item in loaded["items"]] == ["16.50"]


async def _payoff_code(play: Play) -> None:
    """As if the newest version had come with this release: nobody approved it yet."""
    async with play.kapital.databases.get("tokenization").engine.begin() as conn:
        await conn.execute(text("DELETE FROM payoff_code WHERE code_sha256 = :code"), {"code": LATEST.code_sha256})
    ask = {"code_sha256": LATEST.code_sha256, "reason": "корзины", "document_sha256": "5e" * 32}
    path = "POST /v1/tokenization/payoff-codes"
    proposed = await play.try_out(path, "security", ask, other=ask | {"reason": "барьеры"})
    say = {"code_sha256": LATEST.code_sha256, "proposal_sha256": proposed["proposal_sha256"], "answer": "approve"}
    await play.try_out(f"{path}/decision", "risk", say, other=say | {"answer": "reject"})


async def _issue(play: Play) -> None:
    play.cast["issue_id"] = await _published(play, "fixed-rate-window.yaml")
    event = await _published(play, "event-satellite.yaml", payoff=DISPUTED | {"determined_by_on": "2026-12-06"})
    await _silent_source(play, event)
    terms = load_terms((examples_folder() / "event-satellite.yaml").read_bytes())
    codes = [outcome.code for outcome in terms.payoff.outcomes]  # type: ignore[union-attr]
    told = {"outcome": codes[0], "evidence": "протокол 7", "document_sha256": "5e" * 32}
    outcome = await play.try_out(
        "POST /v1/tokenization/issues/{issue_id}/outcome",
        "settlement",
        told,
        other=told | {"outcome": codes[1]},
        issue_id=event,
    )
    quoted = await _published(play, "index-linked.yaml", placement_mode=QUOTED)
    told = {"value": "1000", "quoted_at": play.kapital.clock.now().isoformat()}
    await play.try_out(
        "POST /v1/tokenization/issues/{issue_id}/quotes",
        "issuer",
        told,
        other=told | {"value": "1001"},
        issue_id=quoted,
    )
    at, path = {"fixing_id": outcome["fixing_id"]}, "POST /v1/tokenization/fixings/{fixing_id}"
    seen = {"value": codes[0], "verdict": "confirm"}
    await play.try_out(f"{path}/confirmation", "risk", seen, other=seen | {"verdict": "reject"}, **at)
    await play.try_out(f"{path}/contest", "issuer", {"reason": "Не так"}, other={"reason": "Иначе"}, **at)
    verdict = {"value": codes[0], "verdict": "uphold"}
    await play.try_out(f"{path}/contest-verdict", "legal", verdict, other=verdict | {"verdict": "overturn"}, **at)
    await play.try_out(
        "POST /v1/tokenization/issues/{issue_id}/cancellation",
        "issuer",
        {"reason": "Решение органа эмитента"},
        other={"reason": "Иная причина"},
        issue_id=event,
    )


async def _silent_source(play: Play, event: str) -> None:
    """The day by which the outcome is determined is over; the second person finds that the source spoke after all."""
    stands_in = await play.try_out(
        "POST /v1/tokenization/issues/{issue_id}/substitutes",
        "settlement",
        {"evidence": "источник молчит"},
        other={"evidence": "источник закрыт"},
        issue_id=event,
    )
    rejected = await play.client.post(
        f"/v1/tokenization/fixings/{stands_in['fixing_id']}/confirmation",
        json={"value": stands_in["value"], "verdict": "reject"},
        headers={"Authorization": f"Bearer {play.tokens['risk']}", "Idempotency-Key": "reject-substitute"},
    )
    assert rejected.is_success, rejected.text


async def _published(play: Play, example: str, **changes: Any) -> str:
    issuer = play.cast["issuer"]["person"]
    value = YAML(typ="safe", pure=True).load((examples_folder() / example).read_bytes())
    value["issuer"] |= {"name": issuer.name, "inn": issuer.inn}
    value |= {"placement_start_at": "2026-12-07T10:00:00+03:00", "placement_end_at": "2026-12-11T15:00:00+03:00"}
    for name, change in changes.items():
        value[name] = value.get(name, {}) | change if isinstance(change, dict) else change
    terms = json.loads(json.dumps(value, default=lambda day: day.isoformat()))
    drafted = await play.try_out(
        "POST /v1/tokenization/decisions", "issuer", {"terms": terms}, other={"terms": terms | {"code": "OTHER-1"}}
    )
    assert drafted["faults"] == []
    at, seen = {"issue_id": drafted["issue_id"]}, {"decision_sha256": drafted["decision_sha256"]}
    other = {"decision_sha256": "0" * 64}
    path = "POST /v1/tokenization/issues/{issue_id}"
    await play.try_out(f"{path}/submission", "issuer", seen, other=other, **at)
    answers = [{"item": item.code, "holds": True} for item in items_of(load_terms(json.dumps(terms).encode()))]
    review = seen | {"verdict": "accept", "checklist": answers}
    for who in ("issue_manager", "legal"):
        await play.try_out(f"{path}/reviews", who, review, other=review | {"verdict": "return", "note": "нет"}, **at)
    await play.try_out(f"{path}/signature", "issuer", seen, other=other, **at)
    await play.try_out(f"{path}/publication", "issue_manager", seen, other=other, **at)
    await play.kapital.settle_down()
    return str(drafted["issue_id"])


async def _orders(play: Play) -> None:
    purpose = f"Пополнение {top_up_code(UUID(play.cast['investor'][WALLET]))}"
    await play.kapital.bank.receive_many([(100_000_000, purpose)])
    clock = play.kapital.clock
    assert isinstance(clock, SteppedClock)
    clock.set(clock.now().replace(hour=8))
    await play.kapital.settle_down()
    orders = [{"issue_id": play.cast["issue_id"], "units": units} for units in (10, 20)]
    # One order goes through the batcher, a list by itself: both must know a repeat.
    single = await play.try_out(
        "POST /v1/tokenization/orders", "investor", {"orders": orders[:1]}, other={"orders": orders[1:]}
    )
    assert single["items"][0]["outcome"] == "accepted", single
    label = "POST /v1/tokenization/orders"
    of_one = play.tried.pop(label)
    await play.try_out(label, "investor", {"orders": orders}, other={"orders": orders[1:]})
    play.tried[f"{label} "] = of_one
    ids = [item["order_id"] for item in single["items"]]
    await _held_order(play, UUID(ids[0]))
    await play.try_out(
        "POST /v1/tokenization/orders/withdrawals",
        "investor",
        {"order_ids": ids},
        other={"order_ids": [play.cast["issue_id"]]},
    )


async def _early(play: Play) -> None:
    """An issue that may end early circulates: it is called, offered to be bought back, put, and not put after all."""
    clock = play.kapital.clock
    assert isinstance(clock, SteppedClock)
    end_at = clock.now().replace(microsecond=0) + timedelta(hours=1)
    placement = {
        "placement_start_at": (end_at - timedelta(minutes=61)).isoformat(),
        "placement_end_at": end_at.isoformat(),
    }
    early = {"early_close": {"when_full": False, "by_issuer": True, "text": "Эмитент вправе окончить размещение."}}
    issue_id = await _published(play, "put-call-buyback.yaml", quantity_min=10, placement_mode=early, **placement)
    await play.kapital.settle_down()
    ordered = await _told(play, "investor", "orders", {"orders": [{"issue_id": issue_id, "units": 20}]})
    assert ordered["items"][0]["outcome"] == "accepted", ordered
    at, path = {"issue_id": issue_id}, "POST /v1/tokenization/issues/{issue_id}"
    seen = {"decision_sha256": (await _read_issue(play, issue_id))["decision_sha256"]}
    await play.try_out(f"{path}/placement-end", "issuer", seen, other={"decision_sha256": "0" * 64}, **at)
    clock.set(end_at)
    await play.kapital.settle_down()
    called = await play.try_out(f"{path}/calls", "issuer", {"option": 1}, other={"option": 1, "units": 5}, **at)
    await _cancelled(play, issue_id, called["action_id"])
    ask = {"price_kopecks": 99_000, "units_max": 10, "accept_to_on": "2027-01-20", "on": "2027-01-27"}
    offer = await play.try_out(f"{path}/buybacks", "issuer", ask, other=ask | {"units_max": 9}, **at)
    instruction = await play.try_out(
        "POST /v1/tokenization/actions/{action_id}/instructions",
        "investor",
        {"units": 5},
        other={"units": 6},
        action_id=offer["action_id"],
    )
    await play.try_out(
        "POST /v1/tokenization/instructions/{instruction_id}/withdrawal",
        "investor",
        {},
        other_at=offer["action_id"],
        instruction_id=instruction["instruction_id"],
    )


async def _told(play: Play, who: str, path: str, body: Any) -> Any:
    """What a command of tokenization answers that is tried out elsewhere, or nowhere by itself."""
    headers = {"Authorization": f"Bearer {play.tokens[who]}", "Idempotency-Key": f"told-{next(_numbers)}"}
    answer = await play.client.post(f"/v1/tokenization/{path}", json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json()


async def _cancelled(play: Play, issue_id: str, action_id: str) -> None:
    """The call is cancelled by two of the operator, with the issuer."""
    ask = {"kind": "cancel_action", "reason": "Просьба эмитента", "action_id": action_id}
    proposal = await play.try_out(
        "POST /v1/tokenization/issues/{issue_id}/proposals",
        "settlement",
        ask,
        other=ask | {"reason": "Иная"},
        issue_id=issue_id,
    )
    at, path = {"proposal_id": proposal["proposal_id"]}, "POST /v1/tokenization/proposals/{proposal_id}"
    seen, other = {"proposal_sha256": proposal["proposal_sha256"]}, {"proposal_sha256": "0" * 64}
    await play.try_out(f"{path}/consent", "issuer", seen, other=other, **at)
    answer = seen | {"answer": "approve"}
    await play.try_out(f"{path}/decision", "second_settlement", answer, other=answer | {"answer": "reject"}, **at)


async def _restructured(play: Play) -> None:
    """An issue of one day is not paid for want of money; its holder takes units of a new one for the old."""
    clock = play.kapital.clock
    assert isinstance(clock, SteppedClock)
    end_at = clock.now().replace(microsecond=0) + timedelta(hours=1)
    tomorrow = (end_at + timedelta(days=1)).date().isoformat()
    terms = {
        "code": "SHORT-1",
        "quantity_min": 1,
        "min_order_units": 1,
        "lot": 1,
        "placement_end_at": end_at.isoformat(),
        "redemption": {"on": tomorrow, "window_days": 1},
        "default": {"grace_business_days": 0},
    }
    old = await _published(play, "discount-one-month.yaml", **terms)
    later = {"placement_start_at": "2026-12-14T10:00:00+03:00", "placement_end_at": "2026-12-16T15:00:00+03:00"}
    new = await _published(play, "discount-one-month.yaml", **(later | {"code": "NEW-1"}))
    await play.kapital.settle_down()
    ordered = await _told(play, "investor", "orders", {"orders": [{"issue_id": old, "units": 10}]})
    assert ordered["items"][0]["outcome"] == "accepted", ordered
    clock.set(end_at)
    await play.kapital.settle_down()
    for day in (1, 2):
        clock.set(end_at.replace(hour=0) + timedelta(days=day))
        await play.kapital.settle_down()
        await play.kapital.settle_down()
    await _staff(play)  # yesterday's tokens have ended
    assert (await _issue_row(play, old))["state"] == "default"
    ask = {"kind": "restructure", "reason": "Дефолт", "document_sha256": "5e" * 32, "new_issue_id": new}
    proposal = await _told(play, "legal", f"issues/{old}/proposals", ask | {"units_per_unit": 1})
    seen = {"proposal_sha256": proposal["proposal_sha256"]}
    await _told(play, "second_legal", f"proposals/{proposal['proposal_id']}/decision", seen | {"answer": "approve"})
    await play.try_out(
        "POST /v1/tokenization/proposals/{proposal_id}/exchanges",
        "investor",
        seen,
        other={"proposal_sha256": "0" * 64},
        proposal_id=proposal["proposal_id"],
    )
    assert (await _issue_row(play, old))["state"] == "restructured"


async def _issue_row(play: Play, issue_id: str) -> Any:
    return (await _read_issue(play, issue_id))["issue"]


async def _read_issue(play: Play, issue_id: str) -> Any:
    headers = {"Authorization": f"Bearer {play.tokens['investor']}"}
    return (await play.client.get(f"/v1/tokenization/issues/{issue_id}", headers=headers)).json()


async def _held_order(play: Play, order_id: UUID) -> None:
    """As if the certificate of the order had been revoked: how it comes to that, the scenarios tell."""
    parts = play.kapital.tokenization.use_cases.parts
    async with parts.uow.begin() as tx:
        [order] = (await parts.orders.read(tx.conn, [order_id])).values()
        review = OrderReview(
            review_id=new_uuid7(),
            issue_id=order.issue_id,
            actor_id=order.actor_id,
            command_id=order.command_id,
            participant_id=order.participant_id,
            state=ReviewState.HELD,
            version=1,
            signature_holds=True,
            reasons="certificate_revoked_later",
            revoked_at=tx.now,
            signed_at=order.created_at,
            file_sha256="0f" * 32,
            checked_at=tx.now,
        )
        await parts.reviews.add(tx.conn, [review])
    path, at = "POST /v1/tokenization/order-reviews/{review_id}", {"review_id": str(review.review_id)}
    ask = {"verdict": "go_on", "reason": "клиент подтвердил"}
    proposed = await play.try_out(f"{path}/proposal", "compliance", ask, other=ask | {"reason": "нет"}, **at)
    say = {"proposal_sha256": proposed["proposal_sha256"], "answer": "confirm"}
    await play.try_out(f"{path}/decision", "legal", say, other=say | {"answer": "return"}, **at)


async def _unidentified(play: Play) -> str:
    """A payment whose owner nobody knows."""
    await play.kapital.bank.receive(100, "Без кода")
    await play.kapital.settlement.use_cases.book_incoming()
    headers = {"Authorization": f"Bearer {play.tokens['settlement']}"}
    answer = await play.client.get("/v1/settlement/incoming-payments?state=unidentified", headers=headers)
    return str(answer.json()["incoming_payments"][0]["payment_id"])


async def _money(play: Play) -> None:
    investor = play.cast["investor"]
    account = investor["person"].payout_account
    item = {
        "wallet_id": investor[WALLET],
        "amount_kopecks": 1_500_000,
        "payout_account": {"bic": account.bic, "account": account.account},
    }
    answer = await play.try_out(
        "POST /v1/settlement/withdrawals",
        "investor",
        {"withdrawals": [item]},
        other={"withdrawals": [item | {"amount_kopecks": 1}]},
    )
    assert answer["withdrawals"][0]["outcome"] == "accepted"
    top_up = {"wallet_id": investor[WALLET], "amount_kopecks": 70_000}
    code = await play.try_out(
        "POST /v1/settlement/sbp-top-ups", "investor", top_up, other=top_up | {"amount_kopecks": 70_001}
    )
    assert code["state"] == "active"
    by_sbp = {
        "wallet_id": investor[WALLET],
        "amount_kopecks": 10_000,
        "payee": {"phone": "+79160000001", "member_id": "100000000004"},
    }
    sent = await play.try_out(
        "POST /v1/settlement/sbp-withdrawals", "investor", by_sbp, other=by_sbp | {"amount_kopecks": 9_999}
    )
    assert [part["state"] for part in sent["parts"]] == ["checked"]
    unknown = await _unidentified(play)
    proposal = {"kind": "owner_found", "payment_id": unknown, "wallet_id": investor[WALLET], "basis": "letter/17"}
    path = "POST /v1/settlement/money-decisions"
    proposed = await play.try_out(path, "settlement", proposal, other=proposal | {"basis": "letter/18"})
    say = {"verdict": "approve", "content_sha256": proposed["content_sha256"]}
    at = {"decision_id": proposed["decision_id"]}
    await play.try_out(f"{path}/{{decision_id}}/decision", "risk", say, other=say | {"verdict": "reject"}, **at)
    residency = {
        "participant_id": str(new_uuid7()),
        "residency": "resident",
        "valid_from": DAY,
        "basis": "certificate/17",
    }
    path = "POST /v1/settlement/tax-residencies"
    told = await play.try_out(path, "settlement", residency, other=residency | {"residency": "non_resident"})
    say = {"verdict": "confirm", "content_sha256": told["content_sha256"]}
    at = {"residency_id": told["residency_id"]}
    await play.try_out(f"{path}/{{residency_id}}/decision", "risk", say, other=say | {"verdict": "reject"}, **at)
    await _delivery_versus_payment(play)
    await _break(play)
    await _parked_message(play)
    await _review_of_escrow(play)


async def _review_of_escrow(play: Play) -> None:
    """An instruction of which the bank could not say whether it holds the money."""
    account = play.cast["investor"]["person"].payout_account
    named = {"bic": account.bic, "account": account.account}
    one = {
        "reference": "escrow",
        "units": 1,
        "amount_kopecks": 1,
        "rail": "escrow",
        "asset_id": play.cast["issue_id"],
        "issue_id": play.cast["issue_id"],
        "seller_wallet_id": play.cast["issuer"][WALLET],
        "buyer_wallet_id": play.cast["investor"][WALLET],
        "intended_on": "2099-11-24",
        "cut_off_at": "2099-11-24T13:00:00Z",
        "escrow": {"buyer_account": named, "seller_account": named},
    }
    headers = {"Authorization": f"Bearer {play.tokens['settlement']}", "Idempotency-Key": "escrow"}
    kept = await play.client.post("/v1/settlement/dvp-batches", json={"instructions": [one]}, headers=headers)
    assert kept.status_code == 201, kept.text
    async with play.kapital.databases.get("settlement").engine.begin() as conn:
        # The bank of this process never is at a loss: the state stands for what tests of the rail bring about.
        found = await conn.execute(
            text(
                "UPDATE dvp_instruction SET state = 'review_before_record' WHERE reference = 'escrow' "
                "RETURNING instruction_id"
            )
        )
        instruction_id = str(found.scalar_one())
    ask = {"instruction_id": instruction_id, "outcome": "reserve_absent", "basis": "x", "statement_base64": "eA=="}
    path = "POST /v1/settlement/dvp-reviews"
    review = await play.try_out(path, "settlement", ask, other=ask | {"basis": "y"})
    say, at = {"verdict": "reject", "content_sha256": review["content_sha256"]}, {"review_id": review["review_id"]}
    await play.try_out(
        f"{path}/{{review_id}}/decision", "second_settlement", say, other=say | {"verdict": "approve"}, **at
    )


async def _delivery_versus_payment(play: Play) -> None:
    parties = {"seller_wallet_id": play.cast["issuer"][WALLET], "buyer_wallet_id": play.cast["investor"][WALLET]}
    days = {"intended_on": "2099-11-24", "cut_off_at": "2099-11-24T13:00:00Z"}
    issue = {"asset_id": play.cast["issue_id"], "issue_id": play.cast["issue_id"]}
    one = {"reference": "one", "units": 1, "amount_kopecks": 1, "rail": "nominal"} | parties | days | issue
    path, body = "POST /v1/settlement/dvp-batches", {"instructions": [one, one | {"reference": "two"}]}
    batch = await play.try_out(path, "settlement", body, other={"instructions": [one | {"reference": "three"}]})
    say, at = {"verdict": "approve", "content_sha256": batch["content_sha256"]}, {"batch_id": batch["batch_id"]}
    await play.try_out(f"{path}/{{batch_id}}/decision", "risk", say, other=say | {"verdict": "reject"}, **at)
    headers = {"Authorization": f"Bearer {play.tokens['settlement']}"}
    kept = await play.client.get("/v1/settlement/dvp-instructions", headers=headers, params=at)
    first, second = (instruction["instruction_id"] for instruction in kept.json()["instructions"])
    hold = {"change": "hold", "instruction_ids": [first]}
    path = "POST /v1/settlement/dvp-instructions"
    await play.try_out(f"{path}/changes", "settlement", hold, other=hold | {"change": "release"})
    link = {"instruction_id": first, "kind": "after", "other_instruction_id": second}
    await play.try_out(f"{path}/links", "settlement", {"links": [link]}, other={"links": [link | {"kind": "before"}]})


async def _break(play: Play) -> None:
    """A fee that no line tells of: a break, let be by two; then the bank gives it back."""
    headers = {"Authorization": f"Bearer {play.tokens['settlement']}"}
    await play.kapital.bank.take_fee(7)
    await play.client.post("/v1/settlement/reconciliations", headers=headers)
    [found] = (await play.client.get("/v1/settlement/breaks?state=open", headers=headers)).json()["breaks"]
    path, at = "POST /v1/settlement/breaks/{break_id}/resolution", {"break_id": found["break_id"]}
    why = {"reason": "Банк вернёт комиссию"}
    proposed = await play.try_out(path, "settlement", why, other={"reason": "Иное"}, **at)
    say = {"verdict": "approve", "resolution_sha256": proposed["resolution_sha256"]}
    await play.try_out(f"{path}/decision", "risk", say, other=say | {"verdict": "reject"}, **at)
    await play.kapital.bank.take_fee(-7)
    await play.client.post("/v1/settlement/reconciliations", headers=headers)


async def _parked_message(play: Play) -> None:
    """A statement of another account: no word of it is ever booked."""
    nothing = "0" * 64
    message = IncomingMessage(
        message_id=new_uuid7(),
        raw_sha256="5a" * 32,
        raw_bytes=1,
        format="camt",
        told_id="M-1",
        content_sha256=nothing,
        signature=SignatureVerdict(SignatureOutcome.VALID),
        signature_sha256=None,
        state=MessageState.PARKED,
        reason=MessageReason.OTHER_ACCOUNT,
        statement_count=0,
        line_count=0,
        deviation_count=0,
        deviations=(),
        received_by="machine:bank",
    )
    async with play.kapital.databases.get("settlement").engine.begin() as conn:
        await IncomingMessageTable().add(conn, message, play.kapital.clock.now())
    path, at = "POST /v1/settlement/bank-messages/{message_id}/decision", {"message_id": str(message.message_id)}
    ask = {"kind": "set_aside", "reason": "Выписка чужого счёта"}
    proposed = await play.try_out(path, "settlement", ask, other=ask | {"kind": "book"}, **at)
    say = {"verdict": "approve", "content_sha256": proposed["content_sha256"]}
    await play.try_out(f"{path}/verdict", "risk", say, other=say | {"verdict": "reject"}, **at)


async def _screening(play: Play) -> None:
    listed = ["Жемчужников Валентин", "Царёв Лев", "Крюков Эдуард"]
    await _list_of(play, *listed)
    held = await _list_of(play, listed[0])
    client = {"participant_id": str(new_uuid7()), "kind": "person", "names": ["Zhemchuzhnikov Valentin"]}
    screened = await play.try_out(
        "POST /v1/identity/screening/clients",
        "onboarding",
        {"clients": [client]},
        other={"clients": [client | {"names": ["Иная"]}]},
    )
    assert screened["results"][0]["measure"] == "held"
    headers = {"Authorization": f"Bearer {play.tokens['aml_officer']}"}
    [hit] = (await play.client.get("/v1/identity/screening/hits", headers=headers)).json()["hits"]
    decision = {"decision": "confirm", "hit_sha256": hit["hit_sha256"], "reason": "ЗКЛ-52"}
    await play.try_out(
        "POST /v1/identity/screening/hits/{hit_id}/decision",
        "aml_officer",
        decision,
        other=decision | {"reason": "другая"},
        hit_id=hit["hit_id"],
    )
    [message] = (await play.client.get("/v1/identity/aml/messages", headers=headers)).json()["messages"]
    prepared = {"step": "prepare", "message_sha256": message["message_sha256"], "comment": "Счёт заблокирован"}
    await play.try_out(
        "POST /v1/identity/aml/messages/{message_id}/steps",
        "aml_officer",
        prepared,
        other=prepared | {"comment": "Иное"},
        message_id=message["message_id"],
    )
    outcome = {"outcome": "approved", "reason": "ЗКЛ-53"}
    await play.try_out(
        "POST /v1/identity/screening/lists/{version_id}/decision",
        "aml_officer",
        outcome,
        other=outcome | {"outcome": "rejected"},
        version_id=held,
    )


def _questionnaire(play: Play, someone: SyntheticPerson, participant_id: str) -> Any:
    """As the contract writes it: what is not known is left out."""
    filled = questionnaire_of(someone, UUID(participant_id), on=play.kapital.clock.now().date())

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: told(item) for name, item in value.items() if item is not None}
        return [told(item) for item in value] if isinstance(value, list) else value

    return told(msgspec.json.decode(msgspec.json.encode(filled)))


async def _dossier(play: Play) -> None:
    [person] = synthetic_people(18, 1)
    application = {"kind": person.kind.value, "name": person.name, "inn": person.inn, "roles": ["investor"]}
    application |= {"personal_data_consent": True}
    headers = {"Authorization": f"Bearer {play.tokens['onboarding']}"}
    registered = await play.client.post(
        "/v1/registry/participants",
        headers=headers | {"Idempotency-Key": "dossier"},
        json={"participants": [application | {"rule_book_version": "next"}]},
    )
    participant_id = registered.json()["results"][0]["participant_id"]
    await play.kapital.bus.drain()
    at = {"participant_id": participant_id}
    path = "POST /v1/identity/participants/{participant_id}"
    filled = await play.try_out(
        f"{path}/questionnaire",
        "onboarding",
        {"questionnaire": _questionnaire(play, person, participant_id)},
        other={"questionnaire": _questionnaire(play, person, participant_id) | {"purpose": "other"}},
        **at,
    )
    document = await play.try_out(
        f"{path}/documents",
        "onboarding",
        {"kind": "passport_rf", "content_base64": base64.b64encode(png()).decode()},
        other={"kind": "other", "content_base64": base64.b64encode(png()).decode()},
        **at,
    )
    assert document["verdict"] == "unchecked_no_scanner"
    client = {"participant_id": participant_id, "kind": "person", "names": [person.name]}
    screened = await play.client.post(
        "/v1/identity/screening/clients",
        headers=headers | {"Idempotency-Key": "dossier-lists"},
        json={"clients": [client]},
    )
    assert screened.is_success, screened.text
    ask = {"version": filled["version"], "document_id": document["document_id"], "category": "unqualified"}
    await play.try_out(
        f"{path}/completion", "onboarding", ask, other=ask | {"category_evidence_reference": "1"}, **at
    )


async def _delegation(play: Play) -> None:
    ask = {
        "agent_name": "АО «Вымышленный банк»",
        "agent_bic": "044525225",
        "number": "ПИ-7",
        "valid_from": "2026-01-01",
        "valid_until": "2026-12-31",
    }
    entered = await play.try_out("POST /v1/identity/delegations", "compliance", ask, other=ask | {"number": "ПИ-8"})
    notice = {"version": 1, "notified_on": "2026-03-02"}
    await play.try_out(
        "POST /v1/identity/delegations/{delegation_id}/changes",
        "compliance",
        notice,
        other=notice | {"notified_on": "2026-03-01"},
        delegation_id=entered["delegation_id"],
    )


async def _representatives(play: Play) -> None:
    [executive] = synthetic_people(19, 1, kinds=(PersonKind.NATURAL_PERSON,))
    ask = {"kind": "sole_executive", "name": executive.name, "inn": executive.inn, "basis_reference": "ЕГРЮЛ-7"}
    appointed = await play.try_out(
        "POST /v1/registry/participants/{participant_id}/representatives",
        "onboarding",
        ask,
        other=ask | {"basis_reference": "ЕГРЮЛ-8"},
        participant_id=play.cast["issuer"]["participant_id"],
    )
    await play.kapital.bus.drain()
    identify = "POST /v1/identity/representatives/{representative_id}/identification"
    seen = example_of(KEYED[identify])
    seen["person"]["inn"] = executive.inn
    await play.try_out(
        identify,
        "onboarding",
        seen,
        other=seen | {"document_sha256": "ef" * 32},
        representative_id=appointed["representative_id"],
    )
    await play.try_out(
        "POST /v1/registry/representatives/{representative_id}/end",
        "legal",
        {"basis_reference": "Протокол 3"},
        other={"basis_reference": "Протокол 4"},
        representative_id=appointed["representative_id"],
    )


async def _mandates(play: Play) -> None:
    """A broker comes; the investor gives it a mandate, it accepts, the investor ends it."""
    [firm] = synthetic_people(23, 1, kinds=(PersonKind.LEGAL_ENTITY,))
    broker = await play.kapital.registry.use_cases.register_participants(
        RegisterParticipants(
            command_id=CommandId(f"play-{new_uuid7()}"),
            actor=Actor(str(new_uuid7()), None, frozenset({Role.ONBOARDING})),
            participants=(
                Application(
                    kind=ParticipantKind.LEGAL_ENTITY,
                    name=firm.name,
                    inn=firm.inn,
                    roles=frozenset({ParticipantRole.BROKER}),
                    rule_book_version=RULES,
                ),
            ),
        )
    )
    assert broker.results[0].problem is None, broker.results[0].problem
    broker_id = str(broker.results[0].participant_id)
    play.tokens["broker"] = await token_of(play.kapital, broker_id, Role.BROKER)
    principal = play.cast["investor"]["participant_id"]
    said = {
        "broker_id": broker_id,
        "powers": ["place_orders"],
        "order_limit_kopecks": 1_000_000,
        "day_limit_kopecks": 2_000_000,
        "valid_until": (play.kapital.clock.now() + timedelta(days=300)).isoformat(),
    }
    mandate = await play.try_out(
        "POST /v1/registry/participants/{participant_id}/mandates",
        "investor",
        {"mandate": said},
        other={"mandate": said | {"day_limit_kopecks": 3_000_000}},
        participant_id=principal,
    )
    at = {"mandate_id": mandate["mandate_id"]}
    seen = {"text_sha256": mandate["text_sha256"]}
    await play.try_out(
        "POST /v1/registry/mandates/{mandate_id}/acceptance",
        "broker",
        seen,
        other={"text_sha256": "ef" * 32},
        **at,
    )
    await play.try_out(
        "POST /v1/registry/mandates/{mandate_id}/end", "investor", None, other_at=str(new_uuid7()), **at
    )


async def _freezes(play: Play) -> None:
    """Proposed and imposed; then half of it is released."""
    path, reason = "POST /v1/identity/freezes", {"reason": "Решение 8-1"}
    ask = reason | {
        "participant_id": play.cast["investor"]["participant_id"],
        "scope": "participant",
        "wallet_id": None,
        "asset_id": None,
        "direction": "both",
        "basis": BASIS,
    }
    freeze = await play.try_out(path, "compliance", ask, other=ask | {"direction": "debit"})
    at = {"freeze_id": freeze["freeze_id"]}
    impose = reason | {"decision": "impose", "freeze_sha256": freeze["freeze_sha256"]}
    freeze = await play.try_out(
        f"{path}/{{freeze_id}}/decision", "aml_officer", impose, other=impose | {"reason": "нет"}, **at
    )
    narrower = reason | {
        "kind": "part",
        "scope": "participant",
        "asset_id": None,
        "direction": "debit",
        "amount_kopecks": None,
        "basis": BASIS,
        "freeze_sha256": freeze["freeze_sha256"],
    }
    freeze = await play.try_out(
        f"{path}/{{freeze_id}}/release-proposal",
        "aml_officer",
        narrower,
        other=narrower | {"direction": "credit"},
        **at,
    )
    approve = reason | {"decision": "approve", "freeze_sha256": freeze["freeze_sha256"]}
    await play.try_out(
        f"{path}/{{freeze_id}}/release-decision", "second_officer", approve, other=approve | {"reason": "нет"}, **at
    )


async def _list_of(play: Play, *names: str) -> str:
    entities = [{"id": name, "schema": "Person", "properties": {"name": [name]}} for name in names]
    path = play.kapital.settings.data_dir / f"{new_uuid7()}.json"
    path.write_text("\n".join(json.dumps(entity) for entity in entities), encoding="utf-8")
    officer = Actor(id="machine:console", participant_id=None, roles=frozenset({Role.AML_OFFICER}))
    file = ListFile(path, ListFormat.FTM_JSON)
    cmd = LoadList(actor=officer, source=ListSource.OPENSANCTIONS, file=file)
    return str((await play.kapital.identity.screening.load_list(cmd)).version_id)


async def _restriction(play: Play) -> None:
    path, at = (
        "POST /v1/registry/participants/{participant_id}",
        {"participant_id": play.cast["investor"]["participant_id"]},
    )
    await play.try_out(
        f"{path}/restrict", "compliance", {"basis_reference": "СЗ-17"}, other={"basis_reference": "СЗ-1"}, **at
    )
    await play.try_out(
        f"{path}/lift-restriction",
        "second_compliance",
        {"basis_reference": "СЗ-18"},
        other={"basis_reference": "СЗ-2"},
        **at,
    )


async def _rules(play: Play) -> None:
    """A new rule book comes into force and is accepted; then somebody who never had anything leaves."""
    now, sha256 = play.kapital.clock.now(), "6b" * 32
    book = {
        "rule_book_version": "next",
        "document_sha256": sha256,
        "effective_on": (now + timedelta(days=1)).date().isoformat(),
    }
    await play.try_out("POST /v1/registry/rule-books", "legal", book, other=book | {"rule_book_version": "other"})
    step = {"step": "sent", "document_sha256": sha256, "reference": "Исх. 1"}
    for one, who in (("sent", "legal"), ("agreed", "compliance")):
        await play.try_out(
            "POST /v1/registry/rule-books/{rule_book_version}/steps",
            who,
            step | {"step": one},
            other=step | {"step": "withdrawn"},
            rule_book_version="next",
        )
    clock = play.kapital.clock
    assert isinstance(clock, SteppedClock)
    clock.advance(timedelta(days=1))
    await _staff(play)  # yesterday's tokens have ended
    await play.kapital.settle_down()
    path = "POST /v1/registry/participants/{participant_id}"
    seen = {"rule_book_version": "next", "document_sha256": sha256}
    await play.try_out(
        f"{path}/rule-book-acceptance",
        "investor",
        seen,
        other=seen | {"personal_data_consent": True},
        participant_id=play.cast["investor"]["participant_id"],
    )
    await _nominee(play)
    at = {"participant_id": await _newcomer(play)}
    await _statuses(play, **at)
    asked = await play.try_out(
        f"{path}/closing", "second_legal", {"basis_reference": "З-1"}, other={"basis_reference": "З-2"}, **at
    )
    close = {
        "decision": "close",
        "closing_sha256": asked["closing_sha256"],
        "basis_reference": "Приказ 1",
        "no_dispute_reference": "Справка 1",
    }
    ago = (clock.now() - timedelta(hours=1)).isoformat()
    earlier = (clock.now() - timedelta(hours=2)).isoformat()
    await play.try_out("POST /v1/registry/extracts", "legal", {"at": ago}, other={"at": earlier})
    await play.try_out(f"{path}/closing-decision", "legal", close, other=close | {"decision": "refuse"}, **at)


async def _nominee(play: Play) -> None:
    """A nominee holder, which holds nothing yet, is asked for whom it holds, and says so."""
    [firm] = synthetic_people(9, 1, kinds=(PersonKind.LEGAL_ENTITY,))
    applied = {"name": firm.name, "inn": firm.inn, "kind": firm.kind.value, "roles": ["nominee"]}
    answer = await play.try_out(
        "POST /v1/registry/participants",
        "onboarding",
        {"participants": [applied | {"rule_book_version": "next"}]},
        other={"participants": [applied | {"rule_book_version": "other"}]},
    )
    who, now = answer["results"][0]["participant_id"], play.kapital.clock.now()
    token = {
        "subject_kind": "participant",
        "subject_id": who,
        "roles": ["nominee"],
        "expires_at": (now + timedelta(days=2)).isoformat(),
    }
    issued = await play.try_out(
        "POST /v1/registry/access-tokens", "admin", token, other=token | {"expires_at": "2027-02-01T00:00:00Z"}
    )
    play.tokens["nominee"] = issued["token"]
    ask = {
        "issue_id": play.cast["issue_id"],
        "as_of": (now - timedelta(hours=1)).isoformat(),
        "due_at": (now + timedelta(days=5)).isoformat(),
        "basis_reference": "Запрос 1",
    }
    asked = await play.try_out(
        "POST /v1/registry/participants/{participant_id}/holder-disclosures",
        "legal",
        ask,
        other=ask | {"basis_reference": "Запрос 2"},
        participant_id=who,
    )
    part = {"part": 1, "is_last": True, "holders": []}
    await play.try_out(
        "POST /v1/registry/holder-disclosures/{disclosure_id}/parts",
        "nominee",
        part,
        other=part | {"part": 2},
        disclosure_id=asked["disclosure_id"],
    )


async def _statuses(play: Play, *, participant_id: str) -> None:
    """Somebody becomes a qualified investor, and is none any more."""
    status = {
        "status": "qualified_by_recognition",
        "recognised_by": "operator",
        "evidence_sha256": "ab" * 32,
        "basis_reference": "Заявление 1",
    }
    proposed = await play.try_out(
        "POST /v1/registry/participants/{participant_id}/statuses",
        "onboarding",
        status,
        other=status | {"basis_reference": "Заявление 2"},
        participant_id=participant_id,
    )
    at = {"status_id": proposed["status_id"]}
    decision = {"decision": "accept", "status_sha256": proposed["status_sha256"]}
    path = "POST /v1/registry/statuses/{status_id}"
    await play.try_out(f"{path}/decision", "compliance", decision, other=decision | {"decision": "refuse"}, **at)
    end = {"basis_reference": "Заявление 3"}
    await play.try_out(f"{path}/withdrawal", "compliance", end, other={"basis_reference": "Заявление 4"}, **at)


async def _newcomer(play: Play) -> str:
    """An active participant who has nothing."""
    [person] = synthetic_people(8, 1, kinds=(PersonKind.NATURAL_PERSON,))
    applied = {"name": person.name, "inn": person.inn, "kind": person.kind.value, "roles": ["investor"]}
    applied |= {"personal_data_consent": True}
    answer = await play.try_out(
        "POST /v1/registry/participants",
        "onboarding",
        {"participants": [applied | {"rule_book_version": "next"}]},
        other={"participants": [applied | {"rule_book_version": "other"}]},
    )
    who = answer["results"][0]["participant_id"]
    await play.kapital.bus.drain()
    screened = await play.client.post(
        "/v1/identity/screening/clients",
        json={"clients": [{"participant_id": who, "kind": "person", "names": [person.name]}]},
        headers={"Authorization": f"Bearer {play.tokens['onboarding']}", "Idempotency-Key": "screen-newcomer"},
    )
    assert screened.is_success, screened.text
    seen = {
        "participant_id": who,
        "document_kind": "passport_rf",
        "document_sha256": "cd" * 32,
        "category": "unqualified",
        "screening_list_version": "rfm-2026-12-01",
        "screening_result": "clear",
    }
    recorded = await play.try_out(
        "POST /v1/identity/identifications",
        "onboarding",
        {"identifications": [seen]},
        other={"identifications": [seen | {"document_sha256": "ef" * 32}]},
    )
    decision = {
        "participant_id": who,
        "outcome": "approved",
        "identification_sha256": recorded["results"][0]["identification_sha256"],
        "basis_reference": "ЗКЛ-42",
    }
    await play.try_out(
        "POST /v1/identity/decisions",
        "aml_officer",
        {"decisions": [decision]},
        other={"decisions": [decision | {"basis_reference": "ЗКЛ-43"}]},
    )
    doubt = {"identification_sha256": decision["identification_sha256"], "reason": "Письмо вернулось"}
    await play.try_out(
        "POST /v1/identity/participants/{participant_id}/doubts",
        "aml_officer",
        doubt,
        other=doubt | {"reason": "Телефон не отвечает"},
        participant_id=str(who),
    )
    await play.kapital.bus.drain()
    return str(who)


def test_the_story_uses_every_operation_with_a_key(tried: dict[str, Tried]) -> None:
    assert {label.strip() for label in tried} == set(KEYED)


@pytest.mark.parametrize("label", sorted(KEYED))
def test_the_first_answer_is_the_one_of_the_contract_and_no_replay(tried: dict[str, Tried], label: str) -> None:
    one, operation = tried[label], KEYED[label]

    [status] = operation.success
    assert one.first.status_code == int(status)
    assert "idempotency-replayed" not in one.first.headers
    reference = operation.response(status)["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
    validator(f"#/components/schemas/{operation.service}_{reference}").validate(one.first.json())
    assert one.traces_of_first > 0


@pytest.mark.parametrize("label", sorted(KEYED))
def test_the_same_request_again_gets_the_same_answer_marked_as_kept(tried: dict[str, Tried], label: str) -> None:
    one = tried[label]

    assert one.again.status_code == one.first.status_code
    assert one.again.headers.get("idempotency-replayed") == "true"
    told = one.first.json()
    if "token" in told:
        told["token"] = None  # the secret is told once; the contract says that a repeat goes without it
    assert one.again.json() == told


@pytest.mark.parametrize("label", sorted(KEYED))
def test_the_same_key_for_another_request_is_refused(tried: dict[str, Tried], label: str) -> None:
    refused = tried[label].other

    assert (refused.status_code, refused.json().get("code")) == (422, "idempotency_key_reused")
    assert "idempotency-replayed" not in refused.headers


@pytest.mark.parametrize("label", sorted(KEYED))
def test_without_a_key_or_with_a_malformed_one_nothing_is_done(tried: dict[str, Tried], label: str) -> None:
    one = tried[label]

    assert (one.keyless.status_code, one.keyless.json()["code"]) == (400, "idempotency_key_required")
    assert (one.odd_key.status_code, one.odd_key.json()["code"]) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize("label", sorted(KEYED))
def test_the_repeats_leave_no_trace_in_audit_events_or_ledger(tried: dict[str, Tried], label: str) -> None:
    assert tried[label].traces_of_the_rest == 0


def test_a_single_order_of_a_batch_knows_its_repeat_too(tried: dict[str, Tried]) -> None:
    one = tried["POST /v1/tokenization/orders "]

    assert one.again.json() == one.first.json()
    assert "idempotency-replayed" not in one.first.headers
    assert one.again.headers["idempotency-replayed"] == "true"
    assert one.other.json()["code"] == "idempotency_key_reused"
    assert one.traces_of_the_rest == 0


def test_every_decision_on_a_change_names_the_version_of_the_row_that_it_looked_at(played: Played) -> None:
    policies = current_policies()
    of_an_object = {
        operation.body["operationId"]
        for operation in KEYED.values()
        if policies.resource_kinds[operation.body["operationId"]] != "Service"
    }
    assert of_an_object >= OF_NEW_THINGS

    for action in of_an_object:
        allowed = [one for one in played.decisions if one.action == action and one.allowed]
        versions = [version for one in allowed for _, version in one.subjects]
        assert allowed, f"{action} was done, and no decision is kept"
        assert bool(versions) is (action not in OF_NEW_THINGS), f"{action}: {versions}"
        # What may be done is done to something that is there.
        assert all(version is not None and version >= 1 for version in versions), f"{action}: {versions}"
    assert [one for one in played.decisions for _, version in one.subjects if version is None] == []
