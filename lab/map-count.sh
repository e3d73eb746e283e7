#!/bin/bash
# A process with very many memory regions (search engines, large maps).
. "$(dirname "$0")/lib.sh"
cur=$(cat /proc/sys/vm/max_map_count)
[ "$cur" -le 70000 ] || gset vm.max_map_count 65530
"$LAB" -s map-count -p vm.max_map_count -v 65530 -r before -l increase maps n=80000
gset vm.max_map_count 262144 || exit
"$LAB" -s map-count -p vm.max_map_count -v 262144 -r after -l none maps n=80000
