#!/bin/bash
# Asynchronous I/O contexts (databases): fs.aio-nr against fs.aio-max-nr.
. "$(dirname "$0")/lib.sh"
old=$(cat /proc/sys/fs/aio-max-nr)
[ "$(cat /proc/sys/fs/aio-nr)" -lt 1000 ] || { echo "asynchronous I/O is in use here" >&2; exit 77; }
undo "echo $old > /proc/sys/fs/aio-max-nr"
one() { # scenario, limit, role, label, load
	local s=$1 v=$2 r=$3 l=$4; shift 4
	echo "$v" > /proc/sys/fs/aio-max-nr
	"$LAB" -s "$s" -p fs.aio-max-nr -v "$v" -r "$r" -l "$l" aio "$@"
}
one aio 65536 before increase contexts=40 events=4096
one aio 1048576 after none contexts=40 events=4096
one aio.small 20000 before increase contexts=200 events=128
one aio.small 262144 after none contexts=200 events=128
