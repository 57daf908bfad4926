#!/bin/sh
# Sees to the system libraries that Qt, OpenGL and the virtual display need.
# They are probed by what they provide, not by package, so that any Linux can be checked; the names
# are Debian's. Where it may (root or passwordless sudo, with apt-get) it installs what is missing.
set -eu
[ "$(uname -s)" = Linux ] || exit 0

python=${1:-python3}
libraries=$(/sbin/ldconfig -p 2>/dev/null || ldconfig -p 2>/dev/null || true)
missing=""

need_library() { # package, soname
    case "$libraries" in *"$2"*) ;; *) missing="$missing $1" ;; esac
}
need_command() { # package, command
    command -v "$2" >/dev/null 2>&1 || missing="$missing $1"
}

need_command xvfb Xvfb
need_command xauth xauth
need_library libgl1 libGL.so.1
need_library libegl1 libEGL.so.1
need_library libopengl0 libOpenGL.so.0
need_library libxcb-icccm4 libxcb-icccm.so.4
need_library libxcb-keysyms1 libxcb-keysyms.so.1
need_library libxcb-cursor0 libxcb-cursor.so.0
need_library libxcb-image0 libxcb-image.so.0
need_library libxcb-render-util0 libxcb-render-util.so.0
need_library libxcb-shape0 libxcb-shape.so.0
need_library libxcb-xkb1 libxcb-xkb.so.1
need_library libxkbcommon-x11-0 libxkbcommon-x11.so.0
need_library libdbus-1-3 libdbus-1.so.3
need_library libfontconfig1 libfontconfig.so.1
need_library libglib2.0-0 libglib-2.0.so.0
"$python" -c "import ensurepip, venv" >/dev/null 2>&1 || missing="$missing python3-venv"

[ -n "$missing" ] || exit 0

refuse() {
    echo "These system packages are missing and $1:$missing (Debian's names). Install them, for" \
        "instance with 'sudo apt-get install$missing', and run make again." >&2
    exit 1
}

as_root="env"
if [ "$(id -u)" -ne 0 ]; then
    sudo -n true >/dev/null 2>&1 || refuse "may not be installed from here"
    as_root="sudo -n env"
fi
command -v apt-get >/dev/null 2>&1 || refuse "this system has no apt-get"

echo "Installing system packages:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # the list is meant to be split
if ! { $as_root DEBIAN_FRONTEND=noninteractive apt-get update &&
    $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } \
    >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    refuse "apt-get could not install them"
fi
