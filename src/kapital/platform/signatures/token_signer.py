"""Signing with a token or an HSM over PKCS#11: the private key never leaves it.

Law: OASIS PKCS #11 2.40; RFC 5652, RFC 5126 (what is signed).
"""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import pkcs11
from pkcs11.types import PROTECTED_AUTH

from kapital.kernel.clock import Clock
from kapital.platform.signatures import der
from kapital.platform.signatures.algorithms import KeyKind, SignatureAlgorithm, usual_scheme
from kapital.platform.signatures.cades import make_signature
from kapital.platform.signatures.certificates import Certificate, CertificateUnreadable, certificate
from kapital.platform.signatures.primitives import KeyRefused, digest, public_key
from kapital.platform.signatures.problems import SignerKeyNotSupported, SignerPinRefused, SignerUnavailable

_T = TypeVar("_T")
_OBJECTS_MAX: Final = 256
_SIGN: Final = {KeyKind.EC: pkcs11.Mechanism.ECDSA, KeyKind.RSA: pkcs11.Mechanism.SHA256_RSA_PKCS}
_PIN: Final = (
    pkcs11.PinExpired,
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinLocked,
    pkcs11.UserPinNotInitialized,
)

_one_at_a_time: Final = threading.Lock()

AskPin = Callable[[str, bool], str]
"""Asks the person for the PIN of the token with this label; True if a wrong one would lock it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSigner:
    """A `Signer` over the PKCS#11 module of a token's maker.

    Shape: `token` is its label and `key_id` the CKA_ID that certificate and key share; None: the only one there is.
    `certificates` (DER) go into the container beside the signer's own. A token with a keypad of its own is not
    given a PIN from here.
    Not: keys of GOST R 34.10-2012; makers number their mechanisms differently, and none was at hand to try.
    """

    module: Path
    ask_pin: AskPin
    clock: Clock
    token: str | None = None
    key_id: bytes | None = None
    certificates: tuple[bytes, ...] = ()

    def certificate(self) -> bytes:
        """The certificate (DER) on the token; one that the token shows nobody is read after the PIN.

        Raises: SignerUnavailable, SignerPinRefused.
        """
        with _one_at_a_time, _told():
            token = self._token()
            if (shown := self._shown(token)) is not None:
                return shown.encoded
            with token.open(user_pin=self._pin(token)) as session:
                return self._found(session)[1].encoded

    async def sign(self, content: bytes) -> bytes:
        """A detached CAdES-BES signature in DER, its value checked against the certificate before it is given.

        Raises: SignerUnavailable, SignerPinRefused, SignerKeyNotSupported, LibcryptoMissing.
        """
        return await asyncio.to_thread(self._sign, content)

    def _sign(self, content: bytes) -> bytes:
        # A token knows one login for the whole process.
        with _one_at_a_time, _told():
            token = self._token()
            # Before the PIN is asked for: what cannot sign wastes nobody's try.
            if (shown := self._shown(token)) is not None:
                _scheme(token, shown)
            with token.open(user_pin=self._pin(token)) as session:
                key_id, own = self._found(session)
                algorithm = _scheme(token, own)
                key = _private_key(session, key_id)

                def value(signed: bytes) -> bytes:
                    made = _value(key, algorithm, signed)
                    if not public_key(own.spki).verifies(algorithm, made, signed):
                        raise _unavailable("key_is_not_of_the_certificate")
                    return made

                return make_signature(
                    content,
                    sign=value,
                    algorithm=algorithm,
                    certificates=(own.encoded, *self.certificates),
                    claimed_at=self.clock.now(),
                )

    def _token(self) -> pkcs11.Token:
        if not self.module.is_file():
            raise _unavailable("module_not_found")
        try:
            opened = pkcs11.lib(str(self.module))
        except pkcs11.PKCS11Error:
            raise _unavailable("module_unreadable") from None
        tokens = [
            token
            for token in opened.get_tokens()
            if pkcs11.TokenFlag.TOKEN_INITIALIZED in token.flags and self.token in (None, token.label)
        ]
        return _only(tokens, "token")

    def _pin(self, token: pkcs11.Token) -> str | object | None:
        if pkcs11.TokenFlag.LOGIN_REQUIRED not in token.flags:
            return None
        if pkcs11.TokenFlag.PROTECTED_AUTHENTICATION_PATH in token.flags:
            return PROTECTED_AUTH
        if pkcs11.TokenFlag.USER_PIN_LOCKED in token.flags:
            raise SignerPinRefused(facts={"reason": "pin_locked"})
        pin = self.ask_pin(token.label, pkcs11.TokenFlag.USER_PIN_FINAL_TRY in token.flags)
        if not pin:
            raise SignerPinRefused(facts={"reason": "pin_empty"})
        return pin

    def _shown(self, token: pkcs11.Token) -> Certificate | None:
        """The certificate as far as it is seen without the PIN; None where only the PIN tells whether there is one.

        Without this a token that hides its certificates would be told as one that has none, whatever the PIN.
        """
        with token.open() as session:
            found = self._certificates(session)
        if not found and pkcs11.TokenFlag.LOGIN_REQUIRED in token.flags:
            return None
        return _only(found, "certificate")[1]

    def _found(self, session: pkcs11.Session) -> tuple[bytes, Certificate]:
        """The identifier and the certificate of the person."""
        return _only(self._certificates(session), "certificate")

    def _certificates(self, session: pkcs11.Session) -> list[tuple[bytes, Certificate]]:
        """Identifiers and certificates of persons; those of authorities may lie beside them."""
        wanted: dict[pkcs11.Attribute, object] = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}
        if self.key_id is not None:
            wanted[pkcs11.Attribute.ID] = self.key_id
        found: list[tuple[bytes, Certificate]] = []
        for number, one in enumerate(session.get_objects(wanted)):
            if number == _OBJECTS_MAX:
                raise _unavailable("too_many_certificates")
            try:
                read = certificate(one[pkcs11.Attribute.VALUE])
            except CertificateUnreadable:
                continue
            if not read.is_authority:
                found.append((one[pkcs11.Attribute.ID], read))
        return found


def _scheme(token: pkcs11.Token, own: Certificate) -> SignatureAlgorithm:
    """By which scheme the key of this certificate signs on this token."""
    try:
        key = public_key(own.spki)
    except KeyRefused as refused:
        raise SignerKeyNotSupported(facts={"key": str(refused), "mechanism": "none"}) from None
    if (mechanism := _SIGN.get(key.kind)) is None:
        raise SignerKeyNotSupported(facts={"key": key.kind.name.lower(), "mechanism": "none"})
    if mechanism not in token.slot.get_mechanisms():
        raise SignerKeyNotSupported(facts={"key": key.kind.name.lower(), "mechanism": mechanism.name})
    return usual_scheme(key.kind, key.bits)


def _private_key(session: pkcs11.Session, key_id: bytes) -> pkcs11.SignMixin:
    wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.Attribute.ID: key_id}
    key = _only(list(session.get_objects(wanted)), "private_key")
    if not isinstance(key, pkcs11.SignMixin):
        raise _unavailable("private_key_does_not_sign")
    return key


def _value(key: pkcs11.SignMixin, algorithm: SignatureAlgorithm, signed: bytes) -> bytes:
    if algorithm.key is KeyKind.RSA:
        return key.sign(signed, mechanism=_SIGN[KeyKind.RSA])
    # A token hashes for RSA; for ECDSA it takes the hash and gives both numbers side by side.
    pair = key.sign(digest(algorithm.digest, signed), mechanism=_SIGN[KeyKind.EC])
    half = len(pair) // 2
    return der.sequence(*(der.number(int.from_bytes(part, "big")) for part in (pair[:half], pair[half:])))


def _only(found: list[_T], what: str) -> _T:
    if len(found) == 1:
        return found[0]
    raise _unavailable(f"{what}_{'ambiguous' if found else 'not_found'}")


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the module as refusals with their names; its own words may hold what nobody should log."""
    try:
        yield
    except _PIN as error:
        raise SignerPinRefused(facts={"reason": _name(error)}) from None
    except pkcs11.PKCS11Error as error:
        raise _unavailable(_name(error)) from None


def _name(error: Exception) -> str:
    """`PinIncorrect` as `pin_incorrect`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(error).__name__).lower()


def _unavailable(reason: str) -> SignerUnavailable:
    return SignerUnavailable(facts={"signer": "pkcs11", "reason": reason})
