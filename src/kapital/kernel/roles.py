"""The roles of people and machines (domain.md 3.0)."""

from enum import StrEnum


class Role(StrEnum):
    """Who acts. Client roles first, then staff, then machines."""

    INVESTOR = "investor"
    ISSUER = "issuer"
    NOMINEE = "nominee"
    BROKER = "broker"
    ISSUER_SIGNATORY = "issuer_signatory"
    REPRESENTATIVE = "representative"  # acts by a machine-readable power of attorney (МЧД)

    ONBOARDING = "onboarding"
    AML_OFFICER = "aml_officer"
    COMPLIANCE = "compliance"
    ISSUE_MANAGER = "issue_manager"
    SETTLEMENT = "settlement"
    CUSTODY_OFFICER = "custody_officer"
    LEGAL = "legal"
    RISK = "risk"
    SECURITY = "security"
    AUDITOR = "auditor"  # reads only
    REGULATOR = "regulator"  # reads and takes extracts
    ADMIN = "admin"  # no business rights

    SMART_CONTRACT = "smart_contract"
    BANK = "bank"
    SCHEDULER = "scheduler"


MACHINE_ROLES = frozenset({Role.SMART_CONTRACT, Role.BANK, Role.SCHEDULER})
"""Roles no person may hold."""
