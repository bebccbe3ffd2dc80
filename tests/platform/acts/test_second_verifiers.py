"""The kept file of an act taken apart with a JSON reader alone: OpenSSL and pyhanko judge what lies in it."""

import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from pyhanko.keys.pemder import load_certs_from_pemder_data
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko_certvalidator import ValidationContext

from kapital.kernel.canonical import canonical_bytes, sha256_hex
from kapital.platform.acts.files import SignedActFile
from kapital.platform.signatures.bundle import keep
from kapital.platform.signatures.outcome import Outcome
from tests.platform.signatures.world import World, openssl, pem, require_gost

TEXT = "Заявка на приобретение 3 ед."


def kept(scheme: str, *, stamped: bool) -> bytes:
    """The file as it lies in the object store."""
    if scheme.startswith("gost"):
        require_gost()
    world = World(scheme)
    act = canonical_bytes(
        {"act": {"units": "3"}, "shown_text": {"language": "ru", "sha256": sha256_hex(TEXT.encode())}}
    )
    signature, material, now = world.sign(stamped=stamped, act=act), world.material(), world.clock.at
    check = world.check(signature, act, material=material)
    assert check.outcome is Outcome.VALID
    bundle = keep(
        signature, act, check=check, policy=world.policy(), material=material, received_at=now, checked_at=now
    )
    return SignedActFile("kapital.signed-act.v1", act.decode(), TEXT, bundle).encoded()


@pytest.mark.parametrize("altered", [False, True])
@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize("scheme", ["gost_256", "gost_512", "ecdsa_p256", "ecdsa_p384", "rsa_2048"])
def test_openssl_says_of_the_file_what_we_said(scheme: str, stamped: bool, altered: bool, tmp_path: Path) -> None:
    file = json.loads(kept(scheme, stamped=stamped))
    bundle = file["bundle"]
    (tmp_path / "signature").write_bytes(b64decode(bundle["signature"]))
    (tmp_path / "act").write_bytes(file["act"].replace('"3"', '"4"' if altered else '"3"').encode())
    roots = [Path(pem(tmp_path / f"{n}.pem", b64decode(one))).read_text() for n, one in enumerate(bundle["roots"])]
    (tmp_path / "roots").write_text("".join(roots))
    at = int(datetime.fromisoformat(bundle["checked_at"]).astimezone(UTC).timestamp())

    openssl(
        "cms",
        *(["-engine", "gost"] if scheme.startswith("gost") else []),
        *("-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any", "-attime", str(at)),
        *("-in", str(tmp_path / "signature"), "-content", str(tmp_path / "act")),
        *("-CAfile", str(tmp_path / "roots"), "-out", str(tmp_path / "out")),
        ok=not altered,
    )


@pytest.mark.parametrize("altered", [False, True])
# It knows no GOST; OpenSSL is the second verifier there.
@pytest.mark.parametrize("scheme", ["ecdsa_p256", "ecdsa_p384", "rsa_2048"])
async def test_pyhanko_says_of_the_file_what_we_said(scheme: str, altered: bool) -> None:
    file = json.loads(kept(scheme, stamped=False))
    bundle = file["bundle"]
    trusted = [one for root in bundle["roots"] for one in load_certs_from_pemder_data(b64decode(root))]
    moment = datetime.fromisoformat(bundle["checked_at"])
    context = ValidationContext(trust_roots=trusted, moment=moment, revocation_mode="soft-fail")
    signed_data = asn1_cms.ContentInfo.load(b64decode(bundle["signature"]))["content"]
    act = file["act"].replace('"3"', '"4"' if altered else '"3"').encode()

    said = await async_validate_detached_cms(act, signed_data, signer_validation_context=context)

    assert (said.intact and said.valid and said.trusted) is not altered
