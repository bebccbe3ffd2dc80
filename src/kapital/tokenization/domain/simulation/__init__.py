"""Playing a decision to its end without a register: paths of outside values, payments, default, early redemption."""
