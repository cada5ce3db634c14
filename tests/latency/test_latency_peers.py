"""Every installed peer answers logits; one whose library is missing is left out and named."""

from dataclasses import replace

import pytest
import torch

from hyperseg.cli.latency import _requests as requests_of
from hyperseg.cli.latency import command
from hyperseg.errors import UserError
from hyperseg.latency.batch_norm import prepare_batch_norm
from hyperseg.latency.peers import PEERS, get_peer, select_peers
from hyperseg.latency.request import Request, check_request
from hyperseg.latency.stages import Staged
from hyperseg.latency.subjects import PeerSpec


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_maps_images_to_classes_with_its_norms_folded(peer: str) -> None:
    if missing := PEERS[peer].missing():
        pytest.skip(f"peer {peer} is left out: {missing}")
    spec = PeerSpec(peer=peer, num_classes=5)
    network = spec.build()
    images = torch.randn(1, 3, 128, 192)
    with torch.inference_mode():
        prepare_batch_norm(network, "folded", images)
        classes = Staged(network, ["forward", "upsample", "argmax"])(images)
    assert classes.shape == (1, 128, 192)
    assert int(classes.max()) < 5


def test_a_peers_record_says_it_has_random_weights() -> None:
    spec = PeerSpec(peer="lraspp-mobilenet-v3", num_classes=12)
    described = spec.describe(spec.build(), (64, 96))
    assert (described.id, described.source) == ("torchvision/lraspp-mobilenet-v3", "torchvision")
    assert described.weights_sha256 is None
    assert described.gmacs is not None
    assert described.gmacs > 0


def test_a_library_that_is_missing_is_named_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = replace(PEERS["segformer-b0"], module="no_such_library")
    monkeypatch.setitem(PEERS, "segformer-b0", absent)
    chosen, left_out = select_peers(["all"])
    assert "segformer-b0" not in chosen
    assert left_out["segformer-b0"] == "transformers is not installed; install hyperseg-bench[peers]"
    with pytest.raises(UserError, match="peer segformer-b0 is left out: transformers is not installed"):
        get_peer("segformer-b0")


def test_engines_of_our_networks_alone_are_left_out_for_peers(capsys: pytest.CaptureFixture[str]) -> None:
    parsed = command.make_context(
        "latency",
        ["--variant", "camvid_hyperseg_s", "--peer", "lraspp-mobilenet-v3", "--engine", "eager", "--engine", "native"],
    )
    pairs = [(request.subject.title, request.engine) for request in requests_of(parsed.params)]
    assert pairs == [
        ("camvid_hyperseg_s", "eager"),
        ("camvid_hyperseg_s", "native"),
        ("lraspp-mobilenet-v3", "eager"),
    ]
    assert "engine native, for peers, is left out: it runs this package's networks alone" in capsys.readouterr().err


def test_a_peer_on_an_engine_of_our_networks_is_refused_before_anything_is_timed() -> None:
    subject = PeerSpec(peer="lraspp-mobilenet-v3", num_classes=12)
    with pytest.raises(UserError, match="engine native runs this package's networks alone; choose another one for"):
        check_request(Request(subject, "smoke", "native", "test", 64, 64))
