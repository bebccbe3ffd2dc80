"""Who signs in the sandbox: synthetic people and the time-stamping authority."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kapital.kernel.clock import Clock
from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import DIGESTS
from kapital.platform.signatures.cades import add_time_stamp, make_signature
from kapital.platform.signatures.cms import read_container
from kapital.platform.signatures.primitives import PrivateKey
from kapital.platform.signatures.timestamps import PURPOSE, TST_INFO, stamp_request, token_of
from kapital.sandbox.certification_authority.authority import SIGNING, Authority, Subject
from kapital.sandbox.certification_authority.scheme import Scheme
from kapital.sandbox.certification_authority.x509_form import Extensions

STAMP_POLICY: Final = "1.2.643.2.2.38.4"
_TSA: Final = Extensions(key_usage=frozenset({"digital_signature"}), extended_key_usage=(PURPOSE,))
_YEAR: Final = timedelta(days=365)
_REFUSED: Final = der.sequence(der.sequence(der.number(2)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStampAuthority:
    """Answers time-stamp requests of RFC 3161 with the time of its clock."""

    scheme: Scheme
    key: PrivateKey
    certificates: tuple[bytes, ...]
    clock: Clock

    @classmethod
    def under(cls, authority: Authority, *, clock: Clock, extensions: Extensions = _TSA) -> "TimeStampAuthority":
        """A new one with a certificate of an authority, valid for a year from now."""
        key, now = authority.scheme.new_key(), clock.now()
        encoded = authority.issue(
            key, Subject("Учебная служба штампов времени"), extensions=extensions, period=(now, now + _YEAR)
        )
        return cls(
            scheme=authority.scheme, key=key, certificates=(encoded, *authority.certificates[:-1]), clock=clock
        )

    def answer(self, request: bytes) -> bytes:
        """TimeStampResp to a TimeStampReq; a request that cannot be read is answered with a refusal."""
        try:
            _version, imprint, *rest = der.read(request).items(der.SEQUENCE)
            algorithm, hashed = imprint.items(der.SEQUENCE)
            known = DIGESTS.get(algorithm.items(der.SEQUENCE)[0].oid())
            if known is None or len(hashed.expect(der.OCTET_STRING).content) != known.size:
                return _REFUSED
        except (der.NotDer, ValueError, IndexError):
            return _REFUSED
        nonces = [item.encoded for item in rest if item.tag == der.INTEGER]
        info = der.sequence(
            der.number(1),
            der.oid(STAMP_POLICY),
            imprint.encoded,
            der.number(secrets.randbits(63)),
            der.generalized_time(self.clock.now()),
            *nonces,
        )
        token = make_signature(
            info,
            sign=lambda signed: self.key.sign(self.scheme.algorithm, signed),
            algorithm=self.scheme.algorithm,
            certificates=self.certificates,
            content_type=TST_INFO,
            attached=True,
        )
        return der.sequence(der.sequence(der.number(0)), token)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSigner:
    """Means of signature of a synthetic person: a `Signer` whose key lies in this process."""

    scheme: Scheme
    key: PrivateKey
    certificates: tuple[bytes, ...]
    clock: Clock
    stamps: TimeStampAuthority | None = None

    @classmethod
    def for_subject(
        cls,
        authority: Authority,
        subject: Subject,
        *,
        clock: Clock,
        stamps: TimeStampAuthority | None = None,
        extensions: Extensions = SIGNING,
        period: tuple[datetime, datetime] | None = None,
    ) -> "SandboxSigner":
        """A new key for a subject, with a certificate valid for a year from now unless told otherwise."""
        key, now = authority.scheme.new_key(), clock.now()
        encoded = authority.issue(key, subject, extensions=extensions, period=period or (now, now + _YEAR))
        return cls(
            scheme=authority.scheme,
            key=key,
            certificates=(encoded, *authority.certificates[:-1]),
            clock=clock,
            stamps=stamps,
        )

    def certificate(self) -> bytes:
        """The signer's certificate in DER."""
        return self.certificates[0]

    async def sign(self, content: bytes) -> bytes:
        """A detached CAdES signature of the content: T if a time-stamping authority is at hand, else BES."""
        return self.sign_now(content)

    def sign_now(self, content: bytes) -> bytes:
        """The same without waiting: the key is in this process."""
        signature = make_signature(
            content,
            sign=lambda signed: self.key.sign(self.scheme.algorithm, signed),
            algorithm=self.scheme.algorithm,
            certificates=self.certificates,
            claimed_at=self.clock.now(),
        )
        if self.stamps is None:
            return signature
        container = read_container(signature)
        request = stamp_request(container.signature, self.scheme.algorithm.digest)
        return add_time_stamp(signature, token_of(self.stamps.answer(request.encoded), request))
