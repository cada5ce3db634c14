"""Records as an RO-Crate after the Workflow Run profiles: what was run, on what, with what, and what came out."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperseg import __version__
from hyperseg.errors import UserError
from hyperseg.export.paper import PAPER
from hyperseg.files import sha256_file
from hyperseg.records import DatasetRef, Record
from hyperseg.records.difference import headline
from hyperseg.records.raw import raw_file

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.6": ("Process Run Crate", "0.6"),
    "https://w3id.org/ro/wfrun/workflow/0.6": ("Workflow Run Crate", "0.6"),
}


def write_crate(out: Path, records: Mapping[str, tuple[Path, Record]], workflow: Path | None, title: str) -> None:
    """Write the crate to the folder `out`: records by their name in it, raw files beside them, and the workflow.

    With a `workflow` (a Snakefile) it is a Workflow Run Crate, else a Process Run Crate.
    """
    try:
        from rocrate.rocrate import ROCrate
    except ImportError as error:
        raise UserError("an RO-Crate needs the package rocrate; run `pip install 'hyperseg-bench[export]'`") from error
    crate = ROCrate()
    crate.name, crate.description = title, f"Records of {PAPER['title']}, by hyperseg-bench {__version__}"
    crate.license = "https://spdx.org/licenses/MIT"
    crate.datePublished = max(record.started_at for _, record in records.values())
    actions = [_action(crate, name, path, record) for name, (path, record) in records.items()]
    profiles = list(PROFILES)[: 2 if workflow else 1]
    for profile in profiles:
        name, version = PROFILES[profile]
        _entity(crate, profile, {"@type": "CreativeWork", "name": name, "version": version})
    crate.root_dataset["conformsTo"] = [{"@id": profile} for profile in profiles]
    crate.root_dataset["mentions"] = [*actions, *([_run(crate, workflow, records)] if workflow else [])]
    crate.root_dataset["citation"] = _entity(
        crate,
        PAPER["url"],
        {"@type": "ScholarlyArticle", "name": PAPER["title"], "author": [{"@id": f"#{n}"} for n in PAPER["authors"]]},
    )
    for name in PAPER["authors"]:
        _entity(crate, f"#{name}", {"@type": "Person", "name": name})
    crate.write(out)


def _action(crate: "ROCrate", name: str, path: Path, record: Record) -> Any:
    """One step that was run, as the record says: its command, inputs, machine, and what it wrote."""
    found = headline(record)
    said = f"{found[0]} {found[1]:.6g} {found[2]}".strip() if found else record.kind
    results = [_file(crate, path, name, f"record: {said}", "application/json")]
    named = raw_file(record)
    if named and (path.parent / named[0]).is_file():
        beside = str(Path(name).with_name(named[0]))
        results.append(_file(crate, path.parent / named[0], beside, "raw data of the record", None))
    for result in results[1:]:
        result["isBasedOn"] = results[0]
    inputs = [_weights(crate, record)] if record.network.weights_sha256 else []
    if record.dataset:
        inputs.append(_dataset(crate, record.dataset))
    made = record.provenance
    return _entity(
        crate,
        f"#run-{sha256_file(path)[:12]}",
        {
            "@type": "CreateAction",
            "name": f"{record.kind} of {record.network.id}",
            "description": " ".join(made.command),
            "instrument": _software(crate, record),
            "object": inputs,
            "result": results,
            "startTime": record.started_at.isoformat(),
            "endTime": (record.started_at + timedelta(seconds=record.duration_s)).isoformat(),
            "actionStatus": "http://schema.org/CompletedActionStatus",
            "location": f"{made.machine.cpu}, {', '.join(made.machine.gpus) or 'no GPU'} ({made.machine.fingerprint})",
        },
    )


def _run(crate: "ROCrate", workflow: Path, records: Mapping[str, tuple[Path, Record]]) -> Any:
    """The run of the whole workflow, which made the records."""
    main = crate.add_workflow(workflow, workflow.name, main=True, lang="snakemake")
    main["name"] = "hyperseg-bench pipeline"
    found = [record for _, record in records.values()]
    ends = [record.started_at + timedelta(seconds=record.duration_s) for record in found]
    return _entity(
        crate,
        "#workflow-run",
        {
            "@type": "CreateAction",
            "name": f"campaign {', '.join(sorted({record.campaign for record in found}))}",
            "instrument": main,
            "object": [_dataset(crate, record.dataset) for record in found if record.dataset],
            "result": [crate.get(name) for name in records],
            "startTime": min(record.started_at for record in found).isoformat(),
            "endTime": max(ends).isoformat(),
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )


def _file(crate: "ROCrate", path: Path, name: str, said: str, kind: str | None) -> Any:
    properties = {"name": Path(name).name, "description": said, "sha256": sha256_file(path)}
    properties |= {"contentSize": str(path.stat().st_size)} | ({"encodingFormat": kind} if kind else {})
    return crate.add_file(path, name, properties=properties)


def _dataset(crate: "ROCrate", dataset: DatasetRef) -> Any:
    properties = {"@type": "CreativeWork", "name": dataset.title or dataset.id, "version": dataset.version}
    properties["description"] = f"split {dataset.split}, {dataset.images} images"
    return _entity(crate, f"#dataset-{dataset.id}-{dataset.split}-{dataset.version[:12]}", properties)


def _weights(crate: "ROCrate", record: Record) -> Any:
    sha256 = record.network.weights_sha256
    properties = {"@type": "CreativeWork", "name": f"weights of {record.network.id}", "sha256": sha256}
    return _entity(crate, f"#weights-{sha256}", properties)


def _software(crate: "ROCrate", record: Record) -> Any:
    version, commit = record.provenance.packages.get("hyperseg-bench", "unknown"), record.provenance.commit
    properties = {"@type": "SoftwareApplication", "name": "hyperseg-bench", "version": commit or version}
    packages = ", ".join(f"{name} {number}" for name, number in record.provenance.packages.items())
    properties["softwareRequirements"] = f"Python {record.provenance.python}, {packages}"
    return _entity(crate, f"#software-{commit or version}", properties)


def _entity(crate: "ROCrate", identifier: str, properties: dict[str, Any]) -> Any:
    """The entity of that id, made where it is not there yet."""
    from rocrate.model.contextentity import ContextEntity

    return crate.get(identifier) or crate.add(ContextEntity(crate, identifier, properties=properties))
