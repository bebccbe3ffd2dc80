"""The file in which names and numbers go to identity: its hash stands in the event, and tells nothing of them."""

from collections.abc import Sequence

from kapital.contracts.registry import PersonsFile, RegisteredPerson
from kapital.kernel.canonical import canonical_bytes
from kapital.platform.acts.checking import FileStore
from kapital.registry.ports import SecretSource

SALT_BYTES = 32


async def keep_persons(persons: Sequence[RegisteredPerson], *, files: FileStore, secrets: SecretSource) -> str:
    """Keep the file, call it before the event that names it; return its SHA-256 (hex).

    Promise: a file of a transaction that fails is named by nobody. Raises: StorageFull.
    """
    file = PersonsFile(salt=secrets.draw(SALT_BYTES).hex(), persons=list(persons))
    return await files.put(canonical_bytes(file))
