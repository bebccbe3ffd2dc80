"""HTTP of tokenization, bound to contracts/openapi/tokenization.yaml; translates and calls, decides nothing."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from kapital.contracts import tokenization as contract
from kapital.contracts.base import given
from kapital.contracts.common import PreparedAct
from kapital.platform.acts.http import prepared, signed_act
from kapital.platform.http import NO_IDEMPOTENCY_KEY, HttpRequest, actor_of, command_context
from kapital.tokenization.domain.act_texts import OrderLine
from kapital.tokenization.domain.awaiting import reckoned
from kapital.tokenization.domain.checklist import Answer
from kapital.tokenization.domain.decision import Verdict
from kapital.tokenization.domain.order_review import OrderReview, ReviewVerdict
from kapital.tokenization.domain.terms_text import TermsMustBeGivenOnce
from kapital.tokenization.queries.access import PAGE_MAX
from kapital.tokenization.queries.get_issue import get_decision_pdf, get_issue
from kapital.tokenization.queries.get_order_book import get_order_book
from kapital.tokenization.queries.get_own_retail_limit import get_own_retail_limit
from kapital.tokenization.queries.list_actions import list_actions
from kapital.tokenization.queries.list_fixings import list_fixings
from kapital.tokenization.queries.list_issues import list_issues
from kapital.tokenization.queries.list_order_reviews import list_order_reviews, order_review_views
from kapital.tokenization.queries.list_own_orders import list_own_orders, list_placed_orders
from kapital.tokenization.queries.list_quotes import list_quotes, quote_view
from kapital.tokenization.queries.observation import observation_view
from kapital.tokenization.routes_codes import HANDLERS as CODE_HANDLERS
from kapital.tokenization.routes_life import HANDLERS as LIFE_HANDLERS
from kapital.tokenization.routes_life import life_command
from kapital.tokenization.routes_proofs import PROOF_HANDLERS
from kapital.tokenization.routes_proposals import HANDLERS as PROPOSAL_HANDLERS
from kapital.tokenization.use_cases.bound import TokenizationUseCases
from kapital.tokenization.use_cases.cancel_issue import CancelIssue
from kapital.tokenization.use_cases.confirm_fixing import ConfirmFixing, FixingDecision
from kapital.tokenization.use_cases.decide_order_review import DecideOrderReview, ProposeOrderReview
from kapital.tokenization.use_cases.draft_decision import DraftDecision
from kapital.tokenization.use_cases.place_orders import NewOrder, PlaceOrders
from kapital.tokenization.use_cases.prepare_act import prepare_act
from kapital.tokenization.use_cases.publish_decision import PublishDecision
from kapital.tokenization.use_cases.publish_quote import PublishQuote
from kapital.tokenization.use_cases.record_fixing import RecordFixing, RecordOutcome
from kapital.tokenization.use_cases.review_decision import ReviewDecision
from kapital.tokenization.use_cases.sign_decision import SignDecision
from kapital.tokenization.use_cases.submit_decision import SubmitDecision
from kapital.tokenization.use_cases.withdraw_orders import WithdrawOrders

QuoteNumber = Annotated[int | None, Parameter(ge=1, le=2**31 - 1)]
Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]
StateFilter = Annotated[str | None, Parameter(query="state", max_length=64)]  # `state` is the framework's own name


@post("/v1/tokenization/decisions", status_code=201)
async def draft_decision_route(
    request: HttpRequest, tokenization: TokenizationUseCases, data: contract.DraftDecisionBody
) -> contract.DecisionDrafted:
    """Keep a draft and tell its faults."""
    actor, command_id = command_context(request)
    as_object, as_text = given(data.terms), given(data.terms_yaml)
    if (as_object is None) == (as_text is None):
        raise TermsMustBeGivenOnce
    terms = as_text.encode() if as_text is not None else msgspec.json.encode(as_object)
    return await tokenization.draft_decision(
        DraftDecision(command_id=command_id, actor=actor, terms=terms, issue_id=given(data.issue_id))
    )


@post("/v1/tokenization/issues/{issue_id:uuid}/submission", status_code=200)
async def submit_decision_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.DecisionHashBody
) -> contract.IssueMoved:
    """Hand the draft over for review."""
    actor, command_id = command_context(request)
    return await tokenization.submit_decision(
        SubmitDecision(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            decision_sha256=data.decision_sha256,
            version=given(data.version),
        )
    )


@post("/v1/tokenization/issues/{issue_id:uuid}/reviews", status_code=200)
async def review_decision_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.ReviewBody
) -> contract.IssueMoved:
    """Accept or return."""
    actor, command_id = command_context(request)
    return await tokenization.review_decision(
        ReviewDecision(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            decision_sha256=data.decision_sha256,
            verdict=Verdict(data.verdict.value),
            note=given(data.note),
            version=given(data.version),
            checklist=tuple(
                Answer(item=one.item, holds=one.holds, note=given(one.note)) for one in given(data.checklist) or ()
            ),
        )
    )


@post("/v1/tokenization/issues/{issue_id:uuid}/signature", status_code=200)
async def sign_decision_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.SignDecisionBody
) -> contract.IssueMoved:
    """Sign and countersign."""
    actor, command_id = command_context(request)
    return await tokenization.sign_decision(
        SignDecision(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            decision_sha256=data.decision_sha256,
            version=given(data.version),
            signed_act=signed_act(given(data.act)),
        )
    )


@post("/v1/tokenization/issues/{issue_id:uuid}/publication", status_code=200)
async def publish_decision_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.DecisionHashBody
) -> contract.IssueMoved:
    """Publish."""
    actor, command_id = command_context(request)
    return await tokenization.publish_decision(
        PublishDecision(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            decision_sha256=data.decision_sha256,
            version=given(data.version),
        )
    )


@post("/v1/tokenization/issues/{issue_id:uuid}/cancellation", status_code=200)
async def cancel_issue_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.CancelBody
) -> contract.IssueMoved:
    """Give the issue up."""
    actor, command_id = command_context(request)
    return await tokenization.cancel_issue(
        CancelIssue(
            command_id=command_id, actor=actor, issue_id=issue_id, reason=data.reason, version=given(data.version)
        )
    )


@post("/v1/tokenization/acts", status_code=200, opt=NO_IDEMPOTENCY_KEY)
async def prepare_act_route(
    request: HttpRequest, tokenization: TokenizationUseCases, data: contract.PrepareActBody
) -> PreparedAct:
    """The act of a command."""
    orders, decision = given(data.orders), given(data.decision)
    async with tokenization.parts.database.connect() as conn:
        act = await prepare_act(
            conn,
            tokenization.parts,
            actor_of(request),
            idempotency_key=data.idempotency_key,
            made_at=tokenization.parts.clock.now().replace(microsecond=0),
            orders=None
            if orders is None
            else [
                OrderLine(
                    order.issue_id,
                    order.units,
                    given(order.max_price_kopecks),
                    given(reckoned(order.funds_until_at)),
                    given(order.for_participant_id),
                )
                for order in orders
            ],
            withdraw_order_ids=given(data.withdraw_order_ids),
            decision=None if decision is None else (decision.issue_id, decision.decision_sha256),
            life=life_command(data),
        )
    return PreparedAct(**prepared(act))


@post("/v1/tokenization/orders", status_code=200)
async def place_orders_route(
    request: HttpRequest, tokenization: TokenizationUseCases, data: contract.PlaceOrdersBody
) -> contract.OrdersPlaced:
    """Place orders; each is answered."""
    actor, command_id = command_context(request)
    orders = tuple(
        NewOrder(
            issue_id=order.issue_id,
            units=order.units,
            max_price_kopecks=order.max_price_kopecks,
            funds_until_at=reckoned(order.funds_until_at),
            for_participant_id=order.for_participant_id,
        )
        for order in data.orders
    )
    return await tokenization.place_orders(
        PlaceOrders(command_id=command_id, actor=actor, orders=orders, signed_act=signed_act(given(data.act)))
    )


@post("/v1/tokenization/orders/withdrawals", status_code=200)
async def withdraw_orders_route(
    request: HttpRequest, tokenization: TokenizationUseCases, data: contract.WithdrawOrdersBody
) -> contract.OrdersWithdrawn:
    """Withdraw orders; each is answered."""
    actor, command_id = command_context(request)
    return await tokenization.withdraw_orders(
        WithdrawOrders(
            command_id=command_id,
            actor=actor,
            order_ids=tuple(data.order_ids),
            signed_act=signed_act(given(data.act)),
        )
    )


@post("/v1/tokenization/issues/{issue_id:uuid}/quotes", status_code=201)
async def publish_quote_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.PublishQuoteBody
) -> contract.QuoteView:
    """Publish a quote."""
    actor, command_id = command_context(request)
    quote = await tokenization.publish_quote(
        PublishQuote(
            command_id=command_id, actor=actor, issue_id=issue_id, value=data.value, quoted_at=data.quoted_at
        )
    )
    return quote_view(quote)


@get("/v1/tokenization/issues/{issue_id:uuid}/quotes")
async def list_quotes_route(
    request: HttpRequest,
    tokenization: TokenizationUseCases,
    issue_id: UUID,
    before: QuoteNumber = None,
    limit: Limit = 100,
) -> contract.QuotePage:
    """A page of quotes."""
    async with tokenization.parts.database.connect() as conn:
        return await list_quotes(conn, tokenization.parts, actor_of(request), issue_id, before=before, limit=limit)


@post("/v1/tokenization/fixings", status_code=201)
async def record_fixing_route(
    request: HttpRequest, tokenization: TokenizationUseCases, data: contract.RecordFixingBody
) -> contract.ObservationView:
    """Record a value."""
    actor, command_id = command_context(request)
    fixing = await tokenization.record_fixing(
        RecordFixing(
            command_id=command_id,
            actor=actor,
            series=data.series,
            observed_on=data.observed_on,
            value=data.value,
            evidence=data.evidence,
            document_sha256=given(data.document_sha256),
        )
    )
    return observation_view(fixing)


@post("/v1/tokenization/issues/{issue_id:uuid}/outcome", status_code=201)
async def record_outcome_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.RecordOutcomeBody
) -> contract.ObservationView:
    """Record an outcome."""
    actor, command_id = command_context(request)
    fixing = await tokenization.record_outcome(
        RecordOutcome(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            outcome=data.outcome,
            evidence=data.evidence,
            document_sha256=given(data.document_sha256),
        )
    )
    return observation_view(fixing)


@post("/v1/tokenization/fixings/{fixing_id:uuid}/confirmation", status_code=200)
async def confirm_fixing_route(
    request: HttpRequest, tokenization: TokenizationUseCases, fixing_id: UUID, data: contract.ConfirmFixingBody
) -> contract.ObservationView:
    """Confirm or reject."""
    actor, command_id = command_context(request)
    fixing = await tokenization.confirm_fixing(
        ConfirmFixing(
            command_id=command_id,
            actor=actor,
            fixing_id=fixing_id,
            value=data.value,
            verdict=FixingDecision(data.verdict.value),
        )
    )
    return observation_view(fixing)


@post("/v1/tokenization/order-reviews/{review_id:uuid}/proposal", status_code=200)
async def propose_order_review_route(
    request: HttpRequest, tokenization: TokenizationUseCases, review_id: UUID, data: contract.ProposeOrderReviewBody
) -> contract.OrderReviewView:
    """Propose."""
    actor, command_id = command_context(request)
    review = await tokenization.propose_order_review(
        ProposeOrderReview(
            command_id=command_id,
            actor=actor,
            review_id=review_id,
            verdict=ReviewVerdict(data.verdict.value),
            reason=data.reason,
        )
    )
    return await _order_review(tokenization, review)


@post("/v1/tokenization/order-reviews/{review_id:uuid}/decision", status_code=200)
async def decide_order_review_route(
    request: HttpRequest, tokenization: TokenizationUseCases, review_id: UUID, data: contract.DecideOrderReviewBody
) -> contract.OrderReviewView:
    """Confirm or return."""
    actor, command_id = command_context(request)
    review = await tokenization.decide_order_review(
        DecideOrderReview(
            command_id=command_id,
            actor=actor,
            review_id=review_id,
            proposal_sha256=data.proposal_sha256,
            confirm=data.answer is contract.OrderReviewAnswer.confirm,
        )
    )
    return await _order_review(tokenization, review)


async def _order_review(tokenization: TokenizationUseCases, review: OrderReview) -> contract.OrderReviewView:
    async with tokenization.parts.database.connect() as conn:
        [view] = await order_review_views(conn, tokenization.parts, [review])
    return view


@get("/v1/tokenization/order-reviews")
async def list_order_reviews_route(
    request: HttpRequest,
    tokenization: TokenizationUseCases,
    in_state: StateFilter = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.OrderReviewPage:
    """A page of reviews."""
    async with tokenization.parts.database.connect() as conn:
        return await list_order_reviews(
            conn, tokenization.parts, actor_of(request), state=in_state, after=after, limit=limit
        )


@get("/v1/tokenization/issues")
async def list_issues_route(
    request: HttpRequest,
    tokenization: TokenizationUseCases,
    in_state: StateFilter = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.IssuePage:
    """A page of issues."""
    async with tokenization.parts.database.connect() as conn:
        return await list_issues(
            conn, tokenization.parts, actor_of(request), state=in_state, after=after, limit=limit
        )


@get("/v1/tokenization/issues/{issue_id:uuid}")
async def get_issue_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID
) -> contract.IssueDetails:
    """One issue."""
    async with tokenization.parts.database.connect() as conn:
        return await get_issue(conn, tokenization.parts, actor_of(request), issue_id)


@get("/v1/tokenization/issues/{issue_id:uuid}/text")
async def get_decision_pdf_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID
) -> Response[bytes]:
    """The printed text."""
    async with tokenization.parts.database.connect() as conn:
        name, content = await get_decision_pdf(conn, tokenization.parts, actor_of(request), issue_id)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="application/pdf", headers=headers)


@get("/v1/tokenization/issues/{issue_id:uuid}/order-book")
async def get_order_book_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID
) -> contract.OrderBook:
    """Totals of the orders."""
    async with tokenization.parts.database.connect() as conn:
        return await get_order_book(conn, tokenization.parts, actor_of(request), issue_id)


@get("/v1/tokenization/issues/{issue_id:uuid}/actions")
async def list_actions_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID
) -> contract.ActionList:
    """Corporate actions."""
    async with tokenization.parts.database.connect() as conn:
        return await list_actions(conn, tokenization.parts, actor_of(request), issue_id)


@get("/v1/tokenization/orders")
async def list_own_orders_route(
    request: HttpRequest,
    tokenization: TokenizationUseCases,
    issue_id: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.OrderPage:
    """A page of own orders."""
    async with tokenization.parts.database.connect() as conn:
        return await list_own_orders(conn, actor_of(request), issue_id=issue_id, after=after, limit=limit)


@get("/v1/tokenization/placed-orders")
async def list_placed_orders_route(
    request: HttpRequest,
    tokenization: TokenizationUseCases,
    for_participant_id: UUID | None = None,
    issue_id: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.OrderPage:
    """A page of what a broker placed for others."""
    async with tokenization.parts.database.connect() as conn:
        return await list_placed_orders(
            conn,
            actor_of(request),
            principal_id=for_participant_id,
            issue_id=issue_id,
            after=after,
            limit=limit,
        )


@get("/v1/tokenization/retail-limit")
async def get_own_retail_limit_route(
    request: HttpRequest, tokenization: TokenizationUseCases
) -> contract.OwnRetailLimit:
    """The caller's yearly limit."""
    async with tokenization.parts.database.connect() as conn:
        return await get_own_retail_limit(conn, tokenization.parts, actor_of(request))


@get("/v1/tokenization/fixings")
async def list_fixings_route(
    request: HttpRequest,
    tokenization: TokenizationUseCases,
    in_state: StateFilter = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.ObservationPage:
    """A page of recorded values."""
    async with tokenization.parts.database.connect() as conn:
        return await list_fixings(
            conn, tokenization.parts, actor_of(request), state=in_state, after=after, limit=limit
        )


HANDLERS = (
    *CODE_HANDLERS,
    *LIFE_HANDLERS,
    *PROPOSAL_HANDLERS,
    *PROOF_HANDLERS,
    draft_decision_route,
    submit_decision_route,
    review_decision_route,
    sign_decision_route,
    publish_decision_route,
    cancel_issue_route,
    prepare_act_route,
    place_orders_route,
    withdraw_orders_route,
    publish_quote_route,
    list_quotes_route,
    record_fixing_route,
    record_outcome_route,
    confirm_fixing_route,
    list_issues_route,
    get_issue_route,
    get_decision_pdf_route,
    get_order_book_route,
    list_actions_route,
    list_own_orders_route,
    list_placed_orders_route,
    get_own_retail_limit_route,
    list_fixings_route,
    propose_order_review_route,
    decide_order_review_route,
    list_order_reviews_route,
)
