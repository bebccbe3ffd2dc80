"""One top-up by QR code, and the code as a picture."""

from datetime import datetime
from email.utils import format_datetime
from io import BytesIO
from typing import Final
from uuid import UUID

import segno
from sqlalchemy.ext.asyncio import AsyncConnection

from kapital.contracts import settlement as contract
from kapital.kernel.actor import Actor
from kapital.platform import access
from kapital.settlement.contract_forms import shown_top_up
from kapital.settlement.domain.sbp import SbpTopUp, SbpTopUpState
from kapital.settlement.domain.sbp_problems import SbpQrMustBeActive, SbpTopUpNotFound
from kapital.settlement.ports import Parts

MEDIA_TYPES: Final = {
    contract.QrImageFormat.svg: "image/svg+xml",
    contract.QrImageFormat.png: "image/png",
}
_SCALE: Final = 8
"""Pixels of a module: 57 by 57 modules with their border are about 500 pixels wide."""


async def get_sbp_top_up(
    conn: AsyncConnection, parts: Parts, actor: Actor, top_up_id: UUID, now: datetime
) -> contract.SbpTopUp:
    """One top-up. Raises: NotPermitted, SbpTopUpNotFound (also when it is another's)."""
    return shown_top_up(await _find(conn, parts, actor, "get_sbp_top_up", top_up_id), now)


async def get_sbp_top_up_image(
    conn: AsyncConnection,
    parts: Parts,
    actor: Actor,
    top_up_id: UUID,
    now: datetime,
    image_format: contract.QrImageFormat,
) -> tuple[bytes, str]:
    """The picture and when it ends (IMF-fixdate, RFC 9110). ISO/IEC 18004, error correction M.

    Raises: NotPermitted, SbpTopUpNotFound, SbpQrMustBeActive.
    """
    top_up = await _find(conn, parts, actor, "get_sbp_top_up_image", top_up_id)
    state = top_up.state_at(now)
    if state is not SbpTopUpState.ACTIVE or top_up.link is None:
        raise SbpQrMustBeActive(facts={"state": state.value})
    drawn = BytesIO()
    segno.make_qr(top_up.link, error="m", boost_error=False).save(drawn, kind=image_format.value, scale=_SCALE)
    return drawn.getvalue(), format_datetime(top_up.expires_at, usegmt=True)


async def _find(conn: AsyncConnection, parts: Parts, actor: Actor, action: str, top_up_id: UUID) -> SbpTopUp:
    whose = access.scope(actor, action, "Beneficiary")
    found = await parts.sbp.top_ups.find(conn, top_up_id)
    # Before the bank has told its code nobody was answered, and there is nothing to show.
    if found is None or found[0].qr_id is None or whose.only not in {None, found[1]}:
        raise SbpTopUpNotFound
    return found[0]
