"""Signed commands made in advance: acts as the routes rebuild them, signed by the buyers' own certificates.

They wait in a file: ten minutes of load are a gigabyte.
"""

import asyncio
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import IO, Final

import msgspec

from kapital.bench.http_load import Prepared, post
from kapital.bench.orders_house import Buyer
from kapital.demo.signing import Signing
from kapital.platform.acts.form import act_of
from kapital.tokenization.domain.act_texts import OrderLine
from kapital.tokenization.domain.issue import Issue
from kapital.tokenization.use_cases.order_acts import wording_of_orders

PATH: Final = "/v1/tokenization/orders"
_THREADS: Final = 2  # the engine signs without the interpreter's lock
_AT_ONCE: Final = 512
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Stock:
    """Requests in a file of their own, which is gone with the last reader."""

    file: IO[bytes]
    lengths: list[int]
    orders_each: int

    def __len__(self) -> int:
        return len(self.lengths)

    def requests(self) -> Iterator[Prepared]:
        """Each request once, in order."""
        self.file.seek(0)
        for length in self.lengths:
            yield Prepared(self.file.read(length), self.orders_each)


async def sign_stock(
    signing: Signing,
    buyers: Sequence[Buyer],
    issue: Issue,
    requests: int,
    *,
    folder: Path,
    orders_each: int = 1,
    units: int = 1,
) -> Stock:
    """Sign so many commands of so many orders each; the buyers take turns."""
    return await asyncio.to_thread(_sign, signing, buyers, issue, requests, folder, orders_each, units)


def _sign(
    signing: Signing,
    buyers: Sequence[Buyer],
    issue: Issue,
    requests: int,
    folder: Path,
    orders_each: int,
    units: int,
) -> Stock:
    # Closed, and gone, with its last reader.
    stock = Stock(tempfile.TemporaryFile(dir=folder, prefix="requests-"), [], orders_each)  # noqa: SIM115
    orders = [OrderLine(issue.issue_id, units)] * orders_each
    wording = wording_of_orders(orders, {issue.issue_id: issue})
    body_orders = [{"issue_id": issue_id, "units": wanted} for issue_id, wanted, *_ in orders]
    turns = (buyers[number % len(buyers)] for number in range(requests))

    def one(buyer: Buyer) -> bytes:
        made_at = datetime.now(UTC).replace(microsecond=0)
        key = f"bench-{next(_numbers)}"
        act = act_of(wording, actor=buyer.player.actor, idempotency_key=key, made_at=made_at)
        signature = signing.signer_of(buyer.player).sign_now(act.to_sign())
        body = {"orders": body_orders, "act": {"made_at": made_at, "signature": b64encode(signature).decode()}}
        headers = {"Authorization": f"Bearer {buyer.token}", "Idempotency-Key": key}
        return post(PATH, headers, msgspec.json.encode(body))

    with ThreadPoolExecutor(_THREADS) as threads:
        # A part at a time: what waits for its signature must not fill the memory.
        while some := list(islice(turns, _AT_ONCE)):
            for content in threads.map(one, some):
                stock.file.write(content)
                stock.lengths.append(len(content))
    stock.file.flush()
    return stock
