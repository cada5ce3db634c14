"""A checkpoint's entry ``arch``: the text from which the authors' scripts build the network."""

from hyperseg.models.variants import Variant

_BACKBONES = {"tf_efficientnet_b1": "efficientnet-b1", "tf_efficientnet_b3": "efficientnet-b3"}


def arch_text(variant: Variant, num_classes: int, backbone: str, slices: str) -> str:
    """A call of the authors' factory (commit aedc580) with the options of their training configurations.

    A network that their code cannot build, with another backbone, slices or an ablation, is described instead.
    """
    if variant.ablation_of or backbone not in _BACKBONES or slices != "released":
        return f"{variant.id}, backbone {backbone}, slices {slices}"
    options: dict[str, object] = {"levels": variant.context_levels, "kernel_sizes": list(variant.kernels)}
    if variant.decoder == "voc":
        module, options["weight_groups"] = "hyperseg_v0_1", variant.signal_groups[0]
    else:
        module = "hyperseg_v1_0_unify" if variant.merge_last_levels else "hyperseg_v1_0"
        # The authors' code replaces the last entry by the number of classes.
        inner = variant.level_channels[:-1]
        options["level_channels"] = [*inner, inner[-1]]
        options["out_feat_scale"] = [float(scale) for scale in variant.feature_scales]
        options["weight_groups"] = list(variant.signal_groups)
        options["coords_res"] = [list(size) for size in variant.grid_hw]
        if variant.merge_last_levels:  # they list the two merged levels' groups one by one
            options["weight_groups"] = [*variant.signal_groups, 4]
            options["unify_level"] = 4
    options |= {
        "expand_ratio": 2, "inference_hflip": True, "with_out_fc": False, "decoder_dropout": None,
        "num_classes": num_classes,
    }  # fmt: skip
    arguments = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return f"hyperseg.models.{module}.hyperseg_efficientnet('{_BACKBONES[backbone]}', {arguments})"
