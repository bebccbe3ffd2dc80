"""The sandbox's certification authority: issues, revokes, publishes lists, answers OCSP, stamps time, and signs for
synthetic people – in GOST R 34.10-2012 where the engine is installed, else in ECDSA.

What a real supplier replaces: an accredited authority, its time-stamping service, and each person's own means of
signature. Keys live in the memory of this process. Nothing made here is a qualified signature.
"""

from kapital.sandbox.certification_authority.authority import Authority, Subject
from kapital.sandbox.certification_authority.believed import BelievedAuthority
from kapital.sandbox.certification_authority.people import SandboxSigner, TimeStampAuthority
from kapital.sandbox.certification_authority.scheme import Scheme, default_scheme

__all__ = [
    "Authority",
    "BelievedAuthority",
    "SandboxSigner",
    "Scheme",
    "Subject",
    "TimeStampAuthority",
    "default_scheme",
]
