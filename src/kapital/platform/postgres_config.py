"""Settings file of the embedded server: durable always, sized to the machine."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SHARED_BUFFERS_MB_MAX: Final = 8192
WAL_MB_MAX: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSizes:
    """What may be chosen. `shared_buffers_mb` None: a quarter of the memory, at most 8 GB."""

    max_connections: int = 200
    shared_buffers_mb: int | None = None


def memory_mb() -> int:
    """Memory this process may use: of the machine, or of its control group when that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit_file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limit = Path(limit_file).read_text().strip()
        except OSError:
            continue
        if limit.isdigit():
            total = min(total, int(limit))
    return total // 1_048_576


def server_config(sizes: ServerSizes, *, socket_folder: Path, log_folder: Path, with_lz4: bool) -> str:
    """The text of `kapital.conf`, written anew at each start."""
    buffers = sizes.shared_buffers_mb or max(16, min(SHARED_BUFFERS_MB_MAX, memory_mb() // 4))
    # Checkpoints far apart are what the ledger's throughput needs; a small disk must not be filled by the log.
    free_mb = shutil.disk_usage(log_folder).free // 1_048_576
    wal = max(256, min(WAL_MB_MAX, free_mb // 5))
    lines = {
        "listen_addresses": "''",
        "unix_socket_directories": _quoted(str(socket_folder)),
        "unix_socket_permissions": "0700",
        "max_connections": str(sizes.max_connections),
        "shared_buffers": f"{buffers}MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        # pglz, the other choice, costs more processor time than the disk space is worth.
        "wal_compression": "lz4" if with_lz4 else "off",
        "default_toast_compression": "lz4" if with_lz4 else "pglz",
        "max_wal_size": f"{wal}MB",
        "min_wal_size": f"{min(wal, 256)}MB",
        "checkpoint_timeout": "15min",
        "jit": "off",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "idle_in_transaction_session_timeout": "10min",
        "logging_collector": "on",
        "log_directory": _quoted(str(log_folder)),
        "log_filename": "'postgresql-%a.log'",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        # Statements may carry personal data as parameters; the server's log must not.
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_error_verbosity": "terse",
    }
    head = "# Written by Kapital at each start of the embedded server; changes here are lost.\n"
    return head + "".join(f"{name} = {value}\n" for name, value in lines.items())


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
