"""The read side of the ledger: balances, register, statements, proofs."""
