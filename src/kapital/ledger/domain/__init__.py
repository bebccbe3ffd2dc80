"""Pure rules of the register: what an entry is, when it is refused, how the log grows. No I/O, no clock."""
