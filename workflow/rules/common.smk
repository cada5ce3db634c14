# What the rules have in common.


def code(step, *names):
    """The input that stands for the code of a job: a file of this checkout."""
    return {"sources": local(LAYOUT.sources(step, *names))} if SHARED else {}


def code_param(step, *names):
    """The same as a parameter, where jobs share no folders: Snakemake runs a job here if any input of it lies here."""
    return {} if SHARED else {"code": code_text(step, *names)}


def code_text(step, *names):
    """A function of the wildcards that gives what that file holds."""

    def content(wildcards):
        file = LAYOUT.sources(step, *names).format(**dict(wildcards.items()))
        return Path(file).read_text(encoding="utf-8")

    return content
