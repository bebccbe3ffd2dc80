"""Machine-readable power of attorney: read with care, checked against the act. Scenario 22. Law: 63-FZ art. 17.5."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapital.kernel.problems import InvariantBroken
from kapital.platform.signatures.bundle import check_again, check_power_again, keep, kept_power, read_bundle
from kapital.platform.signatures.outcome import Code, Outcome
from kapital.platform.signatures.policy import Material
from kapital.platform.signatures.powers import (
    PoaCheck,
    PoaDemand,
    PoaStatus,
    UnconnectedPoaRegister,
    check_power,
    read_power,
)
from kapital.platform.signatures.problems import (
    PowerOfAttorneyStatusUnavailable,
    PowerOfAttorneyUnreadable,
    SignatureBundleUnreadable,
)
from kapital.sandbox.certification_authority.powers import (
    Principal,
    Representative,
    SandboxPoaRegister,
    power_document,
)
from tests.platform.signatures.world import ACT, INN, SNILS, START, World

NUMBER = UUID("6f1b5f0e-7d0a-4c1e-9b53-0f4a6d7c2b11")
ENTITY = Principal(name='ООО "Вымышленный завод"', inn="9801000012", ogrn="1029800000018")
PERSON = Representative(surname="Иванов", given_name="Иван", inn=INN, snils=SNILS)
POWERS = (("DFA_ORDER", "Подача заявок"), ("DFA_SIGN", "Подписание решений о выпуске"))
TERM = (date(2026, 3, 1), date(2027, 3, 1))
OF_ENTITY = {"inn_legal_entity": ENTITY.inn, "ogrn": ENTITY.ogrn}


class Granted:
    """A power of a legal entity, signed by its head, taken into the register; and an act of the representative."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.register = SandboxPoaRegister(world.clock)
        self.head = world.person(numbers={**OF_ENTITY, "inn": "980100000177"})
        self.document = self.written()
        self.signature = self.head.sign_now(self.document)
        self.received_at = world.clock.at
        self.register.register(NUMBER)

    def written(self, **changes: object) -> bytes:
        fields = {"principal": ENTITY, "representative": PERSON, "period": TERM, "powers": POWERS}
        return power_document(NUMBER, **{**fields, **changes})  # type: ignore[arg-type]

    async def status(self) -> PoaStatus:
        return await self.register.status(str(NUMBER))

    def check(self, status: PoaStatus | None, **changes: object) -> PoaCheck:
        world = self.world
        demand = PoaDemand(
            principal=changes.pop("principal", OF_ENTITY),  # type: ignore[arg-type]
            powers=changes.pop("powers", frozenset({"DFA_ORDER"})),  # type: ignore[arg-type]
            policy=world.policy(owner={}),
            material=world.material(),
        )
        given_ = {"document": self.document, "signature": self.signature, **changes}
        return check_power(
            **given_,  # type: ignore[arg-type]
            demand=demand,
            act=world.check(world.sign()),
            status=status,
            received_at=self.received_at,
            now=world.clock.at,
        )


@pytest.fixture
def granted(world: World) -> Granted:
    return Granted(world)


def _codes(check: PoaCheck) -> set[Code]:
    return {reason.code for reason in check.reasons}


class TestCheck:
    async def test_a_representative_with_the_power_may_act(self, any_world: World) -> None:
        granted = Granted(any_world)

        check = granted.check(await granted.status())

        assert (check.outcome, check.reasons) == (Outcome.VALID, ())
        assert check.power.powers == {"DFA_ORDER", "DFA_SIGN"}
        assert check.power.principal == OF_ENTITY

    async def test_each_failing_has_its_own_code(self, granted: Granted) -> None:
        status = await granted.status()
        stranger = granted.world.person(numbers={"inn_legal_entity": "9801000029", "ogrn": "1029800000029"})
        other = replace(PERSON, inn="980100000233")
        late = granted.written(period=(date(2026, 3, 3), date(2027, 1, 1)))
        cases = {
            Code.POA_POWER_MISSING: granted.check(status, powers=frozenset({"DFA_REDEEM"})),
            Code.POA_PRINCIPAL_DIFFERS: granted.check(status, principal={"inn_legal_entity": "9801000029"}),
            Code.POA_SIGNATURE_WRONG: granted.check(status, signature=stranger.sign_now(granted.document)),
            Code.POA_STATUS_MISSING: granted.check(None),
            Code.POA_REPRESENTATIVE_DIFFERS: _signed(granted, granted.written(representative=other), status),
            Code.POA_NOT_IN_FORCE: _signed(granted, late, status),
            Code.POA_JOINT: _signed(granted, granted.written(jointly=True), status),
        }

        assert {code: _codes(check) for code, check in cases.items()} == {code: {code} for code in cases}

    async def test_no_principal_demanded_is_no_permission(self, granted: Granted) -> None:
        assert _codes(granted.check(await granted.status(), principal={})) == {Code.POA_PRINCIPAL_DIFFERS}

    async def test_a_power_in_anothers_name_beside_ones_own_is_not_the_others(self, granted: Granted) -> None:
        # The forger's company is named beside the victim: only numbers that the certificate carries may count.
        text = granted.document.decode()
        start, end = text.index("<РосОргДовер"), text.index("</РосОргДовер>") + len("</РосОргДовер>")
        forged = f'{text[:start]}<ФЛДовер ИННФЛ="980100000250" ОГРН="{ENTITY.ogrn}"/>{text[end:]}'.encode()

        check = granted.check(
            await granted.status(),
            document=forged,
            signature=granted.head.sign_now(forged),
            principal={"inn": "980100000250"},
        )

        assert _codes(check) == {Code.POA_SIGNATURE_WRONG}

    async def test_a_changed_document_is_not_what_the_principal_signed(self, granted: Granted) -> None:
        widened = granted.document.replace(b"DFA_SIGN", b"DFA_MORE")

        assert _codes(granted.check(await granted.status(), document=widened)) == {Code.POA_SIGNATURE_WRONG}

    async def test_a_power_revoked_before_the_act_is_none(self, granted: Granted) -> None:
        granted.register.revoke(NUMBER)

        assert _codes(granted.check(await granted.status())) == {Code.POA_REVOKED}

    async def test_a_power_revoked_after_the_act_was_one(self, granted: Granted) -> None:
        act = granted.world.check(granted.world.sign())
        granted.world.clock.at += timedelta(hours=2)
        granted.register.revoke(NUMBER)
        status = await granted.status()

        later = check_power(
            granted.document,
            granted.signature,
            demand=PoaDemand(
                principal=OF_ENTITY,
                powers=frozenset(),
                policy=granted.world.policy(),
                material=granted.world.material(),
            ),
            act=act,
            status=status,
            received_at=granted.received_at,
            now=granted.world.clock.at,
        )

        assert later.outcome is Outcome.VALID

    async def test_an_old_status_leaves_it_open(self, granted: Granted) -> None:
        status = await granted.status()
        granted.world.clock.at += timedelta(hours=2)

        check = granted.check(status)

        assert (check.outcome, _codes(check)) == (Outcome.INDETERMINATE, {Code.POA_STATUS_STALE})

    async def test_a_delegated_power_leaves_it_open(self, granted: Granted) -> None:
        status, delegated = await granted.status(), granted.document.decode().replace("<Довер>", "<Передов>")

        delegated = delegated.replace("</Довер>", "</Передов>")
        assert _codes(_signed(granted, delegated.encode(), status)) == {Code.POA_DELEGATED}

    async def test_without_a_register_nobody_says_active(self) -> None:
        with pytest.raises(PowerOfAttorneyStatusUnavailable):
            await UnconnectedPoaRegister().status(str(NUMBER))

    async def test_a_number_the_register_never_saw_has_no_status(self, granted: Granted) -> None:
        with pytest.raises(PowerOfAttorneyStatusUnavailable):
            await granted.register.status("00000000-0000-0000-0000-000000000000")

    async def test_travels_in_the_bundle_of_the_act_and_is_checked_again(self, granted: Granted) -> None:
        world, status = granted.world, await granted.status()
        signature, material, at = world.sign(), world.material(), world.clock.at
        demand = PoaDemand(
            principal=OF_ENTITY, powers=frozenset({"DFA_ORDER"}), policy=world.policy(), material=material
        )
        act = world.check(signature, material=material)
        power_check = check_power(
            granted.document,
            granted.signature,
            demand=demand,
            act=act,
            status=status,
            received_at=granted.received_at,
            now=at,
        )
        power = kept_power(
            granted.document, granted.signature, received_at=granted.received_at, demand=demand, status=status
        )
        bundle = keep(
            signature,
            ACT,
            check=act,
            policy=world.policy(),
            material=material,
            received_at=at,
            checked_at=at,
            power=power,
            power_check=power_check,
        )

        back = read_bundle(bundle.encoded())
        again = check_power_again(back, check_again(back, ACT))

        assert back.power is not None
        assert back.power.status() == status
        assert (power_check.outcome, again.outcome, again.reasons) == (Outcome.VALID, Outcome.VALID, ())

    def test_a_bundle_without_a_power_says_so(self, world: World) -> None:
        signature, material = world.sign(), world.material()
        act = world.check(signature, material=material)
        at = world.clock.at
        bundle = keep(
            signature, ACT, check=act, policy=world.policy(), material=material, received_at=at, checked_at=at
        )

        with pytest.raises(SignatureBundleUnreadable):
            check_power_again(bundle, act)
        with pytest.raises(InvariantBroken):  # Not the material of the check: its data would be lost.
            keep(signature, ACT, check=act, policy=world.policy(), material=Material(), received_at=at, checked_at=at)


def _signed(granted: Granted, document: bytes, status: PoaStatus) -> PoaCheck:
    return granted.check(status, document=document, signature=granted.head.sign_now(document))


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;&c;</a>"""
EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>'


class TestReading:
    @pytest.mark.parametrize(
        ("document", "reason"),
        [
            (b"", "not_xml"),
            (b"<a", "not_xml"),
            (b"<a/>", "not_format_003"),
            (BOMB, "document_type_declared"),
            (EXTERNAL, "document_type_declared"),
            (b"<!DOCTYPE a><a/>", "document_type_declared"),
            (b"<a>" + b"<b/>" * 6_000 + b"</a>", "too_large"),
            (b"<a>" + b" " * 600_000 + b"</a>", "too_large"),
            (b"<a>" * 10_000 + b"</a>" * 10_000, "not_xml"),
            (b'<?xml version="1.0" encoding="nonsense"?><a/>', "not_xml"),
        ],
    )
    def test_what_is_no_power_is_refused(self, document: bytes, reason: str) -> None:
        with pytest.raises(PowerOfAttorneyUnreadable) as refused:
            read_power(document)

        assert refused.value.facts == {"reason": reason}

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ('EMCHD_1"', 'EMCHD_9"', "not_format_003"),
            (str(NUMBER), "17", "number"),
            ("2027-03-01", "2027-02-30", "day"),
            (f'ИННЮЛ="{ENTITY.inn}"', 'ИННЮЛ="98x"', "numbers"),
            ("СвПолн", "СвНет", "СвПолн: 0"),
            (f'ИННЮЛ="{ENTITY.inn}" ОГРН="{ENTITY.ogrn}"', "", "principal"),
            ("/Довер>", "/Довер><Довер/>", "one_power_expected"),
        ],
    )
    def test_a_power_with_a_fault_is_refused(self, granted: Granted, old: str, new: str, reason: str) -> None:
        broken = granted.document.decode().replace(old, new).encode()

        with pytest.raises(PowerOfAttorneyUnreadable) as refused:
            read_power(broken)

        assert refused.value.facts == {"reason": reason}

    def test_windows_1251_is_read_as_well(self, granted: Granted) -> None:
        text = granted.document.decode().replace("encoding='UTF-8'", "encoding='windows-1251'")

        assert read_power(text.encode("cp1251")) == read_power(granted.document)

    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_change_is_read_or_refused(self, granted: Granted, data: st.DataObject) -> None:
        document = granted.document
        start = data.draw(st.integers(0, len(document)))
        changed = (
            document[:start] + data.draw(st.binary(max_size=9)) + document[start + data.draw(st.integers(0, 9)) :]
        )
        try:
            read_power(changed)
        except PowerOfAttorneyUnreadable:
            return


def test_start_lies_in_the_term() -> None:
    assert TERM[0] <= START.date() <= TERM[1]
