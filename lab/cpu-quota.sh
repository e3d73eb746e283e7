#!/bin/bash
# A group is throttled by its quota while the processors are idle.
. "$(dirname "$0")/lib.sh"
group cpu cpu.cfs_quota_us 20000
one() { # scenario quota role label args
	echo "$2" > "$G/cpu.cfs_quota_us"
	in_group "$LAB" -s "$1" -p CPUQuota -v "$2" -r "$3" -l "$4" cpu seconds=4 "${@:5}"
}
one cpu-quota 20000 before increase workers=1 duty_pct=60
one cpu-quota -1 after none workers=1 duty_pct=60
one cpu-quota.two 60000 before increase workers=2 duty_pct=60
one cpu-quota.two 190000 after none workers=2 duty_pct=60
one cpu-quota.within 90000 trap none workers=1 duty_pct=30
