"""Whatever is changed by however little, a signature is not VALID any more, and no input breaks the verifier."""

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kapital.platform.signatures import der
from kapital.platform.signatures.cms import read_container
from kapital.platform.signatures.libcrypto import lib
from kapital.platform.signatures.outcome import Code, Outcome
from kapital.platform.signatures.policy import Material
from kapital.platform.signatures.revocation import RevocationData
from tests.platform.signatures.world import ACT, World, codes, require_gost

SLOW = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _flipped(source: bytes, position: int, bit: int) -> bytes:
    return source[:position] + bytes((source[position] ^ (1 << bit),)) + source[position + 1 :]


@pytest.mark.parametrize("scheme", ["gost_256", "ecdsa_p256"])
def test_a_flipped_bit_in_any_byte_of_a_stamped_signature_makes_it_not_valid(scheme: str) -> None:
    if scheme.startswith("gost"):
        require_gost()
    world = World(scheme)
    signature, material, bits = world.sign(stamped=True), world.material(), random.Random(7)
    assert world.check(signature, material=material).outcome is Outcome.VALID

    survived = [
        position
        for position in range(len(signature))
        if world.check(_flipped(signature, position, bits.randrange(8)), material=material).outcome is Outcome.VALID
    ]

    assert survived == []


def test_every_flipped_bit_of_what_is_signed_and_by_whom_is_invalid(world: World) -> None:
    signature, material = world.sign(), world.material()
    container = read_container(signature)
    signed_parts = (container.signature, container.signed_bytes[2:], world.signer.certificate())
    for part in signed_parts:
        start = signature.index(part)
        for position in range(start, start + len(part), 3):
            check = world.check(_flipped(signature, position, position % 8), material=material)
            assert check.outcome is Outcome.INVALID or codes(check) == {Code.SIGNER_CERTIFICATE_MISSING}, position


def test_every_flipped_bit_of_the_content_is_invalid(any_world: World) -> None:
    signature, material = any_world.sign(), any_world.material()

    for position in range(len(ACT)):
        check = any_world.check(signature, _flipped(ACT, position, position % 8), material=material)
        assert (check.outcome, codes(check)) == (Outcome.INVALID, {Code.CONTENT_DIFFERS})


def test_a_flipped_bit_of_a_list_or_answer_makes_it_no_evidence(world: World) -> None:
    root_list = world.lists()[0]
    request = world.authority.ocsp_request(world.signer.certificate())
    sources = (world.lists()[1], world.authority.answer_ocsp(request, at=world.clock.at))
    signature = world.sign()
    for source in sources:
        for position in range(0, len(source), 2):
            broken = _flipped(source, position, position % 8)
            for data in (RevocationData((root_list, broken)), RevocationData((root_list,), (broken,))):
                assert world.check(signature, material=Material((), data)).outcome is not Outcome.VALID, position


def _read_whole(spelling: bytes) -> object:
    value = der.read(spelling)
    return {der.INTEGER: value.integer, der.OID: value.oid}.get(value.tag, lambda: value)()


class TestAnything:
    @SLOW
    @given(data=st.data())
    def test_a_spliced_signature_is_not_valid_unless_it_is_the_same(self, world: World, data: st.DataObject) -> None:
        # Of one length in every example, though an ECDSA signature has none.
        signature = getattr(world, "kept", None) or world.sign(stamped=True)
        world.kept = signature
        start = data.draw(st.integers(0, len(signature)))
        length = data.draw(st.integers(0, 40))
        put = data.draw(st.binary(max_size=40))
        spliced = signature[:start] + put + signature[start + length :]

        check = world.check(spliced)

        assert spliced == signature or check.outcome is not Outcome.VALID
        assert lib().ERR_peek_error() == 0

    @SLOW
    @given(source=st.binary(max_size=300))
    def test_any_bytes_are_refused_without_a_crash(self, world: World, source: bytes) -> None:
        assert world.check(source).outcome is Outcome.INVALID

    @SLOW
    @given(source=st.binary(max_size=120))
    def test_what_der_reads_it_reads_in_one_spelling(self, source: bytes) -> None:
        try:
            value = der.read(source)
        except der.NotDer:
            return
        assert der.wrap(value.tag, value.content) == source

    @pytest.mark.parametrize(
        "spelling",
        [
            b"\x04\x81\x01a",
            b"\x04\x82\x00\x80" + bytes(128),
            b"\x04\x80\x00\x00",
            b"\x02\x02\x00\x01",
            b"\x02\x02\xff\xff",
            b"\x06\x02\x80\x01",
            b"\x1f\x81\x01\x00",
        ],
    )
    def test_other_spellings_of_a_value_are_not_der(self, spelling: bytes) -> None:
        with pytest.raises(der.NotDer):
            _read_whole(spelling)

    @example(number=-128)
    @example(number=-(2**63))
    @example(number=-129)
    @given(number=st.integers(-(2**200), 2**200))
    def test_numbers_come_back(self, number: int) -> None:
        assert der.read(der.number(number)).integer() == number

    @given(arcs=st.lists(st.integers(0, 2**40), min_size=1, max_size=6), second=st.integers(0, 39))
    def test_identifiers_come_back(self, arcs: list[int], second: int) -> None:
        dotted = ".".join(map(str, (1, second, *arcs)))

        assert der.read(der.oid(dotted)).oid() == dotted
