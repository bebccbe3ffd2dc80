"""Puts the parts of disclosure together; the only place that chooses adapters."""

from dataclasses import dataclass
from typing import Final

from litestar.di import Provide

from kapital.disclosure.adapters.html import HtmlPages
from kapital.disclosure.adapters.pages import SqlPages
from kapital.disclosure.ports import Documents
from kapital.disclosure.reactions import EVENT_TYPES, page_writer
from kapital.disclosure.routes import HANDLERS, DisclosureReader
from kapital.platform.bus import Subscriptions
from kapital.platform.database import Database
from kapital.platform.http import ServiceRoutes

NAME: Final = "disclosure"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureService:
    """Disclosure of one process."""

    routes: ServiceRoutes
    subscriptions: Subscriptions


def disclosure_of(database: Database, documents: Documents, *, operator_name: str) -> DisclosureService:
    """Disclosure over its own migrated database and the documents of the object store."""
    reader = DisclosureReader(database, documents, HtmlPages(operator_name))
    routes = ServiceRoutes(
        name=NAME,
        handlers=HANDLERS,
        dependencies={"disclosure_reader": Provide(lambda: reader, sync_to_thread=False)},
    )
    return DisclosureService(routes=routes, subscriptions=[(EVENT_TYPES, page_writer(SqlPages(), documents))])
