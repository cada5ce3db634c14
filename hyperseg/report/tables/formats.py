"""A table as CSV (stored values, full precision), Markdown and LaTeX (booktabs)."""

import csv
import io

from hyperseg.report.tables.model import EMPTY, Table, Value, View, view, without_details


def to_csv(table: Table) -> str:
    """All columns, shown or not; units in the names, empty where there is no value, full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(column.key for column in table.columns), "records_sha256"])
    for row in table.rows:
        hashes = sorted({anchor.removeprefix("record-") for cell in row.values() for anchor in cell.records})
        values = [_plain(row.get(column.key, EMPTY).value) for column in table.columns]
        writer.writerow([*values, " ".join(hashes)])
    return out.getvalue()


def _plain(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, float) else str(value)


def to_markdown(table: Table, heading: str = "##") -> str:
    """A GitHub table with its caption above and its notes below; no heading where `heading` is empty."""
    seen = view(table)
    lines = [f"{heading} {table.title}", ""] if heading else []
    lines += [" ".join(filter(None, (table.caption, seen.same))), ""]
    if seen.rows:
        lines += _markdown_table(seen)
    for letter, note in seen.notes:
        lines += ["", f"({letter}) {note}."]
    return "\n".join(lines) + "\n"


def _markdown_table(seen: View) -> list[str]:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    head = line([column.title for column in seen.columns])
    rule = "|" + "|".join("---:" if column.numeric else "---" for column in seen.columns) + "|"
    body = [line([cell.text + _bracketed(cell.letters) for cell in row]) for row in seen.rows]
    return [head, rule, *body]


def _bracketed(letters: tuple[str, ...]) -> str:
    return f" ({', '.join(letters)})" if letters else ""


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "–": "--", "—": "---", "−": r"$-$", "×": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$", "≥": r"$\geq$",
    "≤": r"$\leq$", "µ": r"\textmu{}", "’": "'",
}  # fmt: skip


def latex_text(text: str) -> str:
    """Text with LaTeX's special characters made harmless; letters outside Latin-1 become '?'."""
    return "".join(_LATEX.get(c, c if c.isascii() or "\u00a1" <= c <= "\u00ff" else "?") for c in text)


def to_latex(table: Table) -> str:
    """A table float; needs the packages booktabs and graphicx, shrinks to the line's width where it is wider."""
    seen = view(without_details(table))
    caption = " ".join(filter(None, (f"{table.title}.", table.caption, seen.same)))
    spec = "".join("r" if column.numeric else "l" for column in seen.columns)
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        r"\begin{table}[t]",
        r"\centering\small",
        rf"\caption{{{latex_text(caption)}}}",
        rf"\label{{tab:{table.label}}}",
        r"\vspace{6pt}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{{spec}}}",
        r"\toprule",
        " & ".join(latex_text(column.title) for column in seen.columns) + r" \\",
        r"\midrule",
    ]
    for row in seen.rows:
        lines.append(" & ".join(latex_text(cell.text) + _raised(cell.letters) for cell in row) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}}"]
    if seen.notes:
        lines += ["", r"\vspace{3pt}\raggedright\footnotesize"]
    for letter, note in seen.notes:
        lines += [rf"$^{{{letter}}}$ {latex_text(note)}.\par"]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _raised(letters: tuple[str, ...]) -> str:
    return f"$^{{{','.join(letters)}}}$" if letters else ""
