"""mkdocs hook: pages are written for the repository; the site copies figures in and names files outside docs/."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FIGURES = "reports/reference/figures"
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(\.\./[^)]*\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the committed figures to the site's files."""
    from mkdocs.structure.files import File

    for path in sorted((ROOT / FIGURES).glob("*.png")):
        files.append(File.generated(config, f"figures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Point figures at their copies; a link to a file that the site does not have keeps its words alone."""
    return _LINK.sub(r"`\1`", markdown.replace(f"../{FIGURES}/", "figures/"))
