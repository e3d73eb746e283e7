#!/bin/bash
# Looks full, is well: the page cache fills the group's memory while the
# program's own needs are small.  "Used" is high, pressure is not.
. "$(dirname "$0")/lib.sh"
dd if=/dev/urandom of="$T/data" bs=1M count=300 conv=fsync status=none; echo 1 > /proc/sys/vm/drop_caches
if [ -d /sys/fs/cgroup/memory ]; then
	group memory memory.limit_in_bytes $((200 << 20))
	in_group "$LAB" -s healthy-cache -p none -v 200MiB -r before -l none mem file="$T/data" hot_mb=20 cold_mb=0 file_hot_mb=0 file_stream_mb=150 seconds=5
	echo 0 > $G/memory.force_empty
else
	"$LAB" -s healthy-cache -p none -v all -r before -l none mem file="$T/data" hot_mb=20 cold_mb=0 file_stream_mb=300 seconds=5
fi
