# Shared by the scenario scripts: build labload, save and restore sysctls,
# scratch directory, one scenario at a time.  Source it first.
set -u
LABDIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 77; }
# Mounts and processes of its own: what else runs on the machine is not seen, nor does it see this.
[ -n "${LAB_OWN:-}" ] || LAB_OWN=1 exec unshare -m -p -f --mount-proc bash "$0" "$@"
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
# A second load beside the one that is measured, without a look at it, until its shell ends. Inside a
# namespace; what it does is no part of the label's proof.
beside() {
	LAB_HOOK='' "$LAB" -t 60 -u "$T/stop" "$@" >/dev/null 2>&1 &
	sleep 0.5
}
# disk MB [INODES]: an ext4 of this size at $T/m; undisk takes it away
disk() {
	mkdir -p "$T/m"; truncate -s "$1M" "$T/img"
	mkfs.ext4 -q -F -m 0 ${2:+-N "$2"} -O ^has_journal "$T/img" && mount -o loop "$T/img" "$T/m" || exit 77
	undo "umount $T/m"
}
undisk() { umount "$T/m"; rm -f "$T/img"; }
# group HIERARCHY FILE VALUE [FILE VALUE]...: a control group "trial"; G is its folder
group() {
	G=/sys/fs/cgroup/$1/trial; shift
	[ -d "${G%/*}" ] || exit 77
	[ -d "$G" ] || { mkdir "$G" || exit 77; undo "rmdir $G"; }
	while [ $# -gt 0 ]; do echo "$2" > "$G/$1" || exit 77; shift 2; done
}
# in_group COMMAND...: the command, inside of it
in_group() { (echo $BASHPID > "$G/cgroup.procs"; exec "$@"); }
export LAB T LABDIR
export -f nset beside
