"""OpenSSL's command line and pyhanko judge the same signatures; files of others are judged here."""

from base64 import b64decode
from pathlib import Path

import pytest

from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import DIGESTS, KeyKind, in_cms
from kapital.platform.signatures.certificates import certificate
from kapital.platform.signatures.check import judge_path
from kapital.platform.signatures.cms import Refused, check_signature, find_signer, read_container
from kapital.platform.signatures.outcome import Code
from kapital.platform.signatures.policy import Material, VerificationPolicy
from kapital.platform.signatures.primitives import PrivateKey, digest, public_key
from kapital.platform.signatures.timestamps import read_stamp
from kapital.platform.signatures.trust import TrustedRoots, split_certificates
from kapital.sandbox.certification_authority import Subject
from tests.platform.signatures.verifiers import configure_engine, engine
from tests.platform.signatures.world import ACT, DAY, INN, START, World, codes, openssl, pem, require_gost

DATA = Path(__file__).parents[2] / "data" / "signatures"


class TestOpenssl:
    @pytest.mark.parametrize("status", ["good", "revoked"])
    def test_reads_our_ocsp_answers(
        self, any_world: World, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if status == "revoked":
            any_world.authority.revoke(any_world.signer.certificate(), at=START)
        configure_engine(any_world, tmp_path, monkeypatch)  # `ocsp` opens no engine by an option.
        own = pem(tmp_path / "own.pem", any_world.signer.certificate())
        issuer = pem(tmp_path / "issuer.pem", any_world.authority.certificates[0])
        root = pem(tmp_path / "root.pem", any_world.root.certificates[0])
        (tmp_path / "chain.pem").write_text(Path(issuer).read_text() + Path(root).read_text())
        request, answer = tmp_path / "request", tmp_path / "answer"
        about = ("ocsp", "-no_nonce", "-issuer", issuer, "-cert", own)
        openssl(*about, "-reqout", str(request))
        answer.write_bytes(any_world.authority.answer_ocsp(request.read_bytes(), at=any_world.clock.at))

        said = openssl(
            *about,
            *("-respin", str(answer), "-CAfile", str(tmp_path / "chain.pem"), "-validity_period", "999999999"),
            *("-attime", str(int(any_world.clock.at.timestamp()))),
        )

        assert "Response verify OK" in said
        assert f": {status}" in said

    @pytest.mark.parametrize("form", ["cades", "without_binding", "without_attributes", "streamed"])
    def test_what_openssl_signs_is_taken_if_it_is_cades_in_der(
        self, any_world: World, tmp_path: Path, form: str
    ) -> None:
        expected = {
            "cades": None,
            "without_binding": Code.ATTRIBUTES_MISSING,
            "without_attributes": Code.ATTRIBUTES_MISSING,
            "streamed": Code.NOT_A_SIGNATURE,
        }
        flags = {"cades": ["-cades"], "without_binding": [], "without_attributes": ["-noattr"]}.get(form, ["-stream"])
        any_world.clock.at = certificate(any_world.signer.certificate()).not_after - DAY
        signer, key = _openssl_key(any_world, tmp_path)
        (tmp_path / "act").write_bytes(ACT)
        openssl(
            "cms",
            *engine(any_world),
            "-sign",
            *flags,
            "-binary",
            "-nosmimecap",
            "-in",
            str(tmp_path / "act"),
            "-signer",
            signer,
            "-inkey",
            key,
            "-keyform",
            "PEM",
            "-outform",
            "DER",
            "-out",
            str(tmp_path / "s"),
            "-certfile",
            pem(tmp_path / "ca.pem", any_world.authority.certificates[0]),
        )

        check = any_world.check((tmp_path / "s").read_bytes())

        assert codes(check) == ({expected[form]} if expected[form] else set())


def _openssl_key(world: World, folder: Path) -> tuple[str, str]:
    """A key made by the command line and a certificate of our authority for it; paths of both as PEM."""
    chosen = {
        "gost_256": ["-algorithm", "gost2012_256", "-pkeyopt", "paramset:TCA"],
        "gost_512": ["-algorithm", "gost2012_512", "-pkeyopt", "paramset:A"],
        "ecdsa_p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ecdsa_p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "rsa_2048": ["-algorithm", "RSA"],
    }[world.scheme]
    key = folder / "key.pem"
    openssl("genpkey", *engine(world), *chosen, "-out", str(key))
    openssl("pkcs8", *engine(world), "-topk8", "-nocrypt", "-in", str(key), "-outform", "DER", "-out", f"{key}.der")
    read = PrivateKey.read(KeyKind(world.scheme.algorithm.key), Path(f"{key}.der").read_bytes())
    period = (START, world.clock.at + 365 * DAY)
    # As the command line signs at its own clock, the claim must lie before the receipt.
    encoded = world.authority.issue(read, Subject("Петров", {"inn": INN}), period=period)
    return pem(folder / "signer.pem", encoded), str(key)


class TestExamplesOfTc26:
    """Control examples of the technical committee. Their root is not marked as an authority."""

    def _read(self, name: str) -> bytes:
        return _pem_body((DATA / "tc26_cms" / name).read_bytes())

    def test_the_signature_of_512_bits_holds(self) -> None:
        require_gost()
        container = read_container(self._read("signed_a111.pem"))
        signer = find_signer(container)

        assert container.content is not None
        assert public_key(signer.spki).verifies(container.algorithm, container.signature, container.signed_bytes)
        assert digest(container.digest, container.content) in container.signed_bytes
        with pytest.raises(Refused) as refused:  # Not CAdES: nothing binds it to the certificate.
            check_signature(container, container.content, signer)
        assert refused.value.code is Code.ATTRIBUTES_MISSING

    def test_the_signature_without_attributes_is_no_cades(self) -> None:
        with pytest.raises(Refused) as refused:
            read_container(self._read("signed_a121.pem"))
        assert refused.value.code is Code.ATTRIBUTES_MISSING

    @pytest.mark.parametrize("flipped", [None, "content", "signature"])
    def test_the_signature_of_256_bits_holds_over_the_content_itself(self, flipped: str | None) -> None:
        """It is refused as a signature of an act; the arithmetic under it is checked all the same."""
        require_gost()
        _, _, inner, embedded, signers = der.read(self._read("signed_a121.pem")).items(0x30)[1].only(0xA0).items(0x30)
        content = inner.items(0x30)[1].only(0xA0).expect(0x04).content
        _, _, _, algorithm, value = signers.only(0x31).items(0x30)
        signature = value.expect(0x04).content
        chosen = in_cms(algorithm.items(0x30)[0].oid(), DIGESTS["1.2.643.7.1.1.2.2"])
        assert chosen is not None
        if flipped == "content":
            content = bytes([content[0] ^ 1]) + content[1:]
        if flipped == "signature":
            signature = signature[:-1] + bytes([signature[-1] ^ 1])

        key = public_key(certificate(embedded.only(0xA0).encoded).spki)

        assert key.verifies(chosen, signature, content) is (flipped is None)

    def test_certificates_are_signed_by_the_root_and_lead_to_no_authority(self) -> None:
        require_gost()
        (root,) = split_certificates((DATA / "tc26_cms" / "root256_cert.pem").read_bytes())
        for name in ("sender256_cert.pem", "sender512_cert.pem"):
            (encoded,) = split_certificates((DATA / "tc26_cms" / name).read_bytes())
            leaf = certificate(encoded)
            policy = VerificationPolicy(roots=TrustedRoots(frozenset({root})), require_revocation=False)

            path = judge_path(leaf, (), policy.roots, START, START, policy, Material())

            assert [reason.code for reason in path.reasons] == [Code.CHAIN_WRONG]


STAMPS = {
    "sigstage/response-sha256.tsr": None,
    "sigstage/response-sha384.tsr": None,
    "sigstage/response-sha512.tsr": None,
    "sigstage/response-invalid-signature.tsr": Code.TIME_STAMP_WRONG,
    "sigstage/response-no-embedded-cert.tsr": None,
    "test_tsa/response.tsr": None,
    "test_tsa/other_response.tsr": Code.CHAIN_NOT_TRUSTED,  # Of another authority; OpenSSL says so too.
    "test_tsa/response-injected-certs.tsr": Code.EMBEDDED_CERTIFICATE_UNVERIFIED,
    "sigstore.mock/response-expired.tsr": None,  # Its certificate has expired since; it had not when it stamped.
    "identrust/issue-104.tsr": None,
}


class TestTimeStampsOfOthers:
    @pytest.mark.parametrize("name", STAMPS)
    def test_a_stamp_is_judged_as_its_maker_says(self, name: str) -> None:
        assert self._judged(name) == STAMPS[name]

    def _judged(self, name: str) -> Code | None:
        token = der.read((DATA / "rfc3161" / name).read_bytes()).items(der.SEQUENCE)[1].encoded
        chain = tuple(split_certificates((DATA / "rfc3161" / name).with_name("ts_chain.pem").read_bytes()))
        roots = frozenset(one for one in chain if certificate(one).subject == certificate(one).issuer)
        payload = (DATA / "rfc3161" / name).with_name("payload")
        content = payload.read_bytes() if payload.exists() else b"hello"
        try:
            stamp = read_stamp(token, content, certificates=chain)
        except Refused as refused:
            return refused.code
        policy = VerificationPolicy(roots=TrustedRoots(roots), require_revocation=False)
        path = judge_path(
            stamp.authority,
            stamp.container.certificates,
            policy.roots,
            stamp.stamped_at,
            stamp.stamped_at,
            policy,
            Material(chain),
        )
        return path.reasons[0].code if path.reasons else None


def _pem_body(source: bytes) -> bytes:
    return b64decode(b"".join(line for line in source.splitlines() if not line.startswith(b"-----")))
