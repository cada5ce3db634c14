# One campaign from data to report. `hyperseg run config/demo.yaml` is the usual way in; plain `snakemake` works too.
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import SharedFSUsage
from snakemake.utils import min_version, validate

from hyperseg.pipeline.campaign import parse_campaign
from hyperseg.pipeline.digests import write_digests
from hyperseg.pipeline.lock import take_over_lock
from hyperseg.pipeline.steps import PAPER, PEERS, Layout, write_record_list

min_version("9.10")


report: "workflow/report/workflow.rst"


# The demo, unless --configfile names another campaign; two files are never mixed.
if "campaign" not in config:

    configfile: "config/demo.yaml"


# The models below set defaults; Snakemake would put nulls where a section is left out.
validate(config, "workflow/schemas/config.schema.yaml", set_default=False)

CONFIG_FILE = os.path.relpath(workflow.configfiles[-1])
CAMPAIGN = parse_campaign(config, CONFIG_FILE)
if workflow.non_local_exec and CAMPAIGN.latency.target is None:
    raise WorkflowError(
        f"jobs that run elsewhere need latency.target and latency.device in {CONFIG_FILE} or in the profile's config"
    )
if workflow.is_main_process and not workflow.dryrun:
    take_over_lock()
LAYOUT = Layout.here(CAMPAIGN)
write_digests(CAMPAIGN)  # what the rules depend on in place of the package's files
RECORD_LIST = write_record_list(LAYOUT)
GPU = int(LAYOUT.device == "cuda")
# Of this machine. A job on another one has what it was submitted with, whatever cores that machine has.
HERE = workflow.is_main_process and workflow.local_exec
CORES = (workflow.resource_settings.cores or 1) if HERE else 1
MEMORY_MB = {
    "train": 3000,
    "evaluate": 2000,
}  # of one job at the demo's size; profiles raise them

# Where jobs share no folders, a dataset goes from one to the next as an archive beside its folder.
SHARED = SharedFSUsage.INPUT_OUTPUT in workflow.storage_settings.shared_fs_usage
ARCHIVE, PACK, UNPACK, RECORDS = {}, "", "", "--list={input.listed:q}"
if not SHARED:
    ARCHIVE = {"archive": f"{LAYOUT.data}.tar"}
    PACK = " && tar --create --file={output.archive:q} --directory={params.folder:q} ."
    UNPACK = "tar --extract --file={input.archive:q} --directory={params.data:q} && "
    RECORDS = "{input.records:q} {input.strips:q}"


# The rules call `hyperseg` of the environment that runs Snakemake, whether or not it is activated.
shell.prefix(f'PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"; ')


wildcard_constraints:
    variant="[a-z0-9_]+",
    seed="[0-9]+",
    protocol="[a-z0-9_]+",
    engine="[a-z0-9_]+",
    precision="[a-z0-9]+",


rule all:
    input:
        f"{LAYOUT.report}/index.html",
        LAYOUT.markers(),
        # Asked for by name: an adopted report does not stand for latencies that this machine lacks.
        LAYOUT.all_latencies(),


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/latency.smk"
include: "workflow/rules/report.smk"
