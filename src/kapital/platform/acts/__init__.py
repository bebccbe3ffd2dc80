"""Acts of legal weight: what a participant signs, which signature is needed, and its check at the act.

An act is rebuilt by the server from the command, so that what is checked is what is carried out. `Acts` checks a
signature with its chain, revocation, time-stamp, the participant's bound certificates and powers of attorney, and
keeps all of it in one file under its hash.

Law: 63-FZ art. 5, 6, 11, 17.1–17.5; domain.md 1.9, 3.0 (S), 3.12.
"""
