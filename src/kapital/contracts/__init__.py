"""Types of the contracts: one module per service, generated from `contracts/` by `tools/generate_contracts.py`."""
