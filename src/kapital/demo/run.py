"""Runs the demonstration in a folder of its own and leaves the evidence there."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from kapital.app import Kapital, open_kapital
from kapital.demo import INVESTORS
from kapital.demo.report import show, summary
from kapital.demo.story import AT_ONCE, Story, play, start_of
from kapital.invariants import check_invariants
from kapital.kernel.problems import Family, InvariantBroken, Problem, Retry
from kapital.platform.clock import SteppedClock
from kapital.platform.postgres import EmbeddedPostgres
from kapital.platform.settings import Settings
from kapital.tokenization.domain.terms import load_terms
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

    Raises: DemoFolderInUse.
    """
    began = time.monotonic()
    files = files or [examples_folder() / name for name in FILES]
    _empty(folder)
    clock = SteppedClock(start_of([load_terms(file.read_bytes()) for file in files]))
    # A connection for each of those who act at once: on a slow disk nobody waits in vain for another's.
    settings = Settings(data_dir=folder, postgres_shared_buffers_mb=256, database_pool_size=AT_ONCE // 2)
    with _progress(console) as bar:
        task = bar.add_task("starting PostgreSQL", total=None)

        def progress(words: str) -> None:
            bar.update(task, description=words)
            bar.console.print(f"  [dim]{time.monotonic() - began:5.1f} s[/dim]  {words}")

        async with open_kapital(settings, clock) as kapital:
            story = await play(kapital, clock, files, investors=investors, progress=progress)
            progress("checkpoint, evidence, invariants")
            note = await kapital.ledger.checkpoint()
            evidence, proof = await _leave_evidence(kapital, story, note, folder)
            invariants = await check_invariants(kapital)
            told = await summary(kapital, story, invariants, note, evidence, time.monotonic() - began)
    show(console, told, invariants, proof, folder)
    well = all(told["invariants"].values()) and proof.accepted
    return told, well and told["money_in_kopecks"] == told["money_out_kopecks"]


async def _leave_evidence(kapital: Kapital, story: Story, note: str, folder: Path) -> tuple[Path, Report]:
    """Write the statement, the log's keys, the last checkpoint and the proof between the two; verify them."""
    if story.holder is None:
        raise InvariantBroken("the story took no statement")
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


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise DemoFolderInUse(facts={"folder": str(folder)})
    if (folder / "postgres").exists():
        # A server that an interrupted run left behind still holds the files.
        server = EmbeddedPostgres(folder)
        server.start()
        server.stop()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("Made by kapital demo; emptied at each run.\n")
