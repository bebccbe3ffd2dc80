"""The БИК directory: full editions come into force whole; banks that are closed or restricted are told."""

from datetime import date
from pathlib import Path

import pytest

from kapital.kernel.actor import Actor
from kapital.kernel.problems import Problem
from kapital.kernel.roles import Role
from kapital.ledger.api import Position
from kapital.settlement.adapters.directory_file import DirectoryFile
from kapital.settlement.queries.find_bank import get_bank
from kapital.settlement.use_cases.load_bank_directory import LoadBankDirectory, load_bank_directory
from kapital.settlement.use_cases.refuse_banks import refusals_of_banks
from kapital.settlement.use_cases.request_withdrawals import request_withdrawals
from tests.settlement.world import ACCOUNT, STAFF, item

ON = date(2026, 11, 24)
BANKS = {
    # Shape of the format; names and numbers are invented but for the first two.
    "044525225": ('PtType="20" ParticipantStatus="PSAC" DateIn="1991-06-20"', ""),
    "044525378": (
        'PtType="90" ParticipantStatus="PSAC" DateIn="2016-05-17"',
        '<RstrList Rstr="URRS" RstrDate="2016-05-17"/>',
    ),
    "044525001": ('PtType="20" ParticipantStatus="PSDL" DateIn="2000-01-01"', ""),
    "044525002": ('PtType="20" ParticipantStatus="PSAC" DateIn="2000-01-01" DateOut="2026-11-24"', ""),
    "044525003": ('PtType="20" ParticipantStatus="PSAC" DateIn="2026-11-25"', ""),
}
ACCOUNTS = (
    '<Accounts Account="30101810400000000225" RegulationAccountType="CRSA" CK="55" AccountCBRBIC="044525000" '
    'DateIn="1996-07-10" AccountStatus="ACAC"><AccRstrList AccRstr="SUSP" AccRstrDate="2020-01-01"/></Accounts>'
) * 2


def ed807(banks: dict[str, tuple[str, str]] = BANKS, *, day: str = "2026-11-24", info: str = "FIRR") -> str:
    entries = "".join(
        f'<BICDirectoryEntry BIC="{bic}"><ParticipantInfo NameP="БАНК {bic}" {said}>{within}</ParticipantInfo>'
        f"{ACCOUNTS}</BICDirectoryEntry>"
        for bic, (said, within) in banks.items()
    )
    return (
        '<?xml version="1.0" encoding="WINDOWS-1251"?><ED807 xmlns="urn:cbr-ru:ed:v2.0" EDNo="1" EDDate="2026-11-23" '
        f'EDAuthor="4583001999" InfoTypeCode="{info}" BusinessDay="{day}">{entries}</ED807>'
    )


@pytest.fixture
def load(world, tmp_path: Path):
    async def work(text: str, actor: Actor = STAFF):
        (file := tmp_path / "ed807.xml").write_bytes(text.encode("cp1251"))
        cmd = LoadBankDirectory(actor=actor, source=DirectoryFile(file))
        return await load_bank_directory(cmd, uow=world.parts.uow, directory=world.parts.directory)

    return work


async def refused(world, *bics: str) -> dict[str, str]:
    async with world.database.connect() as conn:
        found = await refusals_of_banks(conn, world.parts.directory, bics, ON)
    return {bic: problem.code for bic, problem in found.items()}


async def test_a_full_edition_comes_into_force_and_says_who_is_not_to_be_paid(world, load):
    version = await load(ed807())

    assert (version.number, version.bank_count, version.account_count, version.restricted_count) == (1, 5, 10, 1)
    assert version.deviation_count == 0
    assert await refused(world, *BANKS, "044525999") == {
        "044525378": "bank_must_not_be_restricted",
        "044525001": "bank_must_not_be_closed",
        "044525002": "bank_must_not_be_closed",
        "044525003": "bank_must_be_in_directory",
        "044525999": "bank_must_be_in_directory",
    }
    async with world.database.connect() as conn:
        assert (await get_bank(conn, world.parts.directory, "044525225")).name == "БАНК 044525225"


async def test_nothing_is_said_of_a_bank_before_there_is_a_directory(world):
    with pytest.raises(Problem) as problem:
        await refused(world, "044525225")

    assert problem.value.code == "bank_directory_must_be_loaded"


async def test_the_same_file_again_is_the_version_it_is_and_a_newer_one_takes_its_place(world, load):
    first, again = await load(ed807()), await load(ed807())
    newer = await load(ed807(dict.fromkeys(BANKS, BANKS["044525225"]), day="2026-11-25"))

    assert (again, newer.number) == (first, 2)
    assert await refused(world, *BANKS) == {}
    assert [row["state"] for row in await world.rows("SELECT state FROM bank_directory_version ORDER BY number")] == [
        "superseded",
        "in_force",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ed807(info="SIRR"), "not_full"),
        (ed807(day="2026-11-22"), "older"),
        (ed807({"044525225": BANKS["044525225"]}, day="2026-11-25"), "shrunk"),
        (ed807({**BANKS, "12345": BANKS["044525225"]}), "deviations"),
        (ed807().replace('DateOut="2026-11-24"', 'DateOut="soon"'), "deviations"),
    ],
)
async def test_a_partial_older_shrunken_or_garbled_edition_changes_nothing(world, load, text, reason):
    await load(ed807())

    with pytest.raises(Problem) as problem:
        await load(text)

    assert (problem.value.code, problem.value.facts["reason"]) == ("bank_directory_must_be_whole_and_newer", reason)
    assert len(await world.rows("SELECT 1 FROM bank_directory_version")) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bank_message_must_be_readable"),
        (ed807({}), "bank_message_must_be_readable"),
        (ed807(day="today").replace('EDDate="2026-11-23"', ""), "bank_message_must_be_readable"),
        ("<!DOCTYPE ED807><ED807/>", "bank_message_must_have_no_document_type"),
    ],
)
async def test_what_is_no_directory_is_refused(world, load, text, code):
    with pytest.raises(Problem) as problem:
        await load(text)

    assert problem.value.code == code


async def test_only_settlement_loads_it(world, load):
    with pytest.raises(Problem) as problem:
        await load(ed807(), Actor(id="machine:x", participant_id=None, roles=frozenset({Role.AUDITOR})))

    assert problem.value.code == "not_permitted"


async def test_a_withdrawal_to_a_bank_that_is_not_to_be_paid_is_refused_and_stays_so(world, load):
    wallet = await world.funded(1_000_00)
    await load(ed807(BANKS | {ACCOUNT.bic: BANKS["044525001"]}))
    command = world.command(item(wallet, 300_00))

    (refused_at_first,) = await request_withdrawals(command, world.parts)
    await load(ed807(BANKS | {ACCOUNT.bic: BANKS["044525225"]}, day="2026-11-25"))
    (told_again,) = await request_withdrawals(command, world.parts)
    accepted = await world.ask(wallet, 300_00)

    assert (refused_at_first.outcome, refused_at_first.code) == ("refused", "bank_must_not_be_closed")
    assert told_again == refused_at_first
    assert accepted.outcome == "accepted"
    assert await world.kopecks(wallet, Position.LOCKED) == 300_00
