"""Several campaigns under one command: what does not go together is refused before anything starts."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from pipeline_checkout import ROOT, TINY, Checkout

from hyperseg.cli.plan import command as plan
from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import parse_campaign
from hyperseg.pipeline.several import joint_report, prepare_all, refuse_clashes
from hyperseg.pipeline.steps import Layout


def layout(**changes: Any) -> Layout:
    return Layout(parse_campaign(TINY | changes, "c.yaml"), "cpu", "0123456789ab")


def test_campaigns_of_one_name_or_of_two_datasets_in_one_folder_are_refused_by_name() -> None:
    one, other = Path("config/one.yaml"), Path("config/other.yaml")
    refuse_clashes([(one, layout()), (other, layout(campaign="other"))])  # the same dataset may be shared
    with pytest.raises(UserError, match=r"config/one\.yaml and config/other\.yaml are both the campaign 'demo'"):
        refuse_clashes([(one, layout()), (other, layout())])
    with pytest.raises(UserError, match=r"config/one\.yaml is named twice"):
        refuse_clashes([(one, layout()), (one, layout())])
    dataset = TINY["dataset"] | {"id": "another", "streets": None}  # type: ignore[operator]
    with pytest.raises(UserError, match="put different datasets into data/streets"):
        refuse_clashes([(one, layout()), (other, layout(campaign="other", dataset=dataset))])


def test_a_source_of_several_datasets_and_a_later_unsound_campaign_are_refused_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").touch()
    papers = [ROOT / f"config/paper_{name}.yaml" for name in ("camvid", "voc")]
    with pytest.raises(UserError, match="holds one dataset, and camvid_authors12 and voc2012 are still to be prepared"):
        prepare_all(papers, source=tmp_path)
    assert len(prepare_all(papers)) == 2
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.safe_dump(TINY | {"seeds": []}))
    with pytest.raises(UserError, match=r"'seeds' in .*bad\.yaml does not fit"):
        prepare_all([papers[0], bad])


def test_the_report_over_all_has_a_folder_that_no_campaign_can_have() -> None:
    assert joint_report([layout(), layout(campaign="other")]) == Path("reports/demo+other")
    long = [layout(campaign=letter * 64) for letter in "abcd"]
    assert joint_report(long) == Path(f"reports/{'a' * 64}+3_more")


def test_a_plan_of_several_campaigns_has_a_table_each_and_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    papers = ["config/paper_camvid.yaml", "config/paper_voc.yaml"]
    shown = CliRunner().invoke(plan, [*papers, "--device", "cpu"], catch_exceptions=False).output
    counts = [int(line.split(" jobs, ")[0].rpartition(" ")[2]) for line in shown.splitlines() if " jobs, " in line]
    assert len(counts) == 3
    assert counts[2] == counts[0] + counts[1]
    assert "all 2 campaigns" in shown


@pytest.mark.slow
def test_a_campaign_that_fails_stops_no_other_and_a_report_is_made_over_all(copy: Checkout) -> None:
    """The second one is finished, and the dataset that they share is stale for neither."""
    broken = yaml.safe_load(copy.read("config/demo.yaml")) | {"campaign": "broken"}
    broken["training"]["backbone"] = "resnet18"  # a timm model, but no EfficientNet: the step alone knows
    copy.write("config/broken.yaml", yaml.safe_dump(broken))
    output = copy.call("hyperseg", "run", "config/broken.yaml", "config/demo.yaml", code=2)
    assert "campaign broken (1 of 2)" in output
    assert "1 steps failed, 0 are done and kept" in output
    assert "nothing to do: every result is up to date\nreport: reports/demo/index.html" in output
    assert "not finished: broken" in output
    assert "report over all 2 campaigns: reports/broken+demo/index.html" in output
    assert "HyperSeg-S" in copy.read("reports/broken+demo/index.html")
