"""What is submitted to Kubernetes: the shipped profile, a real submission, and an API server on loopback that takes it.

The manifests are held against the API's published schema, and against what an API server asks beyond it.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from pipeline_checkout import TINY, VARIANT, Checkout

NEEDED = ("snakemake_executor_plugin_kubernetes", "snakemake_storage_plugin_s3", "kubernetes_validate", "moto", "boto3")
MISSING = [name for name in NEEDED if find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(MISSING), reason=f"without {', '.join(MISSING)}; install workflow/kubernetes.lock and kubernetes-validate"
    ),
]
OTHER = "camvid_hyperseg_l"  # has no weights yet, so its training is submitted
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}

# By the last part of the address that they are sent to: an API server needs no more to know what it gets.
KINDS = {"jobs": {"apiVersion": "batch/v1", "kind": "Job"}, "secrets": {"apiVersion": "v1", "kind": "Secret"}}


class Cluster:
    """An API server that keeps what is created, and says of every job that it has failed."""

    def __init__(self) -> None:
        self.created: list[dict[str, Any]] = []
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                cluster.created.append(KINDS[self.path.rpartition("/")[2]] | body)
                self.answer(body, 201)

            def do_GET(self) -> None:
                job = self.path.endswith("/status")
                self.answer({"status": {"failed": 1}} if job else {"items": []})

            def do_DELETE(self) -> None:
                self.answer({})

            def answer(self, content: dict[str, Any], status: int = 200) -> None:
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def kubeconfig(self) -> str:
        address = f"http://127.0.0.1:{self.server.server_address[1]}"
        context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
        listed = {"clusters": [{"name": "c", "cluster": {"server": address}}], "users": [{"name": "u", "user": {}}]}
        head = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [context]}
        return yaml.safe_dump(head | listed)


@pytest.fixture(scope="module")
def submitted(new_checkout: Callable[[], Checkout]) -> dict[str, dict[str, Any]]:
    """The manifest of a job of each rule that a GPU runs, by rule, and the secret's."""
    import boto3
    from moto.server import ThreadedMotoServer

    checkout, cluster = new_checkout(), Cluster()
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    store.start()
    host, port = store.get_host_and_port()
    address = f"http://{host}:{port}"
    bucket = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id="key", aws_secret_access_key="secret", region_name="us-east-1"
    )
    bucket.create_bucket(Bucket="bucket")
    run = f"results/runs/demo/{VARIANT}/seed0"
    data = ("data/streets/manifest.json", "data/streets/card.json", "data/streets.tar")
    for name in (*data, f"{run}/train.json", f"{run}/weights.safetensors"):
        bucket.put_object(Bucket="bucket", Key=name, Body=b"{}")
    checkout.write("config/demo.yaml", yaml.safe_dump(TINY | {"variants": [VARIANT, OTHER]}))
    profile = checkout.read("profiles/kubernetes/config.yaml")
    for blank, value in {"IMAGE": "localhost/hyperseg", "BUCKET": "bucket", "https://ENDPOINT": address}.items():
        assert blank in profile
        profile = profile.replace(blank, value)
    checkout.write("profiles/kubernetes/config.yaml", profile)
    checkout.write("kubeconfig", cluster.kubeconfig)
    environment = checkout.environment | KEYS | {"KUBECONFIG": str(checkout.folder / "kubeconfig")}
    ended = subprocess.run(
        [
            sys.executable, "-m", "snakemake", "--configfile=config/demo.yaml",
            "--workflow-profile=profiles/kubernetes",
            "--storage-s3-access-key=key", "--storage-s3-secret-key=secret", "--seconds-between-status-checks=1",
            "--rerun-triggers", "input", "--allowed-rules", "train", "evaluate", "latency", "--",
            f"{run}/evaluation-standard.json", f"results/runs/demo/{OTHER}/seed0/train.json",
            f"results/runs/demo/{VARIANT}/seed0/latency/kubernetes/smoke-cuda-eager-float32.json",
        ],
        cwd=checkout.folder, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    store.stop()
    cluster.server.shutdown()
    found = {}
    for body in cluster.created:
        for rule in ("train", "evaluate", "latency"):
            if body["kind"] == "Job" and f"--allowed-rules {rule} " in command_of(body):
                found[rule] = body
        if body["kind"] == "Secret":
            found["secret"] = body
    assert set(found) == {"train", "evaluate", "latency", "secret"}, ended.stdout + ended.stderr
    return found


def command_of(job: dict[str, Any]) -> str:
    return str(job["spec"]["template"]["spec"]["containers"][0]["args"][-1])


def test_what_is_submitted_fits_the_schema_of_the_api(submitted: dict[str, dict[str, Any]]) -> None:
    import kubernetes_validate

    for body in submitted.values():
        kubernetes_validate.validate(body, kubernetes_validate.latest_version(), strict=True)
    broken = json.loads(json.dumps(submitted["train"]))
    broken["spec"]["template"]["spec"]["containers"][0]["image"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_a_gpu_is_a_limit_too_as_an_api_server_demands(submitted: dict[str, dict[str, Any]]) -> None:
    """The schema does not know it: resources that cannot be shared need a limit, which equals the request."""
    for rule in ("train", "evaluate", "latency"):
        asked = submitted[rule]["spec"]["template"]["spec"]["containers"][0]["resources"]
        assert asked["limits"]["nvidia.com/gpu"] == asked["requests"]["nvidia.com/gpu"] == "1"
        assert asked["limits"]["memory"] == asked["requests"]["memory"]


def test_the_keys_of_the_store_are_in_a_secret_and_in_no_command(submitted: dict[str, dict[str, Any]]) -> None:
    for rule in ("train", "evaluate", "latency"):
        assert "secret-key=secret" not in command_of(submitted[rule])
        (container,) = submitted[rule]["spec"]["template"]["spec"]["containers"]
        named = [one["valueFrom"]["secretKeyRef"]["key"] for one in container["env"]]
        assert set(named) <= set(submitted["secret"]["data"])
        assert named
