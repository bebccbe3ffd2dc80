"""Settlement: the money of clients on the nominal account, and units against money.

Duties: gives each wallet a top-up code; books every bank credit once; settles placements (DvP, refunds) and payouts
in the ledger; pays withdrawals out; compares bank and register and stops withdrawals when they differ.
Own tables: beneficiary, bank_feed, incoming_payment, refused_notice, withdrawal, settlement_job, reconciliation,
participant_measure, issuer_of_asset
(and the platform tables).
Events in: registry.wallet_opened, identity.measure_changed, tokenization.decision_published,
allocation_decided, payouts_instructed.
Events out: allocation_settled, payouts_settled, payouts_refused, top_up_booked, withdrawal_changed.
Law: 259-FZ art. 4 (the right passes with the record), Civil Code art. 860.1–860.6 (nominal account: the money is the
beneficiaries').
"""
