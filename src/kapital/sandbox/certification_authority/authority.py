"""An authority that issues, revokes, publishes and answers. A root made here can have authorities under it."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from kapital.kernel.problems import Family, Problem, Retry, ensure
from kapital.platform.signatures import der
from kapital.platform.signatures.certificates import OWNER_OIDS, Certificate, certificate
from kapital.platform.signatures.primitives import PrivateKey
from kapital.sandbox.certification_authority import x509_form
from kapital.sandbox.certification_authority.scheme import Scheme, default_scheme
from kapital.sandbox.certification_authority.x509_form import Extensions

POLICY_KC1: Final = "1.2.643.100.113.1"
SIGNING: Final = Extensions(key_usage=frozenset({"digital_signature", "content_commitment"}), policies=(POLICY_KC1,))
_AUTHORITY: Final = Extensions(
    authority=True, key_usage=frozenset({"key_cert_sign", "crl_sign"}), policies=("2.5.29.32.0",)
)
OCSP_RESPONDER: Final = Extensions(
    key_usage=frozenset({"digital_signature"}), extended_key_usage=("1.3.6.1.5.5.7.3.9",), ocsp_no_check=True
)
REQUEST_BYTES_MAX: Final = 64 * 1024
REQUESTS_MAX: Final = 32


class OcspRequestUnreadable(Problem):
    """What came is no OCSP request within bounds."""

    code = "ocsp_request_unreadable"
    title = "The OCSP request cannot be read"
    retry = Retry.AFTER_CHANGE
    family = Family.UNREADABLE


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate names: a text, and the owner's numbers by the names of `OWNER_OIDS`."""

    common_name: str
    numbers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The subject's Name in DER."""
        parts = [("C", "RU"), ("CN", self.common_name)]
        parts += [(OWNER_OIDS[name], digits) for name, digits in sorted(self.numbers.items())]
        return x509_form.name(parts)


@dataclass(slots=True, kw_only=True)
class Authority:
    """An authority with its key. `certificates` is its own chain, itself first, its root last.

    Its certificates name `ocsp_urls` and `crl_urls` as the places where their status is told.
    """

    scheme: Scheme
    key: PrivateKey
    certificates: tuple[bytes, ...]
    ocsp_urls: tuple[str, ...] = ()
    crl_urls: tuple[str, ...] = ()
    _issued: set[int] = field(default_factory=set)
    _revoked: dict[int, datetime] = field(default_factory=dict)
    _lists: int = 0

    @classmethod
    def root(cls, name: str, *, at: datetime, scheme: Scheme | None = None, years: int = 10) -> "Authority":
        """A new root, valid from `at`."""
        scheme = scheme or default_scheme()
        key = scheme.new_key()
        encoded = _certify(
            key,
            scheme,
            issuer=None,
            key=key,
            subject=Subject(name),
            extensions=_AUTHORITY,
            period=(at, at + timedelta(days=365 * years)),
        )
        return cls(scheme=scheme, key=key, certificates=(encoded,))

    @property
    def own(self) -> Certificate:
        """Its own certificate."""
        return certificate(self.certificates[0])

    def subordinate(self, name: str, *, at: datetime, scheme: Scheme | None = None, years: int = 5) -> "Authority":
        """A new authority under this one."""
        scheme = scheme or self.scheme
        key = scheme.new_key()
        encoded = self.issue(key, Subject(name), extensions=_AUTHORITY, period=(at, at + timedelta(days=365 * years)))
        return Authority(scheme=scheme, key=key, certificates=(encoded, *self.certificates))

    def issue(
        self,
        key: PrivateKey,
        subject: Subject,
        *,
        period: tuple[datetime, datetime],
        extensions: Extensions = SIGNING,
    ) -> bytes:
        """A certificate in DER for a key, valid in the period."""
        told = replace(
            extensions,
            ocsp_urls=extensions.ocsp_urls or self.ocsp_urls,
            crl_urls=extensions.crl_urls or self.crl_urls,
        )
        encoded = _certify(
            self.key, self.scheme, issuer=self.own, key=key, subject=subject, extensions=told, period=period
        )
        self._issued.add(certificate(encoded).serial)
        return encoded

    def revoke(self, encoded: bytes, *, at: datetime) -> None:
        """Revoke a certificate of this authority; once revoked it stays so, at its first time."""
        serial = certificate(encoded).serial
        ensure(serial in self._issued, "an authority revokes what it issued")
        self._revoked.setdefault(serial, at)

    def crl(self, *, at: datetime, valid_for: timedelta = timedelta(days=1)) -> bytes:
        """The list of certificates revoked by `at`, in DER."""
        self._lists += 1
        body = x509_form.crl_body(
            algorithm=self.scheme.algorithm,
            issuer=self.own.subject,
            issuer_spki=self.own.spki,
            number=self._lists,
            this_update=at,
            next_update=at + valid_for,
            revoked=sorted((serial, when) for serial, when in self._revoked.items() if when <= at),
        )
        return x509_form.signed(body, self.scheme.algorithm, self._sign)

    def ocsp_request(self, encoded: bytes) -> bytes:
        """The question about one certificate, as a client writes it."""
        identifier = x509_form.certificate_id(self.own.subject, self.own.spki, certificate(encoded).serial)
        return der.sequence(der.sequence(der.sequence(der.sequence(identifier))))

    def answer_ocsp(
        self,
        request: bytes,
        *,
        at: datetime,
        valid_for: timedelta = timedelta(hours=1),
        responder: tuple[PrivateKey, bytes] | None = None,
    ) -> bytes:
        """The signed answer (OCSPResponse) to a request (OCSPRequest), by itself or by a delegate it certified.

        Raises: OcspRequestUnreadable.
        """
        identifiers, nonce = _asked(request)
        singles = [
            x509_form.single_answer(
                identifier,
                revoked_at=when if (when := self._revoked.get(serial)) is not None and when <= at else None,
                known=self._is_ours(identifier, serial),
                this_update=at,
                next_update=at + valid_for,
            )
            for identifier, serial in identifiers
        ]
        key, spki = self.key, self.own.spki
        certificates: tuple[bytes, ...] = ()
        if responder is not None:
            key, spki = responder[0], certificate(responder[1]).spki
            certificates = (responder[1],)
        return x509_form.ocsp_answer(
            algorithm=self.scheme.algorithm,
            sign=lambda body: key.sign(self.scheme.algorithm, body),
            responder_spki=spki,
            certificates=certificates,
            singles=singles,
            produced_at=at,
            extensions=der.wrap(0xA1, der.sequence(nonce)) if nonce else b"",
        )

    def _is_ours(self, identifier: bytes, serial: int) -> bool:
        ours = x509_form.certificate_id(self.own.subject, self.own.spki, serial)
        asked, own = (der.read(one).items(der.SEQUENCE) for one in (identifier, ours))
        same = [part.content for part in asked[1:3]] == [part.content for part in own[1:3]]
        return same and serial in self._issued

    def _sign(self, body: bytes) -> bytes:
        return self.key.sign(self.scheme.algorithm, body)


def _asked(request: bytes) -> tuple[list[tuple[bytes, int]], bytes]:
    """Identifiers with their serial numbers, and the nonce extension or nothing."""
    if len(request) > REQUEST_BYTES_MAX:
        raise OcspRequestUnreadable(facts={"limit": REQUEST_BYTES_MAX})
    try:
        parts = der.read(request).items(der.SEQUENCE)[0].items(der.SEQUENCE)
        listed = next(part for part in parts if part.tag == der.SEQUENCE).items(der.SEQUENCE)
        found = []
        for one in listed[:REQUESTS_MAX]:
            identifier = one.items(der.SEQUENCE)[0]
            found.append((identifier.encoded, identifier.items(der.SEQUENCE)[3].integer()))
        extensions = [e for part in parts if part.tag == 0xA2 for e in part.only(0xA2).items(der.SEQUENCE)]
        nonces = [e.encoded for e in extensions if e.items(der.SEQUENCE)[0].oid() == "1.3.6.1.5.5.7.48.1.2"]
    except (der.NotDer, IndexError, StopIteration):
        raise OcspRequestUnreadable from None
    return found, nonces[0] if nonces else b""


def _certify(
    signing: PrivateKey,
    scheme: Scheme,
    *,
    issuer: Certificate | None,
    key: PrivateKey,
    subject: Subject,
    extensions: Extensions,
    period: tuple[datetime, datetime],
) -> bytes:
    spki, named = key.spki(), subject.encoded()
    body = x509_form.certificate_body(
        serial=secrets.randbits(126) | 1 << 126,
        algorithm=scheme.algorithm,
        issuer=issuer.subject if issuer else named,
        subject=named,
        not_before=period[0],
        not_after=period[1],
        spki=spki,
        extensions=extensions.encoded(spki, issuer.spki if issuer else spki),
    )
    return x509_form.signed(body, scheme.algorithm, lambda signed: signing.sign(scheme.algorithm, signed))
