#!/bin/bash
# A disk that cannot keep up: small synchronous writes beside a bulk writer. The
# root group's limit for a loop device makes it slow; the counterfactual is the
# same disk without it.
. "$(dirname "$0")/lib.sh"
B=/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device
[ -w "$B" ] || exit 77
one() { # scenario bytes/s setting role label args
	local s=$1 bps=$2 v=$3 r=$4 l=$5 dev; shift 5
	disk 128
	dev=$(cat "/sys/class/block/$(basename "$(findmnt -no SOURCE "$T/m")")/dev")
	undo "echo $dev 0 > $B"
	echo "$dev $bps" > "$B"
	"$LAB" -s "$s" -p disk.speed -v "$v" -r "$r" -l "$l" fsync dir="$T/m" seconds=4 "$@"
	echo "$dev 0" > "$B"
	undisk
}
one disk-slow 1000000 1MB/s before upgrade bulk_kb_s=4000 bulk_mb=16
one disk-slow 0 unlimited after none bulk_kb_s=4000 bulk_mb=16
one disk-slow.log 150000 0.15MB/s before upgrade bulk_kb_s=400 bulk_mb=8
one disk-slow.log 0 unlimited after none bulk_kb_s=400 bulk_mb=8
