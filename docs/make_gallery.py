"""Remake the gallery: every kind of page, pictured by a headless Chromium: python docs/make_gallery.py.

Nothing is downloaded: Playwright uses the Chromium of the system. Pages are made as a user makes them; the
report is that of a small run, so that the whole takes a few minutes.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from eubiosis.cli.main import cli, in_one_line
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.output import check_place, write_whole

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "img" / "gallery"
PAGE = ROOT / "docs" / "gallery.md"
WIDTH, HEIGHT = 1280, 900
STOOL = PACKAGED_CONTENT / "example" / "stool.tsv"
# name -> (what it shows, the page that says how, the command of the page, the file that it writes)
KINDS = {
    "report": (
        "The report of a virtual trial (a small run)",
        "how_to/virtual_trial.md",
        "run {trial} --out {out} -q",
        "report.html",
    ),
    "brief": (
        "A brief: what is known before anything is simulated",
        "how_to/brief.md",
        "brief {question} --out {out}",
        "brief.html",
    ),
    "profile": (
        "The profile of a stool table (made people)",
        "how_to/stool_table.md",
        "profile {stool} --worlds 0 --out {out}",
        "*.html",
    ),
    "pool": (
        "A pool of published trials",
        "how_to/evidence.md",
        "evidence pool --outcome hs-CRP --intervention probiotic --out {out}",
        "*.html",
    ),
    "audit": (
        "Claims in circulation held against the records",
        "how_to/evidence.md",
        "evidence audit --out {out}",
        "*.html",
    ),
    "model": (
        "The model: wiring, equations, numbers, sources",
        "how_to/exchange.md",
        "model wiring --out {out}/model.html",
        "model.html",
    ),
}
SMALL = "simulation: {gut_worlds: 2, host_worlds: 2, replicates: 4}\n"


def make_page(name: str, folder: Path) -> Path:
    """Make one page in a folder of its own and return it."""
    command, wanted = KINDS[name][2:]
    trial = folder / "trial.yaml"
    text = (PACKAGED_CONTENT / "starts" / "fatigue.yaml").read_text(encoding="utf-8")
    trial.write_text(text + "\n" + SMALL, encoding="utf-8")
    out = folder / name
    if "{out}/" in command:
        out.mkdir()
    words = command.format(
        out=out, trial=trial, question=PACKAGED_CONTENT / "briefs" / "fibre_add_on.yaml", stool=STOOL
    )
    cli(words.split(), standalone_mode=False)
    return next(out.glob(wanted))


def picture(page: Path, target: Path) -> None:
    """Picture the first screen of a page, at half its size, in few colours."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("there is no Chromium; next: apt-get install chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"] if root else [])
        shown = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        shown.goto(page.as_uri(), wait_until="load")
        taken = shown.screenshot()
        browser.close()
    packed = io.BytesIO()
    with Image.open(io.BytesIO(taken)) as full:
        small = full.convert("RGB").resize((WIDTH * 5 // 8, HEIGHT * 5 // 8), Image.Resampling.LANCZOS)
        small.quantize(64).save(packed, "PNG", optimize=True)
    write_whole(target, packed.getvalue())


def gallery_page() -> str:
    """Return docs/gallery.md."""
    lines = [
        "# Gallery",
        "",
        "One page of each kind, remade by `python3 run.py gallery`. Everything in them is simulated or",
        "summed up from published studies; nothing is evidence that a therapy works.",
        "",
    ]
    for name, (words, how, _, _) in KINDS.items():
        lines += [
            f"## {words}",
            "",
            f"[How to make it]({how})",
            "",
            f"![{words}](img/gallery/{name}.png)",
            "",
        ]
    return "\n".join(lines)


def main() -> int:
    """Make every page and its picture; return 0."""
    check_place(PICTURES, folder=True)
    with tempfile.TemporaryDirectory(prefix="eubiosis-gallery-") as aside:
        for name in KINDS:
            picture(make_page(name, Path(aside)), PICTURES / f"{name}.png")
            print(PICTURES / f"{name}.png")
    write_whole(PAGE, gallery_page())
    return 0


if __name__ == "__main__":
    sys.exit(in_one_line(main))
