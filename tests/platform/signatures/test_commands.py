"""`kapital signature verify` and `kapital bench signatures`."""

import json
from base64 import encodebytes
from pathlib import Path

import pytest

from kapital.bench import signatures as bench
from kapital.platform.signatures.bundle import check_again, read_bundle
from kapital.platform.signatures.outcome import Outcome
from tests.commands import run
from tests.platform.signatures.world import ACT, INN, World, require_gost


def _verify(folder: Path, *arguments: str) -> tuple[int, str]:
    given = ("--content", folder / "act", "--roots", folder / "root", *arguments)
    told = run("signature", "verify", folder / "s", *given)
    return told.code, told.out + told.err


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """The files of a stamped signature."""
    (tmp_path / "s").write_bytes(world.sign(stamped=True))
    (tmp_path / "act").write_bytes(ACT)
    (tmp_path / "root").write_bytes(world.root.certificates[0])
    for number, one in enumerate(world.lists()):
        (tmp_path / f"crl{number}").write_bytes(one)
    return tmp_path


def _lists(folder: Path) -> list[str]:
    return ["--crl", str(folder / "crl0"), "--crl", str(folder / "crl1")]


class TestVerify:
    def test_says_valid_and_writes_a_bundle(self, folder: Path) -> None:
        bundle = folder / "bundle.json"
        status, said = _verify(folder, *_lists(folder), "--owner", f"inn={INN}", "--json", "--bundle", str(bundle))

        told = json.loads(said)
        assert (status, told["outcome"], told["owner"]["inn"]) == (0, "valid", INN)
        assert check_again(read_bundle(bundle.read_bytes()), ACT).outcome is Outcome.VALID

    def test_tells_the_three_outcomes_apart(self, folder: Path) -> None:
        status, said = _verify(folder, "--language", "ru")
        assert (status, "нет данных об отзыве" in said) == (3, True)

        (folder / "act").write_bytes(b"another")
        status, said = _verify(folder, *_lists(folder))
        assert (status, "content_differs" in said) == (1, True)

    def test_takes_base64_as_well(self, folder: Path) -> None:
        (folder / "s").write_bytes(encodebytes((folder / "s").read_bytes()))

        assert _verify(folder, *_lists(folder))[0] == 0

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--owner", "name=Иванов"], "owner_not_understood"),
            (["--crl", "/nonexistent"], "No such file"),
            (["--time-stamp-roots", "/dev/null"], "trust_list_unreadable"),
        ],
    )
    def test_ends_with_a_message_where_no_check_could_be_made(
        self, folder: Path, arguments: list[str], said: str
    ) -> None:
        status, told = _verify(folder, *arguments)

        assert (status, said in told, "Traceback" in told) == (2, True, False)


def test_the_benchmark_tells_its_figures() -> None:
    require_gost()

    told = bench.run(0.05)

    named = {"gost_verify_per_s_core", "ecdsa_verify_per_s_core", "threads_2_gost_per_s"}
    assert named <= told.keys()
    assert all(told[name] > 0 for name in named)
