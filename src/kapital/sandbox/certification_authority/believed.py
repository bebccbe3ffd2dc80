"""A whole authority beside an installation: a root, an authority under it, time-stamps, all served, and believed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from kapital.kernel.clock import Clock
from kapital.sandbox.certification_authority.authority import POLICY_KC1, Authority
from kapital.sandbox.certification_authority.people import TimeStampAuthority
from kapital.sandbox.certification_authority.scheme import Scheme
from kapital.sandbox.certification_authority.serving import ServedAuthority


@dataclass(frozen=True, slots=True, kw_only=True)
class BelievedAuthority:
    """`issuing` certifies people and `stamps`, `root` certifies `issuing`; `trust_dir` is what makes it believed."""

    root: Authority
    issuing: Authority
    stamps: TimeStampAuthority
    served: ServedAuthority
    trust_dir: Path

    @classmethod
    @asynccontextmanager
    async def open(
        cls, clock: Clock, trust_dir: Path, *, people_by_lists: bool = False, scheme: Scheme | None = None
    ) -> AsyncIterator["BelievedAuthority"]:
        """Make it new and serve it on the loopback address until the end; its keys end with it.

        `people_by_lists`: certificates of people name the list of revoked certificates alone, so that one question
        tells the status of them all; without it they name the OCSP responder too.
        `scheme`: of all keys; without it the default of the sandbox.
        Raises: LibcryptoMissing, GostEngineMissing, OSError (the folder).
        """
        served, now = ServedAuthority.at_free_port(clock), clock.now()
        root = Authority.root("Учебный корень", at=now - timedelta(days=9), scheme=scheme, years=30)
        root.ocsp_urls, root.crl_urls = served.addresses(0)
        issuing = root.subordinate("Учебный УЦ", at=now - timedelta(days=8), years=25)
        issuing.ocsp_urls, issuing.crl_urls = served.addresses(1)
        if people_by_lists:
            issuing.ocsp_urls = ()
        stamps = TimeStampAuthority.under(issuing, clock=clock)
        for name, one in (("roots/root.cer", root), ("certificates/issuing.cer", issuing)):
            (trust_dir / name).parent.mkdir(parents=True)
            (trust_dir / name).write_bytes(one.certificates[0])
        await served.start([root, issuing], stamps)
        try:
            yield cls(root=root, issuing=issuing, stamps=stamps, served=served, trust_dir=trust_dir)
        finally:
            await served.close()

    def settings(self) -> dict[str, Any]:
        """The settings by which an installation believes and asks it; no stamp of its own is demanded by them."""
        return {
            "trust_dir": self.trust_dir,
            "signature_policies": (POLICY_KC1,),
            "signature_hosts": (self.served.host,),
        }
