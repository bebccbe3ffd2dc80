"""Pure rules of identity: no input or output, no clock, no randomness."""
