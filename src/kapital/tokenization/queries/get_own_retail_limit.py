"""Read model: what is left of an investor's own yearly limit today."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts.base import unset_if_none
from kapital.contracts.tokenization import LimitWindow, OwnRetailLimit
from kapital.contracts.tokenization import RetailMeasure as Measure
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import moscow_day
from kapital.kernel.retail import first_day_counted
from kapital.platform import access
from kapital.tokenization.domain.retail import Used, is_person, limit_left
from kapital.tokenization.ports import Parts


async def get_own_retail_limit(conn: AsyncConnection, parts: Parts, actor: Actor) -> OwnRetailLimit:
    """The rule of today and what the actor's participant has used under it.

    `applies` is False for who is no natural person or is a qualified investor: such orders count under no limit.
    Raises: NotPermitted.
    """
    owner = actor.participant_id
    access.require(actor, "get_own_retail_limit", access.Resource("Order", owner=owner))
    now = parts.clock.now()
    on = moscow_day(now)
    terms = parts.retail_rules.terms_at(on)
    investor = (await parts.investors.read(conn, [owner] if owner else [])).get(owner) if owner else None
    days = await parts.retail_use.read(conn, [owner], date(on.year - 1, 1, 1)) if owner else {}
    used = Used(days=days).within(owner, terms, on) if owner else 0
    return OwnRetailLimit(
        measure=Measure(terms.measure.value),
        window=LimitWindow(terms.window.value),
        counted_from_on=first_day_counted(terms.window, on),
        limit_kopecks=terms.limit_kopecks,
        used_kopecks=used,
        left_kopecks=unset_if_none(limit_left(terms, investor, used, now)),
        applies=is_person(investor, now),
        test_passed=investor is not None and investor.has_passed_test(now),
        basis=terms.basis,
    )
