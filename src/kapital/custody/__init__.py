"""Custody: keeps signing keys, signs what a key's profile allows, and logs every signature before it leaves.

Duties: generate, suspend, resume (two persons), revoke keys; sign for other services. A synchronous service.
Own tables: key_encryption, key, signature_log (and the platform tables).
Events in: none. Events out: kapital.custody.key_state_changed.v1.
Law: 63-FZ (a signature is only as good as the custody of its key), 757-P (registration of actions).
Not: a certified cryptographic module. Keys live in this process's memory while in use; the provider is
declared `software`, sandbox grade. Signatures made here are not qualified signatures (УКЭП).
"""
