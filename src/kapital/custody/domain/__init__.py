"""Pure rules of custody: key states, profiles and what each may sign, the encrypted form of a key."""
