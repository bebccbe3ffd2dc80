"""Registry (реестр пользователей): who takes part, their wallets, the staff, and the access tokens.

Duties: register participants, open their wallets in the ledger once identified, restrict and freeze them as
identity or an officer says, close them when nothing is left, keep the versions of the rule book and who accepted
them, keep what brokers may do for others, give signed extracts of the register at a past instant, tell who stands
behind a bearer token.
Own tables: participant, participant_change, wallet, rule_book, rule_book_acceptance, issuer_issue, mandate,
staff, access_token (and the platform tables).
Events in: identity's of identification and measures, tokenization's of an issue's publication and states.
Events out: kapital.registry.participant_registered.v1, wallet_opened.v1, participant_state_changed.v1,
rule_book_accepted.v1, rule_book_effective.v1, mandate_changed.v1.
Law: 259-FZ art. 6 and 8 (register of users, given to the Bank of Russia and courts on request), 152-FZ
(names and taxpayer numbers are kept in the table `participant`, and in salted files of the object store for identity
alone; audit keeps salted hashes, events keep pseudonyms and the hashes of those files).
"""
