"""Given names and patronymics that papers of other countries write as names of their own: Сергій is Сергей.

A table of names and never of persons. Each line: the Russian form, then the others, of which Latin ones stand here
only where no way of transliterating a Cyrillic form gives them.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from kapital.identity.domain.name_spelling import NAMES_KEPT, folded_word, lettered_word

_GIVEN: Final = """
    Александр Олександр Аляксандр Alexander Alexandre Aleksander
    Александра Олександра Аляксандра
    Алексей Олексій Аляксей Alexis
    Андрей Андрій Андрэй Andrew
    Анна Ганна Anne
    Валентин Valentine
    Василий Василь Васіль Basil
    Виктор Віктар
    Владимир Володимир Уладзімір
    Вера Віра
    Вячеслав Вячаслаў
    Георгий Георгій George
    Григорий Григорій Рыгор Gregory
    Даниил Данило Daniel
    Дмитрий Дмитро Дзмітрый Dimitri
    Евгений Євген Євгеній Яўген Eugene Evgen
    Евгения Євгенія Яўгенія Eugenia
    Екатерина Катерина Кацярына Catherine Katherine
    Елена Олена Алена Helena Helen
    Игорь Ігор Ігар
    Илья Ілля Elijah
    Иосиф Йосип Joseph
    Ирина Ірина Irene
    Константин Костянтин Канстанцін Constantine
    Мария Марія Марыя Marie
    Матвей Матвій Matthew
    Михаил Михайло Міхаіл Michael
    Надежда Надія Надзея
    Наталья Наталія Наталля Natalie Nathalie
    Никита Микита Мікіта
    Николай Микола Мікола Мікалай Nicholas Nicolas
    Олег Алег
    Ольга Вольга
    Павел Павло Павал Paul
    Пётр Петро Пятро Peter
    Светлана Світлана Святлана
    Сергей Сергій Сяргей Serge
    Софья Софія Sophia Sophie
    Степан Сцяпан Stephen Stephan
    Татьяна Тетяна Таццяна
    Фёдор Федір Федор Feodor Theodor Theodore
    Филипп Пилип Philippe
    Эдуард Едуард Edward
    Юрий Юрій Юрый
    Яков Яків Якаў Jacob Jakob
"""
_PATRONYMICS: Final = """
    Александрович Олександрович Аляксандравіч
    Александровна Олександрівна Аляксандраўна
    Алексеевич Олексійович Аляксеевіч
    Алексеевна Олексіївна Аляксееўна
    Анатольевич Анатолійович
    Анатольевна Анатоліївна
    Андреевич Андрійович Андрэевіч
    Андреевна Андріївна Андрэеўна
    Валерьевич Валерійович
    Валерьевна Валеріївна
    Васильевич Васильович Васільевіч
    Васильевна Василівна Васільеўна
    Витальевич Віталійович
    Витальевна Віталіївна
    Владимирович Володимирович Уладзіміравіч
    Владимировна Володимирівна Уладзіміраўна
    Геннадьевич Геннадійович
    Геннадьевна Геннадіївна
    Георгиевич Георгійович
    Георгиевна Георгіївна
    Григорьевич Григорович Рыгоравіч
    Григорьевна Григорівна Рыгораўна
    Дмитриевич Дмитрович Дзмітрыевіч
    Дмитриевна Дмитрівна Дзмітрыеўна
    Евгеньевич Євгенович Євгенійович Яўгенавіч
    Евгеньевна Євгенівна Євгеніївна Яўгенаўна
    Иванович Іванавіч
    Ивановна Іванівна Іванаўна
    Игоревич Ігорович Ігаравіч
    Игоревна Ігорівна Ігараўна
    Ильич Ілліч
    Ильинична Іллівна
    Константинович Костянтинович
    Константиновна Костянтинівна
    Михайлович Міхайлавіч
    Михайловна Михайлівна Міхайлаўна
    Николаевич Миколайович Мікалаевіч
    Николаевна Миколаївна Мікалаеўна
    Павлович Паўлавіч
    Павловна Павлівна Паўлаўна
    Петрович Пятровіч
    Петровна Петрівна Пятроўна
    Сергеевич Сергійович Сяргеевіч
    Сергеевна Сергіївна Сяргееўна
    Степанович Сцяпанавіч
    Степановна Степанівна Сцяпанаўна
    Фёдорович Федорович Фёдаравіч
    Фёдоровна Федорівна Фёдараўна
    Юрьевич Юрійович Юр'евіч
    Юрьевна Юріївна Юр'еўна
    Яковлевич Якович
    Яковлевна Яківна
"""
# Patronymics of names of Greek origin are written both ways: Юрьевич, Юриевич.
_SOFT: Final = (("ieviQ", "eviQ"), ("ievna", "evna"))


def _table(form: Callable[[str], str]) -> dict[str, str]:
    lines = (line.split() for line in (_GIVEN + _PATRONYMICS).splitlines() if line.strip())
    return {form(other): form(russian) for russian, *others in lines for other in others}


_FOLDED: Final = _table(folded_word)
_LETTERED: Final = _table(lettered_word)


@lru_cache(maxsize=NAMES_KEPT)
def russian_form(word: str, *, is_lettered: bool) -> str:
    """The Russian form of a folded (or lettered) given name or patronymic; any other word as it is."""
    known = (_LETTERED if is_lettered else _FOLDED).get(word, word)
    for written, plain in _SOFT:
        if known.endswith(written):
            return known.removesuffix(written) + plain
    return known
