"""Scores by nomenklatura's logic-v2, corrected by the rules for Russian names, with reasons that a person can read.

The library is loaded at the first comparison: it takes seconds, and most commands never screen anybody.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kapital.identity.domain.name_agreement import Agreement, Verdict
from kapital.identity.domain.name_spelling import common_spelling, repaired
from kapital.identity.domain.problems import ScreeningEngineMissing
from kapital.identity.domain.screening import (
    Grade,
    IdentifierKind,
    Match,
    Particulars,
    SubjectKind,
    agreement_of,
    exact_reason,
    may_be_the_same,
)
from kapital.kernel.names import is_cyrillic

PPM: Final = 1_000_000
AGREES_PPM: Final = 920_000
"""Score of names of which the rules say that nothing contradicts: above the threshold, below certainty."""
_NOTHING: Final = Match(grade=Grade.NONE, score_ppm=0, reasons=())
_SCHEMA: Final = {
    SubjectKind.PERSON: "Person",
    SubjectKind.ORGANISATION: "Organization",
    SubjectKind.UNKNOWN: "LegalEntity",
}
_PROPERTY: Final = {
    (True, IdentifierKind.PASSPORT): "passportNumber",
    (True, IdentifierKind.OTHER): "idNumber",
    (False, IdentifierKind.OTHER): "registrationNumber",
    (False, IdentifierKind.OGRN): "ogrnCode",
    (True, IdentifierKind.INN): "innCode",
    (False, IdentifierKind.INN): "innCode",
}


@dataclass(slots=True)
class LogicV2Matcher:
    """NameMatcher on nomenklatura. Safe to share between threads; keeps the entities it has made."""

    _loaded: Any = None
    _entities: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def compare(self, client: Particulars, listed: Particulars, *, threshold_ppm: int) -> Match:
        """Compare a client with an entry. Raises: ScreeningEngineMissing."""
        if not may_be_the_same(client.kind, listed.kind):
            return _NOTHING
        verdicts = [
            (name, other, agreement_of(client, listed, name, other))
            for name in client.names
            for other in listed.names
        ]
        best = max(verdicts, key=lambda item: _RANK[item[2].verdict], default=("", "", _SAYS_NOTHING))
        if (exact := exact_reason(client, listed, best[2].verdict)) is not None:
            return Match(grade=Grade.EXACT, score_ppm=PPM, reasons=(exact, *_said(best)))
        if best[2].verdict is Verdict.CONTRADICTS:
            return Match(grade=Grade.NONE, score_ppm=0, reasons=_said(best))
        possible = [item for item in verdicts if item[2].verdict is not Verdict.CONTRADICTS]
        if not possible:
            return _NOTHING
        names = list(dict.fromkeys(name for name, _, _ in possible))
        others = list(dict.fromkeys(other for _, other, _ in possible))
        floor = _FLOOR[best[2].verdict]
        score, explained = self._score(client, names, listed, others, floor)
        grade = Grade.FUZZY if score >= threshold_ppm else Grade.NONE
        return Match(grade=grade, score_ppm=score, reasons=(*_said(best), *explained))

    def _score(
        self, client: Particulars, names: Sequence[str], listed: Particulars, others: Sequence[str], floor_ppm: int
    ) -> tuple[int, tuple[str, ...]]:
        logic, config, _ = self._engine()
        mixed = len({is_cyrillic(repaired(name)) for name in (*names, *others)}) > 1
        result = logic.compare(
            self._entity(client, names, mixed=mixed), self._entity(listed, others, mixed=mixed), config
        )
        explained = result.explanations
        scores = {name: feature.score for name, feature in explained.items()}
        scores["name_match"] = max(scores.get("name_match", 0.0), floor_ppm / PPM)
        score = logic.compute_score(scores, {feature.name: feature.weight for feature in logic.features})
        told = tuple(
            f"{name} {round(feature.score * 100)} %: {_readable(feature)}"
            for name, feature in explained.items()
            if feature.score > 0
        )
        return max(0, min(PPM, round(score * PPM))), told

    def _engine(self) -> Any:
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = load_engine()
        return self._loaded

    def _entity(self, of: Particulars, names: Sequence[str], *, mixed: bool) -> Any:
        # The id must name the content: logic-v2 keeps names by it, and a reused id gives the first one's score again.
        key = "\n".join((of.sha256, str(mixed), *names))
        if (made := self._entities.get(key)) is None:
            if len(self._entities) > _ENTITIES_KEPT:
                self._entities = {}
            made = self._entities[key] = self._made(key, of, names, mixed=mixed)
        return made

    def _made(self, key: str, of: Particulars, names: Sequence[str], *, mixed: bool) -> Any:
        entity = self._engine()[2].make_entity(_SCHEMA[of.kind])
        entity.id = key
        for name in names:
            entity.add("name", repaired(name))
            if mixed:
                entity.add("name", common_spelling(name))
        person = of.kind is SubjectKind.PERSON
        if person:
            for day in of.birth_dates:
                entity.add("birthDate", day)
        for country in of.countries:
            entity.add("country", country)
        for identifier in of.identifiers:
            if (numbered := _PROPERTY.get((person, identifier.kind))) is not None:
                entity.add(numbered, identifier.value)
        return entity


_ENTITIES_KEPT: Final = 50_000
_SAYS_NOTHING: Final = Agreement(Verdict.SILENT, "")
_RANK: Final = {Verdict.IDENTICAL: 3, Verdict.AGREES: 2, Verdict.SILENT: 1, Verdict.CONTRADICTS: 0}
_FLOOR: Final = {Verdict.IDENTICAL: PPM, Verdict.AGREES: AGREES_PPM, Verdict.SILENT: 0, Verdict.CONTRADICTS: 0}


def load_engine() -> tuple[Any, Any, Any]:
    """The algorithm, its settings, and the model that makes entities. Raises: ScreeningEngineMissing."""
    try:
        from followthemoney import model
        from nomenklatura.matching.logic_v2.model import LogicV2
    except ImportError as error:
        raise ScreeningEngineMissing(f"{error.name} is not installed") from error
    config = LogicV2.default_config()
    # The first comparison of two names reads the dictionaries of names, which takes seconds too.
    one, other = model.make_entity("Person"), model.make_entity("Person")
    one.id, other.id = "first", "second"
    one.add("name", "Ivan Petrov")
    other.add("name", "Petr Ivanov")
    LogicV2.compare(one, other, config)
    return LogicV2, config, model


def _said(item: tuple[str, str, Agreement]) -> tuple[str, ...]:
    name, other, agreement = item
    if agreement.verdict is Verdict.SILENT:
        return ()
    return (f"names {agreement.verdict.value}: {name} / {other} ({agreement.reason})",)


def _readable(feature: Any) -> str:
    pair = f"{feature.query} / {feature.candidate}" if feature.query and feature.candidate else ""
    return ", ".join(part for part in (pair, feature.detail or "") if part)
