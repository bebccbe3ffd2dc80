"""HTTP of an issue in its life: end of the placement, early redemption, disputes.

Bound to contracts/openapi/tokenization.yaml; translates and calls, decides nothing.
"""

from base64 import b64decode
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter

from kapital.contracts import tokenization as contract
from kapital.contracts.base import given
from kapital.platform.acts.http import signed_act
from kapital.platform.http import HttpRequest, actor_of, command_context
from kapital.tokenization.domain.fixing import ContestVerdict
from kapital.tokenization.domain.rates_answer import RatesAnswerUnreadable
from kapital.tokenization.queries.access import PAGE_MAX
from kapital.tokenization.queries.list_actions import action_row
from kapital.tokenization.queries.list_instructions import instruction_view, list_instructions
from kapital.tokenization.queries.observation import observation_view
from kapital.tokenization.use_cases.bound import TokenizationUseCases
from kapital.tokenization.use_cases.call_units import CallUnits, OfferBuyback, OfferTerms
from kapital.tokenization.use_cases.contest_outcome import ContestOutcome, JudgeContest
from kapital.tokenization.use_cases.end_placement import EndPlacement
from kapital.tokenization.use_cases.instruct_redemption import InstructRedemption
from kapital.tokenization.use_cases.prepare_act import LifeCommand
from kapital.tokenization.use_cases.record_rates import RecordRates
from kapital.tokenization.use_cases.record_substitute import RecordSubstitute
from kapital.tokenization.use_cases.withdraw_instruction import WithdrawInstruction

Limit = Annotated[int, Parameter(ge=1, le=PAGE_MAX)]


@post("/v1/tokenization/issues/{issue_id:uuid}/placement-end", status_code=200)
async def end_placement_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.EndPlacementBody
) -> contract.IssueMoved:
    """End the placement."""
    actor, command_id = command_context(request)
    return await tokenization.end_placement(
        EndPlacement(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            decision_sha256=data.decision_sha256,
            signed_act=signed_act(given(data.act)),
        )
    )


@post("/v1/tokenization/issues/{issue_id:uuid}/calls", status_code=201)
async def call_units_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.CallUnitsBody
) -> contract.ActionRow:
    """Call."""
    actor, command_id = command_context(request)
    action = await tokenization.call_units(
        CallUnits(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            option=data.option,
            units=given(data.units),
            signed_act=signed_act(given(data.act)),
        )
    )
    return action_row(action, set())


@post("/v1/tokenization/issues/{issue_id:uuid}/buybacks", status_code=201)
async def offer_buyback_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.OfferBuybackBody
) -> contract.ActionRow:
    """Offer."""
    actor, command_id = command_context(request)
    offer = OfferTerms(
        issue_id=issue_id,
        price_kopecks=data.price_kopecks,
        units_max=data.units_max,
        accept_to_on=data.accept_to_on,
        on=data.on,
    )
    action = await tokenization.offer_buyback(
        OfferBuyback(command_id=command_id, actor=actor, offer=offer, signed_act=signed_act(given(data.act)))
    )
    return action_row(action, set())


@post("/v1/tokenization/actions/{action_id:uuid}/instructions", status_code=201)
async def instruct_redemption_route(
    request: HttpRequest, tokenization: TokenizationUseCases, action_id: UUID, data: contract.InstructRedemptionBody
) -> contract.InstructionView:
    """Put, or accept."""
    actor, command_id = command_context(request)
    instruction = await tokenization.instruct_redemption(
        InstructRedemption(
            command_id=command_id,
            actor=actor,
            action_id=action_id,
            units=data.units,
            signed_act=signed_act(given(data.act)),
        )
    )
    return instruction_view(instruction)


@post("/v1/tokenization/instructions/{instruction_id:uuid}/withdrawal", status_code=200)
async def withdraw_instruction_route(
    request: HttpRequest,
    tokenization: TokenizationUseCases,
    instruction_id: UUID,
    data: contract.WithdrawInstructionBody,
) -> contract.InstructionView:
    """Withdraw."""
    actor, command_id = command_context(request)
    instruction = await tokenization.withdraw_instruction(
        WithdrawInstruction(
            command_id=command_id,
            actor=actor,
            instruction_id=instruction_id,
            signed_act=signed_act(given(data.act)),
        )
    )
    return instruction_view(instruction)


@post("/v1/tokenization/issues/{issue_id:uuid}/substitutes", status_code=201)
async def record_substitute_route(
    request: HttpRequest, tokenization: TokenizationUseCases, issue_id: UUID, data: contract.RecordSubstituteBody
) -> contract.ObservationView:
    """Record what stands in for a missing value or outcome."""
    actor, command_id = command_context(request)
    fixing = await tokenization.record_substitute(
        RecordSubstitute(
            command_id=command_id,
            actor=actor,
            issue_id=issue_id,
            series=given(data.series),
            observed_on=given(data.observed_on),
            evidence=data.evidence,
            document_sha256=given(data.document_sha256),
        )
    )
    return observation_view(fixing)


@post("/v1/tokenization/rates", status_code=201)
async def record_rates_route(
    request: HttpRequest, tokenization: TokenizationUseCases, data: contract.RecordRatesBody
) -> contract.RatesRecorded:
    """Record the values of an answer about rates."""
    actor, command_id = command_context(request)
    try:
        content = b64decode(data.content_base64, validate=True)
    except ValueError:  # also of signs beyond ASCII
        raise RatesAnswerUnreadable(facts={"reason": "base64"}) from None
    done = await tokenization.record_rates(
        RecordRates(
            command_id=command_id,
            actor=actor,
            content=content,
            from_on=data.from_on,
            to_on=data.to_on,
            evidence=data.evidence,
        )
    )
    return contract.RatesRecorded(items=[observation_view(one) for one in done.recorded], known=done.known)


@post("/v1/tokenization/fixings/{fixing_id:uuid}/contest", status_code=200)
async def contest_outcome_route(
    request: HttpRequest, tokenization: TokenizationUseCases, fixing_id: UUID, data: contract.ContestBody
) -> contract.ObservationView:
    """Contest."""
    actor, command_id = command_context(request)
    fixing = await tokenization.contest_outcome(
        ContestOutcome(
            command_id=command_id,
            actor=actor,
            fixing_id=fixing_id,
            reason=data.reason,
            document_sha256=given(data.document_sha256),
        )
    )
    return observation_view(fixing)


@post("/v1/tokenization/fixings/{fixing_id:uuid}/contest-verdict", status_code=200)
async def judge_contest_route(
    request: HttpRequest, tokenization: TokenizationUseCases, fixing_id: UUID, data: contract.JudgeContestBody
) -> contract.ObservationView:
    """Uphold or overturn."""
    actor, command_id = command_context(request)
    fixing = await tokenization.judge_contest(
        JudgeContest(
            command_id=command_id,
            actor=actor,
            fixing_id=fixing_id,
            value=data.value,
            verdict=ContestVerdict(data.verdict.value),
        )
    )
    return observation_view(fixing)


@get("/v1/tokenization/instructions")
async def list_instructions_route(
    request: HttpRequest,
    tokenization: TokenizationUseCases,
    action_id: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> contract.InstructionPage:
    """A page of instructions."""
    async with tokenization.parts.database.connect() as conn:
        return await list_instructions(
            conn, tokenization.parts, actor_of(request), action_id=action_id, after=after, limit=limit
        )


def life_command(data: contract.PrepareActBody) -> LifeCommand:
    """The commands on an issue in its life of which an act is asked for."""
    cancellation, exchange, end = given(data.cancellation), given(data.exchange), given(data.placement_end)
    call, offer, instruction = given(data.call), given(data.offer), given(data.instruction)
    return LifeCommand(
        call=None if call is None else (call.issue_id, call.option, given(call.units)),
        offer=None
        if offer is None
        else OfferTerms(
            issue_id=offer.issue_id,
            price_kopecks=offer.price_kopecks,
            units_max=offer.units_max,
            accept_to_on=offer.accept_to_on,
            on=offer.on,
        ),
        instruction=None if instruction is None else (instruction.action_id, instruction.units),
        withdrawal=given(data.withdraw_instruction_id),
        cancellation=None if cancellation is None else (cancellation.proposal_id, cancellation.proposal_sha256),
        exchange=None if exchange is None else (exchange.proposal_id, exchange.proposal_sha256),
        placement_end=None if end is None else (end.issue_id, end.decision_sha256),
    )


HANDLERS = (
    end_placement_route,
    call_units_route,
    offer_buyback_route,
    instruct_redemption_route,
    withdraw_instruction_route,
    list_instructions_route,
    record_substitute_route,
    record_rates_route,
    contest_outcome_route,
    judge_contest_route,
)
