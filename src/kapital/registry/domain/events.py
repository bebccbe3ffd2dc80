"""What the registry tells the others. Wire types of `contracts/events/registry.yaml`."""

from typing import Final

PARTICIPANT_REGISTERED: Final = "kapital.registry.participant_registered.v1"
WALLET_OPENED: Final = "kapital.registry.wallet_opened.v1"
PARTICIPANT_STATE_CHANGED: Final = "kapital.registry.participant_state_changed.v1"

KYC_DECIDED: Final = "kapital.identity.kyc_decided.v1"
KYC_EXPIRED: Final = "kapital.identity.kyc_expired.v1"
