"""A sandbox authority with people, in each scheme that this machine can make."""

import itertools

import pytest

from kapital.platform.signatures.primitives import PrivateKey
from kapital.sandbox.certification_authority import Scheme
from tests.platform.signatures.world import World, require_gost

SCHEMES = ("gost_256", "gost_512", "ecdsa_p256", "ecdsa_p384", "rsa_2048")


@pytest.fixture(params=SCHEMES)
def any_world(request: pytest.FixtureRequest) -> World:
    """A fresh world of each scheme."""
    if request.param.startswith("gost"):
        require_gost()
    return World(request.param)


@pytest.fixture
def gost_world() -> World:
    """A fresh world of GOST R 34.10-2012, 256 bits."""
    require_gost()
    return World("gost_256")


@pytest.fixture
def world() -> World:
    """A fresh world of the scheme that needs no engine."""
    return World("ecdsa_p256")


@pytest.fixture(autouse=True)
def rsa_keys_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """RSA keys take long to make: worlds of these tests share a few, of which one world never meets any twice."""
    new_key = Scheme.new_key
    taken = itertools.count()

    def shared(scheme: Scheme) -> PrivateKey:
        if scheme is not Scheme.RSA_2048:
            return new_key(scheme)
        number = next(taken)
        if number == len(RSA_KEYS):
            RSA_KEYS.append(new_key(scheme))
        return RSA_KEYS[number]

    monkeypatch.setattr(Scheme, "new_key", shared)


RSA_KEYS: list[PrivateKey] = []
