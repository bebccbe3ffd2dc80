"""Identity (идентификация): who was identified, by whom, decided by a second person, until when it holds.

Duties: keep a case for each participant with its questionnaire, documents and owners, compute its risk, record the
identification, let another person – for a public official two – decide on its exact hash, let approvals expire.
Screen clients against lists of sanctions and public officials – when they are recorded and at each new version of a
list –, keep hits and their decisions, tell what measure a participant is under, freeze in the ledger, draft messages
to Rosfinmonitoring. Who is under a measure, or attested as a hit, is never approved here.
Own tables: kyc_case, identification, kyc_participant, kyc_questionnaire, kyc_document, kyc_dossier, kyc_delegation,
kyc_party, kyc_representative, representative_identification, kyc_doubt, participant_measure, screening_list_version,
screening_entry, screening_staged, screening_client, screening_hit, screening_run, aml_message, property_freeze,
freeze_entry, participant_wallet, certificate, owner_number (and the platform tables).
Events in: kapital.registry.participant_registered.v1, representative_appointed.v1, representative_ended.v1,
wallet_opened.v1.
Events out: kapital.identity.identification_recorded.v1, kyc_referred.v1, kyc_decided.v1, kyc_expired.v1,
kyc_term_changed.v1, measure_changed.v1, representative_identified.v1, certificate_bound.v1, certificate_ended.v1.
Law: 115-FZ art. 7 (identification before service, refreshed at least yearly; freezing without delay; no tipping
off), Bank of Russia Regulation 444-P. Names, birth dates and numbers stand in kyc_questionnaire, kyc_participant,
kyc_representative, screening_client, in the entries of lists and in the reasons of a hit; nothing of them leaves by
event, audit or log. Documents lie in the object store under their SHA-256.
Not: a check that a copy attested in the form for many is kept; the sending of messages to Rosfinmonitoring.
"""
