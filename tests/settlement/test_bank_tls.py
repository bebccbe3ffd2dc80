"""HttpBank before the sandbox bank's own program over TLS: who shows no right certificate is not let in (mTLS)."""

import datetime as dt
import ipaddress
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pydantic import ValidationError

from kapital.platform.settings import Settings
from kapital.settlement.adapters.http_bank import HttpBank, open_http_bank
from kapital.settlement.domain.problems import BankAnswerNotTrusted, BankRefusesUs, BankSettingsUnusable, BankSilent
from kapital.settlement.service import http_bank_of, webhook_of
from tests.places import quick_folder
from tests.sandbox.bank.serving import START_S, BankProgram

DAY = dt.timedelta(days=1)


class House:
    """An authority that writes certificates into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._builder(self.subject, self.key.public_key(), -1, 30)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def certify(
        self, name: str, usage: x509.ObjectIdentifier, *, days: tuple[int, int] = (-1, 30)
    ) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._builder(subject, key.public_key(), *days)
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files

    def _builder(self, subject: x509.Name, public: Any, first: int, last: int) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return x509.CertificateBuilder(
            subject_name=subject,
            issuer_name=self.subject,
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=now + first * DAY,
            not_valid_after=now + last * DAY,
        )


class TlsProgram(BankProgram):
    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@dataclass
class Street:
    program: TlsProgram
    ours: House
    foreign: House

    def bank(self, certificate: tuple[Path, Path] | None, *, authorities: Path | None = None) -> HttpBank:
        shown, key = certificate or (None, None)
        return open_http_bank(
            self.program.url,
            token_file=self.program.token_file,
            answer_key_file=self.program.answer_key,
            authorities=authorities or self.ours.file,
            certificate=shown,
            certificate_key=key,
            timeout_s=20,
        )


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with TemporaryDirectory(prefix="kapital-tls-", dir=quick_folder(), ignore_cleanup_errors=True) as made:
        folder = Path(made)
        ours, foreign = House(folder, "ours"), House(folder, "foreign")
        certificate, key = ours.certify("bank", ExtendedKeyUsageOID.SERVER_AUTH)
        named = "--tls-certificate", "--tls-key", "--client-authorities"
        files = map(str, (certificate, key, ours.file))
        arguments = [part for pair in zip(named, files, strict=True) for part in pair]
        program = TlsProgram(folder / "folder", *arguments)
        try:
            _wait(program)
            yield Street(program, ours, foreign)
        finally:
            program.stop()


def _wait(program: TlsProgram) -> None:
    """Until somebody answers at the port, be it with a refusal of our nakedness."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert program.process.poll() is None, program.said()
        try:
            httpx.get(program.url, timeout=30, verify=False)
        except httpx.ConnectError as error:
            if "refused" not in str(error).lower() and "failed" not in str(error).lower():
                return
            time.sleep(0.1)
        except httpx.TransportError:
            return
    raise AssertionError(program.said())


async def test_who_shows_a_certificate_of_the_named_authority_is_served(street: Street) -> None:
    bank = street.bank(street.ours.certify("kapital", ExtendedKeyUsageOID.CLIENT_AUTH))

    assert await bank.balance_kopecks() == 0
    assert await bank.incoming(0, 10) == []
    await bank.close()


@pytest.mark.parametrize("shown", ["none", "expired", "foreign", "server_only"])
async def test_who_shows_no_right_certificate_is_told_so_and_nothing_is_taken_for_an_answer(
    street: Street, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = ExtendedKeyUsageOID.CLIENT_AUTH
    certificate = {
        "none": lambda: None,
        "expired": lambda: street.ours.certify("old", client, days=(-20, -10)),
        "foreign": lambda: street.foreign.certify("stranger", client),
        "server_only": lambda: street.ours.certify("wrong", ExtendedKeyUsageOID.SERVER_AUTH),
    }[shown]()
    bank = street.bank(certificate)

    with pytest.raises(BankRefusesUs) as refused:
        await bank.balance_kopecks()

    assert "alert" in str(refused.value.facts["reason"])
    assert "settlement.bank_tls_refused" in capsys.readouterr().err
    await bank.close()


async def test_a_bank_whose_certificate_ends_elsewhere_is_not_believed(street: Street) -> None:
    """And it stays silence for whoever asked: nothing is known of any payment."""
    right = street.ours.certify("kapital-2", ExtendedKeyUsageOID.CLIENT_AUTH)
    bank = street.bank(right, authorities=street.foreign.file)

    with pytest.raises(BankAnswerNotTrusted) as refused:
        await bank.payout_status("r")

    assert refused.value.facts["reason"] == "tls_certificate"
    assert isinstance(refused.value, BankSilent)
    await bank.close()


@pytest.mark.parametrize(
    "wrong", ["path", "not_pem", "other_key", "pair", "answer_key", "webhook_path", "webhook_short"]
)
def test_files_of_the_settings_that_cannot_be_used_are_named_at_the_start(
    street: Street, tmp_path: Path, wrong: str
) -> None:
    certificate, key = street.ours.certify("kapital-3", ExtendedKeyUsageOID.CLIENT_AUTH)
    _, other = street.ours.certify("kapital-4", ExtendedKeyUsageOID.CLIENT_AUTH)
    (junk := tmp_path / "junk.pem").write_text("not a certificate")
    good = {
        "bank": "http",
        "bank_url": street.program.url,
        "bank_token_file": street.program.token_file,
        "bank_answer_key": street.program.answer_key,
        "bank_authorities": street.ours.file,
        "bank_client_certificate": certificate,
        "bank_client_key": key,
    }
    changes: dict[str, Any] = {
        "path": {"bank_client_certificate": tmp_path / "nowhere.pem"},
        "not_pem": {"bank_authorities": junk},
        "other_key": {"bank_client_key": other},
        "pair": {"bank_client_key": None},
        "answer_key": {"bank_answer_key": junk},
        "webhook_path": {"bank_webhook_key": tmp_path / "nowhere"},
        "webhook_short": {"bank_webhook_key": junk},
    }[wrong]

    expected = ValidationError if wrong == "pair" else BankSettingsUnusable
    with pytest.raises(expected):
        _open(good | changes)


def _open(named: dict[str, Any]) -> None:
    settings = Settings(**named)
    http_bank_of(settings, raw=None)  # type: ignore[arg-type]
    webhook_of(settings, raw=None)  # type: ignore[arg-type]
