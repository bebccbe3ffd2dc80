"""Each way in which a signature may fail has its own code. Scenarios 21, 22. Law: 63-FZ art. 11."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kapital.kernel.problems import InvariantBroken
from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import SHA_256
from kapital.platform.signatures.cades import add_time_stamp
from kapital.platform.signatures.certificates import certificate
from kapital.platform.signatures.check import verify_signature
from kapital.platform.signatures.cms import SIGNATURE_TIME_STAMP, read_container
from kapital.platform.signatures.outcome import WORDS, Code, Outcome, Reason, SignatureCheck, TimeBasis
from kapital.platform.signatures.policy import Material
from kapital.platform.signatures.problems import SignatureIndeterminate, SignatureNotValid, TrustListUnreadable
from kapital.platform.signatures.revocation import RevocationData, RevocationRules
from kapital.platform.signatures.timestamps import stamp_request
from kapital.platform.signatures.trust import TrustedRoots
from kapital.sandbox.certification_authority import Authority, Scheme, Subject, TimeStampAuthority
from kapital.sandbox.certification_authority.authority import OCSP_RESPONDER, POLICY_KC1, SIGNING
from kapital.sandbox.certification_authority.x509_form import Extensions
from tests.platform.signatures.world import DAY, START, World, codes

HOUR = timedelta(hours=1)


class TestAccepted:
    def test_a_signature_of_each_scheme_is_valid(self, any_world: World) -> None:
        check = any_world.check(any_world.sign())

        assert (check.outcome, check.reasons) == (Outcome.VALID, ())
        assert check.time_basis is TimeBasis.RECEIVED
        assert check.owner == {"inn": "980100000089", "snils": "11223344595"}

    def test_a_time_stamp_gives_the_time_of_signing(self, any_world: World) -> None:
        signature, at = any_world.sign(stamped=True), any_world.clock.at
        any_world.clock.at += 3 * HOUR

        check = any_world.check(signature, require_time_stamp=True)

        assert (check.outcome, check.signed_at, check.time_basis) == (Outcome.VALID, at, TimeBasis.TIME_STAMP)

    def test_authorities_with_other_schemes_than_the_signer_are_fine(self, gost_world: World) -> None:
        mixed = gost_world.root.subordinate("УЦ с другими ключами", at=START - DAY, scheme=Scheme.ECDSA_P384)
        signer = gost_world.person(authority=mixed)
        data = RevocationData((gost_world.root.crl(at=gost_world.clock.at), mixed.crl(at=gost_world.clock.at)))

        check = gost_world.check(gost_world.sign(signer), material=Material((), data))

        assert check.outcome is Outcome.VALID

    def test_intermediate_certificates_may_come_beside_the_signature(self, world: World) -> None:
        alone = replace(world.signer, certificates=world.signer.certificates[:1])
        beside = Material(world.authority.certificates[:1], RevocationData(world.lists()))

        assert world.check(world.sign(alone), material=beside).outcome is Outcome.VALID
        assert codes(world.check(world.sign(alone))) == {Code.CHAIN_NOT_TRUSTED}


class TestContent:
    def test_a_signature_of_another_document_is_invalid(self, any_world: World) -> None:
        check = any_world.check(any_world.sign(act=b"another"))

        assert (check.outcome, codes(check)) == (Outcome.INVALID, {Code.CONTENT_DIFFERS})

    def test_a_signature_put_under_another_certificate_of_the_same_key_is_invalid(self, world: World) -> None:
        mine, again = world.signer.certificate(), b""
        while len(again) != len(mine):  # An ECDSA signature has no fixed length, and the container must still read.
            again = world.authority.issue(world.signer.key, _same_subject(), period=(START, START + 365 * DAY))
        serials = [der.number(certificate(one).serial) for one in (mine, again)]
        swapped = world.sign().replace(mine, again).replace(*serials)

        check = world.check(swapped)

        assert (check.outcome, codes(check)) == (Outcome.INVALID, {Code.CERTIFICATE_SUBSTITUTED})

    @pytest.mark.parametrize("size", [0, 1, 10, 200])
    def test_what_is_cut_off_is_no_signature(self, world: World, size: int) -> None:
        check = world.check(world.sign()[:-1][:size] if size else b"")

        assert codes(check) == {Code.NOT_A_SIGNATURE}

    def test_what_is_too_large_is_refused_unread(self, world: World) -> None:
        assert codes(world.check(b"\x30" * (256 * 1024 + 1))) == {Code.TOO_LARGE}
        assert codes(world.check(world.sign(), bytes(64 * 1024 * 1024 + 1))) == {Code.TOO_LARGE}

    def test_more_lists_or_certificates_than_are_weighed_are_refused_not_cut(self, world: World) -> None:
        for make in (
            lambda: RevocationData((b"",) * 65),
            lambda: RevocationData((), (b"",) * 65),
            lambda: Material((b"",) * 65),
        ):
            with pytest.raises(TrustListUnreadable):
                make()

    def test_two_signers_in_one_file_are_refused(self, world: World) -> None:
        assert codes(world.check(_with_second_signer(world.sign()))) == {Code.SIGNERS_NOT_ONE}

    def test_an_unsigned_attribute_that_nobody_understands_is_not_passed_over(self, world: World) -> None:
        signature = world.sign(stamped=True)
        foreign = signature.replace(der.oid(SIGNATURE_TIME_STAMP), der.oid("1.2.840.113549.1.9.16.2.27"))

        check = world.check(foreign)

        assert (check.outcome, codes(check)) == (Outcome.INDETERMINATE, {Code.PART_NOT_UNDERSTOOD})

    def test_a_certificate_smuggled_into_the_container_is_refused(self, world: World) -> None:
        foreign = Authority.root("Чужой корень", at=START, scheme=Scheme.ECDSA_P256)
        smuggling = replace(world.signer, certificates=(*world.signer.certificates, *foreign.certificates))

        assert codes(world.check(world.sign(smuggling))) == {Code.EMBEDDED_CERTIFICATE_UNVERIFIED}


CERTIFICATES = {
    "expired": (SIGNING, (START - 5 * DAY, START), {}, Code.CERTIFICATE_EXPIRED),
    "not_yet_valid": (SIGNING, (START + DAY, START + 9 * DAY), {}, Code.CERTIFICATE_NOT_YET_VALID),
    "for_encryption": (
        Extensions(key_usage=frozenset({"key_encipherment"}), policies=(POLICY_KC1,)),
        None,
        {},
        Code.KEY_USAGE_WRONG,
    ),
    "without_key_usage": (Extensions(policies=(POLICY_KC1,)), None, {}, Code.KEY_USAGE_WRONG),
    "unknown_critical": (
        replace(SIGNING, other_critical=(("1.2.643.100.99.1", der.octets(b"?")),)),
        None,
        {},
        Code.UNKNOWN_CRITICAL_EXTENSION,
    ),
    # libcrypto knows this one but does not act on it here; so nobody would.
    "critical_policy_constraints": (
        replace(SIGNING, other_critical=(("2.5.29.36", der.sequence(der.wrap(0x80, b"\0"))),)),
        None,
        {},
        Code.UNKNOWN_CRITICAL_EXTENSION,
    ),
    "of_an_authority": (
        replace(SIGNING, authority=True, key_usage=SIGNING.key_usage | {"key_cert_sign"}),
        None,
        {},
        Code.KEY_USAGE_WRONG,
    ),
    "without_policy": (replace(SIGNING, policies=()), None, {}, Code.POLICY_MISSING),
    "foreign_policy": (replace(SIGNING, policies=("1.2.3.4",)), None, {}, Code.POLICY_MISSING),
    "without_number": (SIGNING, None, {"numbers": {"snils": "11223344595"}}, Code.OWNER_IDENTIFIER_MISSING),
    "of_another": (SIGNING, None, {"numbers": {"inn": "980100000012"}}, Code.OWNER_DIFFERS),
}


class TestCertificate:
    @pytest.mark.parametrize("name", CERTIFICATES)
    def test_a_certificate_with_a_fault_is_refused_under_its_own_code(self, any_world: World, name: str) -> None:
        extensions, period, changes, code = CERTIFICATES[name]

        check = any_world.check(any_world.sign(any_world.person(extensions, period=period, **changes)))

        assert (check.outcome, codes(check)) == (Outcome.INVALID, {code})

    def test_a_root_nobody_trusts_leaves_it_open(self, world: World) -> None:
        foreign = Authority.root("Учебный корень", at=START - DAY, scheme=Scheme.ECDSA_P256)

        check = world.check(world.sign(), roots=TrustedRoots(frozenset(foreign.certificates)))

        assert check.outcome is not Outcome.VALID
        assert codes(check) <= {Code.CHAIN_NOT_TRUSTED, Code.CERTIFICATE_SIGNATURE_WRONG, Code.CHAIN_WRONG}

    def test_no_roots_at_all_leave_it_open(self, world: World) -> None:
        check = world.check(world.sign(), roots=TrustedRoots())

        assert (check.outcome, codes(check)) == (Outcome.INDETERMINATE, {Code.CHAIN_NOT_TRUSTED})

    def test_a_person_cannot_issue_certificates(self, world: World) -> None:
        person = world.signer
        usurper = Authority(
            scheme=world.scheme, key=person.key, certificates=(*person.certificates, *world.root.certificates)
        )

        check = world.check(world.sign(world.person(authority=usurper)))

        assert (check.outcome, codes(check)) == (Outcome.INVALID, {Code.CHAIN_WRONG})

    def test_an_authority_does_not_sign_acts(self, world: World) -> None:
        acting = replace(world.signer, key=world.authority.key, certificates=world.authority.certificates[:1])

        assert Code.KEY_USAGE_WRONG in codes(world.check(world.sign(acting), owner={}, policies=frozenset()))

    def test_a_legal_entity_of_old_certificates_has_its_number_behind_two_zeros(self, world: World) -> None:
        entity = world.person(numbers={"inn": "009801000001", "ogrn": "1029800000007"})

        check = world.check(world.sign(entity), owner={"inn_legal_entity": "9801000001", "ogrn": "1029800000007"})

        assert check.outcome is Outcome.VALID


class TestRevocation:
    def test_revoked_before_signing_is_invalid(self, any_world: World) -> None:
        any_world.authority.revoke(any_world.signer.certificate(), at=START)

        check = any_world.check(any_world.sign())

        assert (check.outcome, codes(check)) == (Outcome.INVALID, {Code.CERTIFICATE_REVOKED})

    def test_revoked_after_a_stamped_signing_stays_valid_and_says_so(self, any_world: World) -> None:
        signature = any_world.sign(stamped=True)
        revoked_at = any_world.clock.at + HOUR
        any_world.authority.revoke(any_world.signer.certificate(), at=revoked_at)
        any_world.clock.at += 2 * HOUR

        check = any_world.check(signature)

        assert (check.outcome, check.revoked_later_at) == (Outcome.VALID, revoked_at)

    def test_without_a_stamp_the_receipt_counts_and_revocation_before_it_is_invalid(self, world: World) -> None:
        signature = world.sign()
        world.authority.revoke(world.signer.certificate(), at=world.clock.at + HOUR)
        world.clock.at += 2 * HOUR

        assert codes(world.check(signature)) == {Code.CERTIFICATE_REVOKED}

    def test_a_revoked_authority_takes_its_people_with_it(self, world: World) -> None:
        world.root.revoke(world.authority.certificates[0], at=START)

        assert codes(world.check(world.sign())) == {Code.CERTIFICATE_REVOKED}

    def test_an_old_list_is_enough_to_refuse_but_not_to_accept(self, world: World) -> None:
        old = world.material()
        world.clock.at += 30 * DAY
        assert codes(world.check(world.sign(), material=old)) == {Code.REVOCATION_STALE}

        world.authority.revoke(world.signer.certificate(), at=START)
        told = Material((), RevocationData((*old.revocation.crls, world.authority.crl(at=START + DAY))))
        assert Code.CERTIFICATE_REVOKED in codes(world.check(world.sign(), material=told))

    def test_a_list_older_than_the_rules_allow_is_stale_though_it_calls_itself_fresh(self, world: World) -> None:
        at = world.clock.at
        lists = tuple(a.crl(at=at, valid_for=90 * DAY) for a in (world.root, world.authority))
        world.clock.at += 8 * DAY

        stale = world.check(world.sign(), material=Material((), RevocationData(lists)))
        allowed = world.check(
            world.sign(),
            material=Material((), RevocationData(lists)),
            revocation=RevocationRules(age_max=9 * DAY),
        )

        assert (codes(stale), codes(allowed)) == ({Code.REVOCATION_STALE}, set())

    def test_lists_made_after_the_certificate_expired_do_not_speak_of_it(self, world: World) -> None:
        signature = world.sign(stamped=True)
        world.clock.at += 400 * DAY

        assert Code.REVOCATION_STALE in codes(world.check(signature))

    def test_no_data_leave_it_open(self, world: World) -> None:
        check = world.check(world.sign(), material=Material())

        assert (check.outcome, codes(check)) == (Outcome.INDETERMINATE, {Code.REVOCATION_MISSING})

    def test_a_list_of_the_future_is_not_believed(self, world: World) -> None:
        at = world.clock.at + DAY
        data = RevocationData((world.root.crl(at=at), world.authority.crl(at=at)))

        assert codes(world.check(world.sign(), material=Material((), data))) == {Code.REVOCATION_FROM_FUTURE}

    def test_a_list_signed_by_a_namesake_is_foreign(self, world: World) -> None:
        namesake = world.root.subordinate("Учебный УЦ", at=START)
        data = RevocationData((world.lists()[0], namesake.crl(at=world.clock.at)))

        assert codes(world.check(world.sign(), material=Material((), data))) == {Code.REVOCATION_FOREIGN}

    @pytest.mark.parametrize("broken", [b"", b"\x30\x00", b"garbage"])
    def test_a_broken_list_does_not_hide_a_good_one(self, world: World, broken: bytes) -> None:
        both = RevocationData((broken, *world.lists()), (broken,))

        assert world.check(world.sign(), material=Material((), both)).outcome is Outcome.VALID
        only = RevocationData((broken, world.lists()[0]))
        assert codes(world.check(world.sign(), material=Material((), only))) == {Code.REVOCATION_UNREADABLE}


class TestOcsp:
    def _check(self, world: World, answer: bytes) -> SignatureCheck:
        return world.check(world.sign(), material=Material((), RevocationData((world.lists()[0],), (answer,))))

    def test_an_answer_of_the_authority_is_enough(self, any_world: World) -> None:
        request = any_world.authority.ocsp_request(any_world.signer.certificate())

        check = self._check(any_world, any_world.authority.answer_ocsp(request, at=any_world.clock.at))

        assert (check.outcome, check.reasons) == (Outcome.VALID, ())

    def test_an_answer_tells_of_revocation(self, any_world: World) -> None:
        any_world.authority.revoke(any_world.signer.certificate(), at=START)
        request = any_world.authority.ocsp_request(any_world.signer.certificate())

        check = self._check(any_world, any_world.authority.answer_ocsp(request, at=any_world.clock.at))

        assert codes(check) == {Code.CERTIFICATE_REVOKED}

    def _answer_by(self, world: World, issuer: Authority, extensions: Extensions) -> bytes:
        delegate = world.person(extensions, authority=issuer)
        request = world.authority.ocsp_request(world.signer.certificate())
        return world.authority.answer_ocsp(
            request, at=world.clock.at, responder=(delegate.key, delegate.certificate())
        )

    def test_a_delegate_of_the_authority_may_answer(self, any_world: World) -> None:
        answer = self._answer_by(any_world, any_world.authority, OCSP_RESPONDER)

        assert self._check(any_world, answer).outcome is Outcome.VALID

    def test_a_delegate_without_the_purpose_may_not(self, world: World) -> None:
        without = replace(OCSP_RESPONDER, extended_key_usage=())

        assert codes(self._check(world, self._answer_by(world, world.authority, without))) == {
            Code.RESPONDER_NOT_AUTHORISED
        }

    def test_a_delegate_of_another_authority_may_not(self, world: World) -> None:
        other = world.root.subordinate("Другой УЦ", at=START)

        assert codes(self._check(world, self._answer_by(world, other, OCSP_RESPONDER))) == {
            Code.RESPONDER_NOT_AUTHORISED
        }

    def test_a_delegate_whose_own_status_is_open_may_not(self, world: World) -> None:
        unchecked = replace(OCSP_RESPONDER, ocsp_no_check=False)

        assert codes(self._check(world, self._answer_by(world, world.authority, unchecked))) == {
            Code.RESPONDER_NOT_AUTHORISED
        }

    def test_an_answer_about_another_certificate_says_nothing(self, world: World) -> None:
        request = world.authority.ocsp_request(world.person().certificate())

        check = self._check(world, world.authority.answer_ocsp(request, at=world.clock.at))

        assert codes(check) == {Code.REVOCATION_MISSING}

    def test_unknown_is_not_good(self, world: World) -> None:
        stranger = replace(world.authority, _issued=set())
        request = world.authority.ocsp_request(world.signer.certificate())

        check = self._check(world, stranger.answer_ocsp(request, at=world.clock.at))

        assert (check.outcome, codes(check)) == (Outcome.INDETERMINATE, {Code.STATUS_UNKNOWN})

    def test_a_stale_answer_leaves_it_open(self, world: World) -> None:
        request = world.authority.ocsp_request(world.signer.certificate())

        check = self._check(world, world.authority.answer_ocsp(request, at=world.clock.at - 2 * HOUR))

        assert (check.outcome, codes(check)) == (Outcome.INDETERMINATE, {Code.REVOCATION_STALE})


class TestTime:
    def test_a_missing_stamp_leaves_it_open_where_one_is_demanded(self, world: World) -> None:
        check = world.check(world.sign(), require_time_stamp=True)

        assert (check.outcome, codes(check)) == (Outcome.INDETERMINATE, {Code.TIME_STAMP_MISSING})

    def test_a_stamp_of_another_signature_is_invalid(self, world: World) -> None:
        first, second = world.sign(stamped=True), world.sign(act=b"another")
        token = _unsigned_token(first)

        check = world.check(_add(second, token), b"another")

        assert (check.outcome, codes(check)) == (Outcome.INVALID, {Code.TIME_STAMP_WRONG})

    def test_a_certificate_not_for_stamps_stamps_nothing(self, world: World) -> None:
        stamps = "1.3.6.1.5.5.7.3.8"
        for purposes, critical in (((), True), ((stamps, "1.3.6.1.5.5.7.3.2"), True), ((stamps,), False)):
            extensions = Extensions(
                key_usage=frozenset({"digital_signature"}), extended_key_usage=purposes, purpose_critical=critical
            )
            pretender = TimeStampAuthority.under(world.authority, clock=world.clock, extensions=extensions)
            signature = world.sign()

            check = world.check(_add(signature, _token_by(pretender, signature)))

            assert codes(check) == {Code.TIME_STAMP_WRONG}
        right = world.sign()
        assert world.check(_add(right, _token_by(world.stamps, right))).outcome is Outcome.VALID

    def test_a_stamping_authority_nobody_trusts_leaves_it_open(self, world: World) -> None:
        foreign = Authority.root("Чужой корень", at=START, scheme=world.scheme)

        check = world.check(world.sign(stamped=True), time_stamp_roots=TrustedRoots(frozenset(foreign.certificates)))

        assert (check.outcome, codes(check)) == (Outcome.INDETERMINATE, {Code.TIME_STAMP_UNTRUSTED})

    def test_a_revoked_stamping_authority_makes_it_invalid(self, world: World) -> None:
        world.authority.revoke(world.stamps.certificates[0], at=START)

        assert codes(world.check(world.sign(stamped=True))) == {Code.TIME_STAMP_WRONG}

    def test_a_stamp_of_the_future_is_invalid(self, world: World) -> None:
        world.clock.at += DAY
        signature = world.sign(stamped=True)
        world.clock.at -= DAY

        assert Code.TIME_STAMP_AFTER_CHECK in codes(world.check(signature))

    def test_a_claim_after_the_trusted_time_is_invalid(self, world: World) -> None:
        signature = world.sign()

        check = world.check(signature, received_at=world.clock.at - timedelta(minutes=6))

        assert Code.CLAIMED_TIME_AFTER_TRUSTED in codes(check)

    def test_a_naive_instant_is_our_own_fault(self, world: World) -> None:
        with pytest.raises(InvariantBroken):
            verify_signature(b"", b"", policy=world.policy(), received_at=START.replace(tzinfo=None), now=START)


class TestOutcome:
    def test_invalid_and_open_are_refused_apart_with_their_codes(self, world: World) -> None:
        with pytest.raises(SignatureNotValid) as refused:
            world.check(world.sign(), b"another").require_valid()
        with pytest.raises(SignatureIndeterminate) as left_open:
            world.check(world.sign(), material=Material()).require_valid()

        assert refused.value.facts == {"reasons": "content_differs"}
        assert left_open.value.facts["reasons"] == "revocation_missing,revocation_missing"

    def test_each_reason_is_told_in_both_languages(self) -> None:
        for code in WORDS:
            told = {Reason(code, "x").told("en"), Reason(code, "x").told("ru")}
            assert len(told) == 2


def _same_subject() -> Subject:
    return Subject("Иванов Иван", {"inn": "980100000089", "snils": "11223344595"})


def _with_second_signer(signature: bytes) -> bytes:
    kind, wrapped = der.read(signature).items(der.SEQUENCE)
    *before, signers = wrapped.only(0xA0).items(der.SEQUENCE)
    only = signers.only(der.SET).encoded
    body = der.sequence(*(part.encoded for part in before), der.wrap(der.SET, only, only))
    return der.sequence(kind.encoded, der.wrap(0xA0, body))


def _unsigned_token(signature: bytes) -> bytes:
    return read_container(signature).unsigned[SIGNATURE_TIME_STAMP]


def _add(signature: bytes, token: bytes) -> bytes:
    return add_time_stamp(signature, token)


def _token_by(stamps: TimeStampAuthority, signature: bytes) -> bytes:
    answer = stamps.answer(stamp_request(read_container(signature).signature, SHA_256).encoded)
    return der.read(answer).items(der.SEQUENCE)[1].encoded
