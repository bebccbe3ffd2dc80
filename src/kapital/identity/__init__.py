"""Identity (идентификация): who was identified, by whom, decided by a second person, until when it holds.

Duties: keep a case for each participant, record the identification, let another person decide on its exact
hash, let approvals expire. Does not screen: the recording person attests a list version and a result, and a
hit can never be approved here.
Own tables: kyc_case, identification (and the platform tables).
Events in: kapital.registry.participant_registered.v1.
Events out: kapital.identity.kyc_decided.v1, kyc_expired.v1.
Law: 115-FZ art. 7 (identification before service, refreshed at least yearly; no tipping off), Bank of Russia
Regulation 444-P. No personal data here: the document copy is named by its SHA-256, the participant by a
pseudonym.
Not: a check that the copy is kept in the object store; a comparison with sanction lists.
"""
