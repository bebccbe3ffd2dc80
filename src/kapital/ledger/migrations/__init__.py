"""Schema of the ledger's database."""
