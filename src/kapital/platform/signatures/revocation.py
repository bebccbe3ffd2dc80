"""Was a certificate revoked at a given time: lists (CRL) and answers (OCSP), each checked for who signed it and when.

Law: RFC 5280 5 and 6.3; RFC 6960; 63-FZ art. 14 part 6 and art. 15 (register of revoked certificates) [M].
Not: delta lists, indirect lists, lists by reason – such a list counts as not judged.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import CRLEntryExtensionOID, ExtendedKeyUsageOID, ExtensionOID

from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import SIGNATURES
from kapital.platform.signatures.certificates import UNREADABLE, Certificate, CertificateUnreadable, certificate
from kapital.platform.signatures.outcome import Code, Reason
from kapital.platform.signatures.primitives import KeyRefused, public_key
from kapital.platform.signatures.problems import TrustListUnreadable

CRL_BYTES_MAX: Final = 32 * 1024 * 1024
OCSP_BYTES_MAX: Final = 64 * 1024
ITEMS_MAX: Final = 64
_LISTS_KEPT: Final = 64
_ANSWERS_KEPT: Final = 4096
_WORDS_KEPT: Final = 16_384
_ISSUER_HASHES: Final = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
_LIST_EXTENSIONS_JUDGED: Final = frozenset({ExtensionOID.ISSUING_DISTRIBUTION_POINT})
_ENTRY_EXTENSIONS_JUDGED: Final = frozenset({CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationRules:
    """How old revocation data may be. `age_max`: from its making to the time of signing, when it is the older one."""

    age_max: timedelta = timedelta(days=7)
    clock_skew: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Status:
    """What was found: reasons against, or none and the evidence. `revoked_at` may lie after the time asked about."""

    reasons: tuple[Reason, ...] = ()
    revoked_at: datetime | None = None
    evidence: tuple[bytes, ...] = ()


class _Unusable(Exception):
    """One list or answer cannot be used; the others may do."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


class _AboutOthers(Exception):
    """The list or answer is about other certificates."""


@dataclass(frozen=True, slots=True)
class _Word:
    """What one list or answer says of one certificate."""

    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None


_Reader = Callable[[bytes, Certificate, Certificate, datetime], _Word]


@dataclass(frozen=True, slots=True, eq=False)
class RevocationData:
    """Lists and answers at hand, in DER.

    Shape: at most 64 of each; a larger file counts as unreadable. Raises: TrustListUnreadable for more.
    """

    crls: tuple[bytes, ...] = ()
    ocsp: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if max(len(self.crls), len(self.ocsp)) > ITEMS_MAX:
            raise TrustListUnreadable(facts={"reason": "too_many_lists", "limit": ITEMS_MAX})

    def status(
        self, subject: Certificate, issuer: Certificate, *, at: datetime, now: datetime, rules: RevocationRules
    ) -> Status:
        """The status of a certificate at a time, judged with the knowledge of `now`."""
        said: list[tuple[_Word, bytes]] = []
        against: list[Code] = []
        for read, source in self._sources():
            try:
                word = read(source, subject, issuer, now)
                if word.this_update > now + rules.clock_skew:
                    raise _Unusable(Code.REVOCATION_FROM_FUTURE)
                said.append((word, source))
            except _AboutOthers:
                continue
            except _Unusable as unusable:
                against.append(unusable.code)
        return _weigh(said, against, subject, at, rules)

    def _sources(self) -> Iterator[tuple[_Reader, bytes]]:
        # Answers first: they are small and name one certificate.
        yield from ((_from_answer(self), one) for one in self.ocsp)
        yield from ((_from_list, one) for one in self.crls)


def _weigh(
    said: list[tuple[_Word, bytes]], against: list[Code], subject: Certificate, at: datetime, rules: RevocationRules
) -> Status:
    """A revocation counts however old the list is that tells it; that nothing is told counts only if it is fresh."""
    revoked = [(word.revoked_at, source) for word, source in said if word.revoked_at is not None]
    if before := [(moment, source) for moment, source in revoked if moment <= at]:
        moment, source = min(before)
        return Status((Reason(Code.CERTIFICATE_REVOKED, subject.about),), moment, (source,))
    later = min((moment for moment, _ in revoked), default=None)
    for word, source in said:
        if _covers(word, subject, at, rules):
            shown = (source, *(s for _, s in revoked if s != source))
            return Status((), later, shown)
    code = Code.REVOCATION_STALE if said else next(iter(against), Code.REVOCATION_MISSING)
    return Status((Reason(code, subject.about),), later, ())


def _covers(word: _Word, subject: Certificate, at: datetime, rules: RevocationRules) -> bool:
    if word.this_update >= at:
        # Later knowledge is the best, until the certificate expires: then it may leave the list (RFC 5280 3.3).
        return word.this_update <= subject.not_after
    fresh = at - word.this_update <= rules.age_max
    return fresh and word.next_update is not None and word.next_update >= at


# --- lists -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _List:
    read: x509.CertificateRevocationList
    issuer: bytes
    serials: frozenset[int]
    said: "dict[tuple[Certificate, Certificate], _Word]" = field(default_factory=dict)
    """What it was found to say of a certificate of an issuer: that changes no more."""


@lru_cache(maxsize=_LISTS_KEPT)
def _list(source: bytes) -> _List | None:
    if len(source) > CRL_BYTES_MAX:
        return None
    try:
        read = x509.load_der_x509_crl(source)
        fields = der.read(read.tbs_certlist_bytes).items(der.SEQUENCE)
        issuer = fields[2] if fields[0].tag == der.INTEGER else fields[1]
        return _List(read, issuer.encoded, frozenset(entry.serial_number for entry in read))
    except UNREADABLE:
        return None


def _from_list(source: bytes, subject: Certificate, issuer: Certificate, _now: datetime) -> _Word:
    found = _list(source)
    if found is None:
        raise _Unusable(Code.REVOCATION_UNREADABLE)
    if (said := found.said.get((subject, issuer))) is not None:
        return said
    if found.issuer != subject.issuer:
        raise _AboutOthers
    if not _list_is_of(source, issuer):
        raise _Unusable(Code.REVOCATION_FOREIGN)
    try:
        if not _list_is_for(found.read, subject):
            raise _AboutOthers
        revoked_at = _revoked_by(found, subject.serial)
    except UNREADABLE:
        raise _Unusable(Code.REVOCATION_UNREADABLE) from None
    word = _Word(found.read.last_update_utc, found.read.next_update_utc, revoked_at)
    if len(found.said) < _WORDS_KEPT:
        found.said[subject, issuer] = word
    return word


@lru_cache(maxsize=_LISTS_KEPT * 4)
def _list_is_of(source: bytes, issuer: Certificate) -> bool:
    found = _list(source)
    if found is None or (issuer.key_usage and "crl_sign" not in issuer.key_usage):
        return False
    read = found.read
    return _signed_by(issuer, read.signature_algorithm_oid.dotted_string, read.signature, read.tbs_certlist_bytes)


def _list_is_for(read: x509.CertificateRevocationList, subject: Certificate) -> bool:
    for extension in read.extensions:
        if extension.critical and extension.oid not in _LIST_EXTENSIONS_JUDGED:
            raise _Unusable(Code.REVOCATION_UNREADABLE)
        point = extension.value
        if not isinstance(point, x509.IssuingDistributionPoint):
            continue
        if (
            point.indirect_crl
            or point.only_some_reasons
            or point.only_contains_attribute_certs
            or point.relative_name
        ):
            raise _Unusable(Code.REVOCATION_UNREADABLE)
        if (point.only_contains_user_certs and subject.is_authority) or (
            point.only_contains_ca_certs and not subject.is_authority
        ):
            return False
        names = {n.value for n in point.full_name or () if isinstance(n, x509.UniformResourceIdentifier)}
        if point.full_name and not names & subject.distribution_points:
            return False
    return True


def _revoked_by(found: _List, serial: int) -> datetime | None:
    entry = found.read.get_revoked_certificate_by_serial_number(serial) if serial in found.serials else None
    if entry is None:
        return None
    moment = entry.revocation_date_utc
    for extension in entry.extensions:
        if extension.critical and extension.oid not in _ENTRY_EXTENSIONS_JUDGED:
            raise _Unusable(Code.REVOCATION_UNREADABLE)
        if isinstance(extension.value, x509.InvalidityDate):
            # From then on the key may have been in other hands, though the list came later.
            moment = min(moment, extension.value.invalidity_date_utc)
    return moment


# --- answers -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=_ANSWERS_KEPT)
def _answer(source: bytes) -> ocsp.OCSPResponse | None:
    if len(source) > OCSP_BYTES_MAX:
        return None
    try:
        read = ocsp.load_der_ocsp_response(source)
    except UNREADABLE:
        return None
    return read if read.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL else None


def _from_answer(data: RevocationData) -> _Reader:
    def read(source: bytes, subject: Certificate, issuer: Certificate, now: datetime) -> _Word:
        answer = _answer(source)
        if answer is None:
            raise _Unusable(Code.REVOCATION_UNREADABLE)
        try:
            said = _single(source, subject, issuer)
            _require_responder(source, answer, issuer, data, now)
        except UNREADABLE:
            raise _Unusable(Code.REVOCATION_UNREADABLE) from None
        return said

    return read


@lru_cache(maxsize=_ANSWERS_KEPT)
def _single(source: bytes, subject: Certificate, issuer: Certificate) -> _Word:
    """The one word on this certificate; a hash of the issuer that is not known here cannot match."""
    answer = _answer(source)
    for one in answer.responses if answer is not None else ():
        if one.serial_number != subject.serial:
            continue
        take = _ISSUER_HASHES.get(one.hash_algorithm.name)
        if take is None:
            raise _Unusable(Code.REVOCATION_UNREADABLE)
        if (one.issuer_name_hash, one.issuer_key_hash) != (
            take(issuer.subject).digest(),
            take(issuer.key_bits).digest(),
        ):
            continue
        if one.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
            raise _Unusable(Code.STATUS_UNKNOWN)
        # Without nextUpdate newer knowledge is always at hand (RFC 6960 2.4): it covers its own moment, not more.
        return _Word(one.this_update_utc, one.next_update_utc or one.this_update_utc, one.revocation_time_utc)
    raise _AboutOthers


def _require_responder(
    source: bytes, answer: ocsp.OCSPResponse, issuer: Certificate, data: RevocationData, now: datetime
) -> None:
    """The issuer itself, or whom the issuer certified for it (RFC 6960 4.2.2.2)."""
    if _is_issuers_own(source, issuer):
        return
    for one in _delegates(answer):
        if _is_responder(answer, one):
            if not _is_delegate(one, issuer, data, answer.produced_at_utc, now):
                raise _Unusable(Code.RESPONDER_NOT_AUTHORISED)
            if not _answer_is_of(source, one):
                raise _Unusable(Code.REVOCATION_FOREIGN)
            return
    raise _Unusable(Code.RESPONDER_NOT_AUTHORISED)


@lru_cache(maxsize=_ANSWERS_KEPT)
def _is_issuers_own(source: bytes, issuer: Certificate) -> bool:
    """Whether the issuer gave the answer itself; what it rightly gave is not looked at again."""
    answer = _answer(source)
    if answer is None:
        return False
    for extension in answer.extensions:
        if extension.critical:
            raise _Unusable(Code.REVOCATION_UNREADABLE)
    if not _is_responder(answer, issuer):
        return False
    if not _answer_is_of(source, issuer):
        raise _Unusable(Code.REVOCATION_FOREIGN)
    return True


@lru_cache(maxsize=_ANSWERS_KEPT)
def _answer_is_of(source: bytes, signer: Certificate) -> bool:
    answer = _answer(source)
    return answer is not None and _signed_by(
        signer, answer.signature_algorithm_oid.dotted_string, answer.signature, answer.tbs_response_bytes
    )


def _delegates(answer: ocsp.OCSPResponse) -> Iterator[Certificate]:
    for one in answer.certificates:
        try:
            yield certificate(one.public_bytes(Encoding.DER))
        except CertificateUnreadable:
            raise _Unusable(Code.REVOCATION_UNREADABLE) from None


def _is_responder(answer: ocsp.OCSPResponse, one: Certificate) -> bool:
    if answer.responder_key_hash is not None:
        # The hash that RFC 6960 4.2.1 prescribes for naming a responder; it secures nothing.
        return answer.responder_key_hash == hashlib.sha1(one.key_bits, usedforsecurity=False).digest()
    return answer.responder_name is not None and answer.responder_name.public_bytes() == one.subject


def _is_delegate(
    one: Certificate, issuer: Certificate, data: RevocationData, produced_at: datetime, now: datetime
) -> bool:
    allowed = (
        one.issuer == issuer.subject
        and _signed_by(issuer, one.signature_oid, one.signature, one.signed_bytes)
        and not one.unknown_critical
        and ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string in (one.extended_key_usage or ())
        and (not one.key_usage or "digital_signature" in one.key_usage)
        and one.not_before <= produced_at <= one.not_after
    )
    if not allowed or one.no_revocation_check:
        return allowed
    # Its own status may come from a list only: an answer about itself would vouch for itself.
    lists = RevocationData(crls=data.crls)
    return not lists.status(one, issuer, at=produced_at, now=now, rules=RevocationRules()).reasons


def _signed_by(issuer: Certificate, algorithm: str, signature: bytes, content: bytes) -> bool:
    named = SIGNATURES.get(algorithm)
    if named is None:
        return False
    try:
        return public_key(issuer.spki).verifies(named, signature, content)
    except KeyRefused:
        return False
