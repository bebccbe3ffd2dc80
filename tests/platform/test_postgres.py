"""Embedded PostgreSQL: shared by processes, survives kill -9 of any of them, stays out of the way of others."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from kapital.platform.postgres import (
    EmbeddedPostgres,
    EmbeddedPostgresFailed,
    RegisterNotFound,
    create_missing,
    open_databases,
)
from kapital.platform.postgres_config import ServerSizes, memory_mb, server_config
from kapital.platform.settings import Settings

SMALL = ServerSizes(max_connections=30, shared_buffers_mb=16)

USER = """
import sys, time
from pathlib import Path
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.postgres_config import ServerSizes
server = EmbeddedPostgres(Path(sys.argv[1]), sizes=ServerSizes(max_connections=30, shared_buffers_mb=16))
server.start()
print(server.postmaster_pid(), flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="kapital-test-", dir="/tmp"))
    yield path
    EmbeddedPostgres(path, sizes=SMALL)._call(
        "pg_ctl", "stop", "-D", str(path / "postgres" / "data"), "-m", "immediate"
    )
    shutil.rmtree(path, ignore_errors=True)


class User:
    """Another process that uses the server of a data folder."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-c", USER, str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def postmaster(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self._end()

    def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self._end()

    def _end(self) -> None:
        self.process.wait(60)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


async def execute(server: EmbeddedPostgres, *statements: str) -> list[asyncpg.Record]:
    conn = await asyncpg.connect(server.dsn())
    try:
        found: list[asyncpg.Record] = []
        for statement in statements:
            found = await conn.fetch(statement)
        return found
    finally:
        await conn.close()


class TestSharing:
    def test_processes_that_start_at_once_share_one_server_and_the_last_to_leave_stops_it(self, folder):
        users = [User(folder) for _ in range(3)]
        pids = {user.postmaster() for user in users}
        here = EmbeddedPostgres(folder, sizes=SMALL)

        assert len(pids) == 1
        users[0].leave()
        users[1].leave()
        assert here.is_ready()
        users[2].leave()
        assert not here.is_ready()
        assert here.postmaster_pid() is None

    def test_the_server_of_a_killed_process_is_attached_to_and_stopped_by_the_next(self, folder):
        user = User(folder)
        pid = user.postmaster()
        user.kill()

        server = EmbeddedPostgres(folder, sizes=SMALL)
        server.start()

        assert server.postmaster_pid() == pid
        server.stop()
        assert server.postmaster_pid() is None

    def test_a_killed_user_does_not_keep_the_server_up(self, folder):
        killed, staying = User(folder), User(folder)
        killed.postmaster(), staying.postmaster()

        killed.kill()
        staying.leave()

        assert not EmbeddedPostgres(folder, sizes=SMALL).is_ready()


class TestKills:
    async def test_a_killed_server_is_started_again_and_has_all_that_was_committed(self, folder):
        server = EmbeddedPostgres(folder, sizes=SMALL)
        server.start()
        await execute(server, "CREATE TABLE t (n int)", "INSERT INTO t SELECT generate_series(1, 1000)")
        pid = server.postmaster_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

        server.start()

        assert server.postmaster_pid() not in {None, pid}
        assert (await execute(server, "SELECT count(*) FROM t"))[0][0] == 1000
        server.stop()

    def test_a_pid_file_left_over_that_now_names_somebody_else_does_not_stop_the_start(self, folder):
        server = EmbeddedPostgres(folder, sizes=SMALL)
        server.start()
        pid_file = server.data / "postmaster.pid"
        left_over = pid_file.read_text().split("\n")
        server.stop()
        # A process of the server's own user, so that PostgreSQL itself would take it for a live server.
        as_user = server._user.as_arguments() if server._user is not None else {}
        stranger = subprocess.Popen(["sleep", "3600"], **as_user)
        try:
            server._write_owned(pid_file, "\n".join([str(stranger.pid), *left_over[1:]]))
            assert server.postmaster_pid() is None
            server.start()
            assert server.is_ready()
            assert stranger.poll() is None
        finally:
            server.stop()
            stranger.kill()
            stranger.wait()

    def test_an_initdb_killed_half_way_is_begun_again(self, folder):
        server = EmbeddedPostgres(folder, sizes=SMALL)
        half = folder / "postgres" / "data.new"
        (half / "base").mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")

        server.start()

        assert server.is_ready()
        server.stop()

    def test_data_of_another_version_is_refused_with_both_versions(self, folder):
        server = EmbeddedPostgres(folder, sizes=SMALL)
        server.start()
        server.stop()
        (server.data / "PG_VERSION").write_text("9\n")

        with pytest.raises(EmbeddedPostgresFailed) as refused:
            server.start()

        assert refused.value.facts == {"data_version": "9", "program_version": "18"}
        (server.data / "PG_VERSION").write_text("18\n")

    def test_a_server_that_cannot_start_says_why(self, folder):
        server = EmbeddedPostgres(folder, sizes=ServerSizes(shared_buffers_mb=1 << 40))

        with pytest.raises(EmbeddedPostgresFailed, match="shared_buffers"):
            server.start()


class TestPlaces:
    def test_a_path_too_long_for_a_socket_gets_a_short_private_one(self, folder):
        deep = folder / ("x" * 60) / ("y" * 60)
        server = EmbeddedPostgres(deep, sizes=SMALL)
        server.start()
        try:
            found = server.socket_folder.stat()
            assert len(str(server.socket_folder)) < 60
            assert stat.S_IMODE(found.st_mode) == 0o700
            assert server.is_ready()
        finally:
            server.stop()
            shutil.rmtree(server.socket_folder)

    def test_somebody_elses_folder_in_the_place_of_the_socket_is_refused(self, folder):
        server = EmbeddedPostgres(folder / ("x" * 60) / ("y" * 60), sizes=SMALL)
        server.socket_folder.symlink_to(folder)
        try:
            with pytest.raises((EmbeddedPostgresFailed, FileExistsError)):
                server.start()
        finally:
            server.socket_folder.unlink()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root has a private folder that another user must pass")
    def test_root_may_keep_its_data_under_a_private_folder_which_stays_unlisted(self):
        home = Path("/root")
        mode_before = stat.S_IMODE(home.stat().st_mode)
        private = Path(tempfile.mkdtemp(prefix="kapital-test-", dir="/root"))
        private.chmod(0o700)
        server = EmbeddedPostgres(private / "data", sizes=SMALL)
        try:
            server.start()
            assert server.is_ready()
            assert stat.S_IMODE(private.stat().st_mode) == 0o701
            assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
            assert server.data.stat().st_uid != 0
        finally:
            server.stop()
            shutil.rmtree(private)
            home.chmod(mode_before)

    async def test_odd_signs_in_the_path_are_no_trouble(self, folder):
        server = EmbeddedPostgres(folder / "it's 100% каталог", sizes=SMALL)
        server.start()
        try:
            assert (await execute(server, "SELECT 1"))[0][0] == 1
        finally:
            server.stop()


class TestConfiguration:
    async def test_the_server_is_durable_and_speaks_utf8_and_utc(self, folder):
        server = EmbeddedPostgres(folder, sizes=SMALL)
        wanted = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "TimeZone": "UTC",
            "server_encoding": "UTF8",
            "max_connections": str(SMALL.max_connections),
        }

        await asyncio.to_thread(server.start)
        try:
            rows = await execute(server, "SELECT name, setting FROM pg_settings")
        finally:
            await asyncio.to_thread(server.stop)

        settings = {row["name"]: row["setting"] for row in rows}
        assert {name: settings[name] for name in wanted} == wanted

    def test_memory_for_the_server_is_bounded_by_a_quarter_of_the_machine(self, tmp_path):
        text = server_config(ServerSizes(), socket_folder=tmp_path, log_folder=tmp_path, with_lz4=True)

        megabytes = int(text.split("shared_buffers = ")[1].split("MB")[0])
        assert megabytes == max(16, min(8192, memory_mb() // 4))


class TestOpenDatabases:
    async def test_a_configured_server_gets_the_missing_databases(self, postgres):
        name = f"part{time.time_ns()}"
        settings = Settings(database_url=postgres.dsn())

        for _ in range(2):
            databases = await open_databases(settings, [name])
            await databases.get(name).ping()
            with pytest.raises(KeyError, match="no database was opened"):
                databases.get("other")
            await databases.close()

        assert postgres.is_ready()
        await execute(postgres, f'DROP DATABASE "kapital_{name}"')

    async def test_a_register_that_is_only_read_is_never_made(self, postgres, tmp_path):
        name, folder = f"never{time.time_ns()}", tmp_path / "data"

        with pytest.raises(RegisterNotFound, match=f"no database kapital_{name}"):
            await open_databases(Settings(database_url=postgres.dsn()), [name], create=False)
        with pytest.raises(RegisterNotFound, match="no register in "):
            await open_databases(Settings(data_dir=folder), [name], create=False)

        assert not await execute(postgres, f"SELECT 1 FROM pg_database WHERE datname = 'kapital_{name}'")
        assert not folder.exists()

    async def test_two_processes_may_create_the_same_database_at_once(self, postgres):
        import asyncio

        name = f"twice{time.time_ns()}"

        await asyncio.gather(*(create_missing(postgres.dsn(), [name]) for _ in range(4)))

        await execute(postgres, f'DROP DATABASE "{name}"')

    def test_settings_do_not_show_the_password(self):
        settings = Settings(database_url="postgresql://kapital:hunter2@db/postgres")

        assert "hunter2" not in repr(settings) + str(settings)
