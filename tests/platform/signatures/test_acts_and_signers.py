"""What a person signs, and with what."""

import json

import pytest

from kapital.kernel.canonical import ValueNotCanonical, sha256_hex
from kapital.platform.signatures.act import act_to_sign
from kapital.platform.signatures.algorithms import SHA_256
from kapital.platform.signatures.outcome import Code, Outcome
from kapital.platform.signatures.problems import TimeStampUnavailable
from kapital.platform.signatures.signer import Signer
from kapital.platform.signatures.timestamps import stamp_request, token_of
from kapital.sandbox.certification_authority.authority import OcspRequestUnreadable
from tests.platform.signatures.world import World, codes

ORDER = {"issue": "A-1", "units": "100"}
TEXT = "Покупаю 100 единиц по 1 000,00 ₽"


class TestAct:
    def test_has_one_form(self) -> None:
        signed = act_to_sign("subscription_order", ORDER, shown_text=TEXT, language="ru")

        assert signed == (
            b'{"act":{"issue":"A-1","units":"100"},"kind":"subscription_order","shown_text":{"language":"ru","sha256":"'
            + sha256_hex(TEXT.encode()).encode()
            + b'"},"version":"kapital.act-to-sign.v1"}'
        )

    def test_another_text_kind_act_or_language_is_another_act(self) -> None:
        made = {
            act_to_sign(kind, act, shown_text=text, language=language)
            for kind in ("subscription_order", "withdrawal")
            for act in (ORDER, {**ORDER, "units": "101"})
            for text in (TEXT, TEXT + " ")
            for language in ("ru", "en")
        }

        assert len(made) == 16

    def test_what_has_no_canonical_form_cannot_be_signed(self) -> None:
        with pytest.raises(ValueNotCanonical):
            act_to_sign("order", {"price": 0.1}, shown_text=TEXT, language="ru")

    async def test_a_signed_act_cannot_be_put_under_another_text(self, any_world: World) -> None:
        signer: Signer = any_world.signer
        signature = await signer.sign(act_to_sign("order", ORDER, shown_text=TEXT, language="ru"))

        shown = any_world.check(signature, act_to_sign("order", ORDER, shown_text=TEXT, language="ru"))
        other = any_world.check(signature, act_to_sign("order", ORDER, shown_text="Продаю", language="ru"))

        assert (shown.outcome, codes(other)) == (Outcome.VALID, {Code.CONTENT_DIFFERS})
        assert json.loads(act_to_sign("order", ORDER, shown_text=TEXT, language="ru"))["act"] == ORDER


class TestServicesOfTheSandbox:
    @pytest.mark.parametrize("request_", [b"", b"\x30\x00", b"\x30\x02\x30\x00", b"x" * 70_000])
    def test_a_broken_ocsp_request_is_refused(self, world: World, request_: bytes) -> None:
        with pytest.raises(OcspRequestUnreadable):
            world.authority.answer_ocsp(request_, at=world.clock.at)

    @pytest.mark.parametrize("request_", [b"", b"\x30\x00", b"garbage"])
    def test_a_broken_stamp_request_is_answered_with_a_refusal(self, world: World, request_: bytes) -> None:
        with pytest.raises(TimeStampUnavailable) as refused:
            token_of(world.stamps.answer(request_), stamp_request(b"x", SHA_256))
        assert refused.value.facts["reason"] == "refused"

    def test_the_answer_to_another_question_is_not_taken(self, world: World) -> None:
        first, second = stamp_request(b"x", SHA_256), stamp_request(b"x", SHA_256)

        with pytest.raises(TimeStampUnavailable) as refused:
            token_of(world.stamps.answer(first.encoded), second)
        assert refused.value.facts["reason"] == "nonce_differs"

    @pytest.mark.parametrize("answer", [b"", b"\x30\x00", b"\x30\x05\x30\x03\x02\x01\x00"])
    def test_a_broken_answer_gives_no_stamp(self, answer: bytes) -> None:
        with pytest.raises(TimeStampUnavailable):
            token_of(answer, stamp_request(b"x", SHA_256))
