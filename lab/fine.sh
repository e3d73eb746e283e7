#!/bin/bash
# Loads that are well within their limits, and no load at all: nothing is to be
# changed.  What a classifier must not take for a fault.
. "$(dirname "$0")/lib.sh"
one() { # name, namespaces, workload...
	local s=$1 ns=$2; shift 2
	unshare $ns bash -c 'ip link set lo up 2>/dev/null
	"$LAB" -s fine.'"$s"' -p none -v default -r before -l none '"$*"
}
one idle -n flows n=5 pace_us=400000
one accept -n accept backlog=4096 burst=150 rounds=4 stall_ms=60
one many-accepts -n accept backlog=1024 burst=400 rounds=6 stall_ms=20
one ports -n ports mode=timewait n=1500 pace_us=1000
one many-ports -n ports mode=timewait n=9000 pace_us=300
one fin-wait2 -n ports mode=finwait2 n=900 pace_us=3000
one udp -n udp n=8000 pps=3000 size=256 stall_ms=5
one flows -n flows n=3000 pace_us=200
one many-flows -n flows n=20000 pace_us=100
one msgq -i msgq size=128 burst=20 rounds=40 stall_ms=20
one semaphores -i ipcids what=sem n=60 per=5
one queues -i ipcids what=msg n=500
one segments -i ipcids what=shm n=100 per=64
one cpu -i cpu seconds=4 workers=1 duty_pct=60
one aio -i aio contexts=4 events=1024
one maps -i maps n=20000
one descriptors -i nofile n=500 limit=1024
one processes -i pids n=200
mkdir -p "$T/w"
one inotify -i inotify dir="$T/w" n=60
one available -i look seconds=2
disk 256
one files -i fill dir="$T/m" n=300 kb=200
rm -rf "$T"/m/*
one fsync -i fsync dir="$T/m" seconds=3 bulk_kb_s=2000 bulk_mb=32
dd if=/dev/urandom of="$T/data" bs=1M count=200 conv=fsync status=none
one memory -i mem file="$T/data" hot_mb=50 cold_mb=50 file_hot_mb=50 seconds=3
one much-memory -i mem file="$T/data" hot_mb=300 cold_mb=600 file_hot_mb=100 seconds=3
one page-cache -i mem file="$T/data" hot_mb=20 cold_mb=0 file_hot_mb=0 file_stream_mb=200 seconds=3
