# Shared by the scenario scripts: build labload, save and restore sysctls,
# scratch directory, one scenario at a time.  Source it first.
set -u
LABDIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
T=$(mktemp -d ${TMPDIR:-/tmp}/lab.XXXXXX)
UNDO=()
undo() { UNDO+=("$*"); }
cleanup() {
	local i
	for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do eval "${UNDO[i]}" >/dev/null 2>&1; done
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
exec 9>${TMPDIR:-/tmp}/lab.lock
flock -w 120 9 || { echo "another scenario is running" >&2; exit 75; }
LAB=$T/labload
${CC:-gcc} -O2 -o "$LAB" -D_GNU_SOURCE "$LABDIR"/load/*.c -lpthread -lm || exit 1
# set a global sysctl for this run only (undone at exit, also on a signal)
gset() {
	local f=/proc/sys/${1//.//}
	[ -w "$f" ] || { echo "cannot write $1" >&2; return 77; }
	local old; old=$(cat "$f")
	undo "echo '$old' > $f"
	echo "$2" > "$f"
}
# like gset, without saving: inside a namespace that dies with the command
nset() { echo "$2" > "/proc/sys/${1//.//}"; }
export LAB T LABDIR
export -f nset
