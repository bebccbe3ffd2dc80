"""What custody tells the others (contracts/events/custody.yaml)."""

import base64
from datetime import datetime
from typing import Final

from kapital.custody.domain.key import Key

KEY_STATE_CHANGED: Final = "kapital.custody.key_state_changed.v1"


def key_state_changed(key: Key, at: datetime) -> dict[str, str | int | datetime]:
    """The payload that tells a key's state; no actor and no reason, which stay in the audit trail."""
    return {
        "key_id": str(key.key_id),
        "key_name": key.name,
        "profile": key.profile.value,
        "algorithm": "ed25519",
        "public_key_b64": base64.b64encode(key.public_key).decode(),
        "state": key.state.value,
        "version": key.version,
        "at": at,
    }
