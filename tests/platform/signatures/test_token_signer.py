"""Signing with a token over PKCS#11 (SoftHSM): what it makes holds, what it cannot is said, the PIN stays secret."""

import json
import logging
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pkcs11
import pytest

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.kernel.problems import Problem
from kapital.platform.acts.prepared import PreparedActUnreadable, read_prepared
from kapital.platform.signatures.act import act_to_sign
from kapital.platform.signatures.outcome import Outcome
from kapital.platform.signatures.problems import SignerKeyNotSupported, SignerPinRefused, SignerUnavailable
from kapital.platform.signatures.signer import Signer
from kapital.platform.signatures.token_signer import TokenSigner
from tests.commands import run
from tests.platform.signatures.softhsm import LABEL, PIN, SoftToken
from tests.platform.signatures.verifiers import openssl_says, pyhanko_says
from tests.platform.signatures.world import ACT, World, require_gost

SCHEMES = ("ecdsa_p256", "ecdsa_p384", "rsa_2048")
TEXT = "Заявка на приобретение 3 ед."
MADE_AT = "2026-03-02T10:00:00Z"


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftToken:
    (tmp_path / "hsm").mkdir()
    return SoftToken.initialised(tmp_path / "hsm", monkeypatch)


class Asked:
    """Answers for the person, and counts how often it was asked."""

    def __init__(self, pin: str = PIN) -> None:
        self.pin, self.times = pin, 0

    def __call__(self, token: str, last_try: bool) -> str:
        assert token == LABEL
        self.times += 1
        return self.pin


def signer_of(token: SoftToken, world: World, asked: Asked | None = None, /, **changes: Any) -> TokenSigner:
    given = {"module": token.module, "ask_pin": asked or Asked(), "clock": world.clock} | changes
    return TokenSigner(certificates=world.authority.certificates[:1], **given)


async def refusal(signer: Signer) -> Problem:
    with pytest.raises((SignerUnavailable, SignerPinRefused, SignerKeyNotSupported)) as refused:
        await signer.sign(ACT)
    return refused.value


class TestWhatItMakes:
    @pytest.mark.parametrize("scheme", SCHEMES)
    async def test_holds_for_us_for_openssl_and_for_pyhanko(
        self, token: SoftToken, scheme: str, tmp_path: Path
    ) -> None:
        world = World(scheme)
        encoded = token.person(world, scheme)
        signer: Signer = signer_of(token, world)

        signature = await signer.sign(ACT)

        assert signer.certificate() == encoded
        for act, good in ((ACT, True), (b"another", False)):
            assert (world.check(signature, act).outcome is Outcome.VALID) is good
            openssl_says(world, tmp_path, signature, act, ok=good)
            assert await pyhanko_says(world, signature, act) is good

    async def test_the_key_named_signs_where_there_are_two(self, token: SoftToken, world: World) -> None:
        first, second = (token.person(world, "ecdsa_p256", key_id=one) for one in (b"\x01", b"\x02"))

        unnamed = await refusal(signer_of(token, world))

        assert unnamed.facts["reason"] == "certificate_ambiguous"
        assert first != second == signer_of(token, world, key_id=b"\x02").certificate()
        signature = await signer_of(token, world, key_id=b"\x02").sign(ACT)
        assert world.check(signature).outcome is Outcome.VALID

    async def test_an_authoritys_certificate_beside_is_not_taken_for_the_persons(
        self, token: SoftToken, world: World
    ) -> None:
        own = token.person(world, "ecdsa_p256")
        token.put(world.authority.certificates[0], key_id=b"\x09")
        token.put(b"no certificate", key_id=b"\x08")

        assert signer_of(token, world).certificate() == own


class TestRefusals:
    async def test_a_wrong_pin_by_name_and_nothing_is_signed(self, token: SoftToken, world: World) -> None:
        token.person(world, "ecdsa_p256")

        refused = await refusal(signer_of(token, world, Asked("0000")))
        empty = await refusal(signer_of(token, world, Asked("")))

        assert (refused.code, refused.facts) == ("signer_pin_refused", {"reason": "pin_incorrect"})
        assert (empty.code, empty.facts) == ("signer_pin_refused", {"reason": "pin_empty"})

    async def test_a_wrong_pin_is_told_as_such_where_the_token_shows_nothing_without_it(
        self, token: SoftToken, world: World
    ) -> None:
        own = token.put(world.certify(token.key("ecdsa_p256")), hidden=True)

        refused = await refusal(signer_of(token, world, Asked("0000")))

        assert (refused.code, refused.facts) == ("signer_pin_refused", {"reason": "pin_incorrect"})
        with pytest.raises(SignerPinRefused):
            signer_of(token, world, Asked("0000")).certificate()
        assert signer_of(token, world).certificate() == own
        assert world.check(await signer_of(token, world).sign(ACT)).outcome is Outcome.VALID

    async def test_the_pin_is_nowhere_to_be_read(
        self, token: SoftToken, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        token.person(world, "ecdsa_p256")
        signer = signer_of(token, world, Asked("secret-4711"))

        with caplog.at_level(logging.DEBUG):
            refused = await refusal(signer)

        assert "secret-4711" not in f"{refused!r} {refused.facts} {refused.detail} {signer!r} {caplog.text}"

    async def test_a_key_of_another_certificate_gives_no_signature(self, token: SoftToken, world: World) -> None:
        token.key("ecdsa_p256")
        token.put(world.signer.certificate())

        refused = await refusal(signer_of(token, world))

        assert refused.facts["reason"] == "key_is_not_of_the_certificate"

    @pytest.mark.parametrize(
        ("lacking", "reason"),
        [("certificate", "certificate_not_found"), ("key", "private_key_not_found"), ("token", "token_not_found")],
    )
    async def test_what_is_missing_is_named(self, token: SoftToken, world: World, lacking: str, reason: str) -> None:
        if lacking == "certificate":
            token.key("ecdsa_p256")
        elif lacking == "key":
            token.put(world.signer.certificate())

        refused = await refusal(signer_of(token, world, token="another" if lacking == "token" else LABEL))

        assert refused.facts == {"signer": "pkcs11", "reason": reason}

    async def test_two_tokens_must_be_told_apart(self, token: SoftToken, world: World) -> None:
        token.person(world, "ecdsa_p256")
        token.add("second")

        refused = await refusal(signer_of(token, world))

        assert refused.facts["reason"] == "token_ambiguous"
        signature = await signer_of(token, world, token=LABEL).sign(ACT)
        assert world.check(signature).outcome is Outcome.VALID

    @pytest.mark.parametrize(("content", "reason"), [(None, "module_not_found"), (b"text", "module_unreadable")])
    async def test_a_module_that_is_none(
        self, world: World, tmp_path: Path, content: bytes | None, reason: str
    ) -> None:
        if content:
            (tmp_path / "module.so").write_bytes(content)
        signer = TokenSigner(module=tmp_path / "module.so", ask_pin=Asked(), clock=world.clock)

        refused = await refusal(signer)

        assert (refused.code, refused.facts["reason"]) == ("signer_unavailable", reason)

    async def test_a_gost_key_is_refused_before_the_pin_is_asked_for(self, token: SoftToken) -> None:
        require_gost()
        world, asked = World("gost_256"), Asked()
        token.put(world.signer.certificate())

        refused = await refusal(signer_of(token, world, asked))

        assert (refused.code, refused.facts["key"], asked.times) == ("signer_key_not_supported", "gost_256", 0)

    async def test_a_token_without_the_mechanism_is_refused_before_the_pin_is_asked_for(
        self, token: SoftToken, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = Asked()
        token.person(world, "ecdsa_p256")
        monkeypatch.setattr(
            "kapital.platform.signatures.token_signer._SIGN",
            dict.fromkeys(("1.2.840.10045.2.1",), pkcs11.Mechanism.GOSTR3410),
        )

        refused = await refusal(signer_of(token, world, asked))

        assert (refused.code, refused.facts["mechanism"], asked.times) == ("signer_key_not_supported", "GOSTR3410", 0)


# --- the commands ----------------------------------------------------------------------------------------------


def prepared(**changes: Any) -> bytes:
    """What preparing an act returns."""
    act = act_to_sign("place_orders", {"made_at": MADE_AT, "command": {}}, shown_text=TEXT, language="ru")
    told = {"kind": "place_orders", "act": b64encode(act).decode(), "act_sha256": sha256_hex(act), "text": TEXT}
    told |= {"text_sha256": sha256_hex(TEXT.encode()), "language": "ru", "made_at": MADE_AT}
    return canonical_bytes(told | changes)


def command(
    name: str, file: Path, token: SoftToken, world: World, *arguments: str, pin: str = PIN
) -> tuple[int, str]:
    authority = file.parent / "authority.cer"
    authority.write_bytes(world.authority.certificates[0])
    given = ("--module", token.module, "--certificates", authority, *arguments)
    told = run("signature", name, file, *given, typed=f"{pin}\n")
    return told.code, told.out + told.err


class TestCommands:
    def test_a_prepared_act_is_shown_and_signed(self, token: SoftToken, world: World, tmp_path: Path) -> None:
        token.person(world, "ecdsa_p256")
        (tmp_path / "prepared.json").write_bytes(prepared())
        out = tmp_path / "act.json"

        status, said = command("sign-act", tmp_path / "prepared.json", token, world, "--out", str(out), "--agreed")

        assert (status, TEXT in said, PIN in said) == (0, True, False), said
        carried = json.loads(out.read_text())
        act = b64decode(json.loads(prepared())["act"])
        assert carried["made_at"] == MADE_AT
        world.clock.at = datetime.now(UTC)  # The console signs by the clock of the machine.
        assert world.check(b64decode(carried["signature"]), act).outcome is Outcome.VALID

    def test_nothing_is_signed_that_nobody_agreed_to(self, token: SoftToken, world: World, tmp_path: Path) -> None:
        token.person(world, "ecdsa_p256")
        (tmp_path / "prepared.json").write_bytes(prepared())

        status, said = command(
            "sign-act", tmp_path / "prepared.json", token, world, "--out", str(tmp_path / "act.json")
        )

        assert (status, "--agreed" in said, (tmp_path / "act.json").exists()) == (2, True, False)

    def test_a_file_is_signed_and_none_replaced_unasked(self, token: SoftToken, world: World, tmp_path: Path) -> None:
        token.person(world, "ecdsa_p256")
        (tmp_path / "power.xml").write_bytes(ACT)
        out = tmp_path / "power.sig"

        status, said = command("sign", tmp_path / "power.xml", token, world, "--out", str(out))
        again, refused = command("sign", tmp_path / "power.xml", token, world, "--out", str(out))

        assert (status, again, "--force" in refused) == (0, 2, True), said
        world.clock.at = datetime.now(UTC)
        assert world.check(out.read_bytes()).outcome is Outcome.VALID

    def test_a_wrong_pin_ends_in_one_line_without_it(self, token: SoftToken, world: World, tmp_path: Path) -> None:
        token.person(world, "ecdsa_p256")
        (tmp_path / "act").write_bytes(ACT)

        status, said = command(
            "sign", tmp_path / "act", token, world, "--out", str(tmp_path / "s"), pin="secret-4711"
        )

        assert (status, said.startswith("signer_pin_refused"), "secret" in said) == (2, True, False)
        assert not (tmp_path / "s").exists()

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"text": TEXT + " и ещё"}, "text_differs"),
            ({"text": "Другое", "text_sha256": sha256_hex("Другое".encode())}, "envelope_differs"),
            ({"made_at": "2026-03-03T10:00:00Z"}, "envelope_differs"),
            ({"kind": "withdraw_money"}, "envelope_differs"),
            ({"act_sha256": "0" * 64}, "act_differs"),
            ({"act": "no base64"}, "form"),
            ({"made_at": "yesterday"}, "form"),
        ],
    )
    def test_an_act_altered_on_its_way_is_not_shown_as_another(self, changes: dict[str, str], reason: str) -> None:
        with pytest.raises(PreparedActUnreadable) as refused:
            read_prepared(prepared(**changes))
        assert refused.value.facts == {"reason": reason}

    def test_a_file_without_end_is_not_read(self) -> None:
        with pytest.raises(PreparedActUnreadable) as refused:
            read_prepared(b" " * (4 * 1024 * 1024 + 1))
        assert refused.value.facts == {"reason": "too_large"}
