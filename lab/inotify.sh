#!/bin/bash
# Watches and instances per user. Nobody's (uid 65534): the limits are the whole
# machine's, and no program of hers runs beside this one.
. "$(dirname "$0")/lib.sh"
mkdir "$T/w"
one() { # scenario parameter setting role label args
	local s=$1 p=$2 v=$3 r=$4 l=$5; shift 5
	gset "$p" "$v" || exit
	"$LAB" -s "$s" -p "$p" -v "$v" -r "$r" -l "$l" inotify uid=65534 dir="$T/w" "$@"
}
W=fs.inotify.max_user_watches I=fs.inotify.max_user_instances
one inotify.watches $W 1024 before increase n=1500
one inotify.watches $W 16384 after none n=1500
one inotify.instances $I 128 before increase n=64 instances=140
one inotify.instances $I 1024 after none n=64 instances=140
