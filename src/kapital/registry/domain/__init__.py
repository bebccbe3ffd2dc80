"""Pure rules of the registry: no input or output, no clock, no randomness."""
