"""One name has many spellings and all of them are found; a near name is not; and the figures hold their floor."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapital.bench.screening import HELD_OUT, SETS, entity_pairs, labelled_pairs, measured, russian_pairs
from kapital.identity.adapters.name_index import NameIndex
from kapital.identity.adapters.name_matcher import LogicV2Matcher
from kapital.identity.adapters.screener import IndexedScreener
from kapital.identity.domain.name_agreement import Verdict, compare_companies, compare_persons
from kapital.identity.domain.name_spelling import NAME_LENGTH_MAX, common_spelling, folded, repaired, words
from kapital.identity.domain.screening import (
    Grade,
    Identifier,
    IdentifierKind,
    Particulars,
    SubjectKind,
    shrinks_too_much,
    threshold_ppm,
)
from tests.identity.screening.conftest import DATA, START, company, person

REPOSITORY = Path(__file__).resolve().parents[3]


def _tool(name: str) -> Any:
    """A script of `tools/`, which is no package."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / f"tools/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


made = _tool("make_russian_name_pairs")
Person = Any
"""`make_russian_name_pairs.Person`: surname, name, patronymic."""
MATCHER = LogicV2Matcher()
THRESHOLD = threshold_ppm(START)
PERSONS = st.sampled_from(made.PERSONS)
RULES = st.sampled_from(sorted(made.SPELLINGS))


def test_a_name_and_any_of_its_spellings_find_each_other() -> None:
    for who in made.PERSONS:
        crowd = [person(made.full(p)) for p in made.PERSONS if p != who]
        spellings = [spell(who)[1] for spell in made.SPELLINGS.values()]
        for listed in spellings:
            found = set(NameIndex([*crowd, person(listed)]).find([person(shown) for shown in spellings]))

            assert {(number, len(crowd)) for number in range(len(spellings))} <= found, listed


def test_a_full_name_hits_any_of_its_spellings_but_one_that_lies_just_below_the_threshold() -> None:
    missed = set()
    for who in made.PERSONS:
        for rule, spell in made.SPELLINGS.items():
            name, spelled = spell(who)
            if MATCHER.compare(person(name), person(spelled), threshold_ppm=THRESHOLD).grade is not Grade.FUZZY:
                missed.add((who.surname, rule))

    # Two transliterations that agree in nothing but the sound: «Tsygankov Iakov Ilich», «Czy`gankov Yakov Il`ich».
    assert missed == {("Цыганков", "icao_against_gost_b")}


@given(PERSONS, PERSONS, RULES)
# The same examples each time: a score is no law, and a rare pair may come near the threshold.
@settings(max_examples=150, deadline=None, derandomize=True)
def test_who_differs_in_all_three_names_is_not_hit(who: Person, other: Person, rule: str) -> None:
    if any(folded(a)[0][0] == folded(b)[0][0] for a, b in zip(who, other, strict=True)):
        return
    spelled = made.SPELLINGS[rule](other)[1]

    assert MATCHER.compare(person(made.full(who)), person(spelled), threshold_ppm=THRESHOLD).grade is Grade.NONE


def test_comparing_is_the_same_both_ways() -> None:
    for who in made.PERSONS:
        for spell in made.SPELLINGS.values():
            name, spelled = spell(who)

            assert compare_persons(name, spelled).verdict is compare_persons(spelled, name).verdict


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_can_be_folded_and_folding_is_bounded(text: str) -> None:
    assert repaired(repaired(text)) == repaired(text)
    assert all(word for word in folded(text))
    assert len(words(text * 50)) <= 40
    assert len(common_spelling(text * 50)) <= NAME_LENGTH_MAX * 8


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("Cepгeй", "Сергей"),  # Latin C, e, p
        ("PУСЛАH", "РУСЛАН"),
        ("Pаvel", "Pavel"),  # Cyrillic а
        ("Ми\u200bхаил", "Михаил"),
        ("Тapaс Лещенко", "Тарас Лещенко"),
        ("ＩＶＡＮ", "IVAN"),
    ],
)
def test_a_word_of_two_scripts_becomes_one_of_one(disguised: str, plain: str) -> None:
    assert repaired(disguised) == plain


def test_each_transliteration_folds_to_the_same_sounds() -> None:
    for who in made.PERSONS:
        name = made.full(who)
        for table in (made.ICAO, made.OLD_PASSPORT, made.GOST_A, made.GOST_B):
            assert folded(made.romanised(name, table)) == folded(name), (name, made.romanised(name, table))


# The signs in which the tables differ by design; and what GOST 7.79 A writes like another letter.
_SIGNS = frozenset("ъьыйёэ")
_ALIKE_IN_GOST_A = {"зх", "кх", "пх", "сх", "цз", "цк", "цх"}


def test_two_consonants_that_meet_fold_as_their_transliterations() -> None:
    """Колесчук, Якшин, Терентчук: Latin writes сч as щ, кш as if it held кс, тч as ч."""
    letters = "абвгдежзиклмнопрстуфхцчшщюя"
    for table in (made.ICAO, made.OLD_PASSPORT, made.GOST_A, made.GOST_B):
        for pair in (one + other for one in letters for other in letters):
            if _SIGNS.isdisjoint(pair) and not (table is made.GOST_A and pair in _ALIKE_IN_GOST_A):
                name = f"ба{pair}ан"
                assert folded(name) == folded(made.romanised(name, table)), (name, made.romanised(name, table))
    assert folded("Максчук") == folded("Makschuk")


def test_letters_that_latin_cannot_tell_apart_tell_cyrillic_names_apart() -> None:
    for one, other in (("Якшин", "Яхшин"), ("Максин", "Махин"), ("Матчин", "Мачин"), ("Солодчев", "Солочев")):
        verdict = compare_persons(f"{one} Олег Ильич", f"{other} Олег Ильич").verdict
        assert verdict is not Verdict.IDENTICAL, (one, other)


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("Иванов Иван Петрович", "Иванов Иван Павлович", Verdict.CONTRADICTS),
        ("Иванов Иван Петрович", "Иванов И.П.", Verdict.AGREES),
        ("Иванов Иван Петрович", "Иванов П.И.", Verdict.CONTRADICTS),
        ("Иванов Иван Петрович", "Иванова Инна Петровна", Verdict.CONTRADICTS),
        ("Воронов Игорь Олегович", "Воронин Игорь Олегович", Verdict.CONTRADICTS),
        ("Иванов", "Иванов Иван", Verdict.SILENT),
        ("John Smith", "Jon Smith", Verdict.SILENT),
    ],
)
def test_the_rules_for_persons(one: str, other: str, verdict: Verdict) -> None:
    assert compare_persons(one, other).verdict is verdict


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("ООО «Вектор»", "Общество с ограниченной ответственностью ВЕКТОР", Verdict.IDENTICAL),
        ("ООО «Вектор»", "OOO Vektor", Verdict.IDENTICAL),
        ("ООО «Вектор»", "ООО «Вектор Плюс»", Verdict.CONTRADICTS),
        ("АО «Завод № 5»", "АО «Завод № 15»", Verdict.CONTRADICTS),
        ("Alpha Holding II", "Alpha Holding", Verdict.CONTRADICTS),
        ("Муромский приборостроительный завод", "Murom Instrument Plant", Verdict.SILENT),
    ],
)
def test_the_rules_for_companies(one: str, other: str, verdict: Verdict) -> None:
    assert compare_companies(one, other).verdict is verdict


# --- exact, and what is not ---------------------------------------------------------------------------------


def compared(client: Particulars, listed: Particulars) -> Any:
    return MATCHER.compare(client, listed, threshold_ppm=THRESHOLD)


def test_a_name_alone_is_never_exact() -> None:
    name = "Жемчужников Валентин Прохорович"

    assert compared(person(name), person(name)).grade is Grade.FUZZY
    assert compared(person(name, born="1971-04-05"), person(name, born="1971")).grade is Grade.FUZZY
    assert compared(person(name, born="1971-04-05"), person(name, born="1971-04-05")).grade is Grade.EXACT


def test_another_birth_date_lowers_the_score() -> None:
    name = "Жемчужников Валентин Прохорович"

    same, other = (compared(person(name, born="1971-04-05"), person(name, born=b)) for b in ("1971", "1990-12-31"))

    assert other.score_ppm < THRESHOLD <= same.score_ppm


def test_numbers_are_compared_by_kind_and_short_ones_not_at_all() -> None:
    inn = company("ООО «Ель»", inn="7700000000")

    assert compared(inn, company("ООО «Сосна»", inn="7700000000")).grade is Grade.EXACT
    other = Identifier.of(IdentifierKind.OGRN, "7700000000")
    assert other is not None
    listed = Particulars(kind=SubjectKind.ORGANISATION, names=("ООО «Сосна»",), identifiers=(other,))
    assert compared(inn, listed).grade is Grade.NONE
    assert compared(person("Ежов Пётр", passport="12"), person("Царёв Лев", passport="12")).grade is Grade.NONE


def test_a_person_is_never_a_company() -> None:
    assert compared(person("Заря Анна"), company("Заря Анна")).grade is Grade.NONE


def test_entities_of_many_pairs_do_not_mix() -> None:
    """With reused ids logic-v2 repeats the first score for every pair."""
    listed = person("Olaf Scholz")
    scores = [compared(person(name), listed).score_ppm for name in ("Olaf Scholz", "Angela Merkel", "Olaf Scholze")]

    assert scores[0] == 1_000_000
    assert scores[1] < 500_000 < scores[2] < 1_000_000


@pytest.mark.parametrize(
    ("russian", "theirs"),
    [
        ("Приходько Александр Васильевич", "Prykhodko Oleksandr Vasylovych"),
        ("Сергиенко Алексей Иванович", "Сергиенко Олексій Іванович"),
        ("Жолобчук Наталья Николаевна", "Жолобчук Наталія Миколаївна"),
        ("Гайдамак Сергей Юрьевич", "Haidamak Serhii"),
        ("Шевченко Сергей Юрьевич", "Chevtchenko Sergueï"),
        ("Шевченко Сергей Юрьевич", "Schewtschenko Sergej"),
        ("Шевченко Олег Юрьевич", "Szewczenko Oleg"),
        ("Лебедев Николай Юрьевич", "Nicholas Lebedeff"),
        ("Хрущёв Андрей Павлович", "Chruschtschow Andrej"),
        ("Лихачёв Юрий Анатольевич", "Лихачев Юрий Анатолиевич"),
        ("Перегудов Станислав Юрьевич", "Перегудов Станислав Юрьевч"),
    ],
)
def test_what_papers_of_other_countries_write_otherwise_is_found(russian: str, theirs: str) -> None:
    screener = IndexedScreener()

    [(_, _, match)] = screener.screen([person(russian)], [person(theirs)], threshold_ppm=THRESHOLD)

    assert match.grade is Grade.FUZZY


@pytest.mark.parametrize(
    ("russian", "theirs"),
    [
        ("Приходько Александр Васильевич", "Prykhodko Oleksii Vasylovych"),
        ("Сергиенко Алексей Иванович", "Сергиенко Олександр Іванович"),
        ("Шевченко Сергей Юрьевич", "Schewtschenko Semjon"),
        ("Лебедев Николай Юрьевич", "Nikita Lebedeff"),
        ("Перегудов Станислав Юрьевич", "Перегудов Станислав Ильич"),
    ],
)
def test_a_habit_of_writing_makes_no_other_person_the_same(russian: str, theirs: str) -> None:
    assert compared(person(russian), person(theirs)).grade is Grade.NONE


def test_what_only_a_habit_makes_equal_is_never_exact() -> None:
    """Harin may be Гарин or Харин: a birth date in common makes it a likeness for a person, and no freeze at once."""
    told = compared(person("Гарин Иван Ильич", born="1971-04-05"), person("Harin Ivan Ilich", born="1971-04-05"))

    assert told.grade is Grade.FUZZY


def test_an_explanation_names_the_names_and_the_rule() -> None:
    reasons = " ".join(compared(person("Жемчужников В.П."), person("Zhemchuzhnikov Valentin Prokhorovich")).reasons)

    assert "Жемчужников В.П. / Zhemchuzhnikov Valentin Prokhorovich" in reasons
    assert "with initials" in reasons


def test_half_is_too_much_to_lose() -> None:
    assert not shrinks_too_much(before=0, after=1, at=START)
    assert not shrinks_too_much(before=10, after=6, at=START)
    assert shrinks_too_much(before=10, after=5, at=START)
    assert not shrinks_too_much(before=5, after=10, at=START)


# --- labelled sets ------------------------------------------------------------------------------------------


def test_the_russian_set_is_what_its_rules_make_and_large_enough() -> None:
    assert made.TARGET.read_text(encoding="utf-8") == made.rendered()
    pairs = made.pairs()
    assert len(pairs) >= 500
    assert len({(pair.name1, pair.name2) for pair in pairs}) == len(pairs)
    assert sum(pair.is_match == "false" for pair in pairs) >= 150


def test_russian_names_precision_and_recall() -> None:
    found = measured(labelled_pairs(SETS["russian"]), THRESHOLD)

    assert found["precision"] >= 0.98
    assert found["recall"] >= 0.98


def test_public_names_are_not_worse_than_plain_logic_v2() -> None:
    """Plain logic-v2 gives precision 0.928 and recall 0.602 at 0.85 on all 826, without any index before it."""
    found = measured(labelled_pairs(SETS["public"]), THRESHOLD)

    assert found["pairs"] == 826
    assert found["precision"] >= 0.93
    assert found["recall"] >= 0.602


def test_labelled_entities_of_the_library() -> None:
    found = measured(entity_pairs(), THRESHOLD)

    assert found["pairs"] == 228
    assert found["precision"] >= 0.92
    assert found["recall"] >= 0.7


def test_russian_pairs_together_reach_the_goal_and_those_held_out_are_told_apart() -> None:
    """The floor of the pairs held out is what their first run showed; see docs/explanation/screening.md."""
    held_out = measured(labelled_pairs(HELD_OUT), THRESHOLD)
    whole = measured(russian_pairs(), THRESHOLD)

    assert held_out["pairs"] >= 100
    assert held_out["precision"] >= 0.95
    assert held_out["recall"] >= 0.75
    assert whole["precision"] >= 0.95
    assert whole["recall"] >= 0.95


def test_cyrillic_pairs_across_scripts() -> None:
    lines = (DATA / "watchman_cross_script_pairs.csv").read_text(encoding="utf-8").splitlines()
    pairs = [line.split(",")[:2] for line in lines if re.match("[А-Яа-я]", line)]

    assert len(pairs) >= 4
    for one, other in pairs:
        assert compared(person(one), person(other)).grade is Grade.FUZZY, (one, other)


def test_clients_and_entries_find_each_other_in_both_directions() -> None:
    screener = IndexedScreener()
    clients = [person(made.full(p)) for p in made.PERSONS]
    listed = [person(made.romanised(made.full(p), made.GOST_A)) for p in reversed(made.PERSONS)]

    found = {(c, e) for c, e, _ in screener.screen(clients, listed, threshold_ppm=THRESHOLD)}

    assert found >= {(at, len(clients) - 1 - at) for at in range(len(clients))}


def test_the_command_line_starts_without_the_engine() -> None:
    code = (
        "import sys, kapital.cli; print([m for m in ('nomenklatura', 'scipy', 'icu', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)

    assert done.stdout.strip() == "[]"
