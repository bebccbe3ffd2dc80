"""Which version of the rule book is in force, as this process knows it: one place that everybody looks at."""

from collections.abc import Callable


class RuleBookInForce:
    """The version in force. The registry moves it on; entries and audit lines name the version at their time.

    Shape: `version` is a name of 1 to 64 characters. Another process learns of a new version at its next tick.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self._followers: list[Callable[[str], None]] = []

    def tell(self, follower: Callable[[str], None]) -> None:
        """Call `follower` with the version whenever another one is in force."""
        self._followers.append(follower)

    def become(self, version: str) -> None:
        """Take in which version is in force."""
        if version != self.version:
            self.version = version
            for follower in self._followers:
                follower(version)
