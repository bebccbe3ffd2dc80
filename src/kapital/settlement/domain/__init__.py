"""Pure rules of settlement: states, codes, checks of what others instruct. No input or output, no clock."""
