"""What identity tells the others. Wire types of `contracts/events/identity.yaml`."""

from typing import Final

IDENTIFICATION_RECORDED: Final = "kapital.identity.identification_recorded.v1"
KYC_REFERRED: Final = "kapital.identity.kyc_referred.v1"
KYC_DECIDED: Final = "kapital.identity.kyc_decided.v1"
KYC_EXPIRED: Final = "kapital.identity.kyc_expired.v1"
KYC_TERM_CHANGED: Final = "kapital.identity.kyc_term_changed.v1"
MEASURE_CHANGED: Final = "kapital.identity.measure_changed.v1"
REPRESENTATIVE_IDENTIFIED: Final = "kapital.identity.representative_identified.v1"
CERTIFICATE_BOUND: Final = "kapital.identity.certificate_bound.v1"
CERTIFICATE_ENDED: Final = "kapital.identity.certificate_ended.v1"

WALLET_OPENED: Final = "kapital.registry.wallet_opened.v1"
PARTICIPANT_REGISTERED: Final = "kapital.registry.participant_registered.v1"
REPRESENTATIVE_APPOINTED: Final = "kapital.registry.representative_appointed.v1"
REPRESENTATIVE_ENDED: Final = "kapital.registry.representative_ended.v1"
