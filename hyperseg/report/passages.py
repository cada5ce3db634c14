"""Generated documentation besides tables: the audit, and the reference of the record."""

from collections.abc import Iterator
from typing import Any

from hyperseg.records import Record
from hyperseg.report.audit import bars, findings
from hyperseg.report.collection import Collection


def audit_text(collection: Collection) -> str:
    """Every finding with both of its numbers where records measure them."""
    two = bars(collection)
    parts = []
    for item in findings():
        lines = [f"### {item.number}. {item.title}", "", item.finding, "", f"*Here:* {item.here}", ""]
        if item.id in two:
            measured = two[item.id]
            lines += [
                f"| {item.published} | {item.corrected} | difference |",
                "|---:|---:|---:|",
                f"| {measured.published:.2f} | {measured.corrected:.2f} | {measured.difference:+.2f} {measured.unit} |",
                "",
                f"{measured.where}.",
            ]
        else:
            lines += [f"{item.open} `{item.measure}`."]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def record_text() -> str:
    """Every part of a record with its fields, from the schema."""
    schema = Record.model_json_schema()
    parts: list[tuple[str, dict[str, Any]]] = [("Record", schema), *sorted(schema["$defs"].items())]
    return "\n".join("\n".join(_part(name, part)) + "\n" for name, part in parts if "properties" in part)


def _part(name: str, part: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if part.get("description"):
        yield " ".join(part["description"].split())
        yield ""
    yield "| field | type | what it is |"
    yield "|---|---|---|"
    needed = set(part.get("required", ()))
    for key, field in part["properties"].items():
        optional = "" if key in needed else " (optional)"
        text = " ".join(str(field.get("description", "")).split()).replace("|", "\\|")
        yield f"| `{key}` | {_type(field)}{optional} | {text} |"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    for either in ("anyOf", "oneOf"):
        if either in field:
            return " or ".join(map(_type, field[either]))
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    if field.get("type") == "object":
        inner = field.get("additionalProperties")
        return f"mapping to {_type(inner)}" if isinstance(inner, dict) else "mapping"
    return str(field.get("type", "anything"))
