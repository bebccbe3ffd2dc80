"""Screening: precision and recall on labelled pairs, one name against a large list, all clients against an update.

Conditions: embedded PostgreSQL with fsync on, in a fresh folder; clients and entries invented by a seeded generator;
`rescreen_s` is the whole use case – reading the clients, their index, candidates, comparison, hits written and told;
`one_name_p95_ms` is the whole use case for one new client, with the index over the list kept in memory. A labelled
pair is a hit when the index finds it and the score reaches the threshold in force.
"""

import csv
import gc
import random
import resource
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from statistics import quantiles
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from ruamel.yaml import YAML
from sqlalchemy import text

from kapital.identity.adapters.hit_tables import ClientTable
from kapital.identity.adapters.name_matcher import load_engine
from kapital.identity.adapters.screener import IndexedScreener
from kapital.identity.domain.screening import ListEntry, ListSource, Particulars, SubjectKind, threshold_ppm
from kapital.identity.domain.screening_hit import Measure
from kapital.identity.domain.screening_list import ScreenedClient
from kapital.identity.service import IdentityService, identity_of
from kapital.identity.use_cases.load_list import LoadList
from kapital.identity.use_cases.screen_clients import NewClient, ScreenClients
from kapital.kernel.actor import Actor
from kapital.kernel.ids import CommandId
from kapital.kernel.roles import Role
from kapital.ledger.api import Ledger
from kapital.ledger.service import MIGRATIONS as LEDGER_MIGRATIONS
from kapital.ledger.service import LedgerService
from kapital.platform.acts.checking import Acts
from kapital.platform.acts.setup import acts_of
from kapital.platform.clock import SystemClock
from kapital.platform.database import Database
from kapital.platform.ids import new_uuid7
from kapital.platform.objects import ObjectStore
from kapital.platform.postgres import open_databases
from kapital.platform.settings import Settings
from kapital.platform.unit_of_work import UnitOfWork

SETS: Final = {"public": "nomenklatura_name_bench_cases.csv", "russian": "russian_name_pairs.csv"}
BY_HAND: Final = "russian_name_pairs_by_hand.csv"
"""Written by hand; the rules were bettered by what it showed."""
HELD_OUT: Final = "russian_name_pairs_held_out.csv"
"""Written when the rules were done and before anything was run on it. Rules are not to be bettered by what it shows:
whoever does writes another one."""
ENTITIES: Final = "nomenklatura_entity_bench_checks.yml"
PLANTED_PER_CENT: Final = 10
"""Percent of the update's entries that are clients under another spelling."""
SEED: Final = 115
_BATCH: Final = 5_000
_OFFICER: Final = Actor(id="machine:bench", participant_id=None, roles=frozenset({Role.AML_OFFICER, Role.ONBOARDING}))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ROOTS: Final = _words(
    """
    Абрам Агафон Алексе Андре Антип Арсен Бабк Балаш Барсук Белозёр Березн Бобр Богдан Борис Брагин Бубн
    Васнец Велич Виноград Воеводин Волос Гаврил Галкин Глад Голован Гончар Горбат Грач Гусельник Дан Дегтяр
    Демид Доронин Дуб Евсе Елис Ерм Жаворонк Жил Журав Завьял Заречн Звяг Зимин Золот Зуб Ивашк Игнат Ильюш
    Кабан Калаш Каменск Капуст Карас Кирсан Клим Кожевник Колес Корабл Костыл Кошел Краснощёк Кречет Кудрявц
    Куприян Лапт Ларион Левш Лихач Логин Лыт Макс Мартын Маслен Мельник Митроф Молчан Мохн Муравь Назар
    Некрас Нефёд Носк Овчин Озер Онуфр Осок Охот Парамон Пастух Пестр Пирож Плетн Погорел Полозк Попл
    Простак Пухл Рагоз Решетник Рогач Рубц Рукавишник Рыбак Савель Сазон Самар Сверчк Селиван Серебряк
    Синицк Скворц Снегир Солод Сорок Столяр Суслик Сухар Тараск Терент Тимоф Топор Трофим Тюлен Угрюм Устин
    Фадде Федул Филат Фок Харитон Хлебник Хохл Цветк Чагин Черепан Чист Шалим Шапошник Шевел Шиш Шубник
    Щеглак Эссен Юдаш Юрлак Ябло Язык Яр
    """
)
_ENDINGS: Final = ("ов", "ев", "ин", "енко", "ский", "ук", "ых", "янц", "овский", "чук")
_NAMES: Final = _words(
    """
    Александр Алексей Анатолий Андрей Антон Артём Борис Вадим Валентин Валерий Василий Виктор Виталий
    Владимир Владислав Вячеслав Геннадий Георгий Глеб Григорий Даниил Денис Дмитрий Евгений Егор Захар Иван
    Игорь Илья Кирилл Константин Лев Леонид Максим Матвей Михаил Никита Николай Олег Павел Пётр Роман Руслан
    Савелий Святослав Семён Сергей Станислав Степан Тарас Тимофей Фёдор Филипп Эдуард Юрий Яков Ярослав
    """
)
_PATRONYMICS: Final = _words(
    """
    Александрович Алексеевич Анатольевич Андреевич Антонович Артёмович Борисович Вадимович Валентинович
    Валерьевич Васильевич Викторович Витальевич Владимирович Вячеславович Геннадьевич Георгиевич Григорьевич
    Данилович Денисович Дмитриевич Евгеньевич Егорович Захарович Иванович Игоревич Ильич Кириллович
    Константинович Львович Леонидович Максимович Матвеевич Михайлович Никитич Николаевич Олегович Павлович
    Петрович Романович Савельевич Семёнович Сергеевич Станиславович Степанович Тарасович Тимофеевич
    Фёдорович Филиппович Эдуардович Юрьевич Яковлевич
    """
)
_ICAO: Final = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziiklmnoprstufye", strict=True))
    | {"ё": "e", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "ie", "ь": "", "ю": "iu"}
    | {"я": "ia"}
)


_PLANTED: Final = text("SELECT entry_uid, participant_id FROM screening_hit WHERE entry_uid LIKE 'P%'")


def _invented(dice: random.Random) -> str:
    surname = dice.choice(_ROOTS) + dice.choice(_ENDINGS)
    return f"{surname} {dice.choice(_NAMES)} {dice.choice(_PATRONYMICS)}"


def _respelled(name: str, dice: random.Random) -> str:
    surname, given, patronymic = name.split()
    return dice.choice(
        (
            name.upper(),
            f"{given} {patronymic} {surname}",
            name.lower().translate(_ICAO).upper(),
            f"{given} {surname}".lower().translate(_ICAO).title(),
            name.replace("ё", "е").replace("Ё", "Е"),
        )
    )


def _birth_date(dice: random.Random) -> str:
    return f"{dice.randint(1945, 2005)}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"


@dataclass(slots=True)
class _Invented:
    """A list "file" made in memory; a ListFileReader."""

    entries: Sequence[ListEntry]

    @property
    def sha256(self) -> str:
        return sha256(b"".join(entry.uid.encode() for entry in self.entries)).hexdigest()

    format_name = "invented"
    size = 0
    list_date = None
    deviations: Sequence[tuple[str, str]] = ()
    deviation_count = 0

    def read(self) -> Iterator[ListEntry]:
        return iter(self.entries)


@dataclass(slots=True)
class ScreeningBench:
    """One run. Sizes are persons; `names` is how many new clients are timed one by one."""

    clients: int
    list_entries: int
    update_entries: int
    names: int

    async def run(self, console: Console) -> dict[str, Any]:
        """Measure everything and return the figures."""
        gc.set_threshold(100_000, 50, 100)  # as the server does: the index is long-lived
        labelled = labelled_figures()
        console.print(f"labelled pairs: {labelled}")
        console.print("what the figure of the Russian pairs is made of, and the entities:", details())
        async with _server() as (database, ledger, acts):
            return await self._measure(console, database, ledger, acts) | labelled

    async def _measure(self, console: Console, database: Database, ledger: Ledger, acts: Acts) -> dict[str, Any]:
        dice = random.Random(SEED)  # noqa: S311 - invented people, not secrets
        identity = identity_of(database, SystemClock(), ledger=ledger, acts=acts)
        known = await self._enter_clients(database, dice)
        listed = [_entry(f"L{number}", _invented(dice), dice) for number in range(self.list_entries)]
        await _load(identity, listed)
        await _mark_rescreened(identity)
        planted = self.update_entries * PLANTED_PER_CENT // 100
        chosen = dice.sample(range(len(known)), planted)
        new = [_entry(f"P{at}", _respelled(known[at][1], dice), dice) for at in chosen]
        new += [_entry(f"U{at}", _invented(dice), dice) for at in range(self.update_entries - planted)]
        await _load(identity, listed + new)
        console.print(f"{len(known)} clients, {len(listed)} entries; an update of {len(new)}")
        load_engine()  # a server has its libraries when an update comes
        began = time.perf_counter()
        hits = await identity.screening.rescreen_clients(datetime.now(UTC))
        rescreen_s = time.perf_counter() - began
        found = await _planted_found(database, {f"P{at}": known[at][0] for at in chosen})
        lost = [known[at][1] for at in chosen if f"P{at}" not in found]
        console.print(f"rescreened in {rescreen_s:.1f} s, {hits} hits; planted {planted}, found {len(found)}")
        if lost:
            console.print(f"not found: {lost}")
        console.print("one name at a time")
        times = await self._one_by_one(identity, dice)
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        console.print(f"one name: median {quantiles(times, n=2)[0]:.1f} ms; peak {peak_mb} MB")
        return {
            "clients": len(known),
            "update_entries": len(new),
            "rescreen_s": round(rescreen_s, 2),
            "one_name_p95_ms": round(quantiles(times, n=20)[-1], 1),
            "list_entries": len(listed) + len(new),
        }

    async def _enter_clients(self, database: Database, dice: random.Random) -> list[tuple[UUID, str]]:
        names = [_invented(dice) for _ in range(self.clients)]
        made = [_client(name, dice) for name in names]
        for start in range(0, len(made), _BATCH):
            async with UnitOfWork(database, SystemClock()).begin() as tx:
                await ClientTable().put(tx.conn, made[start : start + _BATCH])
        return [(client.participant_id, name) for client, name in zip(made, names, strict=True)]

    async def _one_by_one(self, identity: IdentityService, dice: random.Random) -> list[float]:
        await _screen(identity, _invented(dice), dice)  # builds the index over the list
        times = []
        for _ in range(self.names):
            name = _invented(dice)
            began = time.perf_counter()
            await _screen(identity, name, dice)
            times.append((time.perf_counter() - began) * 1000)
        return times


def _particulars(name: str, dice: random.Random) -> Particulars:
    return Particulars(kind=SubjectKind.PERSON, names=(name,), birth_dates=(_birth_date(dice),))


def _client(name: str, dice: random.Random) -> ScreenedClient:
    said = _particulars(name, dice)
    return ScreenedClient(
        participant_id=new_uuid7(),
        particulars=said,
        particulars_sha256=said.sha256,
        measure=Measure.FREE,
        recorded_by=_OFFICER.id,
        recorded_at=datetime.now(UTC),
    )


def _entry(uid: str, name: str, dice: random.Random) -> ListEntry:
    """An entry without a birth date when its client is to be found by the name alone."""
    said = _particulars(name, dice)
    if uid.startswith("P"):
        said = Particulars(kind=said.kind, names=said.names)
    return ListEntry(uid=uid, particulars=said)


async def _load(identity: IdentityService, entries: Sequence[ListEntry]) -> None:
    await identity.screening.load_list(LoadList(actor=_OFFICER, source=ListSource.UN, file=_Invented(entries)))


async def _mark_rescreened(identity: IdentityService) -> None:
    """Note the first version as compared: what is measured is the update."""
    screening = identity.screening
    async with screening.uow.begin() as tx:
        if (version := await screening.lists.lock_waiting(tx.conn)) is not None:
            version.rescreened_at = tx.now
            await screening.lists.save(tx.conn, version)


async def _screen(identity: IdentityService, name: str, dice: random.Random) -> None:
    client = NewClient(participant_id=new_uuid7(), particulars=_particulars(name, dice))
    cmd = ScreenClients(command_id=CommandId(f"bench-{new_uuid7()}"), actor=_OFFICER, clients=(client,))
    await identity.screening.screen_clients(cmd)


async def _planted_found(database: Database, planted: Mapping[str, UUID]) -> set[str]:
    """The planted entries that hit their own client; another one's hit does not count."""
    async with database.connect() as conn:
        rows = await conn.execute(_PLANTED)
        return {row.entry_uid for row in rows if planted.get(row.entry_uid) == UUID(str(row.participant_id))}


def labelled_figures() -> dict[str, Any]:
    """Precision and recall of the whole way – index, then comparison – on the labelled sets."""
    threshold = threshold_ppm(datetime.now(UTC))
    return {
        "public": measured(labelled_pairs(SETS["public"]), threshold),
        "russian": measured(russian_pairs(), threshold),
        "russian_held_out": measured(labelled_pairs(HELD_OUT), threshold),
    }


def details() -> dict[str, Any]:
    """The parts of the Russian figure that the rules were made with – by rules, by hand – and the entities."""
    threshold = threshold_ppm(datetime.now(UTC))
    return {
        "made_by_rules": measured(labelled_pairs(SETS["russian"]), threshold),
        "by_hand": measured(labelled_pairs(BY_HAND), threshold),
        "entities": measured(entity_pairs(), threshold),
    }


Labelled = tuple[Particulars, Particulars, bool]


def russian_pairs() -> list[Labelled]:
    """All labelled Russian pairs: made by rules, by hand, held out."""
    return [pair for file in (SETS["russian"], BY_HAND, HELD_OUT) for pair in labelled_pairs(file)]


def labelled_pairs(file: str) -> list[Labelled]:
    """The pairs of a set: client, entry, whether they are the same."""
    content = (files("kapital.bench.data") / "screening" / file).read_text(encoding="utf-8")
    return [
        (_named(row["schema"], row["name1"]), _named(row["schema"], row["name2"]), row["is_match"] == "true")
        for row in csv.DictReader(content.splitlines())
    ]


_NAME_PARTS: Final = ("firstName", "middleName", "fatherName", "lastName")


def entity_pairs() -> list[Labelled]:
    """All labelled pairs of entities; a ship is compared as an organisation, as a list would have to be read."""
    content = (files("kapital.bench.data") / "screening" / ENTITIES).read_text(encoding="utf-8")
    checks = YAML(typ="safe", pure=True).load(content)["checks"]
    return [(_entity(c["schema"], c["query"]), _entity(c["schema"], c["candidate"]), c["match"]) for c in checks]


def _entity(schema: str, said: Mapping[str, Any]) -> Particulars:
    whole = said.get("name") or " ".join(said[part] for part in _NAME_PARTS if part in said)
    kind = SubjectKind.PERSON if schema == "Person" else SubjectKind.ORGANISATION
    return Particulars(kind=kind, names=tuple(whole) if isinstance(whole, list) else (whole,))


def _named(schema: str, name: str) -> Particulars:
    kind = SubjectKind.PERSON if schema == "Person" else SubjectKind.ORGANISATION
    return Particulars(kind=kind, names=(name,))


def measured(pairs: Sequence[Labelled], threshold: int) -> dict[str, Any]:
    """Pairs, precision, recall, threshold of a labelled set at a threshold in millionths."""
    screener = IndexedScreener()
    matches = screener.screen([pair[0] for pair in pairs], [pair[1] for pair in pairs], threshold_ppm=threshold)
    hit = {client for client, entry, _ in matches if client == entry}
    right = sum(pairs[number][2] for number in hit)
    return {
        "pairs": len(pairs),
        "precision": round(right / max(1, len(hit)), 4),
        "recall": round(right / sum(same for _, _, same in pairs), 4),
        "threshold": threshold / 1_000_000,
    }


@asynccontextmanager
async def _server() -> AsyncIterator[tuple[Database, Ledger, Acts]]:
    folder = Path(tempfile.mkdtemp(prefix="kapital-bench-"))
    settings = Settings(data_dir=folder)
    databases = await open_databases(settings, ["identity", "ledger"])
    # No act is made here; the service wants to know how it would check one.
    opened = acts_of(settings, SystemClock(), ObjectStore(folder / "objects"))
    try:
        database = databases.get("identity")
        await database.migrate("kapital.identity.migrations")
        await databases.get("ledger").migrate(LEDGER_MIGRATIONS)
        # Who is hit exactly is frozen in the register, and that is part of the time.
        ledger = LedgerService(
            databases.get("ledger"), SystemClock(), rule_book_version="bench", code_version="bench", origin="bench"
        )
        try:
            yield database, ledger, opened.acts
        finally:
            await ledger.close()
    finally:
        await opened.close()
        await databases.close()
        shutil.rmtree(folder, ignore_errors=True)
