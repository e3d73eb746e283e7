#!/bin/sh
# arm64.sh DIR: DIR/build/galen-agent for arm64, made by Debian's cross compiler against Debian's
# arm64 libraries in DIR/sysroot/root, where they are put when they are not there yet.
# `qemu-aarch64 -L DIR/sysroot/root DIR/build/galen-agent` runs it on another processor.
set -eu
mkdir -p "$1"
dir=$(cd "$1" && pwd)
root=$dir/sysroot/root
if [ ! -d "$root/usr/include/event2" ]; then
    rm -rf "$dir/sysroot"
    tools/packages.sh sysroot arm64 "$dir/sysroot"
fi
cat >"$dir/cross.ini" <<CROSS
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
[built-in options]
c_args = ['--sysroot=$root']
c_link_args = ['--sysroot=$root']
[properties]
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/aarch64-linux-gnu/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
CROSS
if [ ! -f "$dir/build/build.ninja" ]; then
    meson setup "$dir/build" --cross-file "$dir/cross.ini" -Dagent_only=true -Dtests=false \
        >"$dir/setup.log" 2>&1 || { tail -30 "$dir/setup.log"; exit 1; }
fi
tools/ninja.sh "$dir/build"
