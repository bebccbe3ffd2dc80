"""Registry (реестр пользователей): who takes part, their wallets, the staff, and the access tokens.

Duties: register participants, open their wallets in the ledger once identified, restrict them when their
identification lapses or an officer says so, give extracts of the register at an instant, tell who stands
behind a bearer token.
Own tables: participant, participant_change, wallet, staff, access_token (and the platform tables).
Events in: kapital.identity.kyc_decided.v1, kapital.identity.kyc_expired.v1.
Events out: kapital.registry.participant_registered.v1, wallet_opened.v1, participant_state_changed.v1.
Law: 259-FZ art. 6 and 8 (register of users, given to the Bank of Russia and courts on request), 152-FZ
(names and taxpayer numbers are kept in the table `participant` only; audit keeps salted hashes, events keep
pseudonyms).
"""
