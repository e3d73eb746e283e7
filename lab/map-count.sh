#!/bin/bash
# A process with very many memory regions (search engines, large maps).
. "$(dirname "$0")/lib.sh"
cur=$(cat /proc/sys/vm/max_map_count)
undo "echo $cur > /proc/sys/vm/max_map_count"
echo 65530 > /proc/sys/vm/max_map_count || exit 77
"$LAB" -s map-count -p vm.max_map_count -v 65530 -r before -l increase maps n=80000
echo 262144 > /proc/sys/vm/max_map_count
"$LAB" -s map-count -p vm.max_map_count -v 262144 -r after -l none maps n=80000
