"""Use case: the bank calls back and tells of money that came by a QR code."""

from kapital.kernel.actor import machine_actor
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import Role
from kapital.platform.failpoints import failpoint
from kapital.platform.logging import get_logger
from kapital.platform.telemetry import BANK_MESSAGES
from kapital.settlement.domain.bank_notice import NoticeSignature, check_signature, read_notice
from kapital.settlement.domain.incoming import BankCredit
from kapital.settlement.domain.sbp_problems import (
    BankNoticeMalformed,
    BankNoticeSignatureMustBeValid,
    BankNoticesNotAwaited,
)
from kapital.settlement.ports import Parts
from kapital.settlement.ports.sbp import Channel
from kapital.settlement.use_cases.book_incoming import sort_out

TAKEN_IN, KNOWN, ALTERED = "taken_in", "known", "altered"

_log = get_logger(__name__)


async def take_in_bank_notice(signature: str, body: bytes, parts: Parts) -> str:
    """Keep the bytes, check the signature, keep the credit: `taken_in`, `known` or `altered`.

    The money is booked by the next tick, as all that the bank tells (`book_incoming`): only who holds the bank's edge
    moves money between bank and register.
    Promise: what came is kept with what was found of its signature before anything of it is; a credit is kept once,
    whichever of call back, list and statement tells it first; what the bank did not sign books nothing and raises the
    alarm.
    Raises: BankNoticesNotAwaited, BankNoticeSignatureMustBeValid, BankNoticeMalformed.
    """
    webhook = parts.sbp.webhook
    if webhook is None:
        raise BankNoticesNotAwaited
    outcome = check_signature(signature, body, webhook.key, parts.uow.clock.now())
    await webhook.raw.keep(Channel.CALL_BACK, body, outcome.value)
    failpoint("settlement.bank_notice.kept_raw")
    if outcome is not NoticeSignature.VALID:
        _alarm(f"notice_signature_{outcome.value}")
        raise BankNoticeSignatureMustBeValid(facts={"reason": outcome.value})
    try:
        credit = read_notice(body)
    except BankNoticeMalformed:
        _alarm("notice_malformed")
        raise
    result = await _keep(credit, parts)
    failpoint("settlement.bank_notice.kept")
    BANK_MESSAGES.labels(result, "notice").inc()
    return result


async def _keep(credit: BankCredit, parts: Parts) -> str:
    async with parts.uow.begin() as tx:
        # The same lock as the bank's list: of two tellers of one credit one is first.
        await parts.incoming.lock_cursor(tx.conn)
        fresh, refused = await sort_out(parts, tx.conn, [credit])
        await parts.incoming.add(tx.conn, fresh, tx.now)
        for _, reason in refused:
            after = {"reason": reason}
            await tx.audit.append("settlement.notice_refused", credit.bank_id, machine_actor(Role.BANK), after=after)
    match fresh, refused:
        case [_], []:
            return TAKEN_IN
        case [], []:
            return KNOWN
        case [], [(_, "altered")]:
            _alarm("notice_altered")
            return ALTERED
    raise InvariantBroken("one credit is new, known or altered")


def _alarm(code: str) -> None:
    BANK_MESSAGES.labels("refused", code).inc()
    _log.error("settlement.bank_notice_refused", code=code)
