"""Tokenization: from the decision on issuance to redemption.

Duties: drafts, reviews, signs and publishes decisions; takes orders and reserves their money; closes placements and
allocates; takes record-date lists and instructs payments. It never moves units or pays: settlement does.
Own tables: issue, decision_version, review, decision_signature, subscription_order, fill, corporate_action,
payout_line, fixing, investor and mandate (what it knows of participants, from others' events), mandate_use.
Events out: kapital.tokenization.decision_published, issue_state_changed, allocation_decided, payouts_instructed (v1).
Events in: registry.participant_registered, wallet_opened, participant_state_changed, mandate_changed;
identity.kyc_decided, kyc_expired, measure_changed; settlement.allocation_settled, payouts_settled,
payouts_refused (v1).
Law: 259-FZ art. 2 (issuance is the record of crediting the first acquirer), art. 3 (decision on issuance), art. 4
(records and their basis); 466-FZ of 15.12.2025 (debt ЦФА).
"""
