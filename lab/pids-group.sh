#!/bin/bash
# A control group (a service's TasksMax) without a further process.
. "$(dirname "$0")/lib.sh"
group pids pids.max 100
one() { # scenario limit role label n
	echo "$2" > "$G/pids.max"
	in_group "$LAB" -s "$1" -p TasksMax -v "$2" -r "$3" -l "$4" pids n="$5"
}
one pids-group 100 before increase 140
one pids-group 1000 after none 140
one pids-group.large 400 before increase 500
one pids-group.large 4000 after none 500
