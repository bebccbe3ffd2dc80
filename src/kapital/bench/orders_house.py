"""The house of `kapital bench orders`: people with money, certificates and tokens, and issues in placement.

All of it is made by the use cases that serve the operator's staff; nothing is put into a table.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from kapital.app import Kapital
from kapital.demo.cast import Player, bring_on_stage, command
from kapital.demo.run import examples_folder
from kapital.demo.signing import Signing
from kapital.demo.story import publish
from kapital.kernel.actor import Actor
from kapital.kernel.calendar import Convention, moscow_day, russian_calendar
from kapital.kernel.problems import InvariantBroken
from kapital.kernel.roles import Role
from kapital.registry.domain.access import TokenSubjectKind
from kapital.registry.use_cases.issue_access_token import IssueAccessToken
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.domain.terms import load_terms
from kapital.tokenization.domain.terms_text import plain_value

PRICE_KOPECKS: Final = 100
UNITS_MAX: Final = 10**10
_EACH_KOPECKS: Final = 10**11
_EXAMPLE: Final = "discount-one-month.yaml"
_ADMINISTRATOR: Final = Actor(id="machine:bench", participant_id=None, roles=frozenset({Role.ADMIN}))
_TOKEN_LIFE: Final = timedelta(hours=23)
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Buyer:
    """An investor who sends signed orders."""

    player: Player
    token: str


@dataclass(frozen=True, slots=True)
class People:
    """Who takes part: one issuer, and investors with money."""

    issuer: Player
    buyers: list[Buyer]


async def bring_people(kapital: Kapital, signing: Signing, investors: int) -> People:
    """Register, identify and fund the investors; give each a certificate and a token."""
    now = kapital.clock.now()
    players, [issuer] = await bring_on_stage(
        kapital, investors, [load_terms(terms_of(now, end_at=now + timedelta(1)))]
    )
    await signing.give_certificates(kapital, [*players, issuer])
    await kapital.bank.receive_many([(_EACH_KOPECKS, player.top_up_purpose) for player in players])
    await kapital.settle_down()
    return People(issuer, [Buyer(player, await _token(kapital, player, now)) for player in players])


async def open_issue(
    kapital: Kapital, signing: Signing, issuer: Player, *, end_at: datetime, units: int = UNITS_MAX
) -> Issue:
    """Bring an issue of so many units into placement until an instant."""
    text = terms_of(kapital.clock.now(), end_at=end_at, units=units)
    issue_id = await publish(kapital, signing, issuer, text)
    await kapital.settle_down()
    return await find_issue(kapital, issue_id)


async def find_issue(kapital: Kapital, issue_id: UUID) -> Issue:
    """The issue as it stands."""
    parts = kapital.tokenization.use_cases.parts
    async with parts.database.connect() as conn:
        found = (await parts.issues.read(conn, [issue_id])).get(issue_id)
    if found is None:
        raise InvariantBroken("what was published is there")
    return found


def terms_of(now: datetime, *, end_at: datetime, units: int = UNITS_MAX) -> bytes:
    """Terms of a discount paper in placement from now on, that takes orders beyond its quantity."""
    value: dict[str, Any] = plain_value((examples_folder() / _EXAMPLE).read_bytes())
    redeemed_on = russian_calendar().adjust(moscow_day(end_at) + timedelta(days=45), Convention.FOLLOWING)
    value |= {
        "code": f"BENCH-{next(_numbers)}",
        "quantity_min": 1,
        "quantity_max": units,
        "min_order_units": 1,
        "max_order_units": units,
        "lot": 1,
        "price_kopecks": PRICE_KOPECKS,
        "placement_start_at": now.astimezone(UTC).replace(microsecond=0).isoformat(),
        "placement_end_at": end_at.astimezone(UTC).replace(microsecond=0).isoformat(),
        "allocation": "time_priority",
        "payoff": {"kind": "discount", "redemption_kopecks": PRICE_KOPECKS + 1},
        "redemption": value["redemption"] | {"on": redeemed_on.isoformat()},
    }
    return json.dumps(value, default=str, ensure_ascii=False).encode()


async def _token(kapital: Kapital, player: Player, now: datetime) -> str:
    issued = await kapital.registry.use_cases.issue_access_token(
        IssueAccessToken(
            command_id=command(),
            actor=_ADMINISTRATOR,
            subject_kind=TokenSubjectKind.PARTICIPANT,
            subject_id=player.participant_id,
            roles=player.actor.roles,
            expires_at=now + _TOKEN_LIFE,
        )
    )
    return str(issued.token)
