#!/bin/sh
# LAB_HOOK: a reading of the machine by the agent before and at the end of each load. Needs
# GALEN_AGENT (the program) and LAB_OUT (a directory).
[ "$LAB_SCENARIO" = "?" ] && exit 0 # a helper of another load
n=$(cat "$LAB_OUT/count" 2>/dev/null || echo 0)
if [ "$LAB_PHASE" = begin ]; then
	n=$((n + 1))
	echo $n >"$LAB_OUT/count"
	printf '%s\t%s\t%s\t%s\t%s\n' "$LAB_SCENARIO" "$LAB_PARAM" "$LAB_SETTING" "$LAB_ROLE" \
		"$LAB_LABEL" >"$LAB_OUT/$n.meta"
fi
exec "$GALEN_AGENT" --print --hostname lab --log-level error >"$LAB_OUT/$n.$LAB_PHASE" 2>>"$LAB_OUT/log"
