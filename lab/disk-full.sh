#!/bin/bash
# No space, and no inodes with space to spare, on small file systems.
. "$(dirname "$0")/lib.sh"
one() { # scenario parameter setting role label mb inodes args
	local s=$1 p=$2 v=$3 r=$4 l=$5 mb=$6 ino=$7; shift 7
	disk "$mb" "$ino"
	"$LAB" -s "$s" -p "$p" -v "$v" -r "$r" -l "$l" fill dir="$T/m" "$@"
	undisk
}
one disk-full.space disk.space 16MiB before upgrade 16 4096 n=300 kb=64
one disk-full.space disk.space 64MiB after none 64 4096 n=300 kb=64
one disk-full.inodes disk.inodes 128 before upgrade 32 128 n=400 kb=1
one disk-full.inodes disk.inodes 4096 after none 32 4096 n=400 kb=1
one disk-full.large disk.space 200MiB before upgrade 200 4096 n=300 kb=1024
one disk-full.large disk.space 600MiB after none 600 4096 n=300 kb=1024
one disk-full.many-files disk.inodes 1024 before upgrade 64 1024 n=1600 kb=1
one disk-full.many-files disk.inodes 8192 after none 64 8192 n=1600 kb=1
