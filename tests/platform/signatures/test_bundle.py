"""A kept signature is checked again years later, offline, from its bundle alone."""

import json
from datetime import timedelta

import pytest

from kapital.platform.signatures.bundle import SignatureBundle, check_again, keep, read_bundle
from kapital.platform.signatures.outcome import Code, Outcome
from kapital.platform.signatures.policy import Material
from kapital.platform.signatures.problems import SignatureBundleUnreadable
from kapital.platform.signatures.revocation import RevocationData
from kapital.platform.signatures.trust import TrustedRoots
from kapital.sandbox.certification_authority import Authority
from tests.platform.signatures.world import ACT, START, World, codes


def _kept(world: World, *, stamped: bool = True, act: bytes = ACT) -> SignatureBundle:
    signature, at = world.sign(stamped=stamped), world.clock.at
    request = world.authority.ocsp_request(world.signer.certificate())
    useless = world.root.subordinate("Ненужный УЦ", at=START).crl(at=at)
    data = RevocationData((*world.lists(), useless), (world.authority.answer_ocsp(request, at=at),))
    material, policy = Material((), data), world.policy()
    check = world.check(signature, act, material=material)
    return keep(signature, act, check=check, policy=policy, material=material, received_at=at, checked_at=at)


class TestBundle:
    @pytest.mark.parametrize("stamped", [False, True])
    def test_comes_back_from_its_bytes_and_is_valid_again(self, any_world: World, stamped: bool) -> None:
        bundle = read_bundle(_kept(any_world, stamped=stamped).encoded())

        any_world.clock.at += timedelta(days=3650)  # Nobody asks this clock.
        again = check_again(bundle, ACT)

        assert (bundle.outcome, again.outcome, again.reasons) == (Outcome.VALID, Outcome.VALID, ())
        assert check_again(bundle, ACT, roots=any_world.roots).outcome is Outcome.VALID

    def test_keeps_what_was_relied_on_and_nothing_else(self, world: World) -> None:
        bundle = _kept(world)

        # The list of the root, that of the authority (for who stamped), the answer on the signer.
        assert (len(bundle.crls), len(bundle.ocsp), len(bundle.roots)) == (2, 1, 1)

    def test_whom_one_believes_is_decided_anew(self, world: World) -> None:
        foreign = TrustedRoots(frozenset(Authority.root("Чужой", at=START, scheme=world.scheme).certificates))

        assert check_again(_kept(world), ACT, roots=foreign).outcome is Outcome.INDETERMINATE

    def test_another_content_is_not_what_was_signed(self, world: World) -> None:
        assert codes(check_again(_kept(world), b"another")) == {Code.CONTENT_DIFFERS}

    def test_a_refused_signature_is_kept_with_its_reasons(self, world: World) -> None:
        bundle = _kept(world, act=b"another")

        assert (bundle.outcome, bundle.reasons) == (Outcome.INVALID, [Code.CONTENT_DIFFERS])
        assert check_again(bundle, b"another").outcome is Outcome.INVALID

    @pytest.mark.parametrize("missing", ["crls", "certificates"])
    def test_a_bundle_with_a_part_taken_out_is_not_valid(self, world: World, missing: str) -> None:
        value = json.loads(_kept(world).encoded()) | {missing: []}
        value["signature"] = value["signature"]
        bundle = read_bundle(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())

        outcome = check_again(bundle, ACT).outcome

        assert (outcome is Outcome.VALID) is (missing == "certificates"), "certificates stand in the container too"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda text: text + b" ", "not_canonical"),
            (lambda text: text.replace(b"bundle.v1", b"bundle.v2"), "form"),
            (lambda text: b'{"a":1}', "form"),
            (lambda text: b"[" * 100_000, "form"),
            (lambda text: text[:-5], "form"),
            (lambda text: bytes(64 * 1024 * 1024 + 1), "too_large"),
        ],
    )
    def test_what_is_no_bundle_is_refused(self, world: World, change, reason: str) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(SignatureBundleUnreadable) as refused:
            read_bundle(change(_kept(world).encoded()))

        assert refused.value.facts["reason"] == reason

    def test_bytes_that_are_no_base64_are_refused(self, world: World) -> None:
        value = json.loads(_kept(world).encoded()) | {"signature": "%%%"}
        bundle = read_bundle(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())

        with pytest.raises(SignatureBundleUnreadable):
            check_again(bundle, ACT)
