"""An answer of the Bank of Russia is taken in: every value of the span by one person, each confirmed by another."""

from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from kapital.kernel.actor import NotPermitted
from kapital.kernel.problems import MakerAndCheckerMustDiffer
from kapital.kernel.roles import Role
from kapital.tokenization.domain.problems import FixingDayMustBePast, FixingMustBePublished
from kapital.tokenization.domain.published_values import FixingValuesDiffer
from kapital.tokenization.domain.rates_answer import RatesAnswerTooLarge, RatesAnswerUnreadable
from kapital.tokenization.use_cases.confirm_fixing import ConfirmFixing
from kapital.tokenization.use_cases.record_fixing import RecordFixing
from kapital.tokenization.use_cases.record_rates import RatesRecorded, RecordRates
from tests.tokenization.world import CLERK, RISK, World, key, staff

DATA = Path(__file__).parents[1] / "data" / "rates"
KEY_RATE = (DATA / "cbr_KeyRateXML_2026-06-01_2026-10-06.xml").read_bytes()
RUONIA = (DATA / "cbr_RuoniaXML_2026-09-21_2026-10-05.xml").read_bytes()
FIRST, LAST = date(2026, 9, 28), date(2026, 10, 6)
"""From a Monday to a Tuesday: seven business days."""


async def take_in(world: World, content: bytes = KEY_RATE, **changes: Any) -> RatesRecorded:
    asked: dict[str, Any] = {"actor": CLERK, "from_on": FIRST, "to_on": LAST, "evidence": "cbr.ru", **changes}
    return await world.app.record_rates(RecordRates(command_id=key(), content=content, **asked))


def rows_of(day: date, days: int = 1, rate: str = "14.00") -> bytes:
    rows = (f"<KR><DT>{day + timedelta(n)}T00:00:00+03:00</DT><Rate>{rate}</Rate></KR>" for n in range(days))
    return f"<KeyRate>{''.join(rows)}</KeyRate>".encode()


async def test_a_real_answer_is_recorded_once_and_each_value_counts_when_another_person_confirmed_it(
    world: World,
) -> None:
    both = staff(Role.SETTLEMENT, Role.RISK)
    done = await take_in(world, actor=both)
    again = await take_in(world)
    ruonia = await take_in(world, RUONIA, from_on=date(2026, 9, 21))

    assert (len(done.recorded), done.known) == (7, 0)
    assert (again.recorded, again.known) == ([], 7)
    assert {one.series for one in ruonia.recorded} == {"ruonia"}
    assert {one.document_sha256 for one in done.recorded} == {sha256(KEY_RATE).hexdigest()}
    one = done.recorded[-1]
    assert (one.observed_on, one.value, one.state.value) == (LAST, "14.00", "recorded")
    seen: dict[str, Any] = {"fixing_id": one.fixing_id, "value": one.value}
    with pytest.raises(MakerAndCheckerMustDiffer):
        await world.app.confirm_fixing(ConfirmFixing(command_id=key(), actor=both, **seen))
    await world.app.confirm_fixing(ConfirmFixing(command_id=key(), actor=RISK, **seen))
    async with world.databases.get("tokenization").connect() as conn:
        wanted = [("cbr_key_rate", FIRST), ("cbr_key_rate", LAST)]
        assert set(await world.app.parts.fixings.confirmed(conn, wanted)) == {("cbr_key_rate", LAST)}


async def test_what_contradicts_or_is_too_early_or_too_much_is_refused_whole(world: World) -> None:
    told: dict[str, Any] = {"series": "cbr_key_rate", "observed_on": LAST, "value": "13", "evidence": "by hand"}
    await world.app.record_fixing(RecordFixing(command_id=key(), actor=CLERK, **told))
    today = world.clock.now().date()
    refusals: list[tuple[bytes, dict[str, Any], Any]] = [
        (KEY_RATE, {}, FixingValuesDiffer),
        (b"<html/>", {}, RatesAnswerUnreadable),
        (rows_of(date(2025, 1, 1), 401), {"from_on": date(2025, 1, 1), "to_on": today}, RatesAnswerTooLarge),
        (rows_of(date(2027, 2, 1)), {"to_on": date(2027, 2, 1)}, FixingDayMustBePast),
        (KEY_RATE, {"actor": RISK}, NotPermitted),
    ]
    for content, changes, problem in refusals:
        with pytest.raises(problem):
            await take_in(world, content, **changes)
    # The value of a day of RUONIA exists on the next business day.
    world.clock.set(world.clock.now().replace(year=2027, month=1, day=12, hour=9))
    day = "<ro><D0>2027-01-12T00:00:00+03:00</D0><ruo>14.1</ruo></ro>"
    with pytest.raises(FixingMustBePublished):
        await take_in(world, f"<Ruonia>{day}</Ruonia>".encode(), to_on=date(2027, 1, 12))

    assert [row["value"] for row in await world.rows("SELECT value FROM fixing")] == ["13"]


async def test_days_off_of_an_answer_are_passed_by(world: World) -> None:
    done = await take_in(world, rows_of(FIRST, 8))

    assert [one.observed_on.isoweekday() for one in done.recorded] == [1, 2, 3, 4, 5, 1]
    assert done.known == 0
