"""`kapital sandbox-bank`: the bank that a real one replaces, as a program of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from kapital.commands.console import Json, end, print_json, read_settings, run

if TYPE_CHECKING:
    from kapital.contracts.bank_nominal_account import FaultScript
    from kapital.sandbox.bank.program import Files

FilesFormat = Literal["iso20022", "1c"]
FilesEncoding = Literal["Windows", "UTF-8"]
app = App(name="sandbox-bank", help="A bank for trials, with faults on demand.")


@app.command
def serve(
    *,
    folder: Annotated[Path, Parameter(help="Where the bank keeps its database, keys and token.")] = Path(
        "var/sandbox-bank"
    ),
    port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 8090,
    script: str | None = None,
    requests_per_second: Annotated[int, Parameter(validator=Number(gte=0, lte=1_000_000))] = 100,
    tls_certificate: Path | None = None,
    tls_key: Path | None = None,
    client_authorities: Path | None = None,
    webhook_url: str | None = None,
    files: Path | None = None,
    files_format: FilesFormat = "iso20022",
    files_encoding: FilesEncoding = "Windows",
    files_account: str = "",
    files_bic: str = "",
    clock_of: Annotated[Path | None, Parameter(show=False)] = None,
    resumed: Annotated[bool, Parameter(show=False, negative=())] = False,
) -> None:
    """Serve the nominal-account API and the console page on 127.0.0.1 until Ctrl-C.

    Parameters
    ----------
    port
        The port.
    script
        Fault script: a file, or the name of one that came with the program (`kapital sandbox-bank scripts`).
    requests_per_second
        More of one operation are answered with 429; 0 takes any number.
    tls_certificate
        The bank's certificate (PEM); with it HTTPS is spoken.
    tls_key
        Its private key (PEM).
    client_authorities
        Certificates (PEM) in which those of the callers must end: mTLS.
    webhook_url
        Where the bank calls back when a QR code was paid: http://127.0.0.1:8080/v1/settlement/bank-notices.
    files
        Exchange folder of a client that is spoken to by files: `out` is read, `in` is written.
    files_format
        What is written there: iso20022, or 1c (1CClientBankExchange).
    files_encoding
        In which encoding the bank writes files of the 1C exchange; orders are read as they name theirs.
    files_account
        The client's nominal account, twenty characters; with --files.
    files_bic
        The bank's own БИК, to which the account's key fits; with --files.
    clock_of
        Set by a fault run: its folder, by whose clock the bank goes.
    resumed
        Set by the program itself when it starts anew after a restart of its script.
    """
    from kapital.commands.server import port_held
    from kapital.faults.clock import RunClock
    from kapital.platform.logging import configure_logging
    from kapital.sandbox.bank.program import HOST, Tls, serve_bank

    settings = read_settings().model_copy(update={"data_dir": folder, "host": HOST, "port": port})
    if (tls_certificate is None) is not (tls_key is None) or (client_authorities and not tls_certificate):
        end("--tls-certificate and --tls-key come together, --client-authorities with them")
    tls = None
    if tls_certificate is not None and tls_key is not None:
        tls = Tls(certificate=tls_certificate, key=tls_key, clients=client_authorities)
    spoken = None if files is None else _files_of(files, files_format, files_encoding, files_account, files_bic)
    played = None if script is None else _read(script)
    configure_logging(level=settings.log_level)
    with port_held(settings):
        run(
            serve_bank(
                settings,
                port=port,
                script=played,
                resumed=resumed,
                requests_per_second=requests_per_second,
                tls=tls,
                webhook_url=webhook_url,
                files=spoken,
                inner_clock=RunClock(clock_of) if clock_of else None,
            )
        )


def _files_of(folder: Path, files_format: FilesFormat, encoding: FilesEncoding, account: str, bic: str) -> "Files":
    from kapital.kernel.requisites import account_is_valid, bic_is_valid
    from kapital.sandbox.bank.file_speech import speech_of
    from kapital.sandbox.bank.files import Counter
    from kapital.sandbox.bank.program import Files

    if not bic_is_valid(bic) or not account_is_valid(account, bic=bic):
        end("--files needs --files-account and --files-bic, an account whose key fits the bank")
    speech = speech_of(files_format, encoding)
    return Files(folder=folder, counter=Counter(account=account, bic=bic), speech=speech)


@app.command
def scripts(*, as_json: Json = False) -> None:
    """List the fault scripts that came with the program."""
    from kapital.sandbox.bank.faults import SCRIPTS

    found = [_read(path.stem) for path in sorted(SCRIPTS.glob("*.yaml"))]
    if as_json:
        told = [{"name": one.name, "about_ru": one.about_ru, "about_en": one.about_en} for one in found]
        print_json({"scripts": told})
        return
    for one in found:
        print(f"{one.name}\n  {one.about_ru}\n  {one.about_en}")


@app.command
def check(script: str) -> None:
    """Say whether the bank can play a fault script.

    Parameters
    ----------
    script
        A file, or the name of a script that came with the program.
    """
    found = _read(script)
    print(f"{found.name}: {len(found.steps)} steps")


def _read(name: str) -> "FaultScript":
    from kapital.kernel.problems import Problem
    from kapital.sandbox.bank.faults import BYTES_MAX, find_script, read_script

    path = find_script(name)
    try:
        with path.open("rb") as file:
            return read_script(file.read(BYTES_MAX + 1))
    except OSError as error:
        end(f"{path}: {error.strerror}")
    except Problem as problem:
        end(f"{path}: {problem.code}: {problem.detail}")
