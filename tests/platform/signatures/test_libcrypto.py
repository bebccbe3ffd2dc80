"""The binding: no leak, threads, a missing engine, and an environment that is left alone."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from kapital.platform.signatures.algorithms import ECDSA_256, GOST_256, STREEBOG_256, STREEBOG_512, KeyKind
from kapital.platform.signatures.libcrypto import lib
from kapital.platform.signatures.outcome import Outcome
from kapital.platform.signatures.primitives import KeyRefused, PrivateKey, digest, public_key
from kapital.platform.signatures.trust import chain_to
from kapital.sandbox.certification_authority import Scheme
from tests.platform.signatures.world import ACT, World, openssl, require_gost

MEBIBYTE = 1024 * 1024

WITHOUT_ENGINE = """
from tests.platform.signatures.world import World
from kapital.platform.signatures.libcrypto import gost, has_gost
from kapital.platform.signatures.problems import GostEngineMissing
from kapital.sandbox.certification_authority import default_scheme

assert not has_gost()
try:
    gost()
except GostEngineMissing as missing:
    print(missing.code, missing.detail)
print(default_scheme(), World(default_scheme()).check(World(default_scheme()).sign(), b"other").outcome)
world = World(default_scheme())
print(world.check(world.sign()).outcome)
"""


def _run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestHashes:
    # RFC 6986, 10.1: the first example message.
    MESSAGE = bytes.fromhex(
        "323130393837363534333231303938373635343332313039383736353433323130393837363534333231303938373635343332313039383736353433323130"
    )[::-1]

    def test_streebog_gives_the_values_of_rfc_6986(self) -> None:
        require_gost()
        assert digest(STREEBOG_256, self.MESSAGE)[::-1].hex().startswith("00557be5e584fd52a449b16b0251d05d")
        assert digest(STREEBOG_512, self.MESSAGE)[::-1].hex().startswith("486f64c1917879417fef082b3381a4e2")


class TestMemory:
    @pytest.mark.parametrize("scheme", ["gost_256", "ecdsa_p256"])
    def test_many_verifications_keep_nothing(self, scheme: str) -> None:
        if scheme == "gost_256":
            require_gost()
        world = World(scheme)
        good, material = world.sign(stamped=True), world.material()
        broken = good[:-1] + bytes((good[-1] ^ 1,))

        def work(count: int) -> None:
            for number in range(count):
                if number % 50 == 0:  # Keys, chains and stores are given back as well, not only contexts.
                    chain_to.cache_clear()
                    public_key.cache_clear()
                assert world.check(good, material=material).outcome is Outcome.VALID
                assert world.check(broken, material=material).outcome is not Outcome.VALID

        work(300)
        before = psutil.Process().memory_info().rss
        work(1_500)

        # One key or context lost each time would be several times this.
        assert psutil.Process().memory_info().rss - before < 3 * MEBIBYTE
        assert lib().ERR_peek_error() == 0

    def test_keys_are_given_back(self) -> None:
        require_gost()

        def work(count: int) -> None:
            for _ in range(count):
                key = PrivateKey.generate(KeyKind.GOST_256)
                assert public_key(key.spki()).verifies(GOST_256, key.sign(GOST_256, ACT), ACT)
                public_key.cache_clear()

        work(200)
        before = psutil.Process().memory_info().rss
        work(1_000)

        assert psutil.Process().memory_info().rss - before < 2 * MEBIBYTE


class TestThreads:
    def test_four_threads_judge_each_signature_rightly(self, gost_world: World) -> None:
        material = gost_world.material()
        acts = [f"act {number}".encode() for number in range(20)]
        signatures = [gost_world.sign(act=act) for act in acts]
        wrong: list[object] = []

        def work() -> None:
            for number in range(200):
                at, other = number % 20, (number + 1) % 20
                try:
                    good = gost_world.check(signatures[at], acts[at], material=material)
                    bad = gost_world.check(signatures[at], acts[other], material=material)
                    if (good.outcome, bad.outcome) != (Outcome.VALID, Outcome.INVALID):
                        wrong.append((good, bad))
                except Exception as error:  # noqa: BLE001  any of them fails the test below, with its text
                    wrong.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert wrong == []


class TestEnvironment:
    def test_without_the_engine_gost_is_refused_by_name_and_the_rest_works(self, tmp_path: Path) -> None:
        told = _run(WITHOUT_ENGINE, OPENSSL_ENGINES=str(tmp_path)).splitlines()

        assert told[0].startswith("gost_engine_missing")
        assert "libengine-gost-openssl" in told[0]
        assert told[1:] == ["ecdsa_p256 invalid", "valid"]

    def test_the_engine_works_beside_tls_and_hashes_of_python(self) -> None:
        require_gost()
        code = (
            "import hashlib, ssl\n"
            "from tests.platform.signatures.world import World\n"
            "world = World('gost_256')\n"
            "assert ssl.create_default_context() and hashlib.sha256(b'').hexdigest().startswith('e3b0c442')\n"
            "import os; print(world.check(world.sign()).outcome, os.environ.get('OPENSSL_CONF'))\n"
        )
        assert _run(code, OPENSSL_CONF="/nonexistent/openssl.cnf").split() == ["valid", "/nonexistent/openssl.cnf"]


class TestKeys:
    @pytest.mark.parametrize(
        ("spki", "code"),
        [
            (b"", "key_unreadable"),
            (b"\x30\x00", "key_unreadable"),
            (bytes.fromhex("301206072a8648ce3d0201030700aabbccddee"), "key_unreadable"),
            (bytes.fromhex("302a300506032b6570032100" + "00" * 32), "algorithm_not_allowed"),
        ],
    )
    def test_a_key_that_cannot_serve_is_refused_with_a_code(self, spki: bytes, code: str) -> None:
        with pytest.raises(KeyRefused, match=code):
            public_key(spki)

    def test_other_curves_and_curves_written_out_are_refused(self, tmp_path: Path) -> None:
        for options in (["-name", "secp256k1"], ["-name", "prime256v1", "-param_enc", "explicit"]):
            openssl("ecparam", *options, "-genkey", "-noout", "-out", str(tmp_path / "k"))
            openssl("ec", "-in", str(tmp_path / "k"), "-pubout", "-outform", "DER", "-out", str(tmp_path / "p"))

            with pytest.raises(KeyRefused, match="algorithm_not_allowed"):
                public_key((tmp_path / "p").read_bytes())

    def test_the_test_parameters_of_gost_are_refused(self, tmp_path: Path) -> None:
        require_gost()
        made = ["-algorithm", "gost2012_256", "-pkeyopt", "paramset:0"]
        openssl("genpkey", "-engine", "gost", *made, "-out", str(tmp_path / "k"))
        openssl(
            "pkey",
            "-engine",
            "gost",
            "-in",
            str(tmp_path / "k"),
            "-pubout",
            "-outform",
            "DER",
            "-out",
            str(tmp_path / "p"),
        )

        with pytest.raises(KeyRefused, match="algorithm_not_allowed"):
            public_key((tmp_path / "p").read_bytes())

    def test_a_short_rsa_key_is_too_weak(self) -> None:
        key = PrivateKey.generate(KeyKind.RSA, bits=1024)

        with pytest.raises(KeyRefused, match="key_too_weak"):
            public_key(key.spki())

    def test_a_signature_of_another_scheme_does_not_verify(self) -> None:
        key = Scheme.ECDSA_P256.new_key()

        assert not public_key(key.spki()).verifies(GOST_256, key.sign(ECDSA_256, ACT), ACT)
