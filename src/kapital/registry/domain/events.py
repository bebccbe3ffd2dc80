"""What the registry tells the others. Wire types of `contracts/events/registry.yaml`."""

from typing import Final

PARTICIPANT_REGISTERED: Final = "kapital.registry.participant_registered.v1"
WALLET_OPENED: Final = "kapital.registry.wallet_opened.v1"
PARTICIPANT_STATE_CHANGED: Final = "kapital.registry.participant_state_changed.v1"
PARTICIPANT_STATUSES_CHANGED: Final = "kapital.registry.participant_statuses_changed.v1"
RULE_BOOK_ACCEPTED: Final = "kapital.registry.rule_book_accepted.v1"
REPRESENTATIVE_APPOINTED: Final = "kapital.registry.representative_appointed.v1"
REPRESENTATIVE_ENDED: Final = "kapital.registry.representative_ended.v1"
MANDATE_CHANGED: Final = "kapital.registry.mandate_changed.v1"
RULE_BOOK_EFFECTIVE: Final = "kapital.registry.rule_book_effective.v1"

KYC_DECIDED: Final = "kapital.identity.kyc_decided.v1"
KYC_EXPIRED: Final = "kapital.identity.kyc_expired.v1"
IDENTIFICATION_RECORDED: Final = "kapital.identity.identification_recorded.v1"
KYC_REFERRED: Final = "kapital.identity.kyc_referred.v1"
MEASURE_CHANGED: Final = "kapital.identity.measure_changed.v1"
REPRESENTATIVE_IDENTIFIED: Final = "kapital.identity.representative_identified.v1"

DECISION_PUBLISHED: Final = "kapital.tokenization.decision_published.v1"
ISSUE_STATE_CHANGED: Final = "kapital.tokenization.issue_state_changed.v1"
