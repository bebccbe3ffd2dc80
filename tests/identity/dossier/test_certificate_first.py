"""While a rule of the operator asks for it, a first identification is completed only with a certificate bound."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from kapital.identity.domain.kyc_problems import CertificateMustBeBound
from kapital.identity.domain.parameters import day_of
from kapital.identity.ports import KycPolicy
from kapital.platform.certificate_rules import CertificateRule, CertificateRules
from tests.identity.conftest import START, identification
from tests.identity.dossier.conftest import Desk, desk_of

TOMORROW = day_of(START) + timedelta(days=1)
POLICY = KycPolicy(certificates=CertificateRules([CertificateRule(effective_from=TOMORROW, basis="Правила, 4.2")]))
_BIND = text(
    """
    INSERT INTO certificate (certificate_id, participant_id, certificate_sha256, encoded, state, valid_until,
        bound_by, bound_at, changed_by, changed_at)
    VALUES (gen_random_uuid(), :id, repeat('a', 64), '', :state, :until, 'x', now(), 'x', now())
    ON CONFLICT (participant_id, certificate_sha256) DO UPDATE SET state = :state, valid_until = :until
    """
)


async def bind(desk: Desk, participant_id: UUID, *, state: str = "active", days: int = 100) -> None:
    """What binding leaves, written as binding writes it."""
    async with desk.database.engine.begin() as conn:
        until = desk.clock.now() + timedelta(days=days)
        await conn.execute(_BIND, {"id": participant_id, "state": state, "until": until})


async def test_completion_asks_for_a_certificate_that_may_sign_and_a_renewal_does_not(
    desk: Desk, tmp_path: Path
) -> None:
    asking = await desk_of(desk.database, desk.clock, tmp_path / "objects", POLICY)
    before, alone, one, many = await asking.opened(4)
    await asking.decide(before, await asking.completed(before))
    asking.clock.advance(timedelta(days=1))

    with pytest.raises(CertificateMustBeBound):
        await asking.completed(one)
    [refused] = await asking.record(identification(many))
    assert refused.problem is not None
    assert refused.problem.code == CertificateMustBeBound.code
    for state, days in (("suspended", 100), ("revoked", 100), ("active", 0)):
        await bind(asking, many, state=state, days=days)
        [refused] = await asking.record(identification(many))
        assert refused.problem is not None, (state, days)
    assert await asking.states(one) == await asking.states(many) == ["opened"]

    await bind(asking, one)
    await bind(asking, many)
    await asking.completed(one)
    still, recorded = await asking.record(identification(alone), identification(many))
    assert (still.problem is None, recorded.problem) == (False, None)
    # Whose certificate has ended is restricted for that; its particulars are renewed all the same.
    await asking.identified(before)
    assert await asking.states(before) == ["approved", "identified"]
