"""Machine-readable power of attorney (МЧД), format 003: read, and checked against the signature made under it.

Read with care: no DTD, no entities, no network, bounded size. Elements are found by name inside the parts that format
003 names; the schema itself is published by the Federal Tax Service and is not in this repository [M].

Law: 63-FZ art. 17.2, 17.5; Civil Code art. 185–188; format EMCHD_1 (003) of the Federal Tax Service [M].
Not: delegation (Передов) is not followed to the original power, joint powers are not counted together: both end in
INDETERMINATE.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from lxml import etree

from kapital.platform.signatures.certificates import INN, INN_LEGAL_ENTITY, OGRN, OGRNIP, SNILS
from kapital.platform.signatures.check import verify_signature
from kapital.platform.signatures.outcome import Code, Outcome, Reason, SignatureCheck, outcome_of
from kapital.platform.signatures.policy import Material, VerificationPolicy
from kapital.platform.signatures.problems import PowerOfAttorneyStatusUnavailable, PowerOfAttorneyUnreadable

NAMESPACE: Final = "urn://x-artefacts/EMCHD_1"
FORM: Final = "EMCHD_1"
BYTES_MAX: Final = 512 * 1024
ELEMENTS_MAX: Final = 5_000
INDIVIDUALLY: Final = "1"
"""Value of ПрСовмПолн for powers that each representative uses alone [M?]."""

# Terms of a power of attorney are calendar days where it is used, and Russian law counts them by Moscow for the
# state's registers [M?].
_CALENDAR: Final = ZoneInfo("Europe/Moscow")
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS: Final = re.compile(r"[0-9 -]+")
_NUMBERS: Final = {"ИННЮЛ": INN_LEGAL_ENTITY, "ОГРН": OGRN, "ИННФЛ": INN, "ОГРНИП": OGRNIP, "СНИЛС": SNILS}


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerOfAttorney:
    """Машиночитаемая доверенность. Personal data: numbers of people.

    Shape: `principal` and each of `representatives` map names of `OWNER_OIDS` to digits; `powers` are codes of the
    state's classifier, `powers_text` the powers in words if so given. Days are inclusive.
    """

    number: str
    issued_on: date
    expires_on: date
    delegated: bool
    jointly: bool
    principal: Mapping[str, str]
    representatives: tuple[Mapping[str, str], ...]
    powers: frozenset[str]
    powers_text: str


class PoaState(StrEnum):
    """State of a power of attorney in the register that keeps them."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoaStatus:
    """What the register answered, when, and its answer as it came (`proof`), kept for later."""

    number: str
    state: PoaState
    checked_at: datetime
    registered_at: datetime | None = None
    revoked_at: datetime | None = None
    proof: bytes = b""


class PoaStatusSource(Protocol):
    """The register of powers of attorney: in production the distributed register of the Federal Tax Service."""

    async def status(self, number: str) -> PoaStatus:
        """The present status by number. Raises: PowerOfAttorneyStatusUnavailable."""
        ...


class UnconnectedPoaRegister:
    """Stands where no register is connected: it refuses, it never says «active»."""

    async def status(self, number: str) -> PoaStatus:
        """Raises: PowerOfAttorneyStatusUnavailable."""
        raise PowerOfAttorneyStatusUnavailable(facts={"number": number})


@dataclass(frozen=True, slots=True, kw_only=True)
class PoaDemand:
    """What the act needs: whose it is, and which powers; and how old a status may be."""

    principal: Mapping[str, str]
    powers: frozenset[str]
    status_age_max: timedelta = timedelta(hours=1)
    policy: VerificationPolicy
    material: Material = field(default_factory=Material)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoaCheck:
    """Outcome of the check of a power of attorney, with that of the signature under it."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    power: PowerOfAttorney
    signature: SignatureCheck


def check_power(
    document: bytes,
    signature: bytes,
    *,
    demand: PoaDemand,
    act: SignatureCheck,
    status: PoaStatus | None,
    received_at: datetime,
    now: datetime,
) -> PoaCheck:
    """Check that the signer of an act had the power for it.

    Shape: `document` is the XML as its signature covers it, `signature` its detached file; `act` is the check of the
    act's own signature, whose signer must be the representative; `received_at` is when the power came to us.
    Raises: PowerOfAttorneyUnreadable, GostEngineMissing.
    """
    power = read_power(document)
    # The register checks the signature when it takes the power in; so far back our own clock does not reach.
    known_at = min(status.registered_at, received_at) if status and status.registered_at else received_at
    own = VerificationPolicy(
        roots=demand.policy.roots,
        time_stamp_roots=demand.policy.time_stamp_roots,
        # Every number that names the principal, or somebody could put another's beside his own.
        owner=power.principal,
        key_usage=demand.policy.key_usage,
        policies=demand.policy.policies,
        require_revocation=demand.policy.require_revocation,
        revocation=demand.policy.revocation,
    )
    signed = verify_signature(
        signature, document, policy=own, received_at=known_at, now=now, material=demand.material
    )
    reasons = (*_of_signature(signed), *_of_power(power, demand, act), *_of_status(power, status, demand, act))
    return PoaCheck(outcome=outcome_of(reasons), reasons=reasons, power=power, signature=signed)


def _of_signature(signed: SignatureCheck) -> Iterator[Reason]:
    codes = ", ".join(reason.code for reason in signed.reasons)
    if signed.outcome is Outcome.INVALID:
        yield Reason(Code.POA_SIGNATURE_WRONG, codes)
    elif signed.outcome is Outcome.INDETERMINATE:
        yield Reason(Code.POA_SIGNATURE_INDETERMINATE, codes)


def _of_power(power: PowerOfAttorney, demand: PoaDemand, act: SignatureCheck) -> Iterator[Reason]:
    if power.delegated:
        yield Reason(Code.POA_DELEGATED)
    if power.jointly:
        yield Reason(Code.POA_JOINT)
    if not power.issued_on <= act.signed_at.astimezone(_CALENDAR).date() <= power.expires_on:
        yield Reason(Code.POA_NOT_IN_FORCE)
    if not demand.principal or any(power.principal.get(name) != digits for name, digits in demand.principal.items()):
        yield Reason(Code.POA_PRINCIPAL_DIFFERS)
    if not any(_is_same(one, act.owner) for one in power.representatives):
        yield Reason(Code.POA_REPRESENTATIVE_DIFFERS)
    if missing := sorted(demand.powers - power.powers):
        yield Reason(Code.POA_POWER_MISSING, ", ".join(missing))


def _is_same(representative: Mapping[str, str], signer: Mapping[str, str]) -> bool:
    """At least one number of a person in common, and none that differs."""
    common = {INN, SNILS} & representative.keys() & signer.keys()
    return bool(common) and all(representative[name] == signer[name] for name in common)


def _of_status(
    power: PowerOfAttorney, status: PoaStatus | None, demand: PoaDemand, act: SignatureCheck
) -> Iterator[Reason]:
    if status is None or status.number.lower() != power.number.lower():
        yield Reason(Code.POA_STATUS_MISSING)
    elif status.state is PoaState.REVOKED:
        # Without a day the revocation counts from the beginning.
        if status.revoked_at is None or status.revoked_at <= act.signed_at:
            yield Reason(Code.POA_REVOKED)
    elif act.signed_at - status.checked_at > demand.status_age_max:
        yield Reason(Code.POA_STATUS_STALE)


# --- reading -----------------------------------------------------------------------------------------------


def read_power(document: bytes) -> PowerOfAttorney:
    """Read a power of attorney of format 003. Raises: PowerOfAttorneyUnreadable."""
    root = _parsed(document)
    if etree.QName(root).localname != "Доверенность" or root.get("ВерсФорм") != FORM:
        raise _unreadable("not_format_003")
    delegated = _all(root, "Передов")
    granted = delegated or _all(root, "Довер")
    if len(granted) != 1:
        raise _unreadable("one_power_expected")
    body = granted[0]
    about, powers = _one(body, "СвДов"), _one(body, "СвПолн")
    number = about.get("НомДовер", "")
    if not _GUID.fullmatch(number):
        raise _unreadable("number")
    representatives = tuple(_numbers(one) for one in _all(_one(body, "СвУпПред"), "Пред"))
    if not representatives:
        raise _unreadable("representative")
    texts = [text.text or text.get("ТекстПолн") or "" for text in _all(powers, "ТекстПолн")]
    return PowerOfAttorney(
        number=number,
        issued_on=_day(about.get("ДатаВыдДовер")),
        expires_on=_day(about.get("СрокДейст")),
        delegated=bool(delegated),
        jointly=powers.get("ПрСовмПолн", INDIVIDUALLY) != INDIVIDUALLY,
        principal=_principal(_one(body, "СвДоверит")),
        representatives=representatives,
        powers=frozenset(code for one in _all(powers, "МашПолн") if (code := one.get("КодПолн"))),
        powers_text="\n".join(text.strip() for text in texts),
    )


def _parsed(document: bytes) -> etree._Element:
    if len(document) > BYTES_MAX:
        raise _unreadable("too_large")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        raise _unreadable("not_xml") from None
    tree = root.getroottree()
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise _unreadable("document_type_declared")
    if sum(1 for _ in root.iter()) > ELEMENTS_MAX:
        raise _unreadable("too_large")
    return root


def _principal(part: etree._Element) -> dict[str, str]:
    """A legal entity is known by СвРосОрг; the person who acts for it stands beside and is not the principal."""
    of_entity = _all(part, "СвРосОрг")
    if len(of_entity) > 1:
        raise _unreadable("several_principals")
    numbers = _numbers(of_entity[0]) if of_entity else _numbers(part)
    if not numbers:
        raise _unreadable("principal")
    return numbers


def _numbers(part: etree._Element) -> dict[str, str]:
    """The numbers in a part's attributes, digits alone. A number given twice and differently names nobody."""
    found: dict[str, str] = {}
    for element in part.iter("{*}*"):
        for attribute, name in _NUMBERS.items():
            if (value := element.get(attribute)) is None:
                continue
            digits = value.replace("-", "").replace(" ", "")
            if not _DIGITS.fullmatch(value) or found.get(name, digits) != digits:
                raise _unreadable("numbers")
            found[name] = digits
    return found


def _all(part: etree._Element, name: str) -> list[etree._Element]:
    return list(part.iter(f"{{*}}{name}"))


def _one(part: etree._Element, name: str) -> etree._Element:
    found = _all(part, name)
    if len(found) != 1:
        raise _unreadable(f"{name}: {len(found)}")
    return found[0]


def _day(text: str | None) -> date:
    """Format 003 writes ГГГГ-ММ-ДД; the older habit ДД.ММ.ГГГГ is met too [M?]."""
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(text or "", form).date()  # noqa: DTZ007  a day, not an instant
        except ValueError:
            continue
    raise _unreadable("day")


def _unreadable(reason: str) -> PowerOfAttorneyUnreadable:
    return PowerOfAttorneyUnreadable(facts={"reason": reason})
