"""Revocation data and time-stamps, had when they are needed: from services of authorities, or out of what is kept.

Kept is only what answers the question – rightly signed and fresh –, until its own next update and no longer than the
settings allow; so a service that lies or is attacked blinds nobody for longer than it answers.

Law: RFC 6960 (OCSP over HTTP, appendix A), RFC 5280 4.2.1.13, RFC 3161 3.4.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha1
from itertools import pairwise
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from kapital.platform.logging import get_logger
from kapital.platform.signatures.certificates import Certificate
from kapital.platform.signatures.check import readable
from kapital.platform.signatures.cms import SIGNATURE_TIME_STAMP, Refused, find_signer, read_container
from kapital.platform.signatures.fetching import Fetcher, SignatureSourceUnavailable
from kapital.platform.signatures.outcome import Code
from kapital.platform.signatures.policy import Material, VerificationPolicy
from kapital.platform.signatures.revocation import (
    CRL_BYTES_MAX,
    OCSP_BYTES_MAX,
    RevocationData,
    RevocationRules,
)
from kapital.platform.signatures.timestamps import (
    TOKEN_BYTES_MAX,
    StampRequest,
    read_stamp,
    token_of,
)
from kapital.platform.signatures.trust import Chain, TrustedRoots, chain_to

_ANSWERS_KEPT: Final = 65_536
_LISTS_KEPT: Final = 64
_log = get_logger("signatures")

Link = tuple[Certificate, Certificate]
"""A certificate and its issuer."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a container shows before anything is judged: its signer, whether it is stamped, the links to ask about."""

    signer: Certificate
    value: bytes
    stamped: bool
    links: tuple[Link, ...]


def open_signature(signature: bytes, policy: VerificationPolicy, material: Material) -> Opened | None:
    """Read a container, the stamp in it, and their chains; None if it cannot be read. Blocking: call it in a thread.

    Raises: GostEngineMissing, LibcryptoMissing.
    """
    try:
        container = read_container(signature)
        signer = find_signer(container, material.certificates)
    except Refused:
        return None
    between = frozenset(container.certificates) | readable(material.certificates)
    links = path_links(policy.roots, between, signer)
    token = container.unsigned.get(SIGNATURE_TIME_STAMP)
    if token:
        try:
            stamp = read_stamp(token, container.signature, certificates=material.certificates)
        except Refused:
            return Opened(signer, container.signature, stamped=True, links=links)
        of_stamp = frozenset(stamp.container.certificates) | readable(material.certificates)
        links += path_links(policy.time_stamp_roots or policy.roots, of_stamp, stamp.authority)
    return Opened(signer, container.signature, stamped=bool(token), links=tuple(dict.fromkeys(links)))


def path_links(roots: TrustedRoots, between: frozenset[bytes], leaf: Certificate) -> tuple[Link, ...]:
    """The links of a certificate's chain to a root; none where there is no chain."""
    found = chain_to(roots, between - {leaf.encoded}, leaf.encoded)
    return tuple(pairwise(found.certificates)) if isinstance(found, Chain) else ()


class RevocationSource(Protocol):
    """Where revocation data come from."""

    async def data_for(self, links: Sequence[Link], *, now: datetime) -> RevocationData:
        """What is to be had about these links. What is not to be had is missing in it: the check then says so."""
        ...

    def known(self, links: Sequence[Link], *, now: datetime) -> RevocationData | None:
        """The same where nobody has to be asked for it, else None. Fit for any thread."""
        ...


class TimeStampSource(Protocol):
    """A time-stamping authority."""

    async def stamp(self, request: StampRequest) -> bytes:
        """A token for the request. Raises: TimeStampUnavailable, SignatureSourceUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    source: bytes
    is_list: bool
    until: datetime


@dataclass(slots=True)
class OnlineRevocation:
    """Asks OCSP first, lists (CRL) where it gives no usable answer. One question about one link at a time."""

    fetcher: Fetcher
    keep_for: timedelta
    rules: RevocationRules
    _kept: OrderedDict[tuple[bytes, int], _Kept] = field(default_factory=OrderedDict)
    _lists: OrderedDict[str, tuple[bytes, datetime]] = field(default_factory=OrderedDict)
    _asked: dict[tuple[bytes, int], "asyncio.Task[_Kept | None]"] = field(default_factory=dict)
    _fetched: dict[str, "asyncio.Task[tuple[bytes, datetime]]"] = field(default_factory=dict)

    async def data_for(self, links: Sequence[Link], *, now: datetime) -> RevocationData:
        """See the port. What no service tells is logged by the certificate's issuer alone."""
        # Nearly always everything is known: then nobody else has to run in between.
        if (known := self.known(links, now=now)) is not None:
            return known
        return _data_of([one for one in await asyncio.gather(*(self._about(link, now) for link in links)) if one])

    def known(self, links: Sequence[Link], *, now: datetime) -> RevocationData | None:
        """See the port."""
        found = [self._known(link, now) for link in links]
        return None if None in found else _data_of([one for one in found if one])

    def _known(self, link: Link, now: datetime) -> _Kept | None:
        kept = self._kept.get((link[1].encoded, link[0].serial))
        return kept if kept is not None and kept.until > now else None

    async def _about(self, link: Link, now: datetime) -> _Kept | None:
        if (kept := self._known(link, now)) is not None:
            return kept
        key = (link[1].encoded, link[0].serial)
        if key not in self._asked:
            task = asyncio.create_task(self._ask(link, now))
            task.add_done_callback(lambda _: self._asked.pop(key, None))
            self._asked[key] = task
        # One caller that gives up takes the answer from nobody else.
        answer = await asyncio.shield(self._asked[key])
        if answer is not None:
            self._kept[key] = answer
            if len(self._kept) > _ANSWERS_KEPT:
                self._kept.popitem(last=False)
        return answer

    async def _ask(self, link: Link, now: datetime) -> _Kept | None:
        subject, _ = link
        for url in filter(self.fetcher.may_ask, subject.ocsp_urls):
            try:
                source = await self.fetcher.post(
                    url, _question(link), content_type="application/ocsp-request", size_max=OCSP_BYTES_MAX
                )
            except SignatureSourceUnavailable as problem:
                self._note(problem)
                continue
            if self._answers(RevocationData(ocsp=(source,)), link, now):
                return _Kept(source, False, min(now + self.keep_for, _answer_ends(source) or now))
        for url in filter(self.fetcher.may_ask, sorted(subject.distribution_points)):
            try:
                source, until = await self._list(url, now)
            except SignatureSourceUnavailable as problem:
                self._note(problem)
                continue
            if await asyncio.to_thread(self._answers, RevocationData(crls=(source,)), link, now):
                return _Kept(source, True, until)
            self._lists.pop(url, None)
        return None

    async def _list(self, url: str, now: datetime) -> tuple[bytes, datetime]:
        kept = self._lists.get(url)
        if kept is not None and kept[1] > now:
            return kept
        if url not in self._fetched:
            task = asyncio.create_task(self._fetch(url, now))
            task.add_done_callback(lambda _: self._fetched.pop(url, None))
            self._fetched[url] = task
        # A list may be large, and who asks of many certificates at once is told of all by one.
        return await asyncio.shield(self._fetched[url])

    async def _fetch(self, url: str, now: datetime) -> tuple[bytes, datetime]:
        source = await self.fetcher.get(url, size_max=CRL_BYTES_MAX)
        until = min(now + self.keep_for, _list_ends(source) or now)
        self._lists[url] = (source, until)
        if len(self._lists) > _LISTS_KEPT:
            self._lists.popitem(last=False)
        return source, until

    def _answers(self, data: RevocationData, link: Link, now: datetime) -> bool:
        """Whether it tells the status now: good, or revoked."""
        reasons = data.status(*link, at=now, now=now, rules=self.rules).reasons
        return {reason.code for reason in reasons} <= {Code.CERTIFICATE_REVOKED}

    def _note(self, problem: SignatureSourceUnavailable) -> None:
        _log.warning("signatures.source_unavailable", host=problem.facts["host"], code=problem.facts["reason"])


@dataclass(frozen=True, slots=True)
class NoRevocationSource:
    """Where no service may be asked: nothing is known, so nothing that needs it is VALID."""

    async def data_for(self, links: Sequence[Link], *, now: datetime) -> RevocationData:  # noqa: ARG002
        """Nothing."""
        return RevocationData()

    def known(self, links: Sequence[Link], *, now: datetime) -> RevocationData | None:  # noqa: ARG002
        """Nothing."""
        return RevocationData()


@dataclass(slots=True)
class OnlineTimeStamps:
    """One time-stamping authority at an address of the settings."""

    fetcher: Fetcher
    url: str

    async def stamp(self, request: StampRequest) -> bytes:
        """See the port."""
        answer = await self.fetcher.post(
            self.url, request.encoded, content_type="application/timestamp-query", size_max=TOKEN_BYTES_MAX
        )
        return token_of(answer, request)


def _data_of(found: Sequence[_Kept]) -> RevocationData:
    return RevocationData(
        crls=tuple(dict.fromkeys(one.source for one in found if one.is_list)),
        ocsp=tuple(dict.fromkeys(one.source for one in found if not one.is_list)),
    )


def _question(link: Link) -> bytes:
    """OCSPRequest about one link, over SHA-1 as every responder takes it (RFC 6960 4.3); it secures nothing."""
    subject, issuer = link
    name, key = (sha1(part, usedforsecurity=False).digest() for part in (issuer.subject, issuer.key_bits))
    built = ocsp.OCSPRequestBuilder().add_certificate_by_hash(name, key, subject.serial, SHA1())  # noqa: S303
    return built.build().public_bytes(Encoding.DER)


def _answer_ends(source: bytes) -> datetime | None:
    read = ocsp.load_der_ocsp_response(source)
    ends: Iterable[datetime | None] = [one.next_update_utc for one in read.responses]
    return min((end for end in ends if end is not None), default=None)


def _list_ends(source: bytes) -> datetime | None:
    try:
        return x509.load_der_x509_crl(source).next_update_utc
    except ValueError:
        return None
