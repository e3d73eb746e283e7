#!/bin/bash
# System-wide file table full.  Processes with CAP_SYS_ADMIN are exempt from
# fs.file-max, so root's programs keep working while users' programs fail.
. "$(dirname "$0")/lib.sh"
used=$(awk '{print $1}' /proc/sys/fs/file-nr)
max=$(cat /proc/sys/fs/file-max)
gset fs.file-max $((used + 700)) || exit
"$LAB" -s file-max -p fs.file-max -v $((used + 700)) -r before -l increase filemax kids=4 per=500
echo "$max" > /proc/sys/fs/file-max
"$LAB" -s file-max -p fs.file-max -v "$max" -r after -l none filemax kids=4 per=500
