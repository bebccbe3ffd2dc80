"""The embedded event bus: carries each service's outbox to the handlers of the others (relay in `bus_lane`)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from kapital.platform.events import CloudEvent
from kapital.platform.unit_of_work import Transaction

Handler: TypeAlias = Callable[[Transaction, list[CloudEvent]], Awaitable[None]]
