"""The register of the past: the same bytes whenever it is asked, signed, and checked without the house."""

import asyncio
import io
import json
import random
from datetime import datetime, timedelta

import pytest

from kapital.kernel.actor import NotPermitted
from kapital.registry.domain.problems import ExtractInstantInFuture, ExtractInstantNotFinal
from kapital.registry.use_cases.restrict_participant import RestrictParticipant
from kapital.registry.use_cases.sign_register_extract import SignRegisterExtract, header_of
from kapital.verify.__main__ import main as verify
from kapital.verify.register_extract import ExtractRefused, check_extract
from kapital.verify.signed_note import Algorithm, vkey
from tests.registry.conftest import OneKey, World, kyc_decided, kyc_expired, measure
from tests.registry.people import AUDITOR, COMPLIANCE, investor

LATER = timedelta(minutes=11)


async def extract(world: World, at: datetime) -> tuple[bytes, str]:
    """The file of the register at an instant, and the operator's key."""
    cmd = SignRegisterExtract(command_id=world.command_id(), actor=AUDITOR, at=at)
    signed = await world.do.sign_register_extract(cmd)
    lines = [line async for line in world.do.extract_lines(actor=AUDITOR, at=at)]
    return header_of(signed) + b"".join(lines), signed.key


def states(file: bytes) -> dict[str, str]:
    lines = [json.loads(line) for line in file.splitlines()[1:]]
    return {line["participant_id"]: line["state"] for line in lines}


async def test_the_past_is_what_a_model_remembers_while_others_write(world: World) -> None:
    draw, model, people = random.Random(7), [], []
    for number in range(12):
        people += await world.registered(investor(number))
        one = draw.choice(people)
        state = await world.state(one)
        if state == "identifying":
            await world.hear(kyc_decided(one, draw.choice(["approved", "rejected"])))
        elif state in {"active", "restricted"}:
            news = [kyc_expired(one), kyc_decided(one, "approved"), measure(one, "frozen", "free")]
            await world.hear(draw.choice(news))
        rows = await world.rows("SELECT participant_id, state FROM participant")
        model.append((world.clock.now(), {str(row["participant_id"]): row["state"] for row in rows}))
        world.clock.advance(timedelta(minutes=1))
    world.clock.advance(LATER)

    async def go_on() -> None:
        for number in range(100, 115):
            await world.active(investor(number))

    writing = asyncio.create_task(go_on())
    first = [await extract(world, at) for at, _ in model]
    await writing
    world.clock.advance(timedelta(days=1))
    again = [await extract(world, at) for at, _ in model]

    for (_, remembered), (file, key), (file_again, _) in zip(model, first, again, strict=True):
        assert states(file) == remembered
        assert file.partition(b"\n")[2] == file_again.partition(b"\n")[2]
        assert check_extract(io.BytesIO(file), trusted_keys=[key]).lines == len(remembered)


async def test_every_altered_byte_is_found(world: World, tmp_path, capsys) -> None:
    await world.active(investor(1), investor(2))
    at = world.clock.now()
    world.clock.advance(LATER)
    file, key = await extract(world, at)
    path = tmp_path / "extract.jsonl"
    path.write_bytes(file)
    assert verify([str(path), "--key", key, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lines"] == 2
    assert verify([str(path), "--language", "ru"]) == 0
    assert "ПРИНЯТО" in capsys.readouterr().out

    lines = file.splitlines(keepends=True)
    altered = [
        b"".join([lines[0], lines[2], lines[1]]),
        b"".join(lines[:-1]),
        b"".join([*lines, lines[-1]]),
        file[:-1],
        file.replace("Инвестор 1".encode(), "Инвестор 7".encode()),
        file.replace(b'"lines":2', b'"lines":3'),
        *(file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :] for at in range(0, len(file), 37)),
    ]
    for wrong in altered:
        with pytest.raises(ExtractRefused):
            check_extract(io.BytesIO(wrong), trusted_keys=[key])
    path.write_bytes(altered[0])
    assert verify([str(path)]) == 1
    assert "extract_lines_not_in_order" in capsys.readouterr().out


async def test_another_operators_key_is_not_believed(world: World) -> None:
    at = world.clock.now()
    world.clock.advance(LATER)
    file, key = await extract(world, at)
    other = vkey("operator", Algorithm.ED25519, OneKey().public_key)

    report = check_extract(io.BytesIO(file))
    assert (report.lines, report.trusted) == (0, False)
    assert check_extract(io.BytesIO(file), trusted_keys=[other, key]).trusted
    with pytest.raises(ExtractRefused) as refused:
        check_extract(io.BytesIO(file), trusted_keys=[other])
    assert refused.value.code == "extract_key_not_trusted"


@pytest.mark.parametrize(
    ("before_now", "refused"),
    [(timedelta(seconds=-1), ExtractInstantInFuture), (timedelta(0), ExtractInstantNotFinal),
     (timedelta(minutes=9, seconds=59), ExtractInstantNotFinal)],
)  # fmt: skip
async def test_only_what_cannot_change_is_signed(world: World, before_now: timedelta, refused: type) -> None:
    with pytest.raises(refused):
        await extract(world, world.clock.now() - before_now)


async def test_who_may_not_see_the_register_gets_no_signature(world: World) -> None:
    world.clock.advance(LATER)
    cmd = SignRegisterExtract(command_id=world.command_id(), actor=COMPLIANCE, at=world.clock.now() - LATER)

    with pytest.raises(NotPermitted):
        await world.do.sign_register_extract(cmd)


async def test_a_change_of_ground_within_a_state_is_no_new_line(world: World) -> None:
    [one] = await world.active(investor(1))
    await world.hear(kyc_expired(one))
    cmd = RestrictParticipant(
        command_id=world.command_id(), actor=COMPLIANCE, participant_id=one, basis_reference="СЗ-1"
    )
    await world.do.restrict_participant(cmd)
    at = world.clock.now()
    world.clock.advance(LATER)

    assert states((await extract(world, at))[0]) == {str(one): "restricted"}
