# The image of one job on Kubernetes: this package with what requirements.lock pins, and the engine that starts a job.
#   docker build --tag REGISTRY/hyperseg-bench . && docker push REGISTRY/hyperseg-bench
# The workflow's own files come with each job; only the package and the tools are in the image.
FROM python:3.11-slim-bookworm

# A C++ compiler for the kernels, git for the commit that records name.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ git make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/hyperseg-bench
COPY . .
RUN workflow/setup.sh /opt/venv \
    && VIRTUAL_ENV=/opt/venv /opt/venv/bin/uv pip install --no-cache --no-deps --require-hashes -r workflow/kubernetes.lock \
    && rm -rf /root/.cache
ENV PATH=/opt/venv/bin:$PATH VIRTUAL_ENV=/opt/venv
# A pod may run as any user: git then reads the commit from a checkout that root owns, and /work is that user's home.
RUN git config --system --add safe.directory /opt/hyperseg-bench && install --directory --mode 1777 /work
WORKDIR /work
