#!/bin/bash
# Watches and instances per user.  In a user namespace, whose own counters
# (user.max_inotify_*) are the same mechanism as fs.inotify.max_user_*.
. "$(dirname "$0")/lib.sh"
one() { # parameter userns-file setting role label args
	local p=$1 f=$2 v=$3 r=$4 l=$5; shift 5
	mkdir -p "$T/w"
	unshare -U -r bash -c 'nset user.'$f' '$v'; "$LAB" -s inotify -p '$p' -v '$v' -r '$r' -l '$l' inotify dir='"$T/w $*"
}
one fs.inotify.max_user_watches max_inotify_watches 128 before increase n=500
one fs.inotify.max_user_watches max_inotify_watches 8192 after none n=500
one fs.inotify.max_user_instances max_inotify_instances 8 before increase n=64 instances=32
one fs.inotify.max_user_instances max_inotify_instances 128 after none n=64 instances=32
