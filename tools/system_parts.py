"""System parts that some tests need. Missing ones are named; with KAPITAL_REQUIRE_ALL=1 they are an error.

`--install` installs them with apt-get where it can (Debian, Ubuntu, as root).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from kapital.platform.signatures.libcrypto import has_gost


class Part(NamedTuple):
    """A part that tests need, the Debian package that brings it, and how to see that it is there."""

    name: str
    package: str
    needed_for: str
    is_there: Callable[[], bool]


def program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


PARTS = (
    Part("chromium", "chromium", "tests of pages in a real browser (tests/e2e)", program("chromium")),
    Part("GOST engine of OpenSSL", "libengine-gost-openssl", "GOST signatures (tests/platform/signatures)", has_gost),
    Part("openssl", "openssl", "OpenSSL as second verifier (tests/platform/signatures)", program("openssl")),
    Part("SoftHSM", "softhsm2", "signing with a PKCS#11 token (tests/platform/signatures)", program("softhsm2-util")),
)


def missing() -> list[Part]:
    return [part for part in PARTS if not part.is_there()]


def install(parts: list[Part]) -> None:
    if not parts:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
    packages = [part.package for part in parts]
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=True, env=environment
    )


def main() -> int:
    if "--install" in sys.argv:
        install(missing())
    absent = missing()
    for part in absent:
        print(f"missing: {part.name} – install {part.package}; without it are skipped: {part.needed_for}")
    return 1 if absent and os.environ.get("KAPITAL_REQUIRE_ALL") == "1" else 0


if __name__ == "__main__":
    sys.exit(main())
