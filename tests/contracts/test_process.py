"""`kapital up` as a process: it starts, shows itself, keeps what it was told, and ends without leaving anything."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from kapital.app import open_kapital
from kapital.commands.server import port_held
from kapital.kernel.roles import Role
from kapital.platform.settings import Settings
from kapital.sandbox.people import PersonKind, synthetic_people
from tests.contracts.documents import CONTRACTS, SERVICES, TELLERS, all_operations
from tests.contracts.serving import STOP_S, Served, postmasters
from tests.contracts.story import staff_token
from tests.places import quick_folder
from tests.waiting import NEVER_S, until


class Page(HTMLParser):
    """What a page says of itself and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.lang, self.title, self.loads, self.scripts = "", "", [], 0
        self._in_title = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._in_title = tag == "title"
        if tag == "html":
            self.lang = given.get("lang") or ""
        if tag == "script":
            self.scripts += 1
        if tag in {"link", "img", "script", "iframe", "source", "use"}:
            self.loads += [value for name in ("href", "src", "srcset") if (value := given.get(name))]

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data.strip()


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="kapital-up-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        yield Path(made) / "data"


def token_in(folder: Path) -> str:
    """An access token of the desk, given out before the process starts."""

    async def give() -> str:
        async with open_kapital(
            Settings(data_dir=folder, postgres_shared_buffers_mb=128, acts_signed="simple")
        ) as kapital:
            return await staff_token(kapital, Role.ONBOARDING)

    return asyncio.run(give())


def kapital_command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command of the console that is expected to end by itself."""
    command = [sys.executable, "-m", "kapital", *arguments]
    return subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, timeout=NEVER_S, check=False
    )


def register(url: str, token: str, number: int) -> str:
    """Register one person; the participant's id."""
    person = synthetic_people(number, 1, kinds=(PersonKind.NATURAL_PERSON,))[0]
    application = {
        "kind": "natural_person",
        "name": person.name,
        "inn": person.inn,
        "roles": ["investor"],
        "rule_book_version": Settings().rule_book_version,
        "personal_data_consent": True,
    }
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
    answer = httpx.post(
        f"{url}/v1/registry/participants", json={"participants": [application]}, headers=headers, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["results"][0]["participant_id"])


def participants(url: str, token: str) -> set[str]:
    answer = httpx.get(f"{url}/v1/registry/participants", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    return {one["participant_id"] for one in answer.json()["participants"]}


def registered_in(folder: Path) -> set[str]:
    """Ids of all participants in the data of a process that has ended."""

    async def read() -> set[str]:
        settings = Settings(data_dir=folder, postgres_shared_buffers_mb=128, acts_signed="simple")
        async with open_kapital(settings) as kapital, kapital.databases.get("registry").connect() as conn:
            rows = await conn.execute(text("SELECT participant_id FROM participant"))
            return {str(row.participant_id) for row in rows}

    return asyncio.run(read())


def wait_gone(folder: Path, within_s: float = NEVER_S) -> list[int]:
    """Process ids of PostgreSQL that are still there after a while."""
    deadline = time.monotonic() + within_s
    while (left := postmasters(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def test_what_was_registered_is_there_after_a_stop_and_after_a_kill(folder: Path) -> None:
    token = token_in(folder)
    first = Served(folder)
    second = third = None
    try:
        one = register(first.wait_until_well().url, token, 1)

        assert first.interrupt() == 0, first.said()
        assert wait_gone(folder) == [], "PostgreSQL outlived the process"
        assert not (folder / "postgres/data/postmaster.pid").exists()
        assert "Traceback" not in first.said()

        second = Served(folder)
        assert participants(second.wait_until_well().url, token) == {one}
        two = register(second.url, token, 2)
        second.kill()
        assert postmasters(folder) != [], "the killed process had no chance to stop its server"

        third = Served(folder)
        assert participants(third.wait_until_well().url, token) == {one, two}
        third.process.send_signal(signal.SIGTERM)
        assert third.process.wait(STOP_S) == 0
        assert wait_gone(folder) == []
    finally:
        for process in (first, second, third):
            if process is not None:
                process.close()
        for pid in postmasters(folder):
            os.kill(pid, signal.SIGTERM)


def test_whatever_was_answered_before_a_stop_in_the_middle_of_requests_is_kept(folder: Path) -> None:
    token = token_in(folder)
    process = Served(folder)
    kept: list[str] = []

    def register_until_it_stops(start: int) -> None:
        with suppress(httpx.TransportError, AssertionError):
            number = start
            while True:
                kept.append(register(process.url, token, number))
                number += 1

    try:
        url = process.wait_until_well().url
        callers = [threading.Thread(target=register_until_it_stops, args=(start,)) for start in (1_000, 5_000)]
        with httpx.Client() as idle:
            idle.get(f"{url}/health")  # an open connection must not hold the process
            for caller in callers:
                caller.start()
            asyncio.run(until(lambda: len(kept) > 1, what="a registration"))

            code = process.interrupt()

            for caller in callers:
                caller.join()
        assert code == 0, process.said()
        assert wait_gone(folder) == []
        assert set(kept) - registered_in(folder) == set()
    finally:
        process.close()


def test_it_is_well_and_says_which_databases_answer(served: Served) -> None:
    answer = served.web.get("/health")

    told = answer.json()
    assert (answer.status_code, told["status"]) == (200, "ok")
    assert {"registry", "ledger", "custody"} <= set(told["databases"])
    assert set(told["databases"].values()) == {"ok"}
    assert told["parts"] == {"ledger_writer": "ok"}


def test_a_second_process_on_its_port_ends_with_a_message(served: Served, tmp_path: Path) -> None:
    ended = kapital_command("up", KAPITAL_PORT=served.url.rpartition(":")[2], KAPITAL_DATA_DIR=str(tmp_path / "data"))

    assert ended.returncode == 2
    assert "Address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_port_is_held_before_anybody_listens_there(tmp_path: Path, unused_tcp_port: int) -> None:
    with port_held(Settings(port=unused_tcp_port)):
        ended = kapital_command("up", KAPITAL_PORT=str(unused_tcp_port), KAPITAL_DATA_DIR=str(tmp_path / "data"))

    assert ended.returncode == 2
    assert "another kapital starts there" in ended.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        (["token"], {}, "name one or more roles of staff"),
        (["token", "investor"], {}, "`investor` is none; name one or more roles of staff"),
        (["token", "admin", "risk"], {}, "staff_roles_must_be_compatible"),
        (["token", "risk", "--hours", "0"], {}, "token_lifetime_out_of_range"),
        (["token", "risk", "--hours", "9" * 30], {}, "token_lifetime_out_of_range"),
        (["token", "risk", "--hours", "one"], {}, "hours"),
        (["up"], {"KAPITAL_PORT": "many"}, "port: Input should be a valid integer"),
        (["check"], {"KAPITAL_CONFIG": "/nowhere/kapital.toml"}, "KAPITAL_CONFIG names /nowhere/kapital.toml"),
    ],
)
def test_a_wrong_call_ends_with_a_message_and_touches_nothing(
    arguments: list[str], settings: dict[str, str], told: str, folder: Path
) -> None:
    ended = kapital_command(*arguments, **{"KAPITAL_DATA_DIR": str(folder)} | settings)

    assert ended.returncode != 0
    assert told in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr
    assert not folder.exists()


def test_help_is_told_without_the_house() -> None:
    asked = "import sys, kapital.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()

    assert "kapital.cli" in loaded
    assert {"sqlalchemy", "litestar", "granian", "asyncpg", "cryptography", "kapital.app"} & set(loaded) == set()


def test_its_metrics_are_readable_by_prometheus(served: Served) -> None:
    served.web.get("/health")
    answer = served.web.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'kapital_database_up{service="ledger"} 1.0' in answer.text
    assert 'route="/health"' in answer.text


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("page", ["", *(f"/{service}" for service in SERVICES)])
def test_a_page_of_the_contracts_speaks_the_language_asked_and_loads_nothing_from_elsewhere(
    served: Served, page: str, lang: str
) -> None:
    answer = served.web.get(f"/contracts{page}", params={"lang": lang})
    shown = Page(answer.text)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert (shown.lang, shown.scripts) == (lang, 0)
    assert shown.title
    assert all(address.startswith(("/", "data:")) and not address.startswith("//") for address in shown.loads)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for address in shown.loads:
        if address.startswith("/"):
            assert served.web.get(f"{address}").status_code == 200, address


@pytest.mark.parametrize("service", SERVICES)
def test_a_page_shows_every_operation_of_its_contract(served: Served, service: str) -> None:
    text = served.web.get(f"/contracts/{service}").text

    missing = {o.label for o in all_operations() if o.service == service and f"<code>{o.path}</code>" not in text}
    assert missing == set()


@pytest.mark.parametrize("name", [*(f"{s}.yaml" for s in SERVICES), *(f"{t}.events.yaml" for t in TELLERS)])
def test_the_file_of_a_contract_is_served_as_it_is(served: Served, name: str) -> None:
    file = f"events/{name.replace('.events', '')}" if ".events." in name else f"openapi/{name}"
    answer = served.web.get(f"/contracts/{name}")

    assert answer.status_code == 200
    assert answer.content == (CONTRACTS / file).read_bytes()
