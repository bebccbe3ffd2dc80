"""HTTP of disclosure: pages a browser cannot be tricked by, documents byte for byte, refusals in two forms."""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import msgspec
import pytest
from ruamel.yaml import YAML

from kapital.contracts import disclosure as contract
from kapital.disclosure.routes import HANDLERS

from .conftest import (
    CALL,
    EXCHANGE,
    ISSUE,
    OUTCOME,
    SUBSTITUTE,
    World,
    decided,
    delayed,
    instructed,
    paid,
    refused,
    settled,
    state,
)

CONTRACT = Path(__file__).parents[2] / "contracts" / "openapi" / "disclosure.yaml"
EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"{{7*7}}'
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
VOID = {"meta", "link", "br", "img", "hr"}


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order; keeps tags, attributes and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split(" ")).replace("\n", " ")


@pytest.fixture
async def published(world: World) -> dict:
    publication = await world.publication()
    await world.tell(publication, state("placement_open"))
    return publication[1]


async def everything(world: World, **changes) -> None:
    await world.tell(
        await world.publication(**changes),
        state("circulating"),
        decided("held", [(21, 2_100_000, 0)]),
        settled("held", [(21, 2_100_000, 0)]),
        instructed([123_456_789]),
        refused(),
        paid([123_456_789]),
    )


class TestPages:
    @pytest.mark.parametrize("lang", ["ru", "en"])
    async def test_are_well_formed_and_accessible(self, world: World, client, lang):
        await everything(world)
        for path in ("/disclosure/issues", f"/disclosure/issues/{ISSUE}", "/disclosure/issues/nothing"):
            page = Page((await client.get(f"{path}?lang={lang}", headers=HTML)).text)

            assert page.named("html") == [{"lang": lang}]
            assert len(page.named("h1")) == 1
            assert len(page.named("main")) == 1
            assert len(page.named("title")) == 1
            assert all(cell.get("scope") in {"col", "row"} for cell in page.named("th"))
            assert all(time["datetime"].endswith("+00:00") for time in page.named("time"))
            assert page.named("meta")[1]["name"] == "viewport"

    async def test_run_nothing_and_load_nothing_from_elsewhere(self, world: World, client):
        await everything(world)
        for path in ("/disclosure/issues", f"/disclosure/issues/{ISSUE}", "/disclosure/issues/nothing"):
            answer = await client.get(path, headers=HTML)
            page = Page(answer.text)

            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; style-src 'self';")
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert not page.named("script")
            for _, attrs in page.tags:
                assert "style" not in attrs
                assert not [name for name in attrs if name.startswith("on")]
                for address in (attrs.get("href"), attrs.get("src")):
                    assert address is None or address.startswith(("/", "#"))

    async def test_a_title_that_attacks_is_inert(self, world: World, client):
        await everything(world, title=EVIL, documents=[(b"x", EVIL, "text/html")], code=EVIL)
        for path in ("/disclosure/issues", f"/disclosure/issues/{ISSUE}"):
            answer = await client.get(path, headers=HTML)
            page = Page(answer.text)

            assert EVIL in page.texts
            assert "<script" not in answer.text
            assert not page.named("img")
            assert "49" not in page.named("title")

    async def test_an_address_that_attacks_is_inert(self, client):
        answer = await client.get("/disclosure/issues/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", headers=HTML)

        assert answer.status_code == 404
        assert "<script" not in answer.text

    async def test_a_failed_issue_says_so_in_words(self, world: World, client):
        await world.tell(
            await world.publication(), state("failed"), decided("failed", [(0, 0, 500_000_000), (0, 0, 1)])
        )

        russian = Page((await client.get(f"/disclosure/issues/{ISSUE}", headers=HTML)).text)
        english = Page((await client.get(f"/disclosure/issues/{ISSUE}?lang=en", headers=HTML)).text)

        assert "Выпуск не состоялся" in russian.texts
        assert "5\u00a0000\u00a0000,01\u00a0₽" in russian.texts
        assert "2\u00a0заявки" in russian.texts
        assert "Issue failed" in english.texts
        assert "5,000,000.01\u00a0RUB" in english.texts

    async def test_say_when_an_issue_is_unknown_in_the_form_asked_for(self, client):
        for path in (f"/disclosure/issues/{ISSUE}", "/disclosure/issues/nothing"):
            page = await client.get(path, headers=HTML)
            problem = await client.get(path, headers={"Accept": "application/json"})
            default = await client.get(path, headers={"Accept": "*/*"})

            assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
            assert "Такой выпуск не опубликован" in Page(page.text).texts
            for answer in (problem, default):
                assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
                assert answer.json()["code"] == "issue_page_not_found"

    async def test_another_language_is_refused(self, client):
        answer = await client.get("/disclosure/issues?lang=de", headers=HTML)

        assert answer.json()["code"] == "parameter_must_match_contract"

    async def test_the_style_sheet_is_there(self, client):
        answer = await client.get("/disclosure/style.css")

        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert "url(" not in answer.text


class TestDocuments:
    async def test_are_the_bytes_whose_hash_the_page_shows(self, published, client):
        page = Page((await client.get(f"/disclosure/issues/{ISSUE}", headers=HTML)).text)
        links = [a["href"] for a in page.named("a") if "/documents/" in a["href"]]

        assert len(links) == len(published["documents"]) == 2
        for link, document in zip(links, published["documents"], strict=True):
            answer = await client.get(link)

            assert hashlib.sha256(answer.content).hexdigest() == document["sha256"] == link.rsplit("/", 1)[1]
            assert len(answer.content) == document["bytes"]
            assert document["sha256"] in page.texts

    async def test_come_with_their_media_type_and_name_and_are_never_guessed(self, published, client):
        answers = [await client.get(f"/v1/disclosure/documents/{d['sha256']}") for d in published["documents"]]

        assert [a.headers["content-type"] for a in answers] == ["application/json", "text/markdown; charset=utf-8"]
        for answer in answers:
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
            assert "immutable" in answer.headers["cache-control"]
        disposition = answers[1].headers["content-disposition"]
        assert disposition.startswith('inline; filename="')
        assert unquote(disposition.split("filename*=UTF-8''")[1]) == "Решение о выпуске.md"

    @pytest.mark.parametrize(
        ("media_type", "sent", "shown"),
        [
            ("text/html", "text/html; charset=utf-8", "attachment"),
            ("image/svg+xml", "image/svg+xml", "attachment"),
            ("application/pdf", "application/pdf", "attachment"),
            ("text/plain\r\nX-Evil: 1", "application/octet-stream", "attachment"),
        ],
    )
    async def test_that_could_run_are_saved_and_not_shown(self, world: World, client, media_type, sent, shown):
        name = 'a"b\r\nX-Evil: 1/../<i>\u202e.html'
        event_type, data = await world.publication(documents=[(b"<script>1</script>", name, media_type)])
        await world.tell((event_type, data))

        answer = await client.get(f"/v1/disclosure/documents/{data['documents'][1]['sha256']}")

        assert answer.status_code == 200
        assert answer.headers["content-type"] == sent
        assert answer.headers["content-disposition"].startswith(f"{shown}; ")
        assert "x-evil" not in answer.headers
        assert "\n" not in answer.headers["content-disposition"]

    async def test_that_nobody_published_are_not_given(self, world: World, published, client):
        private = await world.objects.put(b"copy of a passport")

        answer = await client.get(f"/v1/disclosure/documents/{private}")

        assert answer.status_code == 404
        assert answer.json()["code"] == "document_not_published"

    @pytest.mark.parametrize("sha256", ["0" * 63, "0" * 65, "A" * 64, "..%2F..%2Fetc", "0" * 63 + "%0A"])
    async def test_are_asked_for_by_a_hash(self, client, sha256):
        assert (await client.get(f"/v1/disclosure/documents/{sha256}")).status_code in {404, 422}


class TestData:
    async def test_fits_the_contract(self, world: World, client):
        await everything(world)
        about = {"issue_id": str(ISSUE), "at": "2027-08-02T09:00:00Z"}
        await world.tell(
            ("kapital.tokenization.action_announced.v1", about | CALL),
            ("kapital.tokenization.outcome_announced.v1", about | OUTCOME),
            ("kapital.tokenization.exchange_announced.v1", about | EXCHANGE),
            ("kapital.tokenization.substitute_announced.v1", about | SUBSTITUTE),
            *(delayed(late) for late in ("underfunded", "grace", "defaulted")),
        )
        listed = await client.get("/v1/disclosure/issues")
        one = await client.get(f"/v1/disclosure/issues/{ISSUE}")

        issues = msgspec.json.decode(listed.content, type=contract.IssueList)
        issue = msgspec.json.decode(one.content, type=contract.IssuePage)
        assert [item.issue_id for item in issues.items] == [ISSUE]
        assert issue.state == issues.items[0].state == "circulating"
        assert issue.outcome is not None
        assert (issue.outcome.units, issue.outcome.raised_kopecks) == (21, 2_100_000)
        assert [(p.kind.value, p.state.value, p.paid_kopecks) for p in issue.payouts] == [
            ("coupon", "paid", 123_456_789)
        ]
        assert [d.is_decision for d in issue.documents] == [True, False]
        assert {item.kind.value for item in issue.timeline} == {kind.value for kind in contract.TimelineKind}

    async def test_of_an_unknown_issue_is_a_problem(self, client):
        answer = await client.get(f"/v1/disclosure/issues/{UUID(int=5)}", headers=HTML)

        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "before=x"])
    async def test_takes_no_malformed_question(self, client, query):
        answer = await client.get(f"/v1/disclosure/issues?{query}")

        assert answer.json()["code"] == "parameter_must_match_contract"


def test_serves_exactly_the_operations_of_the_contract():
    paths = YAML(typ="safe").load(CONTRACT)["paths"]
    promised = {("GET", path) for path in paths}
    served = {
        (method, re.sub(r"\{(\w+):\w+\}", r"{\1}", path))
        for handler in HANDLERS
        for path in handler.paths
        for method in handler.http_methods
    }

    assert {route for route in served if route[0] != "OPTIONS"} == promised
