"""Read model: a published document's name and media type by its hash."""

from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.disclosure.domain.problems import DocumentNotPublished

_READ: Final = text("SELECT name, media_type FROM page_document WHERE sha256 = :sha256 ORDER BY issue_id LIMIT 1")


class PublishedDocument(NamedTuple):
    """How a document is called and what it is."""

    name: str
    media_type: str


async def get_document(conn: AsyncConnection, sha256: str) -> PublishedDocument:
    """A document that a published decision names. Raises: DocumentNotPublished.

    The object store holds other services' documents too; only what was published is public.
    """
    row = (await conn.execute(_READ, {"sha256": sha256})).one_or_none()
    if row is None:
        raise DocumentNotPublished(facts={"sha256": sha256})
    return PublishedDocument(row.name, row.media_type)
