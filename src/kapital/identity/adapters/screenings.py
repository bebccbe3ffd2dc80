"""How a participant stands to the lists in force: from the tables of clients and of list versions."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.identity.domain.screening_list import Screening
from kapital.identity.ports import ClientStore, ListStore


class ScreeningsOfTables:
    """Implements `ports.Screenings`.

    A client was compared with a version when it was recorded, or with everybody when the version came: noted
    on the version, not on every client.
    """

    def __init__(self, clients: ClientStore, lists: ListStore) -> None:
        self._clients, self._lists = clients, lists

    async def screening_of(self, conn: AsyncConnection, participant_ids: Sequence[UUID]) -> Mapping[UUID, Screening]:
        """How each participant stands to the lists in force; no word of who was never recorded."""
        await self._lists.lock_lists(conn, changing=False)
        in_force = await self._lists.in_force(conn)
        found: dict[UUID, Screening] = {}
        for participant_id, client in (await self._clients.read(conn, participant_ids)).items():
            compared = {
                source: version.number
                for source, version in in_force.items()
                if version.rescreened_at is not None or client.compared.get(source) == version.number
            }
            after = [at for source in compared if (at := in_force[source].rescreened_at) is not None]
            found[participant_id] = Screening(
                measure=client.measure,
                compared=compared,
                waiting=frozenset(in_force) - frozenset(compared),
                screened_at=max([client.recorded_at, *after]),
                particulars_sha256=client.particulars_sha256,
            )
        return found
