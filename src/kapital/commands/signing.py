"""`kapital signature sign` and `sign-act`: a person signs with a token, at the person's own machine."""

import json
import sys
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kapital.commands.console import Force, end, run

if TYPE_CHECKING:
    from kapital.platform.signatures.token_signer import TokenSigner

Module = Annotated[Path, Parameter(help="The PKCS#11 module of the token's maker (a shared library).")]
Token = Annotated[str | None, Parameter(help="Label of the token; without it the only one there is.")]
Key = Annotated[
    str | None, Parameter(help="Identifier (CKA_ID, hex) of key and certificate; without it the only one.")
]
Certificates = Annotated[
    tuple[Path, ...],
    Parameter(help="Certificates (DER or PEM) to go into the file beside the signer's.", negative=()),
]
Written = Annotated[Path, Parameter(help="File to write.")]


def sign(
    file: Annotated[Path, Parameter(help="What is signed.")],
    *,
    module: Module,
    out: Written,
    token: Token = None,
    key: Key = None,
    certificates: Certificates = (),
    force: Force = False,
) -> None:
    """Sign a file with a token over PKCS#11: a detached CAdES-BES signature in DER.

    The PIN is asked for at the terminal; without one it is the first line of standard input. It is never an argument.
    """
    from kapital.platform.signatures.policy import CONTENT_BYTES_MAX

    _require_free(out, force)
    signer = _signer(module, token, key, certificates)
    signature = run(signer.sign(_read(file, CONTENT_BYTES_MAX)))
    _write(out, signature)
    print(f"{out}: detached CAdES-BES signature of {file}")


def sign_act(
    prepared: Annotated[Path, Parameter(help="The answer of POST /v1/tokenization/acts or /v1/settlement/acts.")],
    *,
    module: Module,
    out: Written,
    token: Token = None,
    key: Key = None,
    certificates: Certificates = (),
    agreed: Annotated[bool, Parameter(help="The text was read and agreed to: do not ask.", negative=())] = False,
    force: Force = False,
) -> None:
    """Show a prepared act, ask, and sign it with a token; writes the field `act` that the command carries.

    The PIN is asked for at the terminal; without one it is the first line of standard input. It is never an argument.
    """
    from kapital.platform.acts.prepared import PREPARED_BYTES_MAX, ReadAct, read_prepared

    _require_free(out, force)
    signer = _signer(module, token, key, certificates)
    source = _read(prepared, PREPARED_BYTES_MAX)

    async def work() -> tuple[ReadAct, bytes]:
        act = read_prepared(source)
        print(_printable(act.text) + "\n")
        if not agreed:
            _require_agreement()
        return act, await signer.sign(act.content)

    act, signature = run(work())
    carried = {"made_at": act.made_at, "signature": b64encode(signature).decode()}
    _write(out, json.dumps(carried, indent=2).encode() + b"\n")
    print(f"{out}: the field `act` of the command")


def _signer(module: Path, token: str | None, key: str | None, certificates: tuple[Path, ...]) -> "TokenSigner":
    from kapital.kernel.problems import Problem
    from kapital.platform.clock import SystemClock
    from kapital.platform.signatures.certificates import CERTIFICATE_BYTES_MAX
    from kapital.platform.signatures.token_signer import TokenSigner
    from kapital.platform.signatures.trust import split_certificates

    try:
        key_id = None if key is None else bytes.fromhex(key)
        beside = [one for path in certificates for one in split_certificates(_read(path, 16 * CERTIFICATE_BYTES_MAX))]
    except ValueError:
        end(f"--key {key}: not an identifier in hex")
    except Problem as problem:
        end(f"{problem.code}: {problem.detail}")
    return TokenSigner(
        module=module,
        ask_pin=_ask_pin,
        clock=SystemClock(),
        token=token,
        key_id=key_id,
        certificates=tuple(beside),
    )


def _ask_pin(token: str, last_try: bool) -> str:
    """The PIN, from the terminal without echo, or the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(1024).rstrip("\r\n")
    from getpass import getpass

    return getpass(f"PIN of {_printable(token)}" + (" (the last try before it locks): " if last_try else ": "))


def _require_agreement() -> None:
    if not sys.stdin.isatty():
        end("nobody can be asked here: --agreed says that the text was read")
    if input("Sign this text? (yes / no) ").strip().lower() not in {"yes", "да"}:
        end("not signed")


def _printable(text: str) -> str:
    """The text without what would steer the terminal."""
    return "".join(c if c == "\n" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        end(f"{path}: {error.strerror}")
    if len(content) > limit:
        end(f"{path}: larger than {limit} bytes")
    return content


def _require_free(out: Path, force: bool) -> None:
    if out.exists() and not force:
        end(f"{out}: there is such a file (--force replaces it)")


def _write(out: Path, content: bytes) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        end(f"{out}: {error.strerror}")
