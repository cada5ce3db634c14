"""The repository's own report: page, committed files and tables in texts, from the committed records.

The page and all of its files are built, never committed. Committed are, below ``reports/reference``, each table as CSV
and Markdown and each figure that a text shows as PNG, and the tables inside :data:`TEXTS`; `check` compares them
with what the records give.
"""

from dataclasses import dataclass
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.files import write_bytes_atomic, write_text_atomic
from hyperseg.report.blocks import fill, fill_file, read_text
from hyperseg.report.build import Sources, report_files
from hyperseg.report.collection import Collection
from hyperseg.report.facts import PAPER, PEERS
from hyperseg.report.output import CONTENTS, contents, replace_folder

RECORDS = "results/reference"
SITE = "reports/site"
INDEX = "reports/index.html"
COMMITTED = "reports/reference"
TEXTS = ("README.md", "docs/results.md", "docs/audit.md", "docs/records.md")
TITLE = "HyperSeg: what this repository reproduces"
_SUFFIXES = (".csv", ".md", ".png")


@dataclass(frozen=True)
class Made:
    """The committed records, and every file of their report."""

    collection: Collection
    files: dict[str, bytes]


def make(root: Path) -> Made:
    """Read the repository's records and facts, and make every file in memory. Raises :class:`UserError`."""
    if not (root / RECORDS).is_dir():
        raise UserError(f"there is no {RECORDS} in {root.resolve()}; run this command in the repository's root folder")
    sources = Sources(TITLE, root / PAPER, sorted((root / PEERS).glob("*.csv")))
    return Made(*report_files([root / RECORDS], sources))


def write_files(root: Path, made: Made) -> None:
    """Put the page, the committed files and the tables in the texts in place. Raises :class:`UserError`."""
    replace_folder(root / SITE, made.files | {CONTENTS: contents(made.collection, made.files)})
    write_text_atomic(root / INDEX, _moved(made.files["index.html"].decode()))
    committed = _committed(made.files, root)
    for name, data in committed.items():
        write_bytes_atomic(root / COMMITTED / name, data)
    for name in set(_present(root)) - set(committed):
        (root / COMMITTED / name).unlink()
    for text in TEXTS:
        fill_file(root / text, root)


def check(root: Path, made: Made) -> None:
    """Raise :class:`UserError` unless every committed file and every text is what the records give; writes nothing."""
    committed = _committed(made.files, root)
    present = _present(root)
    stale = [name for name in sorted({*committed, *present}) if committed.get(name) != present.get(name)]
    wrong = [f"{COMMITTED}/{name}" for name in stale]
    texts = {name: read_text(root / name) for name in TEXTS}
    wrong += [name for name, text in texts.items() if fill(text, root) != text]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise UserError(f"out of date with {RECORDS}: {', '.join(wrong[:3])}{more}; run `make reference` and commit")


def _committed(files: dict[str, bytes], root: Path) -> dict[str, bytes]:
    shown = "\n".join(read_text(root / name) for name in TEXTS)
    tables = {name: data for name, data in files.items() if name.endswith((".csv", ".md"))}
    figures = {name: data for name, data in files.items() if name.endswith(".png") and f"{COMMITTED}/{name}" in shown}
    return tables | figures


def _present(root: Path) -> dict[str, bytes]:
    folder = root / COMMITTED
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _moved(page: str) -> str:
    """The page for the folder above: the files it links to are below :data:`SITE`."""
    below = Path(SITE).name
    for folder in ("tables", "figures", "pictures", "report.json", "metrics.json"):
        page = page.replace(f'href="{folder}', f'href="{below}/{folder}')
    return page.replace('<body data-base="">', f'<body data-base="{below}/">')
