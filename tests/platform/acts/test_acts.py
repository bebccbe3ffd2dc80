"""What a person signs, which signature is needed when, and the kept file of an act."""

import json
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import InvariantBroken
from kapital.platform.acts.checking import CheckedAct, Signer, ToCheck
from kapital.platform.acts.files import SignedActFile, read_signed_act
from kapital.platform.acts.form import Act, SignedAct, Wording
from kapital.platform.acts.policy import ActKind, ActPolicy, ActRule, Need
from kapital.platform.acts.problems import (
    ActMustBeRecent,
    PowerOfAttorneyInsufficient,
    SignatureCertificateRevoked,
    SignedTextDiffers,
    problem_of_reasons,
)
from kapital.platform.acts.recheck import recheck_file
from kapital.platform.acts.setup import acts_of
from kapital.platform.problems import ObjectTooLarge
from kapital.platform.settings import Settings
from kapital.platform.signatures.bundle import keep
from kapital.platform.signatures.outcome import Code, Outcome, Reason
from kapital.platform.signatures.problems import SignatureBundleUnreadable, SignatureNotValid
from tests.acting import Memory
from tests.platform.signatures.world import StoppedClock, World

EXAMPLES = Path(__file__).parents[3] / "contracts" / "examples"


@pytest.mark.parametrize("name", ["tokenization/prepare_act", "settlement/prepare_withdrawals_act"])
def test_a_client_builds_the_same_bytes_by_the_recipe_of_the_contracts(name: str) -> None:
    asked = json.loads((EXAMPLES / f"{name}_request.json").read_text(encoding="utf-8"))
    told = json.loads((EXAMPLES / f"{name}_answer.json").read_text(encoding="utf-8"))
    participant = "01931c9e-8f20-7aaa-8def-0123456789ab"
    if "orders" in asked:
        command: Any = {"orders": [{**one, "units": str(one["units"])} for one in asked["orders"]]}
    else:
        command = {
            "withdrawals": [
                {
                    "account": one["payout_account"]["account"],
                    "amount_kopecks": str(one["amount_kopecks"]),
                    "bic": one["payout_account"]["bic"],
                    "wallet_id": one["wallet_id"],
                }
                for one in asked["withdrawals"]
            ]
        }
    built = canonical_bytes(
        {
            "version": "kapital.act-to-sign.v1",
            "kind": told["kind"],
            "act": {
                "actor_id": participant,
                "participant_id": participant,
                "idempotency_key": asked["idempotency_key"],
                "made_at": told["made_at"],
                "text_version": "kapital.act-text.v1",
                "command": command,
            },
            "shown_text": {"language": "ru", "sha256": sha256_hex(told["text"].encode())},
        }
    )

    assert built == b64decode(told["act"])
    assert sha256_hex(built) == told["act_sha256"]


def rule(kind: ActKind, signature: str, since: str, until: str | None = None, *powers: str) -> ActRule:
    return ActRule(
        kind=kind, signature=signature, effective_from=since, effective_to=until, basis="rule-book 4.2", powers=powers
    )


class TestPolicy:
    def test_without_a_rule_an_act_needs_a_qualified_signature_and_no_power_is_enough(self) -> None:
        policy = ActPolicy(Need.QUALIFIED)

        assert policy.need(ActKind.PLACE_ORDERS, date(2026, 1, 1)) is Need.QUALIFIED
        assert policy.powers(ActKind.PLACE_ORDERS, date(2026, 1, 1)) == frozenset()

    def test_a_rule_holds_on_its_days_for_its_kind(self) -> None:
        policy = ActPolicy(
            Need.QUALIFIED, [rule(ActKind.WITHDRAW_ORDERS, "simple", "2026-02-01", "2026-02-28", "CODE")]
        )

        days = [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)]
        assert [policy.need(ActKind.WITHDRAW_ORDERS, day) for day in days] == [
            Need.QUALIFIED,
            Need.SIMPLE,
            Need.SIMPLE,
            Need.QUALIFIED,
        ]
        assert policy.powers(ActKind.WITHDRAW_ORDERS, days[1]) == {"CODE"}
        assert policy.need(ActKind.PLACE_ORDERS, days[1]) is Need.QUALIFIED

    def test_rules_of_one_kind_must_not_overlap(self) -> None:
        two = [
            rule(ActKind.PLACE_ORDERS, "simple", "2026-01-01"),
            rule(ActKind.PLACE_ORDERS, "qualified", "2026-02-01"),
        ]

        with pytest.raises(InvariantBroken):
            ActPolicy(Need.QUALIFIED, two)


@pytest.mark.parametrize(
    ("codes", "refused"),
    [
        ([Code.REVOCATION_MISSING, Code.CERTIFICATE_REVOKED], SignatureCertificateRevoked),
        ([Code.CONTENT_DIFFERS], SignedTextDiffers),
        ([Code.POA_REVOKED], PowerOfAttorneyInsufficient),
        ([Code.KEY_USAGE_WRONG], SignatureNotValid),
    ],
)
def test_each_cause_has_its_code(codes: list[Code], refused: type[Exception]) -> None:
    problem = problem_of_reasons(tuple(Reason(code) for code in codes))

    assert type(problem) is refused
    assert "revocation_missing" not in str(problem.facts["reasons"])


@pytest.fixture
def file() -> SignedActFile:
    world = World("ecdsa_p256")
    text = "Заявка"
    act = canonical_bytes({"act": {}, "shown_text": {"language": "ru", "sha256": sha256_hex(text.encode())}})
    signature = world.sign(stamped=True, act=act)
    material, now = world.material(), world.clock.at
    check = world.check(signature, act, material=material)
    assert check.outcome is Outcome.VALID
    bundle = keep(
        signature,
        act,
        check=check,
        policy=world.policy(),
        material=material,
        received_at=now,
        checked_at=now,
    )
    return SignedActFile("kapital.signed-act.v1", act.decode(), text, bundle)


class TestKeptFile:
    def test_it_is_checked_again_with_nothing_but_itself(self, file: SignedActFile, tmp_path: Path) -> None:
        path = tmp_path / "act.json"
        path.write_bytes(file.encoded())

        assert recheck_file(path).outcome is Outcome.VALID
        assert recheck_file(path).shown_text == "Заявка"

    @pytest.mark.parametrize(
        ("before", "after", "told"),
        [
            ("Заявка", "Заявки", "text_differs"),
            ('\\"act\\":{}', '\\"act\\":[]', "act_differs"),
            ('"act":', '"akt":', "form"),
            ('{"act"', ' {"act"', "not_canonical"),
        ],
    )
    def test_an_altered_file_is_refused(self, file: SignedActFile, before: str, after: str, told: str) -> None:
        source = file.encoded().decode()
        assert before in source

        with pytest.raises(SignatureBundleUnreadable) as refused:
            read_signed_act(source.replace(before, after, 1).encode())

        assert refused.value.facts["reason"] == told

    def test_whose_roots_are_not_believed_today_is_not_valid(self, file: SignedActFile, tmp_path: Path) -> None:
        other = World("ecdsa_p256")
        path, root = tmp_path / "act.json", tmp_path / "root.cer"
        path.write_bytes(file.encoded())
        root.write_bytes(other.root.certificates[0])

        assert recheck_file(path, (root,)).outcome is Outcome.INDETERMINATE


class _Small(Memory):
    """Takes no file above a size."""

    async def put_many(self, contents: Sequence[bytes]) -> list[str]:
        if any(len(content) > SMALL for content in contents):
            raise ObjectTooLarge(facts={"bytes_max": SMALL})
        return await super().put_many(contents)


SMALL = 20_000


async def test_acts_that_come_together_are_answered_each_for_itself() -> None:
    clock = StoppedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    files = _Small()
    acts = acts_of(Settings(acts_signed="qualified"), clock, files).acts
    signer = Signer(participant_id=uuid4(), bound={})

    def asked(text: str, made_at: datetime) -> ToCheck:
        wording = Wording(kind=ActKind.PLACE_ORDERS, command={"orders": []}, text=text, text_version="1")
        act = Act(
            wording=wording,
            participant_id=signer.participant_id,
            actor_id=str(signer.participant_id),
            idempotency_key="k",
            made_at=made_at,
        )
        return ToCheck(act, SignedAct(made_at=made_at, signature=b"no signature"), signer)

    now = clock.now()
    first, large, old, last = await acts.check(
        [asked("a", now), asked("b" * SMALL, now), asked("c", now - timedelta(days=2)), asked("d", now)]
    )

    assert isinstance(large, ObjectTooLarge)
    assert isinstance(old, ActMustBeRecent)
    assert isinstance(first, CheckedAct)
    assert isinstance(last, CheckedAct)
    assert [first.outcome, last.outcome] == [Outcome.INVALID] * 2
    shown = [read_signed_act(await files.get(one.file_sha256)).shown_text for one in (first, last)]
    assert shown == ["a", "d"]
    assert len(files.kept) == 2
