"""The house as a process, with a small story in it, and a real browser to look at it."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

from kapital.demo.run import examples_folder, run_demo
from tests.places import quick_folder
from tests.waiting import NEVER_S

CHROMIUM = shutil.which("chromium")
OpenPage = Callable[..., Page]
STORY = ("fixed-rate-window.yaml", "debt-step-rate.yaml")


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Base address of `kapital up` over the data of a played story."""
    # Not pytest's own folder: it is closed to the server's system user each time another session starts.
    root = Path(tempfile.mkdtemp(prefix="kapital-e2e-", dir=quick_folder()))
    folder = root / "data"
    files = [examples_folder() / name for name in STORY]
    asyncio.run(run_demo(folder, investors=24, console=Console(quiet=True), files=files))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "KAPITAL_DATA_DIR": str(folder), "KAPITAL_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "kapital", "up"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    base = f"http://127.0.0.1:{port}"
    try:
        _wait(base, process)
        yield base
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=NEVER_S)
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; skipped with what to install where there is none."""
    if CHROMIUM is None:
        message = "no chromium: install the package chromium"
        (pytest.fail if os.environ.get("KAPITAL_REQUIRE_ALL") == "1" else pytest.skip)(message)
    # Ends with this module: playwright keeps an event loop running in this thread, and other tests need it free.
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """`open_page(390)`: a page so wide. How long it takes says something of the machine and nothing of the page."""
    pages: list[Page] = []

    def opened(width: int = 1280) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(NEVER_S * 1000)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()


def _wait(base: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 2 * NEVER_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"kapital up ended: {process.stderr.read().decode() if process.stderr else ''}")
        try:
            if httpx.get(f"{base}/health", timeout=30).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    pytest.fail("kapital up did not answer")
