"""Runs the demonstration in a folder of its own and leaves the evidence there."""

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from kapital.app import Kapital, open_kapital
from kapital.demo import INVESTORS, ISSUES_MAX
from kapital.demo.report import SIGNED_ACT, show, summary
from kapital.demo.signing import Signing
from kapital.demo.story import AT_ONCE, Story, play, start_of
from kapital.invariants import check_invariants
from kapital.kernel.calendar import moscow_day, russian_calendar
from kapital.kernel.problems import Family, InvariantBroken, Problem, Retry
from kapital.ledger.api import BasisKind
from kapital.platform.clock import SteppedClock
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.settings import Settings
from kapital.tokenization.domain.terms import IssuanceTerms, load_terms
from kapital.tokenization.domain.terms_text import BYTES_MAX
from kapital.tokenization.domain.validator import find_faults
from kapital.verify.package import decode
from kapital.verify.report import Report
from kapital.verify.signed_note import encode_base64, parse_checkpoint, split_note
from kapital.verify.verifier import verify

MARKER: Final = "kapital-demo"
# In order; the last one finds too few buyers and fails.
FILES: Final = (
    "amortising-receivable.yaml",
    "fixed-rate-window.yaml",
    "index-linked.yaml",
    "event-satellite.yaml",
    "discount-one-month.yaml",
    "debt-step-rate.yaml",
)


class DemoTermsUnplayable(Problem):
    """The demonstration cannot play these terms to their end; the detail names the file and what is wrong."""

    code = "demo_terms_unplayable"
    title = "The demonstration cannot play these terms"
    retry = Retry.AFTER_CHANGE
    family = Family.UNPROCESSABLE


class DemoFolderServed(Problem):
    """Another process uses the data of an earlier demonstration; emptied, it would work on files that are gone."""

    code = "demo_folder_served"
    title = "Another process uses this folder: stop it first"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


class DemoFolderInUse(Problem):
    """The folder holds something that the demonstration did not make."""

    code = "demo_folder_in_use"
    title = "This folder is not the demonstration's: choose an empty one"
    retry = Retry.AFTER_CHANGE
    family = Family.CONFLICT


def examples_folder() -> Path:
    """Return the folder of published terms, in an installed wheel or in a checkout."""
    packaged = Path(__file__).parents[1] / "_examples"
    return (packaged if packaged.is_dir() else Path(__file__).parents[3] / "examples") / "issues"


async def run_demo(
    folder: Path, *, investors: int = INVESTORS, console: Console, files: Sequence[Path] = ()
) -> tuple[dict[str, Any], bool]:
    """Play the story in `folder`, which is emptied first; return the summary and whether all is well.

    Everything that can be wrong with what is asked for is looked at before the folder is emptied.
    Raises: OSError (a file or the folder), DemoTermsUnplayable, DemoFolderInUse, DemoFolderServed.
    """
    began = time.monotonic()
    files = files or [examples_folder() / name for name in FILES]
    clock = SteppedClock(start_of(_playable(files)))
    _empty(folder)
    with _progress(console) as bar:
        task = bar.add_task("starting PostgreSQL", total=None)

        def progress(words: str) -> None:
            bar.update(task, description=words)
            bar.console.print(f"  [dim]{time.monotonic() - began:5.1f} s[/dim]  {words}")

        async with (
            Signing.open(clock, folder / "trust") as signing,
            open_kapital(_settings(folder, signing), clock) as kapital,
        ):
            story = await play(kapital, clock, files, investors=investors, signing=signing, progress=progress)
            progress("checkpoint, evidence, invariants")
            note = await kapital.ledger.checkpoint()
            evidence, proof = await _leave_evidence(kapital, story, note, folder)
            invariants = await check_invariants(kapital)
            told = await summary(kapital, story, invariants, note, evidence, time.monotonic() - began)
    show(console, told, invariants, proof, folder)
    well = all(told["invariants"].values()) and proof.accepted
    return told, well and told["money_in_kopecks"] == told["money_out_kopecks"]


def _settings(folder: Path, signing: Signing) -> Settings:
    # A connection for each of those who act at once: on a slow disk nobody waits in vain for another's.
    # Never the server or bank that the environment may name: a demonstration has no business in it.
    return Settings(
        data_dir=folder,
        database_url=None,
        bank="sandbox",
        operator_inn="",  # the played decisions name an operator of their own
        postgres_shared_buffers_mb=256,
        database_pool_size=AT_ONCE // 2,
        **signing.settings(),
    )


async def _leave_evidence(kapital: Kapital, story: Story, note: str, folder: Path) -> tuple[Path, Report]:
    """Write the statement, the log's keys, the last checkpoint and the proof between the two; verify them.

    Beside them the file of one signed act whose hash stands in an entry of the statement.
    """
    if story.holder is None:
        raise InvariantBroken("the story took no statement")
    if signed := _signed_act_of(story.statement):
        (folder / SIGNED_ACT).write_bytes(await kapital.objects.get(signed))
    evidence = folder / f"statement-{story.holder.wallet}.kapital.json"
    evidence.write_bytes(story.statement)
    (folder / "log.vkey").write_text("".join(f"{key}\n" for key in kapital.ledger.verifier_keys))
    (folder / "checkpoint.txt").write_text(note)
    sizes = [parse_checkpoint(split_note(one)[0]).size for one in (decode(story.statement).checkpoint, note)]
    between = await kapital.ledger.consistency_proof(*sizes)
    (folder / "consistency.txt").write_text("".join(f"{encode_base64(step)}\n" for step in between))
    proof = verify(
        evidence.read_bytes(),
        trusted_keys=kapital.ledger.verifier_keys,
        second_checkpoint=note,
        second_proof=between,
    )
    return evidence, proof


def _signed_act_of(statement: bytes) -> str | None:
    """The SHA-256 of the first signed order that the statement's entries name; None if acts were not signed."""
    for entry in decode(statement).entries:
        basis = json.loads(entry.body)["basis"]
        if basis["kind"] == BasisKind.ORDER and basis.get("document_sha256"):
            return str(basis["document_sha256"])
    return None


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _playable(files: Sequence[Path]) -> list[IssuanceTerms]:
    """Read the terms and look for what would stop the story in its middle. Raises: OSError, DemoTermsUnplayable."""
    if len(files) > ISSUES_MAX:
        raise DemoTermsUnplayable(f"at most {ISSUES_MAX} files of terms", {"got": len(files)})
    read: list[IssuanceTerms] = []
    for file in files:
        try:
            read.append(load_terms(_read_start(file)))
        except Problem as problem:
            told = "; ".join(f"{fault.pointer} {fault.message}" for fault in problem.errors) or problem.detail
            raise DemoTermsUnplayable(f"{file}: {told}", {"reason": problem.code}) from problem
    today = moscow_day(start_of(read))
    for file, terms in zip(files, read, strict=True):
        if faults := find_faults(terms, calendar=russian_calendar(), today=today):
            raise DemoTermsUnplayable(f"{file}: " + "; ".join(f"{f.pointer} {f.message_en}" for f in faults))
    for name, values in (("code", [t.code for t in read]), ("issuer", [t.issuer.inn for t in read])):
        for file, value in zip(files, values, strict=True):
            if values.count(value) > 1:
                raise DemoTermsUnplayable(f"{file}: another file has the same {name}")
    return read


def _read_start(file: Path) -> bytes:
    """The bytes of a file, of a large one no more than are needed to see that it is too large. Raises: OSError."""
    with file.open("rb") as opened:
        return opened.read(BYTES_MAX + 1)


def _empty(folder: Path) -> None:
    """Make the folder, or make it empty. Raises: OSError, DemoFolderInUse, DemoFolderServed."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise DemoFolderInUse(facts={"folder": str(folder)})
    if (folder / "postgres").exists():
        # A server that an interrupted run left behind still holds the files.
        server = EmbeddedPostgres(folder)
        server.start()
        server.stop()
        if server.postmaster_pid() is not None:
            raise DemoFolderServed(facts={"folder": str(folder)})
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("Made by kapital demo; emptied at each run.\n")
