"""A fresh world a test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.tokenization.world import PACKAGES, World


@pytest_asyncio.fixture
async def world(make_databases: Callable[..., Any], tmp_path: Path) -> AsyncIterator[World]:
    made = await World.open(await make_databases(**PACKAGES), tmp_path)
    yield made
    await made.close()
