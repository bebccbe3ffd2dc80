"""OpenSSL's command line and pyhanko, asked about a signature with the roots, lists and answers that we use."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from pyhanko.keys.pemder import load_certs_from_pemder_data
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from kapital.platform.signatures.cms import SIGNATURE_TIME_STAMP, read_container
from tests.platform.signatures.world import World, openssl, pem

ENGINE_CONFIGURATION = """openssl_conf = all
[all]
engines = engines
[engines]
gost = gost
[gost]
engine_id = gost
default_algorithms = ALL
"""


def engine(world: World) -> list[str]:
    """What the command line must be told where keys are of GOST."""
    return ["-engine", "gost"] if world.scheme.algorithm.key.is_gost else []


def configure_engine(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for commands without that option: by a configuration file."""
    if engine(world):
        (folder / "cnf").write_text(ENGINE_CONFIGURATION)
        monkeypatch.setenv("OPENSSL_CONF", str(folder / "cnf"))


def openssl_says(
    world: World,
    folder: Path,
    signature: bytes,
    act: bytes,
    *,
    ok: bool,
    lists: Sequence[bytes] = (),
    roots: Sequence[bytes] | None = None,
    options: Sequence[str] = (),
) -> None:
    """`openssl cms -verify` as CAdES at the world's time; the check fails if it does not say what is expected."""
    (folder / "s.der").write_bytes(signature)
    (folder / "act").write_bytes(act)
    believed = world.root.certificates if roots is None else roots
    trusted = "".join(Path(pem(folder / f"root{n}.pem", one)).read_text() for n, one in enumerate(believed))
    for number, one in enumerate(lists):
        der, text = folder / f"{number}.crl", folder / f"{number}.pem"
        der.write_bytes(one)
        openssl("crl", "-inform", "DER", "-in", str(der), "-out", str(text))
        trusted += text.read_text()
    (folder / "trusted.pem").write_text(trusted)
    openssl(
        *("cms", *engine(world), "-verify", "-cades", "-binary", "-inform", "DER", "-in", str(folder / "s.der")),
        *("-content", str(folder / "act"), "-CAfile", str(folder / "trusted.pem"), "-out", str(folder / "out")),
        *("-attime", str(int(world.clock.at.timestamp())), *(["-crl_check_all"] if lists else [])),
        *(options or ("-purpose", "any")),
        ok=ok,
    )


def openssl_says_of_the_stamp(
    world: World,
    folder: Path,
    signature: bytes,
    *,
    ok: bool,
    monkeypatch: pytest.MonkeyPatch,
    roots: Sequence[bytes] | None = None,
) -> None:
    """`openssl ts -verify` over the token in the container."""
    container = read_container(signature)
    (folder / "token").write_bytes(container.unsigned[SIGNATURE_TIME_STAMP])
    (folder / "stamped").write_bytes(container.signature)
    believed = world.root.certificates if roots is None else roots
    root = pem(folder / "root.pem", believed[0])
    configure_engine(world, folder, monkeypatch)  # `ts -verify` opens no engine by its option.
    at = str(int(world.clock.at.timestamp()))
    token, stamped = str(folder / "token"), str(folder / "stamped")
    openssl("ts", "-verify", "-in", token, "-token_in", "-data", stamped, "-CAfile", root, "-attime", at, ok=ok)


async def pyhanko_says(
    world: World,
    signature: bytes,
    act: bytes,
    *,
    lists: Sequence[bytes] = (),
    answers: Sequence[bytes] = (),
    roots: Sequence[bytes] | None = None,
) -> bool:
    """Whether pyhanko takes the signature, its chain, key usage, revocation and stamp. It knows no GOST."""
    believed = world.root.certificates if roots is None else roots
    context = ValidationContext(
        trust_roots=[one for root in believed for one in load_certs_from_pemder_data(root)],
        moment=world.clock.at,
        revocation_mode="require" if lists or answers else "soft-fail",
        crls=list(lists),
        ocsps=list(answers),
    )
    signed_data = asn1_cms.ContentInfo.load(signature)["content"]
    usages = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
    try:
        said = await async_validate_detached_cms(
            act,
            signed_data,
            signer_validation_context=context,
            ts_validation_context=context,
            key_usage_settings=usages,
        )
    except SignatureValidationError:
        return False
    stamp = said.timestamp_validity
    stamped = stamp is None or (stamp.intact and stamp.valid and stamp.trusted)
    return bool(said.intact and said.valid and said.trusted and not said.revoked and stamped)
