#!/bin/sh
# Writes requirements.lock: every version pinned, for every platform, no index address, no hash
# (an index may rebuild a wheel; the versions are what decides). Keeps what is pinned already;
# "lock.sh --upgrade" takes the newest of everything, "--upgrade-package NAME" of one.
set -eu
cd "$(dirname "$0")/.."
.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --all-extras --group dev \
    --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-package napari-tgcnet \
    --output-file .ci/requirements.lock "$@" pyproject.toml
