"""Questionnaires, documents and delegation over HTTP: what is served is what the contract says."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from kapital.identity.ports import KycPolicy
from kapital.identity.routes.dossiers import UPLOAD_BYTES_MAX
from kapital.identity.service import identity_of
from kapital.kernel.actor import Actor
from kapital.kernel.roles import Role
from kapital.platform.database import Databases
from kapital.platform.http import create_app
from kapital.platform.objects import ObjectStore
from kapital.platform.settings import Settings
from tests.acting import simple_acts
from tests.contracts.documents import validator
from tests.identity.conftest import NO_LEDGER, OFFICER, ONBOARDER
from tests.identity.dossier.conftest import SENIOR, Desk
from tests.identity.dossier.papers import of_firm, pdf


class Tokens:
    """Tokens that are the actor's number: who checks real ones is another service."""

    def __init__(self) -> None:
        self.actors: dict[str, Actor] = {"onboarder": ONBOARDER, "officer": OFFICER, "senior": SENIOR}

    async def verify(self, token: str) -> Actor | None:
        return self.actors.get(token)


TOKENS = Tokens()
FIRM_TABLES = ("kyc_questionnaire", "kyc_document", "kyc_dossier", "identification")


@pytest_asyncio.fixture
async def http(desk: Desk, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    policy = KycPolicy(unchecked_documents_allowed=True)
    service = identity_of(
        desk.database,
        desk.clock,
        ledger=NO_LEDGER,
        acts=simple_acts(desk.clock),
        objects=ObjectStore(tmp_path / "http"),
        policy=policy,
    )
    app = create_app(
        [service.routes],
        settings=Settings(),
        databases=Databases({"identity": desk.database}),
        verifier=TOKENS,
    )
    async with AsyncClient(transport=ASGITransport(app), base_url="http://kapital.test") as client:
        yield client


def as_(token: str, key: str = "k") -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": key}


def told(schema: str, answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    validator(f"#/components/schemas/identity_{schema}").validate(answer.json())
    return answer.json()


def written(participant_id: UUID) -> Any:
    def without_nulls(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: without_nulls(item) for name, item in value.items() if item is not None}
        return [without_nulls(item) for item in value] if isinstance(value, list) else value

    return without_nulls(msgspec.json.decode(msgspec.json.encode(of_firm(participant_id))))


async def test_a_firm_is_taken_in_piece_by_piece(desk: Desk, http: AsyncClient) -> None:
    [participant_id] = await desk.opened(kind="legal_entity")
    await desk.screen(participant_id)
    TOKENS.actors["firm"] = Actor(
        id=str(participant_id), participant_id=participant_id, roles=frozenset({Role.ISSUER})
    )
    path = f"/v1/identity/participants/{participant_id}"
    body = {"questionnaire": written(participant_id)}

    filled = told("FilledQuestionnaire", await http.post(f"{path}/questionnaire", headers=as_("firm"), json=body))
    again = await http.post(f"{path}/questionnaire", headers=as_("firm"), json=body)
    # Larger than any other body may be.
    large = pdf(b"2 0 obj\n<< /Title (" + b"x" * 2_000_000 + b") >>\nendobj\n")
    paper = {"kind": "egrul_extract", "content_base64": base64.b64encode(large).decode()}
    document = told("KycDocument", await http.post(f"{path}/documents", headers=as_("firm", "paper"), json=paper))
    ask = {"version": filled["version"], "document_id": document["document_id"], "category": "unqualified"}
    recorded = told(
        "RecordedIdentification", await http.post(f"{path}/completion", headers=as_("onboarder"), json=ask)
    )
    dossier = told("KycDossier", await http.get(f"{path}/dossier", headers=as_("officer")))
    seen = await http.get(f"{path}/documents/{document['document_id']}", headers=as_("officer"))
    hidden = await http.get(f"{path}/dossier", headers=as_("firm"))

    assert again.headers["Idempotency-Replayed"] == "true"
    assert dossier["identification_sha256"] == recorded["identification_sha256"]
    assert dossier["questionnaire"] == body["questionnaire"]
    assert [owner["share"] for owner in dossier["beneficial_owners"]] == ["1"]
    assert (seen.content, seen.headers["content-type"]) == (large, "application/pdf")
    assert seen.headers["content-disposition"] == "attachment"
    assert (hidden.status_code, hidden.json()["code"]) == (403, "not_permitted")


async def test_what_no_contract_allows_leaves_nothing(desk: Desk, http: AsyncClient) -> None:
    [participant_id] = await desk.opened(kind="legal_entity")
    path = f"/v1/identity/participants/{participant_id}"
    questionnaire = written(participant_id)
    huge = {"kind": "other", "content_base64": "A" * (UPLOAD_BYTES_MAX + 1)}
    asked = [
        ("documents", huge),
        ("documents", {"kind": "other", "content_base64": base64.b64encode(pdf()).decode(), "sha256": "00"}),
        ("documents", {"kind": "другое", "content_base64": base64.b64encode(pdf()).decode()}),
        ("documents", {"kind": "other", "content_base64": ""}),
        ("questionnaire", {"questionnaire": questionnaire | {"approved": True}}),
        ("questionnaire", {"questionnaire": questionnaire | {"sources_note": "x" * 2_000_000}}),
        ("questionnaire", {"questionnaire": questionnaire | {"kind": ["legal_entity"]}}),
        ("questionnaire", {"questionnaire": questionnaire, "filled_by": "another"}),
        ("completion", {"version": 1, "document_id": "x", "category": "unqualified"}),
        ("completion", {"version": 1, "document_id": str(uuid4()), "category": "unqualified", "state": "approved"}),
    ]
    [mark] = await desk.rows("SELECT state, version FROM kyc_case")

    answers = [
        await http.post(f"{path}/{where}", headers=as_("onboarder", f"bad-{at}"), json=body)
        for at, (where, body) in enumerate(asked)
    ]

    codes = [answer.json()["code"] for answer in answers]
    too_large = [0, 5]
    assert [codes[at] for at in too_large] == ["body_too_large"] * 2
    assert {code for at, code in enumerate(codes) if at not in too_large} == {"body_must_match_contract"}, codes
    assert all(len(answer.content) < 10_000 for answer in answers)
    assert await desk.rows("SELECT state, version FROM kyc_case") == [mark]
    for table in FIRM_TABLES:
        assert await desk.rows(f"SELECT 1 FROM {table}") == [], table


async def test_anothers_case_is_as_one_that_is_not_there(desk: Desk, http: AsyncClient) -> None:
    own, other = await desk.opened(2, kind="legal_entity")
    TOKENS.actors["stranger"] = Actor(id=str(own), participant_id=own, roles=frozenset({Role.ISSUER}))
    paper = {"kind": "other", "content_base64": base64.b64encode(pdf()).decode()}
    document = told(
        "KycDocument",
        await http.post(f"/v1/identity/participants/{other}/documents", headers=as_("onboarder"), json=paper),
    )

    async def asked(participant_id: UUID) -> list[tuple[int, str, str]]:
        path = f"/v1/identity/participants/{participant_id}"
        body = {"questionnaire": written(participant_id)}
        completion = {"version": 1, "document_id": document["document_id"], "category": "unqualified"}
        answers = [
            await http.post(f"{path}/questionnaire", headers=as_("stranger", "q"), json=body),
            await http.post(f"{path}/documents", headers=as_("stranger", "d"), json=paper),
            await http.post(f"{path}/completion", headers=as_("stranger", "c"), json=completion),
            await http.get(f"{path}/dossier", headers=as_("stranger")),
            await http.get(f"{path}/documents/{document['document_id']}", headers=as_("stranger")),
        ]
        return [(a.status_code, a.json()["code"], a.json()["detail"]) for a in answers]

    there, not_there = await asked(other), await asked(uuid4())

    assert there == not_there
    assert [status for status, _, _ in there] == [404, 404, 403, 403, 403]
    # Staff name the right participant or get nothing: a document is one of its own case only.
    crossed = await http.get(
        f"/v1/identity/participants/{own}/documents/{document['document_id']}", headers=as_("officer")
    )
    assert crossed.status_code == 404


async def test_a_case_that_is_completed_takes_nothing_more(desk: Desk, http: AsyncClient) -> None:
    participant_id, questionnaire = await desk.firm()
    path = f"/v1/identity/participants/{participant_id}"
    early = {"version": 1, "document_id": str(uuid4()), "category": "unqualified"}
    before = await http.post(f"{path}/completion", headers=as_("onboarder", "early"), json=early)
    sha256 = await desk.completed(participant_id, questionnaire)
    [case] = await desk.rows("SELECT version FROM kyc_case")
    paper = {"kind": "other", "content_base64": base64.b64encode(pdf()).decode()}
    done = early | {"version": case["version"]}

    refused = [
        await http.post(
            f"{path}/questionnaire", headers=as_("onboarder", "q"), json={"questionnaire": written(participant_id)}
        ),
        await http.post(f"{path}/documents", headers=as_("onboarder", "d"), json=paper),
        await http.post(f"{path}/completion", headers=as_("onboarder", "c"), json=done),
        await http.post(f"{path}/completion", headers=as_("onboarder", "s"), json=early),
    ]

    assert before.json()["code"] == "questionnaire_required"
    codes = [(answer.status_code, answer.json()["code"]) for answer in refused]
    assert codes == [(409, "kyc_case_must_await_identification")] * 3 + [(412, "stale_version")]
    dossier = told("KycDossier", await http.get(f"{path}/dossier", headers=as_("officer")))
    assert dossier["identification_sha256"] == sha256


async def test_bad_papers_are_named_and_leave_nothing(desk: Desk, http: AsyncClient) -> None:
    [participant_id] = await desk.opened(kind="legal_entity")
    path = f"/v1/identity/participants/{participant_id}"
    replies = await desk.rows("SELECT count(*) FROM reply")
    bad = written(participant_id)
    bad["entity"]["inn"] = bad["entity"]["inn"][:-1] + str((int(bad["entity"]["inn"][-1]) + 1) % 10)

    wrong = await http.post(f"{path}/questionnaire", headers=as_("onboarder"), json={"questionnaire": bad})
    archive = base64.b64encode(b"PK\x03\x04" + b"0" * 99).decode()
    refused = [
        await http.post(
            f"{path}/documents", headers=as_("onboarder", key), json={"kind": "other", "content_base64": content}
        )
        for key, content in (("a", archive), ("b", "не base64"), ("c", "AAAAA"))
    ]

    assert (wrong.status_code, wrong.json()["code"]) == (422, "questionnaire_must_be_complete")
    assert [error["pointer"] for error in wrong.json()["errors"]] == ["/questionnaire/entity/inn"]
    assert bad["entity"]["inn"] not in wrong.text
    codes = [answer.json()["code"] for answer in refused]
    assert codes == ["document_must_not_be_an_archive", "document_must_be_readable", "document_must_be_readable"]
    assert await desk.rows("SELECT count(*) FROM reply") == replies
    for table in FIRM_TABLES:
        assert await desk.rows(f"SELECT 1 FROM {table}") == [], table


async def test_an_agreement_is_entered_notified_and_listed(http: AsyncClient) -> None:
    ask = {
        "agent_name": "АО «Вымышленный банк»",
        "agent_bic": "044525225",
        "number": "ПИ-7",
        "valid_from": "2026-01-01",
        "valid_until": "2026-12-31",
    }

    entered = told("Delegation", await http.post("/v1/identity/delegations", headers=as_("senior"), json=ask))
    path = f"/v1/identity/delegations/{entered['delegation_id']}/changes"
    notice = {"version": 1, "notified_on": "2026-03-02"}
    changed = told("Delegation", await http.post(path, headers=as_("senior", "c"), json=notice))
    page = told("DelegationPage", await http.get("/v1/identity/delegations", headers=as_("officer")))

    assert page["delegations"] == [changed]
    assert (changed["notified_on"], changed["version"]) == ("2026-03-02", 2)
