"""Pure rules of issues, orders and corporate actions. No I/O, no clock, no randomness: all is given."""
