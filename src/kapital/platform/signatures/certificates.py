"""A certificate as this part needs it: the exact bytes, and what `cryptography` reads out of them.

Law: RFC 5280; 63-FZ art. 17 (contents of a qualified certificate); order of the FSB 795 of 27.12.2011 (identifiers of
ИНН, ОГРН, ОГРНИП, СНИЛС in the subject) [M].
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from kapital.platform.signatures import der
from kapital.platform.signatures.primitives import x509 as x509_handle

CERTIFICATE_BYTES_MAX: Final = 32 * 1024
_KEPT: Final = 8192

INN: Final = "inn"
INN_LEGAL_ENTITY: Final = "inn_legal_entity"
OGRN: Final = "ogrn"
OGRNIP: Final = "ogrnip"
SNILS: Final = "snils"
OWNER_OIDS: Final = {
    INN: "1.2.643.3.131.1.1",
    INN_LEGAL_ENTITY: "1.2.643.100.4",
    OGRN: "1.2.643.100.1",
    OGRNIP: "1.2.643.100.5",
    SNILS: "1.2.643.100.3",
}
# What `cryptography` and our own reader raise over bytes that are no certificate, list or answer; found by changing
# bits of good ones. The warning is an error only where Python is told so.
UNREADABLE: Final = (
    ValueError,
    TypeError,
    NotImplementedError,
    IndexError,
    der.NotDer,
    UnsupportedAlgorithm,
    x509.AttributeNotFound,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,
)
ANY_POLICY: Final = "2.5.29.32.0"

UNDERSTOOD_IF_CRITICAL: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,  # judged by libcrypto while it builds the chain
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
    }
)
_X509_V3_VERSION: Final = 0xA0
T = TypeVar("T", bound=x509.ExtensionType)


class CertificateUnreadable(Exception):
    """The bytes are no X.509 certificate within bounds; the message tells why."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Certificate:
    """A certificate as read; not yet trusted. Made by `certificate`: the same bytes give the same object.

    `issuer_and_serial`: IssuerAndSerialNumber of CMS.
    """

    encoded: bytes
    serial: int
    issuer: bytes
    subject: bytes
    spki: bytes
    not_before: datetime
    not_after: datetime
    signed_bytes: bytes
    signature: bytes
    signature_oid: str
    key_identifier: bytes | None
    key_usage: frozenset[str]
    extended_key_usage: frozenset[str] | None
    extended_key_usage_critical: bool
    policies: frozenset[str]
    unknown_critical: tuple[str, ...]
    is_authority: bool
    no_revocation_check: bool
    distribution_points: frozenset[str]
    ocsp_urls: tuple[str, ...]
    owner: dict[str, str]
    subject_text: str
    issuer_text: str
    issuer_and_serial: bytes
    sha256: str

    @property
    def about(self) -> str:
        """How a reason names it: the serial number, which is no personal data."""
        return f"certificate {self.serial:x}"

    @property
    def key_bits(self) -> bytes:
        """The content of the public key's BIT STRING, over which OCSP takes the issuer's hash."""
        return der.read(self.spki).items(der.SEQUENCE)[1].content[1:]


@lru_cache(maxsize=_KEPT)
def certificate(encoded: bytes) -> Certificate:
    """Read a certificate in DER. Raises: CertificateUnreadable."""
    if len(encoded) > CERTIFICATE_BYTES_MAX:
        raise CertificateUnreadable("too large")
    try:
        _require_positive_serial(encoded)
        read = _certificate(encoded, x509.load_der_x509_certificate(encoded))
    except UNREADABLE as error:
        raise CertificateUnreadable(type(error).__name__) from None
    if x509_handle(encoded) is None:  # Two readers that disagree would judge two different certificates.
        raise CertificateUnreadable("libcrypto does not read it")
    return read


def _require_positive_serial(encoded: bytes) -> None:
    """RFC 5280 4.1.2.2. `cryptography` still lets others through with a warning."""
    fields = der.read(encoded).items(der.SEQUENCE)[0].items(der.SEQUENCE)
    serial = fields[1] if fields[0].tag == _X509_V3_VERSION else fields[0]
    if serial.integer() <= 0:
        raise der.NotDer("serial number is not positive")


def _certificate(encoded: bytes, read: x509.Certificate) -> Certificate:
    fields = der.read(read.tbs_certificate_bytes).items(der.SEQUENCE)
    if fields[0].tag == _X509_V3_VERSION:
        fields = fields[1:]
    _, _, issuer, _, subject, spki = fields[:6]
    extensions = {extension.oid: extension for extension in read.extensions}
    unknown = (e.oid.dotted_string for e in extensions.values() if e.critical and e.oid not in UNDERSTOOD_IF_CRITICAL)
    extended = extensions.get(ExtensionOID.EXTENDED_KEY_USAGE)
    constraints = _value(extensions, ExtensionOID.BASIC_CONSTRAINTS, x509.BasicConstraints)
    identifier = _value(extensions, ExtensionOID.SUBJECT_KEY_IDENTIFIER, x509.SubjectKeyIdentifier)
    policies = _value(extensions, ExtensionOID.CERTIFICATE_POLICIES, x509.CertificatePolicies)
    purposes = _value(extensions, ExtensionOID.EXTENDED_KEY_USAGE, x509.ExtendedKeyUsage)
    points = _value(extensions, ExtensionOID.CRL_DISTRIBUTION_POINTS, x509.CRLDistributionPoints)
    return Certificate(
        encoded=encoded,
        serial=read.serial_number,
        issuer=issuer.encoded,
        subject=subject.encoded,
        spki=spki.encoded,
        not_before=read.not_valid_before_utc,
        not_after=read.not_valid_after_utc,
        signed_bytes=read.tbs_certificate_bytes,
        signature=read.signature,
        signature_oid=read.signature_algorithm_oid.dotted_string,
        key_identifier=identifier.key_identifier if identifier else None,
        key_usage=_usage(_value(extensions, ExtensionOID.KEY_USAGE, x509.KeyUsage)),
        extended_key_usage=frozenset(p.dotted_string for p in purposes) if purposes is not None else None,
        extended_key_usage_critical=extended is not None and extended.critical,
        policies=frozenset(p.policy_identifier.dotted_string for p in policies or ()),
        unknown_critical=tuple(sorted(unknown)),
        is_authority=bool(constraints and constraints.ca),
        no_revocation_check=ExtensionOID.OCSP_NO_CHECK in extensions,
        distribution_points=_uris(points),
        ocsp_urls=_responders(
            _value(extensions, ExtensionOID.AUTHORITY_INFORMATION_ACCESS, x509.AuthorityInformationAccess)
        ),
        owner=_owner(read.subject),
        subject_text=read.subject.rfc4514_string(),
        issuer_text=read.issuer.rfc4514_string(),
        issuer_and_serial=der.sequence(issuer.encoded, der.number(read.serial_number)),
        sha256=sha256(encoded).hexdigest(),
    )


def _value(
    extensions: dict[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]],
    oid: x509.ObjectIdentifier,
    kind: type[T],
) -> T | None:
    extension = extensions.get(oid)
    return extension.value if extension is not None and isinstance(extension.value, kind) else None


_USAGES: Final = ("digital_signature", "content_commitment", "key_encipherment", "key_cert_sign", "crl_sign")


def _usage(usage: x509.KeyUsage | None) -> frozenset[str]:
    return frozenset(name for name in _USAGES if usage is not None and getattr(usage, name))


def _uris(points: x509.CRLDistributionPoints | None) -> frozenset[str]:
    names = (name for point in points or () for name in point.full_name or ())
    return frozenset(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))


def _responders(access: x509.AuthorityInformationAccess | None) -> tuple[str, ...]:
    places = (one.access_location for one in access or () if one.access_method == AuthorityInformationAccessOID.OCSP)
    return tuple(place.value for place in places if isinstance(place, x509.UniformResourceIdentifier))


def _owner(subject: x509.Name) -> dict[str, str]:
    """The numbers that the subject names. A number named twice and differently counts as none."""
    found: dict[str, str] = {}
    for name, oid in OWNER_OIDS.items():
        values = {str(a.value) for a in subject.get_attributes_for_oid(x509.ObjectIdentifier(oid))}
        if len(values) == 1:
            found[name] = values.pop()
    # Before ИННЮЛ had an identifier of its own, ten digits stood in ИНН behind two zeros.
    if found.get(INN, "").startswith("00") and INN_LEGAL_ENTITY not in found:
        found[INN_LEGAL_ENTITY] = found.pop(INN)[2:]
    return found
