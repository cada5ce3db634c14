"""metrics.json and the terminal's summary."""

from io import StringIO
from pathlib import Path

from record_factory import demo, evaluation, latency, machine, network
from reported import collection
from rich.console import Console

from hyperseg.report.metrics import metrics
from hyperseg.report.summary import render


def test_names_say_dataset_network_protocol_and_setting(tmp_path: Path) -> None:
    found = collection(
        tmp_path,
        evaluation(miou=40.0), evaluation(miou=42.0, seed=1),
        latency(median=90.0), latency(protocol="smoke", smoke=True),
        latency(engine="x", verdict="INVALID"),
        latency("voc_hyperseg_l", protocol="smoke", smoke=True, verdict="INVALID"),
        latency(at=machine(fingerprint="f" * 12), median=10.0),
    )  # fmt: skip
    assert metrics(found) == {
        "latency_median_ms.camvid_hyperseg_s.deploy_v1.cpu.eager.float32.0123456789ab": 90.0,
        "latency_median_ms.camvid_hyperseg_s.deploy_v1.cpu.eager.float32.ffffffffffff": 10.0,
        "latency_median_ms.camvid_hyperseg_s.smoke_v1.cpu.eager.float32.0123456789ab": 100.0,
        "latency_median_ms.voc_hyperseg_l.smoke_v1.cpu.eager.float32.0123456789ab": 100.0,
        "miou_percent.streets.test.camvid_hyperseg_s.standard_v1": 41.0,
    }


def test_two_networks_of_one_id_are_never_averaged(tmp_path: Path) -> None:
    lite = network("camvid_hyperseg_s", backbone="tf_efficientnet_lite1")
    found = metrics(collection(tmp_path, evaluation(miou=40.0), evaluation(miou=60.0, net=lite)))
    assert found == {
        "miou_percent.streets.test.camvid_hyperseg_s.standard_v1.demo.hyperseg.tf_efficientnet_b1.released": 40.0,
        "miou_percent.streets.test.camvid_hyperseg_s.standard_v1.demo.hyperseg.tf_efficientnet_lite1.released": 60.0,
    }


def test_the_summary_of_a_demo_fits_a_terminal_of_80_columns() -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(render(demo().values()))
    lines = console.export_text().splitlines()
    text = "\n".join(lines)
    for word in (
        "HyperSeg-S (Cityscapes)",
        "mIoU [%]",
        "standard",
        "smoke v1",
        "[ms]",
        "smoke (VALID)",
        "32.00",
        "440",
    ):
        assert word in text
    rows = [line for line in lines if line.strip().startswith("HyperSeg-")]
    assert len(rows) == 5
    assert all("smoke (VALID)" in row for row in rows)


def test_devices_get_tables_of_their_own() -> None:
    gpu = machine(fingerprint="f" * 12, gpus=["NVIDIA H200"])
    console = Console(width=100, record=True, file=StringIO())
    console.print(render([evaluation(), latency(), latency(at=gpu, median=3.0)]))
    text = console.export_text()
    assert text.count("Network") == 2
    assert "NVIDIA H200" in text
    assert "Test 9000" in text
