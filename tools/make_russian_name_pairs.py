"""Make `src/kapital/bench/data/screening/russian_name_pairs.csv`: labelled pairs of Russian names.

    python tools/make_russian_name_pairs.py            write the file
    python tools/make_russian_name_pairs.py --check    write nothing; exit 1 when the file is stale

Every name is invented. A label comes from the rule that made the pair, or from the hand that wrote it, and never from
a matcher: spelling rules give the same person or company, near misses give another one. The transliterations are
tables of their own here; nothing of `kapital` is imported, so that an error of the matcher cannot hide in the labels.

What is left out on purpose: the same name with another legal form (ООО and АО «Вектор»), because whether a person has
to look at it is a question of policy and not of spelling; pet names (Саша), because papers do not hold them.
"""

import argparse
import csv
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

TARGET = Path(__file__).resolve().parent.parent / "src/kapital/bench/data/screening/russian_name_pairs.csv"


class Pair(NamedTuple):
    """One labelled pair. `rule` names what made it."""

    schema: str
    name1: str
    name2: str
    is_match: str
    rule: str


def lines(text: str) -> list[str]:
    return [line for line in text.strip().split("\n") if line]


# --- transliterations --------------------------------------------------------------------------------------

_PLAIN = dict(zip("абвгдезиклмнопрстуф", "abvgdeziklmnoprstuf", strict=True))
ICAO = _PLAIN | {
    "ё": "e", "ж": "zh", "й": "i", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "ie", "ы": "y",
    "ь": "", "э": "e", "ю": "iu", "я": "ia",
}  # fmt: skip
"""ICAO Doc 9303, as in Russian passports since 2013."""
OLD_PASSPORT = ICAO | {"ё": "ye", "й": "y", "ъ": "", "ю": "yu", "я": "ya"}
"""GOST R 52535.1-2006, as in older passports."""
GOST_B = _PLAIN | {
    "ё": "yo", "ж": "zh", "й": "j", "х": "x", "ц": "cz", "ч": "ch", "ш": "sh", "щ": "shh", "ъ": "``", "ы": "y`",
    "ь": "`", "э": "e`", "ю": "yu", "я": "ya",
}  # fmt: skip
"""GOST 7.79-2000, system B."""
GOST_A = _PLAIN | {
    "ё": "ë", "ж": "ž", "й": "j", "х": "h", "ц": "c", "ч": "č", "ш": "š", "щ": "ŝ", "ъ": "ʺ", "ы": "y", "ь": "ʹ",
    "э": "è", "ю": "û", "я": "â",
}  # fmt: skip
"""GOST 7.79-2000, system A (ISO 9)."""


def romanised(text: str, table: dict[str, str]) -> str:
    written = []
    for sign in text:
        latin = table.get(sign.lower(), sign)
        written.append(latin.capitalize() if sign.isupper() else latin)
    return "".join(written)


# --- persons -----------------------------------------------------------------------------------------------


class Person(NamedTuple):
    surname: str
    name: str
    patronymic: str


PERSONS = [
    Person(*line.split())
    for line in [
        "",
        "Щербаков Юрий Алексеевич",
        "Хрущалёв Михаил Фёдорович",
        "Журавлёв Артём Семёнович",
        "Цыганков Яков Ильич",
        "Воскресенский Дмитрий Юрьевич",
        "Соловьёва Наталья Геннадьевна",
        "Ежов Пётр Лаврентьевич",
        "Шишкина Ксения Аркадьевна",
        "Подъяпольский Игорь Эдуардович",
        "Чечулин Андрей Борисович",
        "Хмельницкая Екатерина Васильевна",
        "Лещенко Тарас Григорьевич",
        "Ющук Олег Михайлович",
        "Мельникова Софья Дмитриевна",
        "Королёв Семён Петрович",
        "Жданов Евгений Яковлевич",
        "Тихомирова Анастасия Сергеевна",
        "Крюков Эдуард Максимович",
        "Бойцов Алексей Андреевич",
        "Аюпов Ринат Маратович",
        "Магомедов Шамиль Гаджиевич",
        "Хабибуллин Айрат Фаритович",
        "Белоусова Юлия Евгеньевна",
        "Третьяков Василий Вячеславович",
        "Ковалевский Станислав Казимирович",
        "Гаджиева Патимат Расуловна",
        "Сысоев Геннадий Никитич",
        "Фёдоров Арсений Львович",
        "Пономарёва Людмила Ивановна",
        "Лукьянов Захар Ефимович",
        "Рыжкова Алла Тимофеевна",
        "Зайцев Илья Владиславович",
        "Дьячков Николай Кузьмич",
        "Объедков Роман Валерьевич",
        "Аксёнова Вера Павловна",
        "Мещеряков Виталий Олегович",
        "Шевчук Богдан Степанович",
        "Ерёмина Галина Филипповна",
        "Царёв Лев Анатольевич",
        "Чуйков Глеб Матвеевич",
        "Ширяева Ольга Романовна",
        "Ульянов Максим Ярославович",
        "Яковлев Кирилл Денисович",
        "Безруков Данила Артёмович",
        "Гончарук Иван Остапович",
        "Каюмов Тимур Рашидович",
        "Эйдельман Марк Исаакович",
        "Жемчужников Валентин Прохорович",
        "",
    ]
    if line.strip()
]


def full(p: Person) -> str:
    return f"{p.surname} {p.name} {p.patronymic}"


def _e(text: str) -> str:
    return text.replace("ё", "е").replace("Ё", "Е")


_LOOK_ALIKE = dict(zip("аеорсухАВЕКМНОРСТХ", "aeopcyxABEKMHOPCTX", strict=True))


def disguised(text: str) -> str:
    """Every second Cyrillic sign that looks like a Latin one, written as the Latin one."""
    written, count = [], 0
    for sign in text:
        latin = _LOOK_ALIKE.get(sign)
        count += latin is not None
        written.append(latin if latin is not None and count % 2 == 0 else sign)
    return "".join(written)


Spelling = Callable[[Person], tuple[str, str]]
SPELLINGS: dict[str, Spelling] = {
    "order": lambda p: (full(p), f"{p.name} {p.patronymic} {p.surname}"),
    "no_patronymic": lambda p: (full(p), f"{p.surname} {p.name}"),
    "name_first_no_patronymic": lambda p: (full(p), f"{p.name} {p.surname}"),
    "initials": lambda p: (full(p), f"{p.surname} {p.name[0]}.{p.patronymic[0]}."),
    "initials_first": lambda p: (full(p), f"{p.name[0]}. {p.patronymic[0]}. {p.surname}"),
    "upper_case": lambda p: (full(p), full(p).upper()),
    "icao": lambda p: (full(p), romanised(full(p), ICAO)),
    "icao_no_patronymic": lambda p: (full(p), romanised(f"{p.name} {p.surname}", ICAO)),
    "old_passport": lambda p: (full(p), romanised(f"{p.surname} {p.name} {p.patronymic}", OLD_PASSPORT)),
    "gost_7_79_b": lambda p: (full(p), romanised(full(p), GOST_B)),
    "gost_7_79_a": lambda p: (full(p), romanised(full(p), GOST_A)),
    "icao_against_gost_b": lambda p: (romanised(full(p), ICAO), romanised(full(p), GOST_B)),
    "homoglyphs": lambda p: (full(p), disguised(full(p))),
    "yo": lambda p: (full(p), _e(full(p))),
    "icao_upper_order": lambda p: (full(p), romanised(f"{p.name} {p.patronymic} {p.surname}", ICAO).upper()),
}


def same_persons() -> Iterator[Pair]:
    """Each person under seven of the rules, turn about, so that every rule meets names of every kind."""
    rules = list(SPELLINGS.items())
    for number, person in enumerate(PERSONS):
        for step in range(7):
            rule, spell = rules[(number * 4 + step * 2 + step // 4) % len(rules)]
            one, other = spell(person)
            if one != other:
                yield Pair("Person", one, other, "true", rule)


def other_persons() -> Iterator[Pair]:
    """Another person by rule: patronymic, given name or initials that contradict."""
    for number, person in enumerate(PERSONS):
        female = person.patronymic.endswith(("на",))
        other = next(
            q
            for q in PERSONS[number + 1 :] + PERSONS
            if q.patronymic.endswith("на") == female
            and q.patronymic[0] != person.patronymic[0]
            and q.name[0] != person.name[0]
        )
        sibling = Person(person.surname, other.name, person.patronymic)
        cousin = Person(person.surname, person.name, other.patronymic)
        match number % 6:
            case 0:
                yield Pair("Person", full(person), full(cousin), "false", "other_patronymic")
                yield Pair("Person", full(person), romanised(full(sibling), ICAO), "false", "sibling_icao")
            case 1:
                yield Pair("Person", full(person), full(sibling), "false", "sibling")
                yield Pair("Person", full(person), romanised(full(cousin), ICAO), "false", "other_patronymic_icao")
            case 2:
                initials = f"{person.surname} {other.name[0]}.{person.patronymic[0]}."
                yield Pair("Person", full(person), initials, "false", "other_initial")
                yield Pair("Person", full(person), f"{other.surname} {person.name} {person.patronymic}", "false",
                           "other_surname")  # fmt: skip
            case 3:
                initials = f"{person.surname} {person.name[0]}.{other.patronymic[0]}."
                yield Pair("Person", full(person), initials, "false", "other_patronymic_initial")
                yield Pair("Person", full(person), f"{person.name} {other.surname}", "false", "other_surname_short")
            case 4:
                yield Pair("Person", full(person), f"{other.name} {person.surname}", "false", "sibling_short")
                yield Pair("Person", romanised(full(person), GOST_B), romanised(full(cousin), ICAO), "false",
                           "other_patronymic_gost")  # fmt: skip
            case _:
                yield Pair("Person", full(person), romanised(f"{other.name} {person.surname}", ICAO), "false",
                           "sibling_short_icao")  # fmt: skip
                yield Pair("Person", full(person), full(other), "false", "stranger")


# Written by hand: one line a pair, "one | other".
SAME_BY_HAND = """
Иванова Наталья Петровна | Иванова Наталия Петровна
Сидоров Геннадий Ильич | Сидоров Генадий Ильич
Кузнецова София Олеговна | Кузнецова Софья Олеговна
Дмитриев Даниил Андреевич | Дмитриев Данил Андреевич
Воскобойников Павел Игоревич | Воскобойнков Павел Игоревич
Новосельцева Марина Юрьевна | Новоселцева Марина Юрьевна
Преображенский Филипп Филиппович | Преображенский Филип Филиппович
Александров Александр Александрович | Aleksandrov Alexander Aleksandrovich
Ельцов Евгений Егорович | Yeltsov Yevgeny Yegorovich
Алиев Фархад Мамед оглы | Алиев Фархад Мамедоглы
Алиев Фархад Мамед оглы | Aliyev Farhad Mamed ogly
Римский-Корсунов Андрей Львович | Римский Корсунов Андрей Львович
Мамин-Уральский Дмитрий Наркисович | Mamin-Uralskiy Dmitriy Narkisovich
Щукин Сергей Витальевич | Schtschukin Sergej Witaljewitsch
Чайкин Юрий Ильич | Tchaikine Iouri
Жуковцев Георгий | Zhukovtsev Georgy
Хачатрянц Арам Ильич | Khachatryants Aram
Крыжановский Виктор Евграфович | Kryzhanovsky Viktor
Пушкарёв Алексей Иннокентьевич | Pushkaryov Alexey
Соколов Ю.И. | Соколов Юрий Иванович
Sokolov Yu. I. | Соколов Юрий Иванович
Щеглов Я. | Щеглов Ярослав Мстиславович
Ломов Яков Саввич | Lomov Iakov Savvich
Игнатьева Любовь Савельевна | Ignateva Liubov Savelevna
Игнатьева Любовь Савельевна | Ignat'yeva Lyubov' Savel'yevna
"""
OTHER_BY_HAND = """
Иванов Пётр Сергеевич | Иванова Пелагея Сергеевна
Иванов Иван Иванович | Иваненко Иван Иванович
Иванов Иван Петрович | Иванов Иван Павлович
Иванов Иван Иванович | Иванцов Иван Иванович
Петров Сергей Ильич | Петренко Сергей Ильич
Петров Сергей Ильич | Петровский Сергей Ильич
Смирнов Алексей Олегович | Смирных Алексей Олегович
Воронов Игорь Олегович | Воронин Игорь Олегович
Воронов Игорь Олегович | Ворон Игорь Олегович
Кузнецов Олег Ильич | Кузьмин Олег Ильич
Морозов Денис Павлович | Мороз Денис Павлович
Лебедев Андрей Юрьевич | Лебедев Антон Юрьевич
Лебедев Андрей Юрьевич | Лебедева Анна Юрьевна
Козлов Роман Игоревич | Козловский Роман Игоревич
Орлов Максим Сергеевич | Орловский Максим Сергеевич
Орлов Максим Сергеевич | Орлов Марк Сергеевич
Волков Артём Денисович | Волков Артур Денисович
Соколова Елена Викторовна | Соколова Алёна Викторовна
Соколова Мария Викторовна | Соколова Марина Викторовна
Зайцева Анна Павловна | Зайцева Инна Павловна
Фомин Олег Игоревич | Фоменко Олег Игоревич
Фомин Олег Игоревич | Фролов Олег Игоревич
Белов Николай Николаевич | Беляев Николай Николаевич
Белов Николай Николаевич | Белый Николай Николаевич
Чернов Илья Олегович | Черных Илья Олегович
Чернов Илья Олегович | Чернышов Илья Олегович
Громов Виктор Львович | Громыко Виктор Львович
Тихонов Валерий Иванович | Тихомиров Валерий Иванович
Макаров Степан Осипович | Макаренко Степан Осипович
Григорьев Юрий Павлович | Григорян Юрий Павлович
Захаров Глеб Юрьевич | Захарченко Глеб Юрьевич
Давыдов Лев Маркович | Давидович Лев Маркович
Шевченко Андрей Николаевич | Шевчук Андрей Николаевич
Кравцов Павел Ильич | Кравченко Павел Ильич
Романов Кирилл Олегович | Романенко Кирилл Олегович
Павлов Иван Семёнович | Павловский Иван Семёнович
Яковлев Василий Петрович | Яковенко Василий Петрович
Исаев Тимур Маратович | Исаков Тимур Маратович
Исаев Тимур Маратович | Исаев Тимур Ринатович
Магомедов Али Гаджиевич | Магомедов Али Расулович
Магомедов Али Гаджиевич | Магомедов Вали Гаджиевич
Ковалёв Дмитрий | Коваленко Дмитрий
Ковалёв Дмитрий | Ковальчук Дмитрий
Васильев Игорь | Васильева Ирина
Сергеев Андрей Иванович | Андреев Сергей Иванович
Алексеев Иван Петрович | Иванов Алексей Петрович
Николаев Павел Олегович | Павлов Николай Олегович
Иванов Иван Иванович | Ivanenko Ivan Ivanovich
Воронов Игорь Олегович | Voronin Igor Olegovich
Петров Сергей Ильич | Petrenko Sergei Ilich
Смирнов Алексей Олегович | Smirnov Aleksandr Olegovich
Козлов Роман Игоревич | Kozlovskii Roman Igorevich
Щербак Юрий Ильич | Shcherbatov Iurii Ilich
Жуков Георгий Львович | Zhukovskii Georgii Lvovich
Соколов Ю.И. | Соколов Евгений Иванович
Соколов Ю.И. | Соколова Юлия Ивановна
Крылов А.Б. | Крылов Алексей Викторович
Крылов А.Б. | Крылов Борис Алексеевич
"""

# --- companies ---------------------------------------------------------------------------------------------

LONG_FORM = {
    "ООО": "Общество с ограниченной ответственностью",
    "АО": "Акционерное общество",
    "ПАО": "Публичное акционерное общество",
    "ЗАО": "Закрытое акционерное общество",
}
LATIN_FORM = {"ООО": ("OOO", "LLC"), "АО": ("AO", "JSC"), "ПАО": ("PAO", "PJSC"), "ЗАО": ("ZAO", "CJSC")}
COMPANIES = [
    tuple(line.split(" ", 1))
    for line in [
        "",
        "ООО Ромашкинские просторы",
        "АО Щёкинский механический завод",
        "ПАО Юганскметаллпром",
        "ООО Чебаркульская птицефабрика",
        "ЗАО Хвалынские зори",
        "ООО Журавлиный край",
        "АО Северо-Эвенкийское пароходство",
        "ООО Цимлянскстройинвест",
        "ПАО Энергосбыт Яхрома",
        "ООО Тёплый стан девелопмент",
        "АО Подъёмные машины Урала",
        "ООО Вымпелагросервис",
        "ООО Ельнинский лён",
        "АО Ижорские технологии",
        "ООО Якорьфинторг",
        "ЗАО Шуйские ситцы плюс",
        "",
    ]
    if line.strip()
]


def same_companies() -> Iterator[Pair]:
    for number, (form, core) in enumerate(COMPANIES):
        quoted = f"{form} «{core}»"
        latin_form, english = LATIN_FORM[form]
        spellings = {
            "long_form": f'{LONG_FORM[form]} "{core}"',
            "form_last": f"{core}, {form}",
            "upper_no_quotes": f"{form} {core}".upper(),
            "icao_form": f'{latin_form} "{romanised(core, ICAO)}"',
            "english_form": f"{romanised(core, ICAO)} {english}",
            "gost_b_form": f"{latin_form} {romanised(core, GOST_B)}",
            "homoglyphs": disguised(quoted),
            "yo": _e(quoted),
        }
        for step, (rule, spelled) in enumerate(spellings.items()):
            if spelled != quoted and (step + number) % 4 != 3:
                yield Pair("Company", quoted, spelled, "true", f"company_{rule}")


OTHER_COMPANIES_BY_HAND = """
ООО «Вектор» | ООО «Вектор Плюс»
ООО «Вектор» | ООО «Виктория»
ООО «СтройГарант-1» | ООО «СтройГарант-2»
АО «Завод № 5» | АО «Завод № 15»
ООО «Альфа-Строй» | ООО «Альфа-Банк»
ООО «Северные зори» | ООО «Южные зори»
АО «Уральский механический завод» | АО «Уральский химический завод»
ООО «Агросервис Юг» | ООО «Агросервис Север»
ПАО «Тверьэнерго» | ПАО «Тулаэнерго»
ООО «Ромашка» | ООО «Рубашка»
ООО «Меридиан» | OOO Meridian Invest Group
ООО «Чистый дом» | ООО «Частный дом»
АО «Балтийский берег» | АО «Балтийский банк»
ООО «Техно Трейд Восток» | ООО «Техно Трейд Запад»
ООО «Волжские сады» | ООО «Волжские суды»
ООО «Кедр» | ООО «Кадр»
АО «Новый мир» | АО «Новый мост»
ООО «Спецмонтаж 2010» | ООО «Спецмонтаж 2011»
ЗАО «Орион» | ЗАО «Арион Медиа»
ООО «Лесная сказка» | ООО «Лесная поляна»
ООО «Прогресс Недвижимость» | ООО «Прогресс Логистика»
ООО «Дельта Фармация» | ООО «Дельта Финансы»
ПАО «Красный пахарь» | ПАО «Красный печатник»
ООО «Восток-Запад Транзит» | ООО «Север-Юг Транзит»
"""


def by_hand(text: str, schema: str, is_match: str) -> Iterator[Pair]:
    for line in lines(text):
        one, other = line.split(" | ")
        yield Pair(schema, one, other, is_match, "by_hand")


def pairs() -> list[Pair]:
    made = [
        *same_persons(),
        *by_hand(SAME_BY_HAND, "Person", "true"),
        *other_persons(),
        *by_hand(OTHER_BY_HAND, "Person", "false"),
        *same_companies(),
        *by_hand(OTHER_COMPANIES_BY_HAND, "Company", "false"),
    ]
    # Of two rules that made the same pair the first gives its name.
    return list({pair[:3]: pair for pair in reversed(made)}.values())[::-1]


def rendered() -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Pair._fields)
    writer.writerows(pairs())
    return out.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    content = rendered()
    if parser.parse_args().check:
        stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != content
        print(f"{TARGET.name} is stale" if stale else f"{TARGET.name} is as made")
        return int(stale)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(content, encoding="utf-8")
    print(f"{len(pairs())} pairs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
