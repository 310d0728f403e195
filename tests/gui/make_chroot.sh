#!/bin/sh
# Makes a folder with Debian sid in it: a real Blender with a window, what of the engine Debian has for its Python,
# and a display without a screen. Two minutes and 2 GB, once; nothing outside the folder is touched. There is no torch
# in it: the window is tested with the engine's first part.
#
#   tests/gui/make_chroot.sh [FOLDER]      default: $REIFY_GUI_CHROOT, or ~/.cache/reify-gui
#
# Needs Debian (or a relative of it), root and debootstrap. The mirror is the one that the host's own apt uses;
# REIFY_GUI_MIRROR overrides it. Wheels that Debian has no package for are fetched by the host's pip, with the
# host's own configuration, into FOLDER/wheels.
set -eu

folder=${1:-${REIFY_GUI_CHROOT:-$HOME/.cache/reify-gui}}
python=${PYTHON:-python3}
engine=$(dirname "$0")/../../requirements/engine.txt

fail() { echo "$1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "A chroot needs root."

inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive chroot "$folder" "$@"; }
bind() {
    for place in proc dev; do
        mountpoint -q "$folder/$place" || mount --bind "/$place" "$folder/$place"
    done
}

made=$(cat "$0" "$engine" | sha256sum)
if [ "$(cat "$folder/made" 2>/dev/null)" = "$made" ]; then
    bind
    echo "$folder"
    exit
fi

command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
mirror=${REIFY_GUI_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | head -n 1)}
[ -n "$mirror" ] || fail "apt knows no Debian mirror: set REIFY_GUI_MIRROR."
if [ ! -e "$folder/usr/bin/apt-get" ]; then
    umount -q "$folder.partial/proc" || true # of an attempt that was killed
    rm -rf --one-file-system "$folder" "$folder.partial"
    debootstrap --variant=minbase sid "$folder.partial" "$mirror"
    mv "$folder.partial" "$folder"
fi
bind
cp /etc/resolv.conf "$folder/etc/resolv.conf"

# A mirror may be a snapshot whose release file has run out, hence Check-Valid-Until.
# python3-cattr and python3-requests are missing from the dependencies of Debian's blender; its extension manager imports
# them. The minus takes torch out of a folder that has it.
inside apt-get -o Acquire::Check-Valid-Until=false update -q
inside apt-get install -q -y --no-install-recommends blender python3-cattr python3-requests xvfb python3-xlib imagemagick libgl1-mesa-dri \
    python3-torch- python3-pil python3-scipy python3-pip
inside apt-get clean

version=$(inside python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
platforms=$(for glibc in 2_28 2_27 2_24 2_17; do printf -- '--platform manylinux_%s_x86_64 ' "$glibc"; done)
pinned=$(sed -n -E '/^(scipy|pillow)=/d; s/^([A-Za-z][A-Za-z0-9-]*==[0-9.]+).*/\1/p' "$engine")
rm -rf "$folder/wheels"
# shellcheck disable=SC2086  # platforms and packages are several words
"$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: --python-version "$version" $platforms \
    --dest "$folder/wheels" $pinned llvmlite
printf '%s\n' "$made" >"$folder/made"
echo "$folder"
