"""Powers of attorney (МЧД) of the sandbox: the document of format 003, and a register that tells their status."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from lxml import etree

from kapital.kernel.canonical import canonical_bytes
from kapital.kernel.clock import Clock
from kapital.platform.signatures.powers import FORM, NAMESPACE, PoaState, PoaStatus
from kapital.platform.signatures.problems import PowerOfAttorneyStatusUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A legal entity that grants powers."""

    name: str
    inn: str
    ogrn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Representative:
    """A person who is granted powers. `inn` 12 digits, `snils` 11."""

    surname: str
    given_name: str
    inn: str
    snils: str


def power_document(
    number: UUID,
    *,
    principal: Principal,
    representative: Representative,
    period: tuple[date, date],
    powers: Sequence[tuple[str, str]],
    jointly: bool = False,
) -> bytes:
    """The XML of a power of attorney of a legal entity, in UTF-8; `powers` are pairs of code and name."""
    issued_on, expires_on = period
    root = etree.Element(
        f"{{{NAMESPACE}}}Доверенность",
        {"ВерсФорм": FORM, "ПрЭлФорм": "00000000", "ИдФайл": f"ON_EMCHD_{issued_on:%Y%m%d}_{number}"},
        nsmap={None: NAMESPACE},
    )
    body = _under(_under(root, "Документ"), "Довер")
    term = {"ДатаВыдДовер": issued_on.isoformat(), "СрокДейст": expires_on.isoformat()}
    _under(body, "СвДов", ВидДовер="1", ПрПередов="1", НомДовер=str(number), **term)
    grantor = _under(_under(_under(body, "СвДоверит", ТипДоверит="ЮЛ"), "Доверит"), "РосОргДовер", ЕИОФЛ="1")
    _under(grantor, "СвРосОрг", НаимОрг=principal.name, ИННЮЛ=principal.inn, ОГРН=principal.ogrn)
    person = _under(_under(_under(body, "СвУпПред"), "Пред"), "СведФизЛ", ИННФЛ=representative.inn)
    person.set("СНИЛС", representative.snils)
    _under(person, "ФИО", Фамилия=representative.surname, Имя=representative.given_name)
    granted = _under(body, "СвПолн", ПрСовмПолн="2" if jointly else "1")
    for code, name in powers:
        _under(granted, "МашПолн", КодПолн=code, НаимПолн=name)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


@dataclass(slots=True)
class SandboxPoaRegister:
    """The register of powers of attorney: keeps numbers and their states, no documents."""

    clock: Clock
    _registered: dict[str, datetime] = field(default_factory=dict)
    _revoked: dict[str, datetime] = field(default_factory=dict)

    def register(self, number: UUID) -> None:
        """Take a power in; its first registration counts."""
        self._registered.setdefault(str(number), self.clock.now())

    def revoke(self, number: UUID) -> None:
        """Revoke a power from now on; its first revocation counts."""
        self._revoked.setdefault(str(number), self.clock.now())

    async def status(self, number: str) -> PoaStatus:
        """The present status. Raises: PowerOfAttorneyStatusUnavailable for a number that was never taken in."""
        if number not in self._registered:
            raise PowerOfAttorneyStatusUnavailable(facts={"number": number})
        revoked_at = self._revoked.get(number)
        state = PoaState.ACTIVE if revoked_at is None else PoaState.REVOKED
        checked_at = self.clock.now()
        return PoaStatus(
            number=number,
            state=state,
            checked_at=checked_at,
            registered_at=self._registered[number],
            revoked_at=revoked_at,
            proof=canonical_bytes({"number": number, "state": state, "checked_at": checked_at}),
        )


def _under(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
