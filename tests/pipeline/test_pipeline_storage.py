"""Results in an object store: DVC's remote, and Snakemake's storage for jobs that share no folders. S3 on loopback."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from pipeline_checkout import VARIANT, Checkout

from hyperseg.records import read_record

boto3 = pytest.importorskip("boto3")
moto_server = pytest.importorskip("moto.server")
pytestmark = pytest.mark.slow
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 that holds one empty bucket, `bucket`."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="bucket")
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.skipif(find_spec("dvc_s3") is None, reason="DVC's S3 is not installed; `uv pip install '.[s3]'`")
def test_a_fresh_clone_adopts_results_from_an_s3_remote(copy: Checkout, store: str, tmp_path: Path) -> None:
    checkout = Checkout(copy.folder)  # which has the store's keys in its environment
    checkout.call("dvc", "remote", "add", "--default", "store", "s3://bucket/results")
    checkout.call("dvc", "remote", "modify", "store", "endpointurl", store)
    checkout.call("git", "commit", "--quiet", "--all", "--message", "remote")
    checkout.call("dvc", "push")
    checkout.call("git", "clone", "--quiet", str(checkout.folder), str(tmp_path / "clone"))
    clone = Checkout(tmp_path / "clone")
    assert "adopted" in clone.call("hyperseg", "adopt")
    weights = f"results/runs/demo/{VARIANT}/seed0/weights.safetensors"
    assert (clone.folder / weights).read_bytes() == (copy.folder / weights).read_bytes()
    assert "nothing to do" in clone.run()
    assert "Data and pipelines are up to date." in clone.call("dvc", "repro")


@pytest.mark.skipif(
    find_spec("snakemake_storage_plugin_s3") is None,
    reason="Snakemake's S3 storage is not installed; `uv pip install --no-deps -r workflow/kubernetes.lock`",
)
def test_jobs_that_share_no_folders_pass_datasets_and_weights_through_the_store(
    new_checkout: Callable[[], Checkout], store: str, tmp_path: Path
) -> None:
    checkout = new_checkout()
    ran = subprocess.run(
        [
            sys.executable, "-m", "snakemake", "--configfile=config/demo.yaml", "--cores=1", "--until", "evaluate",
            "--default-storage-provider=s3", "--default-storage-prefix=s3://bucket",
            f"--storage-s3-endpoint-url={store}", "--storage-s3-access-key=key", "--storage-s3-secret-key=secret",
            "--shared-fs-usage", "none",
        ],
        cwd=checkout.folder, env=checkout.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert not (checkout.folder / "data").exists()  # nothing stays behind but in the store
    name = f"results/runs/demo/{VARIANT}/seed0/evaluation-standard.json"
    boto3.client("s3", endpoint_url=store).download_file("bucket", name, str(tmp_path / "record.json"))
    assert read_record(tmp_path / "record.json").network.id == VARIANT
