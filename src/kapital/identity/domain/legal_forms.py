"""Legal forms of companies (организационно-правовые формы): what is not part of the name itself."""

from typing import Final

from kapital.identity.domain.name_spelling import folded_word

_LONG: Final = (
    "общество с ограниченной ответственностью",
    "публичное акционерное общество",
    "непубличное акционерное общество",
    "закрытое акционерное общество",
    "открытое акционерное общество",
    "акционерное общество",
    "товарищество с ограниченной ответственностью",
    "индивидуальный предприниматель",
    "автономная некоммерческая организация",
    "федеральное государственное унитарное предприятие",
    "государственное унитарное предприятие",
    "муниципальное унитарное предприятие",
    "сельскохозяйственный производственный кооператив",
    "производственный кооператив",
    "крестьянское фермерское хозяйство",
    "товарищество собственников жилья",
    "федеральное государственное бюджетное учреждение",
    "государственное бюджетное учреждение",
    "муниципальное бюджетное учреждение",
    "limited liability company",
    "joint stock company",
    "public joint stock company",
    "closed joint stock company",
)
_SHORT: Final = (
    "ооо оао зао пао нао ао тоо ип гуп фгуп муп ано нко спк кфх тсж фгбу гбу мбу "
    "ooo oao zao pao nao ao too ip llc jsc pjsc ojsc cjsc ltd "
    "limited inc corp gmbh ag sa plc llp co company"
)
_LONG_FOLDED: Final = sorted((tuple(map(folded_word, form.split())) for form in _LONG), key=len, reverse=True)
_SHORT_FOLDED: Final = frozenset(map(folded_word, _SHORT.split()))
_RUSSIAN: Final = frozenset(map(folded_word, ["ооо", "оао", "зао", "пао", "нао", "ао", "тоо"]))


def without_forms(name: tuple[str, ...]) -> tuple[str, ...]:
    """Folded words without legal forms; the whole when nothing else is in it."""
    left = list(name)
    for form in _LONG_FOLDED:
        for start in range(len(left) - len(form) + 1):
            if tuple(left[start : start + len(form)]) == form:
                del left[start : start + len(form)]
                break
    left = [word for word in left if word not in _SHORT_FOLDED]
    return tuple(left) or name


_REQUISITES: Final = frozenset(map(folded_word, ("инн", "огрн", "огрнип", "кпп")))
_REQUISITE_LENGTH_MIN: Final = 9


def without_requisites(name: tuple[str, ...]) -> tuple[str, ...]:
    """Folded words without numbers of registers that somebody wrote into the name: (ИНН 7700000001)."""
    left: list[str] = []
    for word in name:
        if word.isdigit() and len(word) >= _REQUISITE_LENGTH_MIN and left and left[-1] in _REQUISITES:
            left.pop()
        else:
            left.append(word)
    return tuple(left) or name


def has_russian_form(name: tuple[str, ...]) -> bool:
    """Whether the folded words hold a Russian legal form, in either script."""
    return not _RUSSIAN.isdisjoint(name) or any(
        tuple(name[start : start + len(form)]) == form
        for form in _LONG_FOLDED
        for start in range(len(name) - len(form) + 1)
    )


_ABBREVIATED: Final = {
    tuple(map(folded_word, whole.split())): folded_word(short)
    for short, whole in (
        ("нпо", "научно производственное объединение"),
        ("нпп", "научно производственное предприятие"),
        ("чоп", "частное охранное предприятие"),
        ("чоо", "частная охранная организация"),
        ("нии", "научно исследовательский институт"),
        ("окб", "опытное конструкторское бюро"),
        ("акб", "акционерный коммерческий банк"),
        ("кб", "коммерческий банк"),
        ("пкф", "производственно коммерческая фирма"),
        ("им", "имени"),
        ("тд", "торговый дом"),
        ("ук", "управляющая компания"),
        ("гк", "группа компаний"),
    )
}
_SHORT_AS_ONE: Final = {folded_word("чоо"): folded_word("чоп")}
"""Частная охранная организация is what частное охранное предприятие was called before."""


def without_abbreviations(name: tuple[str, ...]) -> tuple[str, ...]:
    """Folded words with what is usually abbreviated in names of companies abbreviated."""
    left = list(name)
    for whole, short in _ABBREVIATED.items():
        for start in range(len(left) - len(whole) + 1):
            if tuple(left[start : start + len(whole)]) == whole:
                left[start : start + len(whole)] = [short]
                break
    return tuple(_SHORT_AS_ONE.get(word, word) for word in left)
