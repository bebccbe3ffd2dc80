"""What a rule about terms says, and the bases that rules share."""

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """One rule. `confidence`: F read in a source, M from memory, M? doubtful memory, P practice or design."""

    ru: str
    en: str
    basis: str
    confidence: str


ART_3: Final = "259-ФЗ ст. 3 ч. 1 п. "
DEBT: Final = "466-ФЗ от 15.12.2025 (изменения в 259-ФЗ ст. 1 ч. 2.1, 2.2 и ст. 3)"
ITSELF: Final = "условия противоречат сами себе"
POLICY: Final = "объём поддержки информационной системы"
