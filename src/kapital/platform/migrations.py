"""Alembic without files of its own: revisions are the modules of a service's `migrations` package.

A revision file is named `0001_what_it_does.py` and has `revision = "0001"`, `down_revision = None` and
`upgrade()`; `from alembic import op`. Write one SQL statement per `op.execute` (the driver refuses several in
one string). Every revision runs in a transaction of its own, with a lock time-out of 5 s so that a migration
waiting behind a long reader does not make all writers queue behind it.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext

MIGRATION_LOCK_TIMEOUT = "5s"
VERSION_TABLE = "alembic_version"
PLATFORM_PACKAGE = "kapital.platform.tables"
PLATFORM_VERSION_TABLE = "alembic_version_platform"
"""What the platform adds to every service's database after its first revision has a chain of its own: a service's
revisions are numbered by the service."""


def migration_folder(package: str) -> Path:
    """Where the package's revision files are, in a checkout as in an installed wheel."""
    module = importlib.import_module(package)
    if module.__file__ is None:
        raise ImportError(f"{package} needs an __init__.py")
    return Path(module.__file__).parent


def is_at_head(conn: Connection, package: str, version_table: str = VERSION_TABLE) -> bool:
    """Whether the database's version table notes the package's newest revision. Two statements, no file is read."""
    noted = conn.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": version_table}).scalar_one()
    if not noted:
        return False
    versions = conn.execute(text(f"SELECT version_num FROM {version_table}")).scalars().all()  # noqa: S608 - ours
    return list(versions) == [_newest(package)]


def _newest(package: str) -> str:
    """The newest revision by the files' names: they are numbered by what they hold."""
    return max((path.stem.partition("_")[0] for path in migration_folder(package).glob("[0-9]*.py")), default="")


def upgrade_to_head(conn: Connection, package: str, version_table: str = VERSION_TABLE) -> None:
    """Run every revision that is not yet noted in the database's version table."""
    # Here: a process that finds nothing to do, as nearly every one does, starts without it.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    folder = str(migration_folder(package))
    config = Config()
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    script = ScriptDirectory(folder, version_locations=[folder])

    def steps(revision: Any, _context: "MigrationContext") -> Any:
        return script._upgrade_revs("head", revision)

    conn.execute(text(f"SET lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'"))
    conn.execute(text("SET statement_timeout = 0"))
    conn.commit()
    with EnvironmentContext(config, script, fn=steps, destination_rev="head") as environment:
        environment.configure(connection=conn, version_table=version_table, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()
    # The timeouts were set for this session: do not give it back to the pool.
    conn.invalidate()
