"""Every kind of signature that is accepted or refused, in every scheme, beside OpenSSL and pyhanko."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kapital.platform.signatures import cades, der
from kapital.platform.signatures.cades import add_time_stamp
from kapital.platform.signatures.cms import SIGNATURE_TIME_STAMP, read_container
from kapital.platform.signatures.outcome import Code, Outcome, SignatureCheck
from kapital.platform.signatures.policy import Material
from kapital.platform.signatures.revocation import RevocationData
from kapital.platform.signatures.trust import TrustedRoots
from kapital.sandbox.certification_authority import Authority, SandboxSigner, TimeStampAuthority
from kapital.sandbox.certification_authority.authority import POLICY_KC1, SIGNING
from kapital.sandbox.certification_authority.x509_form import Extensions
from tests.platform.signatures.verifiers import openssl_says, openssl_says_of_the_stamp, pyhanko_says
from tests.platform.signatures.world import ACT, DAY, START, World, codes

USAGE = ("-purpose", "smimesign")
POLICY = ("-purpose", "any", "-policy", POLICY_KC1, "-policy_check", "-explicit_policy")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A signature with what it is judged by. `options` make OpenSSL look at what it passes over otherwise.

    `stamp`: what OpenSSL says of the time-stamp, which `cms -verify` does not look at; None without one.
    """

    signature: bytes
    act: bytes = ACT
    roots: Sequence[bytes] | None = None
    lists: Sequence[bytes] = ()
    answers: Sequence[bytes] = ()
    options: Sequence[str] = ()
    stamp: bool | None = None


@dataclass(frozen=True)
class Kind:
    """`code`: why we refuse, None where we accept. `others` that look at this at all must say the same."""

    make: Callable[[World], Case]
    code: Code | None = None
    others: frozenset[str] = frozenset({"openssl", "pyhanko"})


def plain(world: World) -> Case:
    return Case(signature=world.sign())


def stamped(world: World) -> Case:
    return Case(signature=world.sign(stamped=True), stamp=True)


def with_lists(world: World) -> Case:
    return Case(signature=world.sign(), lists=world.lists())


def with_answers(world: World) -> Case:
    return by_answer(world, named_by_answers(world))


def of_another_document(world: World) -> Case:
    return Case(signature=world.sign(), act=b"another")


def with_a_broken_value(world: World) -> Case:
    signature = world.sign()
    value = read_container(signature).signature
    return Case(signature=signature.replace(value, value[:-1] + bytes((value[-1] ^ 1,))))


def by_another_key(world: World) -> Case:
    """The certificate of one, the key of another."""
    return Case(signature=world.sign(replace(world.person(), certificates=world.signer.certificates)))


def bound_to_another_certificate(world: World) -> Case:
    other, own = world.person().certificate(), cades._binding
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cades, "_binding", lambda _, algorithm: own(other, algorithm))
        return Case(signature=world.sign())


def expired(world: World) -> Case:
    return Case(signature=world.sign(world.person(period=(START - 5 * DAY, START))))


def not_yet_valid(world: World) -> Case:
    return Case(signature=world.sign(world.person(period=(START + DAY, START + 9 * DAY))))


def with_an_unknown_critical_extension(world: World) -> Case:
    critical = replace(SIGNING, other_critical=(("1.2.643.100.99.1", der.octets(b"?")),))
    return Case(signature=world.sign(world.person(critical)))


def for_encryption(world: World) -> Case:
    only = Extensions(key_usage=frozenset({"key_encipherment"}), policies=(POLICY_KC1,))
    return Case(signature=world.sign(world.person(only)), options=USAGE)


def without_the_policy(world: World) -> Case:
    return Case(signature=world.sign(world.person(replace(SIGNING, policies=("1.2.3.4",)))), options=POLICY)


def with_the_policy(world: World) -> Case:
    return Case(signature=world.sign(), options=POLICY)


def revoked_by_a_list(world: World) -> Case:
    world.authority.revoke(world.signer.certificate(), at=START)
    return Case(signature=world.sign(), lists=world.lists())


def revoked_by_an_answer(world: World) -> Case:
    signer = named_by_answers(world)
    world.authority.revoke(signer.certificate(), at=START)
    return by_answer(world, signer)


def of_a_revoked_authority(world: World) -> Case:
    world.root.revoke(world.authority.certificates[0], at=START)
    return Case(signature=world.sign(), lists=world.lists())


def of_a_person_who_issues(world: World) -> Case:
    chain = (*world.signer.certificates, *world.root.certificates)
    usurper = Authority(scheme=world.scheme, key=world.signer.key, certificates=chain)
    return Case(signature=world.sign(world.person(authority=usurper)))


def of_an_unknown_root(world: World) -> Case:
    foreign = Authority.root("Чужой корень", at=START - 9 * DAY, scheme=world.scheme)
    return Case(signature=world.sign(), roots=foreign.certificates)


def with_a_stamp_of_another_signature(world: World) -> Case:
    token = read_container(world.sign(stamped=True)).unsigned[SIGNATURE_TIME_STAMP]
    # Signatures of ECDSA and GOST differ each time; RSA's would be the same one.
    return Case(signature=add_time_stamp(world.sign(world.person()), token), stamp=False)


def with_a_stamp_of_nobody(world: World) -> Case:
    foreign = Authority.root("Чужой корень", at=START - 9 * DAY, scheme=world.scheme)
    stamps = TimeStampAuthority.under(foreign, clock=world.clock)
    return Case(signature=replace(world.signer, stamps=stamps).sign_now(ACT), stamp=False)


def named_by_answers(world: World) -> SandboxSigner:
    """A person whose certificate names a responder: of others pyhanko asks for no answer."""
    world.authority.ocsp_urls = ("http://ocsp.example/",)
    return world.person()


def by_answer(world: World, signer: SandboxSigner) -> Case:
    """The signer's status told by an answer, its authority's by a list."""
    at = world.clock.at
    answer = world.authority.answer_ocsp(world.authority.ocsp_request(signer.certificate()), at=at)
    return Case(signature=world.sign(signer), answers=(answer,), lists=(world.root.crl(at=at),))


OPENSSL = frozenset({"openssl"})
# `cms -verify` takes no answers of OCSP; `openssl ocsp` judges them in `test_second_verifiers`.
PYHANKO = frozenset({"pyhanko"})
KINDS = {
    "plain": Kind(plain),
    "stamped": Kind(stamped),
    "with_lists": Kind(with_lists),
    "with_answers": Kind(with_answers, others=PYHANKO),
    "with_the_policy": Kind(with_the_policy, others=OPENSSL),
    "of_another_document": Kind(of_another_document, Code.CONTENT_DIFFERS),
    "with_a_broken_value": Kind(with_a_broken_value, Code.SIGNATURE_WRONG),
    "by_another_key": Kind(by_another_key, Code.SIGNATURE_WRONG),
    "bound_to_another_certificate": Kind(bound_to_another_certificate, Code.CERTIFICATE_SUBSTITUTED),
    "expired": Kind(expired, Code.CERTIFICATE_EXPIRED),
    "not_yet_valid": Kind(not_yet_valid, Code.CERTIFICATE_NOT_YET_VALID),
    "with_an_unknown_critical_extension": Kind(with_an_unknown_critical_extension, Code.UNKNOWN_CRITICAL_EXTENSION),
    "for_encryption": Kind(for_encryption, Code.KEY_USAGE_WRONG),
    "without_the_policy": Kind(without_the_policy, Code.POLICY_MISSING, others=OPENSSL),
    "revoked_by_a_list": Kind(revoked_by_a_list, Code.CERTIFICATE_REVOKED),
    "revoked_by_an_answer": Kind(revoked_by_an_answer, Code.CERTIFICATE_REVOKED, others=PYHANKO),
    "of_a_revoked_authority": Kind(of_a_revoked_authority, Code.CERTIFICATE_REVOKED),
    "of_a_person_who_issues": Kind(of_a_person_who_issues, Code.CHAIN_WRONG),
    "of_an_unknown_root": Kind(of_an_unknown_root, Code.CHAIN_NOT_TRUSTED),
    "with_a_stamp_of_another_signature": Kind(with_a_stamp_of_another_signature, Code.TIME_STAMP_WRONG),
    "with_a_stamp_of_nobody": Kind(with_a_stamp_of_nobody, Code.TIME_STAMP_UNTRUSTED),
}
"""Whose certificate it is (ИНН, ОГРН, СНИЛС) and powers of attorney are judged here alone: no other program knows
them. What OpenSSL and pyhanko take and we do not stands in `test_second_verifiers` and the limits."""


def _looked_at_by(other: str) -> list[str]:
    return [name for name, kind in KINDS.items() if other in kind.others]


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_ends_with_its_own_code(any_world: World, name: str) -> None:
    kind = KINDS[name]

    check = judged(any_world, kind.make(any_world))

    assert codes(check) == ({kind.code} if kind.code else set())
    assert (check.outcome is Outcome.VALID) is (kind.code is None)


@pytest.mark.parametrize("name", _looked_at_by("openssl"))
def test_openssl_says_the_same(any_world: World, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS[name]
    case = kind.make(any_world)
    # Of a wrong stamp `cms -verify` says nothing: the signature itself holds, and `ts -verify` refuses the rest.
    ok = kind.code is None or case.stamp is False

    openssl_says(
        *(any_world, tmp_path, case.signature, case.act),
        ok=ok,
        lists=case.lists,
        roots=case.roots,
        options=case.options,
    )
    if case.stamp is not None:
        openssl_says_of_the_stamp(
            any_world, tmp_path, case.signature, ok=case.stamp, monkeypatch=monkeypatch, roots=case.roots
        )


# It knows no GOST; OpenSSL is the second verifier there.
@pytest.mark.parametrize("scheme", ["ecdsa_p256", "ecdsa_p384", "rsa_2048"])
@pytest.mark.parametrize("name", _looked_at_by("pyhanko"))
async def test_pyhanko_says_the_same(scheme: str, name: str) -> None:
    world, kind = World(scheme), KINDS[name]
    case = kind.make(world)

    said = await pyhanko_says(
        world, case.signature, case.act, lists=case.lists, answers=case.answers, roots=case.roots
    )

    assert said is (kind.code is None)


def judged(world: World, case: Case) -> SignatureCheck:
    """Our own check, with the data that the others get."""
    changes = {} if case.roots is None else {"roots": TrustedRoots(frozenset(case.roots))}
    data = RevocationData(tuple(case.lists), tuple(case.answers))
    if not (case.lists or case.answers):
        data = RevocationData(world.lists())
    return world.check(case.signature, case.act, material=Material((), data), **changes)
