"""News of identification: wallets are opened once, gates close and open. Scenarios 30, 55."""

from uuid import uuid4

import pytest

from kapital.kernel.ids import wallet_id_of
from kapital.registry.adapters.participants import ParticipantTable
from kapital.registry.domain.participant import wallet_opening_id_of
from kapital.registry.domain.problems import ParticipantNotFound, WalletNotOpened
from tests.registry.conftest import World, kyc_decided, kyc_expired
from tests.registry.people import investor, issuer


class InterruptedAct(Exception):
    """The process ends here."""


async def test_an_approval_opens_the_wallet_and_makes_active(world: World) -> None:
    [participant_id] = await world.registered(issuer(1))

    await world.hear(kyc_decided(participant_id, "approved"))

    assert await world.state(participant_id) == "active"
    [entry] = world.ledger.entries
    assert entry.id == wallet_opening_id_of(participant_id)
    assert entry.basis.kind == "HOLDER_INSTRUCTION"
    assert world.ledger.wallets() == [wallet_id_of(participant_id)]
    told = (await world.events())[1:]
    assert [(kind, data.get("state")) for kind, data in told] == [
        ("participant_state_changed", "approved"),
        ("wallet_opened", None),
        ("participant_state_changed", "active"),
    ]
    assert told[1][1] == {
        "wallet_id": str(wallet_id_of(participant_id)),
        "participant_id": str(participant_id),
        "profile": "issuer",
        "roles": ["issuer"],
        "entry_seq": 0,
    }


async def test_a_rejection_opens_nothing(world: World) -> None:
    [participant_id] = await world.registered(investor(1))

    await world.hear(kyc_decided(participant_id, "rejected"))

    assert await world.state(participant_id) == "rejected"
    assert world.ledger.entries == []


async def test_a_batch_is_one_call_of_the_ledger(world: World) -> None:
    ids = await world.active(*(investor(number) for number in range(50)))

    assert world.ledger.calls == 1
    assert set(world.ledger.wallets()) == {wallet_id_of(participant_id) for participant_id in ids}
    [opened] = await world.rows("SELECT count(*) AS n FROM wallet")
    assert opened["n"] == 50


async def test_a_repeated_approval_has_no_second_effect(world: World) -> None:
    [participant_id] = await world.active(investor(1))
    told = await world.events()

    await world.hear(kyc_decided(participant_id, "approved"))

    assert await world.events() == told
    assert len(world.ledger.entries) == 1


async def test_a_transaction_lost_after_the_ledgers_commit_meets_the_first_entry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    [participant_id] = await world.registered(investor(1))
    approval = kyc_decided(participant_id, "approved")

    async def lost(*_: object) -> None:
        raise InterruptedAct

    with monkeypatch.context() as broken:
        broken.setattr(ParticipantTable, "add_wallets", lost)
        with pytest.raises(InterruptedAct):
            await world.hear(approval)
    assert await world.state(participant_id) == "identifying"
    assert len(world.ledger.entries) == 1

    await world.hear(approval)

    assert await world.state(participant_id) == "active"
    assert len(world.ledger.entries) == 1


async def test_a_refusal_of_the_ledger_keeps_nothing(world: World) -> None:
    [participant_id] = await world.registered(investor(1))
    world.ledger.refuse = {wallet_id_of(participant_id)}

    with pytest.raises(WalletNotOpened) as refused:
        await world.hear(kyc_decided(participant_id, "approved"))

    assert refused.value.facts["ledger_code"] == "wallet_exists"
    assert await world.state(participant_id) == "identifying"
    assert len(await world.events()) == 1


async def test_an_unknown_participant_is_refused_before_the_ledger_is_asked(world: World) -> None:
    [participant_id] = await world.registered(investor(1))

    with pytest.raises(ParticipantNotFound):
        await world.hear(kyc_decided(participant_id, "approved"), kyc_decided(uuid4(), "approved"))

    assert world.ledger.calls == 0


async def test_expiry_restricts_and_renewal_restores(world: World) -> None:
    [participant_id] = await world.active(investor(1))

    await world.hear(kyc_expired(participant_id))
    restricted = await world.state(participant_id)
    await world.hear(kyc_decided(participant_id, "approved"))

    assert restricted == "restricted"
    assert await world.state(participant_id) == "active"
    states = [data["state"] for kind, data in await world.events() if kind == "participant_state_changed"]
    assert states == ["approved", "active", "restricted", "active"]
    assert len(world.ledger.entries) == 1


async def test_a_rejected_renewal_restricts_and_takes_nothing_away(world: World) -> None:
    [participant_id] = await world.active(investor(1))

    await world.hear(kyc_decided(participant_id, "rejected"))

    assert await world.state(participant_id) == "restricted"


async def test_approval_and_expiry_in_one_batch_are_told_in_order(world: World) -> None:
    [participant_id] = await world.registered(investor(1))

    await world.hear(kyc_decided(participant_id, "approved"), kyc_expired(participant_id))

    assert await world.state(participant_id) == "restricted"
    assert [data.get("state") or kind for kind, data in (await world.events())[1:]] == [
        "approved",
        "wallet_opened",
        "active",
        "restricted",
    ]
