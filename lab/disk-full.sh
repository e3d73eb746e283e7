#!/bin/bash
# No space, and no inodes with space to spare, on a small file system.
. "$(dirname "$0")/lib.sh"
one() { # parameter setting role label mb inodes args
	local p=$1 v=$2 r=$3 l=$4 mb=$5 ino=$6; shift 6
	mkdir -p "$T/m"; truncate -s "${mb}M" "$T/img"
	mkfs.ext4 -q -F -m 0 -N "$ino" -O ^has_journal "$T/img" && mount -o loop "$T/img" "$T/m" || exit 77
	"$LAB" -s disk-full -p "$p" -v "$v" -r "$r" -l "$l" fill dir="$T/m" "$@"
	umount "$T/m"; rm -f "$T/img"
}
undo "umount $T/m"
one disk.space 16MiB before upgrade 16 4096 n=300 kb=64
one disk.space 64MiB after none 64 4096 n=300 kb=64
one disk.inodes 128 before upgrade 32 128 n=400 kb=1
one disk.inodes 4096 after none 32 4096 n=400 kb=1
