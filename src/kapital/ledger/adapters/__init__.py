"""The ledger's own database and the audit adapters."""
