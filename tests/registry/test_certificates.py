"""Who needs a certificate of a signature and has none that may sign is restricted, from the instant it is so."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kapital.kernel.calendar import MOSCOW
from kapital.platform.certificate_rules import CertificateRule, CertificateRules
from kapital.platform.events import CloudEvent
from kapital.platform.ids import new_uuid7
from kapital.platform.unit_of_work import UnitOfWork
from kapital.registry.reactions import on_certificates
from tests.registry.conftest import START, World, kyc_decided, kyc_expired, measure
from tests.registry.people import investor
from tests.registry.race import race

DAY = timedelta(days=1)
TODAY = START.astimezone(MOSCOW).date()


def asking(world: World, *, after_days: int = 0, last_day: int | None = None) -> None:
    """From so many days after the first on, to the day `last_day`, participants need a certificate."""
    until = None if last_day is None else TODAY + last_day * DAY
    rule = CertificateRule(effective_from=TODAY + after_days * DAY, effective_to=until, basis="Правила, 4.2")
    world.certificates = CertificateRules([rule])


def news(who: UUID, name: str = "certificate_bound", *, number: int = 1) -> CloudEvent:
    told: dict[str, Any] = {
        "participant_id": str(who),
        "certificate_id": str(new_uuid7()),
        "certificate_sha256": f"{number:064x}",
    }
    if name == "certificate_bound":
        told |= {"valid_until": (START + 300 * DAY).isoformat(), "power_sha256": None, "power_signature_sha256": None}
    else:
        told |= {"end": "expired", "effective_at": START.isoformat()}
    return CloudEvent(
        id=new_uuid7(),
        source="/kapital/identity",
        type=f"kapital.identity.{name}.v1",
        subject=str(who),
        time=START,
        data=told,
        correlationid="test",
    )


async def hear(world: World, *events: CloudEvent) -> None:
    async with UnitOfWork(world.database, world.clock).begin() as tx:
        await on_certificates(tx, list(events), watch=world.watch)


async def look(world: World) -> int:
    return await world.watch.look_at_everybody(world.clock.now(), uow=world.do.uow)


async def grounds(world: World, *whose: UUID) -> list[tuple[str, list[str]]]:
    rows = await world.rows("SELECT participant_id, state, restrictions FROM participant")
    found = {UUID(str(row["participant_id"])): (row["state"], sorted(row["restrictions"])) for row in rows}
    return [found[who] for who in whose]


ACTIVE: tuple[str, list[str]] = ("active", [])
RESTRICTED = ("restricted", ["certificate"])


async def test_on_the_first_day_of_a_rule_who_has_no_certificate_is_restricted_and_after_its_last_nobody(
    world: World,
) -> None:
    with_one, without, never_again = await world.active(investor(1), investor(2), investor(3))
    [applicant] = await world.registered(investor(4))
    await hear(world, news(with_one), news(never_again))
    await hear(world, news(never_again, "certificate_ended"))
    asking(world, after_days=1, last_day=5)
    assert (await look(world), await grounds(world, without)) == (0, [ACTIVE])

    world.clock.advance(DAY)
    assert (await look(world), await look(world)) == (2, 0)

    assert await grounds(world, with_one, without, never_again) == [ACTIVE, RESTRICTED, RESTRICTED]
    assert (await grounds(world, applicant))[0][1] == []
    told = [data for kind, data in await world.events() if kind == "participant_state_changed"]
    assert [data["participant_id"] for data in told if data["state"] == "restricted"] == sorted(
        map(str, (without, never_again))
    )
    [act, _] = await world.rows("SELECT basis, before, after FROM audit_event WHERE action LIKE '%certificate%'")
    assert act["after"]["restrictions"] == ["certificate"]

    world.clock.advance(5 * DAY)
    assert await look(world) == 2
    assert await grounds(world, with_one, without, never_again) == [ACTIVE] * 3


async def test_the_last_certificate_that_ends_restricts_at_once_and_another_one_restores(world: World) -> None:
    [who] = await world.active(investor(1))
    asking(world)
    await hear(world, news(who))
    await hear(world, news(who, number=2))

    await hear(world, news(who, "certificate_ended"))
    assert await grounds(world, who) == [ACTIVE]
    await hear(world, news(who, "certificate_ended", number=2))
    assert await grounds(world, who) == [RESTRICTED]
    # A ground of its own: the identification may lapse and come back beside it.
    await world.hear(kyc_expired(who))
    assert await grounds(world, who) == [("restricted", ["certificate", "kyc"])]
    await hear(world, news(who, number=3))
    assert await grounds(world, who) == [("restricted", ["kyc"])]
    await world.hear(kyc_decided(who, "approved"))

    assert await grounds(world, who) == [ACTIVE]


async def test_a_wallet_that_opens_on_a_day_of_the_rule_asks_for_a_certificate_also_under_a_freeze(
    world: World,
) -> None:
    bare, bound, frozen = await world.registered(investor(1), investor(2), investor(3))
    asking(world)
    await hear(world, news(bound))

    await world.hear(*(kyc_decided(who, "approved") for who in (bare, bound)))
    await world.hear(measure(frozen, "frozen", "free"), kyc_decided(frozen, "approved"))
    assert await grounds(world, bare, bound, frozen) == [RESTRICTED, ACTIVE, ("frozen", [])]

    await world.hear(measure(frozen, "free", "frozen"))
    await world.hear(measure(bare, "frozen", "free"))
    assert await grounds(world, bare, frozen) == [("frozen", ["certificate"]), RESTRICTED]
    await hear(world, news(bare))
    await world.hear(measure(bare, "free", "frozen"))
    assert await grounds(world, bare) == [ACTIVE]


@pytest.mark.parametrize("first", ["wallet", "certificate"])
async def test_of_a_wallet_and_a_certificate_at_once_the_later_one_sees_the_other(world: World, first: str) -> None:
    [who] = await world.registered(investor(1))
    asking(world)
    runners = [world.hear(kyc_decided(who, "approved")), hear(world, news(who))]

    results = await race(
        world.database,
        "SELECT 1 FROM participant FOR UPDATE",
        *(runners if first == "wallet" else reversed(runners)),
    )

    assert results == [None, None]
    assert await grounds(world, who) == [ACTIVE]
