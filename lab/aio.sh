#!/bin/bash
# Asynchronous I/O contexts (databases): fs.aio-nr against fs.aio-max-nr.
. "$(dirname "$0")/lib.sh"
gset fs.aio-max-nr 65536 || exit
"$LAB" -s aio -p fs.aio-max-nr -v 65536 -r before -l increase aio contexts=40 events=4096
gset fs.aio-max-nr 1048576
"$LAB" -s aio -p fs.aio-max-nr -v 1048576 -r after -l none aio contexts=40 events=4096
