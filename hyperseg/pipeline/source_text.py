"""What the text of one module says: a digest of its code, the modules that it needs, the data files that it opens.

What counts as needed:

- an ``import`` anywhere in it, but under ``if TYPE_CHECKING:``; of a package that is only passed through on the way to
  one of its modules, the imports that run at once;
- a string that is a module's name (``python -m hyperseg.latency.worker``), and every module of a package whose names
  are computed: ``import_module(f"{__name__}.{name}")``, or a call that gets the package's ``__name__``;
- a string that names a data file, a folder of data files or a pattern of them beside the module (``"protocols"``).
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hyperseg.errors import UserError

_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_DATA_NAME = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9_.*/-]*")
Needs = tuple[tuple[str, str], ...]  # modules that one statement names together, and which part of each


@dataclass(frozen=True)
class Module:
    digest: str
    needs: tuple[Needs, ...]
    data: tuple[tuple[Path, ...], ...]  # files that one string names


@cache
def read_module(path: Path, name: str, part: str, package: Path, changed_ns: int) -> Module:
    """What the text of a module says.

    `part` is "whole", "passed" (what runs on import), "name NAME" (needed for that name, counted whole) or
    "command NAME" (the code of that function alone).
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        line = f" at line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise UserError(f"{path} is not Python{line}; correct it there") from error
    body = tree.body
    if part == "passed":
        body = [statement for statement in body if not isinstance(statement, _FUNCTION)]
    elif part != "whole":
        body = _reached(body, part.partition(" ")[2])
    needs: set[Needs] = set()
    data: set[tuple[Path, ...]] = set()
    reader = _Reader(passed=part == "passed")
    reader.read(body)
    for node in reader.named:
        needs.update(_modules_named(node, name, package))
        data.add(tuple(sorted(_data_named(node, path.parent))))
    if part == "passed":  # a function that is only passed on is not called
        needs = {tuple((n, "passed" if p.startswith("name ") else p) for n, p in group) for group in needs}
    if part.startswith("name "):
        digest = read_module(path, name, "whole", package, changed_ns).digest
    else:
        digest = hashlib.sha256(" ".join(reader.code).encode()).hexdigest()
    return Module(digest, tuple(sorted(needs)), tuple(sorted(data)))


def _reached(body: list[ast.stmt], name: str) -> list[ast.stmt]:
    """The statements of a module that one of its functions stands on; those that bind no name always count."""
    binding: dict[str, list[ast.stmt]] = {}
    for statement in body:
        for bound in _bound(statement):
            binding.setdefault(bound, []).append(statement)
    taken = [statement for statement in body if not _bound(statement)]
    waiting = [name]
    while waiting:
        for statement in binding.pop(waiting.pop(), []):
            if statement not in taken:
                taken.append(statement)
                waiting += [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return [statement for statement in body if statement in taken]


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top of a module binds."""
    if isinstance(statement, (*_FUNCTION, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return {
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
    return set()


class _Reader:
    """One pass over statements: `code` is their text in one fixed form, `named` the nodes that may name other files.

    The form is the same in every version of Python that this package runs on. Docstrings are left out, what stands
    under ``if TYPE_CHECKING:`` names nothing, and where a module is only passed through, nor do its functions.
    """

    def __init__(self, passed: bool) -> None:
        self.code: list[str] = []
        self.named: list[ast.AST] = []
        self.passed = passed

    def read(self, node: Any, names: bool = True) -> None:
        if isinstance(node, ast.AST):
            names = names and not (self.passed and isinstance(node, _FUNCTION))
            if names and isinstance(node, (ast.Import, ast.ImportFrom, ast.Constant, ast.JoinedStr, ast.Call)):
                self.named.append(node)
            for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            self.code.append(f"({type(node).__name__}")
            for key in node._fields:
                value = getattr(node, key, None)
                if value is not None and value != [] and key != "ctx":
                    self.code.append(key)
                    self.read(value, names and not (for_types and key == "body"))
            self.code.append(")")
        elif isinstance(node, list):
            for entry in node:
                if not _is_text(entry):
                    self.read(entry, names)
            self.code.append(";")
        else:
            self.code.append(repr(node))


def _modules_named(node: ast.AST, name: str, package: Path) -> Iterator[Needs]:
    """Modules of the package that a node imports or names, and which part of each; computed names together."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if _is_module(alias.name, package):
                is_package = module_file(alias.name, package).stem == "__init__"
                yield ((alias.name, "passed" if is_package else "whole"),)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level and _is_module(node.module, package):
        for alias in node.names:
            member = f"{node.module}.{alias.name}"
            if _is_module(member, package):
                yield ((member, "whole"),)
            elif module_file(node.module, package).stem == "__init__" and alias.name in _names(node.module, package):
                yield ((node.module, f"name {alias.name}"),)
            else:  # a plain module, or a name that the package's __getattr__ brings
                yield ((node.module, "whole"),)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if "." in node.value and _is_module(node.value, package):
            yield ((node.value, "whole"),)
    elif isinstance(node, ast.JoinedStr):
        prefix = _prefix(node, name)
        if prefix.endswith(".") and _is_module(prefix[:-1], package):
            yield _modules_in(prefix[:-1], package)
    elif isinstance(node, ast.Call) and _gets_own_name(node) and module_file(name, package).stem == "__init__":
        yield _modules_in(name, package)


def _gets_own_name(call: ast.Call) -> bool:
    return any(isinstance(argument, ast.Name) and argument.id == "__name__" for argument in call.args)


def _modules_in(name: str, package: Path) -> Needs:
    """Every module of a package, and every package in it."""
    folder = module_file(name, package).parent
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    return tuple((f"{name}.{found}", "whole") for found in sorted(names))


@cache
def _names(name: str, package: Path) -> frozenset[str]:
    """The names that a package binds when it is imported."""
    tree = ast.parse(module_file(name, package).read_bytes())
    return frozenset(bound for statement in tree.body for bound in _bound(statement))


def _prefix(text: ast.JoinedStr, name: str) -> str:
    """How an f-string begins, as far as it is known: its constants, and ``__name__``."""
    prefix = ""
    for value in text.values:
        if isinstance(value, ast.Constant):
            prefix += str(value.value)
        elif (
            isinstance(value, ast.FormattedValue) and isinstance(value.value, ast.Name) and value.value.id == "__name__"
        ):
            prefix += name
        else:
            break
    return prefix


def _data_named(node: ast.AST, folder: Path) -> Iterator[Path]:
    """Data files beside a module that a node names: a file, a folder without code, or a pattern."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and _DATA_NAME.fullmatch(node.value)):
        return
    if "*" not in node.value and node.value.partition("/")[0] not in _listed(folder):
        return
    named = folder / node.value
    if "*" in node.value:
        files: Iterable[Path] = folder.glob(node.value)
    elif named.is_dir():
        files = named.rglob("*") if not any(named.rglob("*.py")) else ()
    else:
        files = (named,)
    yield from (file for file in files if file.is_file() and file.suffix not in {".py", ".pyc"})


@cache
def _listed(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir())


def _is_text(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def _is_module(name: str, package: Path) -> bool:
    if not name.startswith(package.name):
        return False
    return (
        name.partition(".")[0] == package.name
        and bool(re.fullmatch(r"[\w.]+", name))
        and module_file(name, package).is_file()
    )


def module_file(name: str, package: Path) -> Path:
    path = package.parent.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
