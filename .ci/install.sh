#!/bin/sh
# Makes .venv hold exactly what requirements.lock pins. Safe to run again at any time.
set -eu
cd "$(dirname "$0")/.."

uv_version=0.13.9
lock=.ci/requirements.lock

find_python() {
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Python 3.11 or newer is needed and none was found. Install it, or name one: make PYTHON=/path/to/python3.12" >&2
    return 1
}

python=$(find_python)
sh .ci/system-packages.sh "$python"
[ -x .venv/bin/python ] || "$python" -m venv .venv

# torch and torchvision must be a pair from one place: the lock pins both exactly, so that no other
# torch lying about (a local wheel, an older one in .venv) can slip in beside the index's torchvision.
install_with_uv() {
    .venv/bin/uv --version 2>/dev/null | grep -qF "uv $uv_version" ||
        .venv/bin/python -m pip install --quiet "uv==$uv_version" || return 1
    # Bytecode now, once: where nobody may write it later, every process would compile torch anew.
    .venv/bin/uv pip sync --compile-bytecode --python .venv/bin/python "$lock"
}

if ! install_with_uv; then
    echo "uv could not be used here; installing with pip instead, which takes a few minutes." >&2
    .venv/bin/python -m pip install --requirement "$lock"
fi
