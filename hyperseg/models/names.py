"""This package's tensor names and those of released checkpoints, side by side.

Every tensor is named by its module; a module here has exactly one counterpart in the released format.
"""

from collections.abc import Iterator

from torch import nn

from hyperseg.models.network import HyperSeg


def released_names(model: HyperSeg) -> dict[str, str]:
    """The name here of every tensor of the model, parameters and buffers, to its name in a released checkpoint."""
    modules = dict(_modules(model))
    names = {}
    for name in model.state_dict():
        module, _, leaf = name.rpartition(".")
        names[name] = f"{modules[module]}.{leaf}"
    return names


def lukemelas_backbone_names(blocks: nn.Sequential) -> dict[str, str]:
    """Module names of a timm EfficientNet's trunk to those of the EfficientNet-PyTorch format.

    That format numbers the blocks through and names the layers by what they do; timm's first block kind has no
    expansion, so its ``bn1`` follows the depthwise convolution.
    """
    names = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}
    flat = [(f"blocks.{s}.{b}", block) for s, stage in blocks.named_children() for b, block in stage.named_children()]
    for index, (ours, block) in enumerate(flat):
        theirs = f"_blocks.{index}"
        names |= {f"{ours}.conv_dw": f"{theirs}._depthwise_conv"}
        names |= {f"{ours}.se.conv_reduce": f"{theirs}._se_reduce", f"{ours}.se.conv_expand": f"{theirs}._se_expand"}
        if hasattr(block, "conv_pwl"):
            names |= {f"{ours}.conv_pw": f"{theirs}._expand_conv", f"{ours}.conv_pwl": f"{theirs}._project_conv"}
            names |= {f"{ours}.bn{i + 1}": f"{theirs}._bn{i}" for i in range(3)}
        else:
            names |= {f"{ours}.conv_pw": f"{theirs}._project_conv"}
            names |= {f"{ours}.bn{i}": f"{theirs}._bn{i}" for i in (1, 2)}
    return names


def _modules(model: HyperSeg) -> Iterator[tuple[str, str]]:
    """Every module here that owns tensors, with its counterpart."""
    for ours, theirs in lukemelas_backbone_names(model.backbone.blocks).items():
        yield f"backbone.{ours}", f"backbone.{theirs}"
    for i in range(len(model.backbone.reduce)):
        for part in (0, 1):
            yield f"backbone.reduce.{i}.{part}", f"backbone._feat_fc_{i}.{part}"
    for part in (0, 1):
        if model.variant.decoder == "voc":
            for i in (0, 1):
                yield f"context.down.{i}.{part}", f"weight_mapper.down_{i}.{part}"
                yield f"context.up.{i}.{part}", f"weight_mapper.flat_{i}.{part}"
        else:
            yield f"context.entry.{part}", f"weight_mapper.in_conv.{part}"
            yield f"context.down.{part}", f"weight_mapper.down_blocks.0.{part}"
            yield f"context.up.{part}", f"weight_mapper.up_blocks.0.{part}"
    yield from _decoder(model)


def _decoder(model: HyperSeg) -> Iterator[tuple[str, str]]:
    merged, voc = model.variant.merge_last_levels, model.variant.decoder == "voc"
    for i, level in enumerate(model.decoder.shapes):
        plain = level.kind == "conv"
        base = f"decoder.level_blocks.{i}.0" if merged else f"decoder.level_{i}.0"
        for j in range(1 if plain else 3):
            block_norm = f"conv.{j}.1" if voc else f"bn{j + 1}"
            yield f"decoder.levels.{i}.norms.{j}", f"{base}.1" if plain else f"{base}.{block_norm}"
        if voc:
            yield f"decoder.generators.{i}", f"weight_mapper.out_conv.conv_{i}"
        elif not merged:
            yield f"decoder.generators.{i}", f"{base}.0.signal2weights" if plain else f"{base}.signal2weights"
    if merged:
        for i in range(len(model.decoder.generators)):
            yield f"decoder.generators.{i}", f"decoder.weight_blocks.{i}.signal2weights"
