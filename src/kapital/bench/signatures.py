"""Verifications of detached CAdES signatures per second: container, content, binding, chain, revocation, owner.

Conditions: one thread unless told otherwise, by the wall clock; 64 signatures of 8 signers over acts of 400 bytes,
chain of three, a fresh list for each authority and an OCSP answer for each signer. Chains and revocation data are met
again and again, as they are in a working day, so their own signatures are verified once; `new_signer` forgets chains
and keys before each verification and shows the price of the first one. The limit behind the figures is the engine's
arithmetic: of 512-bit GOST it does few hundreds of verifications a second.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kapital.platform.signatures.certificates import INN
from kapital.platform.signatures.check import verify_signature
from kapital.platform.signatures.libcrypto import gost
from kapital.platform.signatures.policy import Material, VerificationPolicy
from kapital.platform.signatures.primitives import public_key
from kapital.platform.signatures.revocation import RevocationData
from kapital.platform.signatures.trust import TrustedRoots, chain_to
from kapital.sandbox.certification_authority import (
    Authority,
    SandboxSigner,
    Scheme,
    Subject,
    TimeStampAuthority,
)

SIGNERS: Final = 8
ACTS: Final = 64
ACT_BYTES: Final = 400


@dataclass(frozen=True, slots=True)
class _Stopped:
    at: datetime

    def now(self) -> datetime:
        return self.at


def run(seconds: float) -> dict[str, Any]:
    """Measure each kind for `seconds`. Raises: GostEngineMissing – without GOST there is nothing to compare."""
    gost()
    plain = _work(Scheme.GOST_256)
    return {
        "gost_verify_per_s_core": _rate(plain, seconds),
        "gost_512_verify_per_s_core": _rate(_work(Scheme.GOST_512), seconds),
        "gost_time_stamped_per_s_core": _rate(_work(Scheme.GOST_256, stamped=True), seconds),
        "gost_cold_per_s_core": _rate(lambda i: _forgetting(plain, i), seconds),
        "ecdsa_verify_per_s_core": _rate(_work(Scheme.ECDSA_P256), seconds),
        "rsa_2048_verify_per_s_core": _rate(_work(Scheme.RSA_2048), seconds),
        "threads_2_gost_per_s": _rate(plain, seconds, threads=2),
        "seconds": seconds,
        "cores": len(os.sched_getaffinity(0)),
    }


def _work(scheme: Scheme, *, stamped: bool = False) -> Callable[[int], None]:
    """A function that verifies the i-th prepared signature and raises unless it is VALID."""
    at = datetime.now(UTC).replace(microsecond=0)
    clock = _Stopped(at)
    root = Authority.root("Учебный корневой центр", at=at - timedelta(days=2), scheme=scheme)
    authority = root.subordinate("Учебный удостоверяющий центр", at=at - timedelta(days=1))
    stamps = TimeStampAuthority.under(authority, clock=clock) if stamped else None
    signers = [
        SandboxSigner.for_subject(
            authority, Subject(f"Участник {i}", {INN: f"98000000{i:04d}"}), clock=clock, stamps=stamps
        )
        for i in range(SIGNERS)
    ]
    answers = tuple(authority.answer_ocsp(authority.ocsp_request(s.certificate()), at=at) for s in signers)
    roots = TrustedRoots(frozenset(root.certificates))
    lists = (root.crl(at=at), authority.crl(at=at))
    prepared = []
    for i in range(ACTS):
        act = os.urandom(ACT_BYTES)
        material = Material((), RevocationData(lists, (answers[i % SIGNERS],)))
        policy = VerificationPolicy(
            roots=roots, owner={INN: f"98000000{i % SIGNERS:04d}"}, require_time_stamp=stamped
        )
        prepared.append((signers[i % SIGNERS].sign_now(act), act, policy, material))

    def verify(i: int) -> None:
        signature, act, policy, material = prepared[i % ACTS]
        verify_signature(signature, act, policy=policy, received_at=at, now=at, material=material).require_valid()

    for i in range(ACTS):
        verify(i)
    return verify


def _forgetting(work: Callable[[int], None], i: int) -> None:
    chain_to.cache_clear()
    public_key.cache_clear()
    work(i)


def _rate(work: Callable[[int], None], seconds: float, *, threads: int = 1) -> int:
    counts = [0] * threads
    end = time.perf_counter() + seconds

    def loop(number: int) -> None:
        while time.perf_counter() < end:
            work(counts[number] + number)
            counts[number] += 1

    if threads == 1:
        loop(0)
    else:
        working = [threading.Thread(target=loop, args=(number,)) for number in range(threads)]
        for thread in working:
            thread.start()
        for thread in working:
            thread.join()
    return round(sum(counts) / seconds)
