"""The read side of settlement: one read model a file, answered in the types of the contract."""
