"""The object store of a service that was put together without one: screening alone needs none."""

from kapital.identity.domain.kyc_problems import ObjectStoreMissing


class NoObjects:
    """Objects that takes nothing and has nothing."""

    async def put(self, content: bytes) -> str:  # noqa: ARG002 - nothing is kept
        """Raises: ObjectStoreMissing."""
        raise ObjectStoreMissing

    async def get(self, key: str) -> bytes:  # noqa: ARG002 - nothing is there
        """Raises: ObjectStoreMissing."""
        raise ObjectStoreMissing
