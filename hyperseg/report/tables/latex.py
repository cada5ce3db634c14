r"""A table as LaTeX: booktabs and siunitx, type never below 8 pt (``\footnotesize`` at 10 pt) in a two-column page.

A table that fits a column of 84 mm is a ``table``; one that fits the page of 177 mm a ``table*``; from a wider one the
last columns are left out, details of the network and the run first, and the caption says so. Nothing is scaled.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from hyperseg.report.tables.model import NONE, Column, Table, View, ViewCell, view

_COLUMN_MM, _PAGE_MM = 84.0, 177.0
_CHARACTER_MM = 1.48  # of 8 pt Computer Modern, figures and lower case mixed
_GAP_MM = 2.1  # between two columns: \tabcolsep of 3 pt on both sides
_ROWS = 45  # of a float; longer tables end there, and the caption says so
_NUMBER = re.compile(r"[−+-]?\d+(?:\.\d+)?")
_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "[": "{[}", "]": "{]}", "*": "{*}",  # after the end of a line, \\ would take them as its own arguments
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "–": "--", "—": "---", "−": r"$-$", "×": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$", "≥": r"$\geq$",
    "≤": r"$\leq$", "µ": r"\textmu{}", "’": "'", "→": r"$\to$", "●": r"$\bullet$", "○": r"$\circ$",
    "◐": r"$\odot$", "▲": r"$\blacktriangle$", "△": r"$\triangle$", "✕": r"$\times$",
}  # fmt: skip


def latex_text(text: str) -> str:
    """Text with LaTeX's special characters made harmless; letters outside Latin-1 become '?'."""
    return "".join(_ESCAPES.get(c, c if c.isascii() or "\u00a1" <= c <= "\u00ff" else "?") for c in text)


def to_latex(table: Table) -> str:
    """A table float; needs the packages booktabs, siunitx and amssymb."""
    table, dropped = _fitting(table)
    seen = view(table)
    shown = seen.rows[:_ROWS]
    more = f" {len(seen.rows) - _ROWS} more rows are in the CSV." if len(seen.rows) > _ROWS else ""
    left = f" In the CSV only: {', '.join(dropped)}." if dropped else ""
    caption = latex_text(" ".join(filter(None, (f"{table.title}.", table.caption, seen.same))) + left + more)
    places = [_decimals(index, shown) if column.numeric else None for index, column in enumerate(seen.columns)]
    spec = "".join(_column(place, column) for place, column in zip(places, seen.columns, strict=True))
    float_name = "table" if _width(seen) <= _COLUMN_MM else "table*"
    lines = [
        r"% \usepackage{booktabs,siunitx,amssymb}",
        rf"\begin{{{float_name}}}[t]",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{caption}}}",
        rf"\label{{tab:{table.label}}}",
        rf"\begin{{tabular}}{{@{{}}{spec}@{{}}}}",
        r"\toprule",
        " & ".join(_head(column) for column in seen.columns) + r" \\",
        r"\midrule",
    ]
    for number, row in enumerate(shown):
        if number in table.rules and number:
            lines.append(r"\midrule")
        lines.append(" & ".join(map(_cell, row, places)) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    notes = [rf"$^{{{letter}}}$ {latex_text(note)}." for letter, note in seen.notes]
    notes += [latex_text(f"{remark}.") for remark in table.remarks]
    if notes:
        lines += [
            "",
            r"\vspace{3pt}\parbox{\linewidth}{\footnotesize\raggedright",
            *(rf"{note}\par" for note in notes),
            "}",
        ]
    return "\n".join([*lines, rf"\end{{{float_name}}}"]) + "\n"


def _fitting(table: Table) -> tuple[Table, list[str]]:
    """The table with as many columns as a page holds, and the titles of those left out."""
    columns = list(table.columns)
    dropped: list[str] = []
    while True:
        fitting = replace(table, columns=tuple(columns))
        seen = view(fitting)
        if _width(seen) <= _PAGE_MM or len(seen.columns) <= 2:
            return fitting, dropped
        last = next((column for column in reversed(seen.columns) if column.detail), seen.columns[-1])
        columns.remove(last)
        dropped.insert(0, last.title)


def _width(seen: View) -> float:
    """An estimate in mm: the widest cell of each column, headings broken into lines of words."""
    total = 0.0
    for index, column in enumerate(seen.columns):
        cells = [len(row[index].text) + len(row[index].letters) for row in seen.rows[:_ROWS]]
        words = [len(line) for line in _broken(column.title)]
        total += _CHARACTER_MM * max(*words, *cells, 1) + _GAP_MM
    return total


def _broken(title: str) -> list[str]:
    """A heading on up to three lines, broken at spaces."""
    lines: list[str] = []
    for word in title.split():
        if lines and len(lines[-1]) + len(word) < 11:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or [""]


def _head(column: Column) -> str:
    lines = [latex_text(line) for line in _broken(column.title)]
    if not column.numeric:
        return r"\shortstack[l]{" + r"\\".join(lines) + "}"
    return r"{\shortstack[r]{" + r"\\".join(lines) + "}}"


def _decimals(index: int, rows: Sequence[Sequence[ViewCell]]) -> tuple[int, int] | None:
    """Digits before and after the point, where the column is numbers alone; None: it is set as text."""
    texts = [row[index].text for row in rows if row[index].text != NONE]
    if not texts or not all(_NUMBER.fullmatch(text) for text in texts):
        return None
    parts = [text.lstrip("−+-").partition(".") for text in texts]
    signed = any(text[0] in "−+-" for text in texts)
    return max(len(whole) for whole, _, _ in parts) + signed, max(len(rest) for _, _, rest in parts)


def _column(places: tuple[int, int] | None, column: Column) -> str:
    if places:
        return f"S[table-format={places[0]}.{places[1]}]" if places[1] else f"S[table-format={places[0]}]"
    return "r" if column.numeric else "l"


def _cell(cell: ViewCell, places: tuple[int, int] | None) -> str:
    raised = f"$^{{{','.join(cell.letters)}}}$" if cell.letters else ""
    if places and cell.text != NONE:
        return cell.text.replace("−", "-") + (f"{{{raised}}}" if raised else "")
    text = latex_text(cell.text) + raised
    return f"{{{text}}}" if places else text
