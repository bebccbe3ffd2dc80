"""HTTP of disclosure, bound to contracts/openapi/disclosure.yaml: data for machines, pages for people. All public."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol
from uuid import UUID

from litestar import Response, get
from litestar.params import Parameter

from kapital.contracts import disclosure as contract
from kapital.disclosure.domain.delivery import content_disposition, safe_media_type
from kapital.disclosure.domain.problems import IssuePageNotFound
from kapital.disclosure.ports import Documents
from kapital.disclosure.queries.documents import get_document
from kapital.disclosure.queries.issue_list import IssueRows, list_issues
from kapital.disclosure.queries.issue_page import IssuePage, get_issue_page
from kapital.kernel.money import Language
from kapital.platform.database import Database
from kapital.platform.http import PUBLIC, HttpRequest

Limit = Annotated[int, Parameter(ge=1, le=100)]
Sha256 = Annotated[str, Parameter(pattern=r"^[0-9a-f]{64}$", min_length=64, max_length=64)]

HTML: Final = "text/html"  # The framework adds the charset to every text type.
PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "public, max-age=15",
}
"""No script, no frame, nothing from elsewhere; a page may be some seconds old."""

DOCUMENT_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "public, max-age=31536000, immutable",
}
"""Named by its hash, a document never changes; whatever is in it, the browser runs nothing."""


class Renderer(Protocol):
    """Makes pages for people."""

    def issues(self, rows: IssueRows, lang: Language, before: UUID | None) -> str:
        """The list of issues."""
        ...

    def issue(self, page: IssuePage, lang: Language) -> str:
        """The page of one issue."""
        ...

    def not_found(self, issue_id: str, lang: Language) -> str:
        """The page that says that no such issue is published."""
        ...

    def style_sheet(self) -> bytes:
        """The style sheet of all pages."""
        ...


@dataclass(frozen=True, slots=True)
class DisclosureReader:
    """The parts that the routes read from."""

    database: Database
    documents: Documents
    renderer: Renderer


@get("/v1/disclosure/issues", opt=PUBLIC)
async def issues_route(
    disclosure_reader: DisclosureReader, before: UUID | None = None, limit: Limit = 50
) -> contract.IssueList:
    """Published issues."""
    async with disclosure_reader.database.connect() as conn:
        rows = await list_issues(conn, before=before, limit=limit)
    items = []
    for row in rows.items:
        fields = row._asdict()
        del fields["issuer_name"]
        items.append(contract.IssueSummary(**fields))
    return contract.IssueList(items=items, next_before=rows.next_before)


@get("/v1/disclosure/issues/{issue_id:uuid}", opt=PUBLIC)
async def issue_route(disclosure_reader: DisclosureReader, issue_id: UUID) -> contract.IssuePage:
    """One issue."""
    async with disclosure_reader.database.connect() as conn:
        return _contract_page(await get_issue_page(conn, issue_id))


@get("/v1/disclosure/documents/{sha256:str}", opt=PUBLIC)
async def document_route(disclosure_reader: DisclosureReader, sha256: Sha256) -> Response[bytes]:
    """A published document."""
    async with disclosure_reader.database.connect() as conn:
        published = await get_document(conn, sha256)
    content = await disclosure_reader.documents.get(sha256)
    disposition = content_disposition(published.name, published.media_type)
    return Response(
        content,
        media_type=safe_media_type(published.media_type),
        headers=DOCUMENT_HEADERS | {"Content-Disposition": disposition},
    )


@get("/disclosure/issues", opt=PUBLIC)
async def issues_page_route(
    disclosure_reader: DisclosureReader, lang: Language = "ru", before: UUID | None = None
) -> Response[str]:
    """Page with the list of issues."""
    async with disclosure_reader.database.connect() as conn:
        rows = await list_issues(conn, before=before)
    return _html(disclosure_reader.renderer.issues(rows, lang, before))


# The path takes any text: who mistyped an address is told so in words, not in JSON.
@get("/disclosure/issues/{issue_id:str}", opt=PUBLIC)
async def issue_page_route(
    request: HttpRequest, disclosure_reader: DisclosureReader, issue_id: str, lang: Language = "ru"
) -> Response[str]:
    """Page of one issue; when there is none, a page or a problem, by `Accept`."""
    try:
        async with disclosure_reader.database.connect() as conn:
            page = await get_issue_page(conn, _issue_id(issue_id))
    except IssuePageNotFound:
        if request.accept.best_match(["application/problem+json", "text/html"]) != "text/html":
            raise
        return _html(disclosure_reader.renderer.not_found(issue_id, lang), status_code=404)
    return _html(disclosure_reader.renderer.issue(page, lang))


@get("/disclosure/style.css", opt=PUBLIC)
async def style_route(disclosure_reader: DisclosureReader) -> Response[bytes]:
    """The style sheet."""
    return Response(
        disclosure_reader.renderer.style_sheet(),
        media_type="text/css",
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=300"},
    )


HANDLERS: Final[Sequence[Any]] = (
    issues_route,
    issue_route,
    document_route,
    issues_page_route,
    issue_page_route,
    style_route,
)


def _html(page: str, *, status_code: int = 200) -> Response[str]:
    return Response(page, status_code=status_code, media_type=HTML, headers=PAGE_HEADERS)


def _issue_id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise IssuePageNotFound(facts={"issue_id": given[:64]}) from None


def _contract_page(page: IssuePage) -> contract.IssuePage:
    outcome = None
    if page.outcome is not None:
        told = page.outcome._asdict()
        outcome = contract.PlacementOutcome(outcome=contract.OutcomeKind(told.pop("outcome")), **told)
    payouts = []
    for payout in page.payouts:
        told = payout._asdict()
        kind, state = contract.PayoutKind(told.pop("kind")), contract.PayoutState(told.pop("state"))
        payouts.append(contract.Payout(kind=kind, state=state, **told))
    return contract.IssuePage(
        issue_id=page.issue_id,
        code=page.code,
        title=page.title,
        issuer=contract.Issuer(name=page.issuer_name, inn=page.issuer_inn, ogrn=page.issuer_ogrn),
        issuer_participant_id=page.issuer_participant_id,
        right_kind=page.right_kind,
        state=page.state,
        decision_sha256=page.decision_sha256,
        documents=[
            contract.PublishedDocument(**row._asdict(), is_decision=row.sha256 == page.decision_sha256)
            for row in page.documents
        ],
        signatures=[contract.DecisionSignature(**row._asdict()) for row in page.signatures],
        quantity_min=page.quantity_min,
        quantity_max=page.quantity_max,
        price_kopecks=page.price_kopecks,
        placement_start_at=page.placement_start_at,
        placement_end_at=page.placement_end_at,
        published_at=page.published_at,
        outcome=outcome,
        payouts=payouts,
        timeline=[
            contract.TimelineItem(at=item.at, kind=contract.TimelineKind(item.kind), value=item.value)
            for item in page.timeline
        ],
    )
