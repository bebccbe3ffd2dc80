"""Acts in tests whose subject signatures are not: the session authorises them, and nothing is believed."""

from collections.abc import Sequence

from kapital.kernel.canonical import sha256_hex
from kapital.kernel.clock import Clock
from kapital.platform.acts.checking import Acts
from kapital.platform.acts.setup import acts_of
from kapital.platform.problems import ObjectNotFound
from kapital.platform.settings import Settings


class Memory:
    """The object store in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, content: bytes) -> str:
        self.kept[sha256_hex(content)] = content
        return sha256_hex(content)

    async def put_many(self, contents: Sequence[bytes]) -> list[str]:
        return [await self.put(content) for content in contents]

    async def get(self, key: str) -> bytes:
        if key not in self.kept:
            raise ObjectNotFound(facts={"sha256": key})
        return self.kept[key]


def simple_acts(clock: Clock) -> Acts:
    """Acts of a rule-book that opens every act to the simple signature."""
    return acts_of(Settings(acts_signed="simple"), clock, Memory()).acts
