"""A whole story, played once for all tests of this folder, and the process that serves its data."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from kapital.app import open_kapital
from kapital.demo.run import examples_folder, run_demo
from kapital.platform.settings import Settings
from tests.contracts.serving import Served
from tests.contracts.story import INVESTORS, TERMS, Story, remember
from tests.places import quick_folder


@pytest.fixture(scope="package")
def story() -> Iterator[Story]:
    """Real terms from decision to redemption, one issue failed, everybody paid out."""
    folder = Path(tempfile.mkdtemp(prefix="kapital-contracts-", dir=quick_folder()))
    played = Story(folder / "data")
    terms = [examples_folder() / name for name in TERMS]

    async def play() -> None:
        _, well = await run_demo(played.folder, investors=INVESTORS, console=Console(quiet=True), files=terms)
        assert well
        settings = Settings(data_dir=played.folder, postgres_shared_buffers_mb=128, acts_signed="simple")
        async with open_kapital(settings) as kapital:
            await remember(kapital, played)

    asyncio.run(play())
    yield played
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def served(story: Story) -> Iterator[Served]:
    """`kapital up` over the story's data."""
    process = Served(story.folder)
    try:
        yield process.wait_until_well()
    finally:
        process.close()
