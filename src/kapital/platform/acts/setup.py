"""Acts as the settings say: what is believed, who is asked, which signature is needed."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from kapital.kernel.clock import Clock
from kapital.kernel.problems import ensure
from kapital.platform.acts.checking import Acts, FileStore
from kapital.platform.acts.policy import ActPolicy, Need
from kapital.platform.settings import Settings
from kapital.platform.signatures.fetching import Fetcher
from kapital.platform.signatures.online import NoRevocationSource, OnlineRevocation, OnlineTimeStamps
from kapital.platform.signatures.powers import PoaStatusSource, UnconnectedPoaRegister
from kapital.platform.signatures.revocation import RevocationRules
from kapital.platform.signatures.trust_folder import read_trust


@dataclass(frozen=True, slots=True)
class OpenedActs:
    """The checks, and the connections to be closed at the end."""

    acts: Acts
    fetcher: Fetcher

    async def close(self) -> None:
        """Close connections, and let the threads of the checks end."""
        self.acts.threads.close()
        await self.fetcher.close()


def acts_of(settings: Settings, clock: Clock, files: FileStore, powers: PoaStatusSource | None = None) -> OpenedActs:
    """Read what is believed and put the checks together, once for the process.

    Raises: TrustListUnreadable for a trust folder that cannot be read; InvariantBroken for an address of the
    time-stamping authority whose host is not on the list, and for rules that overlap.
    """
    fetcher = Fetcher.to(settings.signature_hosts, settings.signature_timeout_s)
    rules = RevocationRules()
    url = settings.time_stamp_url
    ensure(url is None or fetcher.may_ask(url), f"time_stamp_url: {urlsplit(url or '').netloc} is no signature host")
    online = OnlineRevocation(fetcher, timedelta(seconds=settings.revocation_keep_s), rules)
    acts = Acts(
        clock=clock,
        policy=ActPolicy(Need(settings.acts_signed), settings.act_rules, settings.recheck_at_settlement),
        trust=read_trust(settings.trust_dir),
        policies=frozenset(settings.signature_policies),
        revocation=online if settings.signature_hosts else NoRevocationSource(),
        stamps=OnlineTimeStamps(fetcher, url) if url else None,
        powers=powers or UnconnectedPoaRegister(),
        files=files,
        rules=rules,
    )
    return OpenedActs(acts, fetcher)
