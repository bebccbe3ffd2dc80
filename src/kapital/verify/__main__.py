"""Command line of the offline verifier: `python -m kapital.verify PACKAGE`.

Exit status: 0 accepted, 1 refused, 2 there is nothing to read (the file is no package, or the call itself is wrong).
"""

import argparse
import io
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .holder_list import START as HOLDER_LIST_START
from .holder_list import HolderListRefused, check_holder_list
from .package import PACKAGE_BYTES_MAX
from .register_extract import START, ExtractRefused, check_extract
from .report import EXIT_ACCEPTED, EXIT_REFUSED, EXIT_UNREADABLE
from .signed_note import NOTE_BYTES_MAX, NoteInvalid, decode_base64, parse_checkpoint, split_note
from .texts import LANGUAGES, extract_lines, holder_list_lines
from .verifier import verify

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

START_BYTES = max(len(START), len(HOLDER_LIST_START))


def main(arguments: list[str] | None = None, *, program: str = "python -m kapital.verify") -> int:
    """Check one package, print the report, return the exit status. `program` is what the caller typed."""
    options = _parser(program).parse_args(arguments)
    try:
        keys = [*options.key, *(_read_text(options.key_file).split() if options.key_file else ())]
        named = bool(options.key or options.key_file)
        start = _read(options.package, START_BYTES)
        if start.startswith(START):
            return _lines(options, keys if named else None, check_extract, extract_lines)
        if start.startswith(HOLDER_LIST_START):
            return _lines(options, keys if named else None, check_holder_list, holder_list_lines)
        proof = _read_text(options.consistency_proof).split() if options.consistency_proof else None
        report = verify(
            _read(options.package, PACKAGE_BYTES_MAX),
            trusted_keys=keys if named else None,
            second_checkpoint=_read_checkpoint(options.checkpoint) if options.checkpoint else None,
            second_proof=None if proof is None else [decode_base64(s, "proof_malformed") for s in proof],
            at_size=options.at_size,
        )
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_UNREADABLE
    except UnicodeDecodeError as error:
        print(f"a key, checkpoint or proof file is not UTF-8 text: {error.reason}", file=sys.stderr)
        return EXIT_UNREADABLE
    except NoteInvalid as error:
        print(f"{error.code}: {error.reason}", file=sys.stderr)
        return EXIT_UNREADABLE
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # A console of another code page could not show Russian.
    sys.stdout.write(report.to_json(options.language) + "\n" if options.json else report.to_text(options.language))
    return report.exit_code


def _lines(
    options: argparse.Namespace,
    keys: list[str] | None,
    check: Callable[..., "DataclassInstance"],
    said: Callable[[dict[str, object], str], list[str]],
) -> int:
    """Check a file of signed lines, print what it says, return the exit status."""
    try:
        with options.package.open("rb") as file:
            report = check(file, trusted_keys=keys)
    except (ExtractRefused, HolderListRefused) as error:
        told: dict[str, object] = {"accepted": False, "code": error.code, "reason": error.reason}
    else:
        told = {"accepted": True, **asdict(report)}
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        print("\n".join(said(told, options.language)))
    return EXIT_ACCEPTED if told["accepted"] else EXIT_REFUSED


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Check an evidence package, a signed extract of the register or a list of holders offline. "
        "Проверка пакета доказательства, подписанной выписки из реестра или списка обладателей без сети.",
    )
    parser.add_argument("package", type=Path, help="the package file / файл пакета")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="VKEY",
        help="a key of the operator that you trust, got by another way / доверенный ключ оператора",
    )
    parser.add_argument("--key-file", type=Path, help="file with such keys / файл с ключами")
    parser.add_argument("--checkpoint", type=Path, help="a second checkpoint of the log / вторая контрольная точка")
    parser.add_argument(
        "--consistency-proof",
        type=Path,
        help="proof between the two, one base64 hash a line / доказательство согласованности",
    )
    parser.add_argument(
        "--at-size",
        type=int,
        metavar="N",
        help="of a statement: the balances after the first N entries / остатки после первых N записей",
    )
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="language / язык")
    parser.add_argument("--json", action="store_true", help="print JSON / вывод в JSON")
    return parser


def _read(path: Path, most: int) -> bytes:
    # One byte above the limit is enough to be refused, and no more of a huge file is read.
    with path.open("rb") as file:
        return file.read(most + 1)


def _read_text(path: Path) -> str:
    return _read(path, NOTE_BYTES_MAX).decode()


def _read_checkpoint(path: Path) -> str:
    """The text of a checkpoint. A file that is none says nothing of the package. Raises: OSError, NoteInvalid."""
    text = _read_text(path)
    try:
        parse_checkpoint(split_note(text)[0])
    except NoteInvalid as error:
        raise NoteInvalid(error.code, f"{path} is no checkpoint: {error.reason}") from error
    return text


if __name__ == "__main__":
    sys.exit(main())
