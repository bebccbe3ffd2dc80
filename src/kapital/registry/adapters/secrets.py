"""The operating system's source of secrets."""

import secrets


class SystemSecrets:
    """Draws from the kernel's generator."""

    def draw(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        return secrets.token_bytes(count)
