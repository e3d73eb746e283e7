#!/bin/bash
# Two things at once: two limits whose advice is of one class, and a limit under
# a heavy load that is itself well. The label is the measured load's.
. "$(dirname "$0")/lib.sh"
one() { # scenario namespaces parameter setting role label before-the-load load...
	local s=$1 ns=$2 p=$3 v=$4 r=$5 l=$6 pre=$7; shift 7
	rm -f "$T/stop"
	unshare $ns bash -c 'ip link set lo up 2>/dev/null; '"$pre"'
	"$LAB" -s mixed.'"$s"' -p "'"$p"'" -v "'"$v"'" -r '"$r"' -l '"$l $*"'; touch "$T/stop"; wait'
}
ACCEPT="accept backlog=4096 burst=200 rounds=3 stall_ms=150"
BUSY='beside cpu seconds=50 workers=1 duty_pct=60'
one accept-and-messages "-n -i" net.core.somaxconn 64 before increase \
	'nset net.core.somaxconn 64; nset kernel.msgmni 100; beside ipcids what=msg n=300' $ACCEPT
one accept-and-messages "-n -i" net.core.somaxconn 1024 after none \
	'nset net.core.somaxconn 1024; nset kernel.msgmni 1000; beside ipcids what=msg n=300' $ACCEPT
one queues-and-semaphores -i kernel.msgmni 100 before increase \
	'nset kernel.msgmni 100; echo 32 32000 32 128 > /proc/sys/kernel/sem; beside ipcids what=sem n=300 per=2' ipcids what=msg n=300
one queues-and-semaphores -i kernel.msgmni 1000 after none \
	'nset kernel.msgmni 1000; echo 250 32000 100 1024 > /proc/sys/kernel/sem; beside ipcids what=sem n=300 per=2' ipcids what=msg n=300
one accept-under-cpu -n net.core.somaxconn 64 before increase "nset net.core.somaxconn 64; $BUSY" $ACCEPT
one accept-under-cpu -n net.core.somaxconn 1024 after none "nset net.core.somaxconn 1024; $BUSY" $ACCEPT
one fin-wait2-under-flows -n net.ipv4.tcp_fin_timeout 60 before decrease \
	'nset net.ipv4.ip_local_port_range "32768 33067"; beside flows n=60000 pace_us=500' ports mode=finwait2 n=500 pace_us=6000
one fin-wait2-under-flows -n net.ipv4.tcp_fin_timeout 1 after none \
	'nset net.ipv4.ip_local_port_range "32768 33067"; nset net.ipv4.tcp_fin_timeout 1; beside flows n=60000 pace_us=500' ports mode=finwait2 n=500 pace_us=10000
one ports-under-messages "-n -i" net.ipv4.ip_local_port_range "32768 33067" before increase \
	'nset net.ipv4.tcp_tw_reuse 0; nset net.ipv4.ip_local_port_range "32768 33067"; beside msgq size=128 burst=20 rounds=500 stall_ms=20' ports mode=timewait n=1500 pace_us=1000
one ports-under-messages "-n -i" net.ipv4.ip_local_port_range "1024 65000" after none \
	'nset net.ipv4.tcp_tw_reuse 0; nset net.ipv4.ip_local_port_range "1024 65000"; beside msgq size=128 burst=20 rounds=500 stall_ms=20' ports mode=timewait n=1500 pace_us=1000
disk 24
one disk-under-connections -n disk.space 24MiB before upgrade "beside ports mode=timewait n=30000 pace_us=1500" fill dir=$T/m n=400 kb=128
undisk; disk 128
one disk-under-connections -n disk.space 128MiB after none "beside ports mode=timewait n=30000 pace_us=1500" fill dir=$T/m n=400 kb=128
undisk; disk 32 256
one inodes-under-cpu -i disk.inodes 256 before upgrade "$BUSY" fill dir=$T/m n=600 kb=1
undisk; disk 32 4096
one inodes-under-cpu -i disk.inodes 4096 after none "$BUSY" fill dir=$T/m n=600 kb=1
undisk
one all-well "-n -i" none default before none \
	"$BUSY; beside flows n=60000 pace_us=500; beside ipcids what=sem n=60 per=5" accept backlog=4096 burst=300 rounds=4 stall_ms=50
one all-well "-n -i" none default before none \
	"$BUSY; beside udp n=60000 pps=3000 size=256 stall_ms=5; beside msgq size=128 burst=20 rounds=500 stall_ms=20" ports mode=timewait n=3000 pace_us=1000
