"""A sandbox authority with people, in each scheme that this machine can make."""

import pytest

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
