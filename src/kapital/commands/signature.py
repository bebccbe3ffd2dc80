"""`kapital signature`: check signatures of people offline; signing with a token is in `signing`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cyclopts import App

from kapital.commands.console import Json, end, print_json, run
from kapital.platform.acts.recheck import recheck_file
from kapital.platform.signatures import report
from kapital.platform.signatures.command import Given, verify_files
from kapital.platform.signatures.outcome import Outcome

app = App(name="signature", help="Electronic signatures of people (CAdES; GOST, ECDSA, RSA).")
app.command("kapital.commands.signing:sign", name="sign", help="Sign a file with a token over PKCS#11.")
app.command(
    "kapital.commands.signing:sign_act", name="sign-act", help="Show a prepared act and sign it with a token."
)


@app.command(name="verify")
def verify_one_signature(
    file: Path,
    *,
    content: Path,
    roots: tuple[Path, ...],
    time_stamp_roots: tuple[Path, ...] = (),
    certificates: tuple[Path, ...] = (),
    crl: tuple[Path, ...] = (),
    ocsp: tuple[Path, ...] = (),
    owner: tuple[str, ...] = (),
    policy: tuple[str, ...] = (),
    at: datetime | None = None,
    require_time_stamp: bool = False,
    without_revocation: bool = False,
    bundle: Path | None = None,
    language: Literal["en", "ru"] = "en",
    as_json: Json = False,
) -> None:
    """Check a detached CAdES signature offline.

    Exit status: 0 VALID, 1 INVALID, 3 INDETERMINATE, 2 the check could not be made.

    Parameters
    ----------
    file
        The signature: DER, PEM or base64.
    content
        What was signed.
    roots
        Certificates that are believed, DER or PEM.
    time_stamp_roots
        Those of time-stamping authorities; without it the same roots.
    certificates
        Certificates that may stand between, DER or PEM.
    crl
        Lists of revoked certificates, DER or PEM.
    ocsp
        Answers of OCSP responders, DER.
    owner
        A number that the certificate must carry: inn=…, inn_legal_entity=…, ogrn=…, ogrnip=…, snils=…
    policy
        A policy identifier that the certificate must name; one of several.
    at
        When the signature came, if there is no time-stamp; without it now.
    require_time_stamp
        Do not take a signature without a time-stamp.
    without_revocation
        Do not ask whether certificates were revoked. Such a VALID says less.
    bundle
        Write the signature with all that the check relied on here.
    language
        Of the report.
    """

    async def work() -> Outcome:
        given = Given(
            signature=file,
            content=content,
            roots=roots,
            time_stamp_roots=time_stamp_roots,
            certificates=certificates,
            crl=crl,
            ocsp=ocsp,
            owner=owner,
            policies=policy,
            received_at=at,
            require_time_stamp=require_time_stamp,
            require_revocation=not without_revocation,
            bundle=bundle,
        )
        check = verify_files(given, now=datetime.now(UTC))
        if as_json:
            print_json(report.as_json(check))
        else:
            print("\n".join(report.lines(check, language=language)))
        return check.outcome

    try:
        outcome = run(work())
    except OSError as error:
        end(f"{error.filename}: {error.strerror}")
    sys.exit({Outcome.VALID: 0, Outcome.INVALID: 1, Outcome.INDETERMINATE: 3}[outcome])


@app.command(name="recheck")
def recheck_a_signed_act(
    file: Path,
    *,
    roots: tuple[Path, ...] = (),
    language: Literal["en", "ru"] = "en",
    as_json: Json = False,
) -> None:
    """Check the kept file of a signed act again, offline, as of its first check.

    Exit status: 0 VALID, 1 INVALID, 3 INDETERMINATE, 2 the check could not be made.

    Parameters
    ----------
    file
        A file of the object store: act, text shown, signature and all that its check relied on.
    roots
        Certificates that you believe today, DER or PEM; without it those that were believed then.
    language
        Of the report.
    """

    async def work() -> Outcome:
        rechecked = recheck_file(file, roots)
        if as_json:
            print_json(
                report.as_json(rechecked.check) | {"power": rechecked.power, "act_sha256": rechecked.act_sha256}
            )
        else:
            print("\n".join([*report.lines(rechecked.check, language=language), "", rechecked.shown_text]))
        return rechecked.outcome

    try:
        outcome = run(work())
    except OSError as error:
        end(f"{error.filename}: {error.strerror}")
    sys.exit({Outcome.VALID: 0, Outcome.INVALID: 1, Outcome.INDETERMINATE: 3}[outcome])
