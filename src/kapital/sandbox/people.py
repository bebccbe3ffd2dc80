"""Synthetic participants: the same seed gives the same people, and none of them exists.

Names are drawn from common ones; every taxpayer number (ИНН) has right control digits and the region code 98, every
bank account a right control key and a BIC of region 00. No tax office and no bank has these codes, so no such number
was ever given out.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kapital.kernel.problems import ensure
from kapital.kernel.requisites import with_account_key, with_inn_control
from kapital.settlement.domain.payout_account import PayoutAccount

REGION: Final = "98"
BIC: Final = "040000999"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SURNAMES: Final = _words(
    "Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев Лебедев "
    "Семёнов Егоров Павлов Козлов Степанов Николаев Орлов Андреев Макаров Никитин Захаров Зайцев Соловьёв Борисов "
    "Яковлев Григорьев Романов Воробьёв Сергеев Кузьмин Фролов Александров Дмитриев Королёв Гусев Киселёв"
)
# Surname endings above take «а» for a woman; given names with the patronymics that a father of that name gives.
_MEN: Final = _words("Александр Сергей Дмитрий Андрей Алексей Максим Михаил Иван Никита Артём Егор Илья Пётр Фёдор")
_WOMEN: Final = _words("Анна Мария Елена Ольга Наталья Екатерина Татьяна Ирина Светлана Дарья Юлия Алиса Вера Ксения")
_FATHERS: Final = (
    ("Александрович", "Александровна"),
    ("Сергеевич", "Сергеевна"),
    ("Дмитриевич", "Дмитриевна"),
    ("Андреевич", "Андреевна"),
    ("Алексеевич", "Алексеевна"),
    ("Михайлович", "Михайловна"),
    ("Иванович", "Ивановна"),
    ("Николаевич", "Николаевна"),
    ("Петрович", "Петровна"),
    ("Фёдорович", "Фёдоровна"),
)
_FIRM_FIRST: Final = _words("Вымышленный Учебный Образцовый Пробный Опытный Примерный Показательный Условный")
_FIRM_SECOND: Final = _words("завод комбинат причал элеватор карьер лесхоз трест промысел прииск разъезд")


class PersonKind(StrEnum):
    """Who a participant is before the law; values as in the contract of registry."""

    NATURAL_PERSON = "natural_person"
    SOLE_PROPRIETOR = "sole_proprietor"
    LEGAL_ENTITY = "legal_entity"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticPerson:
    """A participant that does not exist. `inn` is 10 digits for a legal entity, else 12; unique within one seed."""

    kind: PersonKind
    name: str
    inn: str
    payout_account: PayoutAccount


def synthetic_people(
    seed: int, count: int, *, kinds: Sequence[PersonKind] = (PersonKind.NATURAL_PERSON,)
) -> list[SyntheticPerson]:
    """The first `count` people of a seed, their kinds taken in turn; a longer list begins with the shorter one."""
    ensure(0 <= count <= 1_000_000, "0 to 1,000,000 people")
    ensure(bool(kinds), "people are of some kind")
    source = _people(seed, tuple(kinds))
    return [next(source) for _ in range(count)]


def _people(seed: int, kinds: tuple[PersonKind, ...]) -> Iterator[SyntheticPerson]:
    draw = random.Random(seed)  # noqa: S311 - the same seed must give the same people
    taken: set[str] = set()
    index = 0
    while True:
        kind = kinds[index % len(kinds)]
        inn = _inn(kind, draw)
        if inn in taken:
            continue
        taken.add(inn)
        # Accounts of people (40817), entrepreneurs (40802) and firms (40702) in roubles (810).
        chapter = {PersonKind.NATURAL_PERSON: "40817", PersonKind.SOLE_PROPRIETOR: "40802"}.get(kind, "40702")
        number = with_account_key(f"{chapter}8100{draw.randrange(10**11):011d}", bic=BIC)
        account = PayoutAccount(bic=BIC, account=number)
        yield SyntheticPerson(kind=kind, name=_name(kind, draw), inn=inn, payout_account=account)
        index += 1


def _name(kind: PersonKind, draw: random.Random) -> str:
    if kind is PersonKind.LEGAL_ENTITY:
        return f"ООО «{draw.choice(_FIRM_FIRST)} {draw.choice(_FIRM_SECOND)} № {draw.randrange(1, 1000)}»"
    man = draw.random() < 0.5
    surname, father = draw.choice(_SURNAMES), draw.choice(_FATHERS)
    full = f"{surname} {draw.choice(_MEN)} {father[0]}" if man else f"{surname}а {draw.choice(_WOMEN)} {father[1]}"
    return f"ИП {full}" if kind is PersonKind.SOLE_PROPRIETOR else full


def _inn(kind: PersonKind, draw: random.Random) -> str:
    free = 7 if kind is PersonKind.LEGAL_ENTITY else 8
    return with_inn_control(f"{REGION}{draw.randrange(10**free):0{free}d}")
