/* Private to collect/: facts about the machine, for the info series and the inventory. */
#pragma once

#include "collect/tick.h"

/* The keys of os-release that are taken, by their place in node_os_info's labels. */
enum os_key {
    OS_ID = 1,
    OS_ID_LIKE = 2,
    OS_NAME = 5,
    OS_PRETTY_NAME = 6,
    OS_VERSION_ID = 11,
    OS_KEYS = 12
};

/* The first line of a file, in the arena; empty when there is none. */
struct span host_fact(struct tick *t, struct arena *arena, const char *path);
/* x86_64, aarch64, ... */
struct span host_machine(struct tick *t, struct arena *arena);
/* The first value of a key of /proc/cpuinfo. */
struct span host_cpu_field(struct tick *t, struct arena *arena, const char *name);
/* kvm, vmware, lxc, docker, ...; "none" for bare hardware. */
struct span host_virtualization(struct tick *t, struct arena *arena, struct span vendor,
                                struct span product);
/* The kind of container that this program's proc/ is that of; empty when none. */
struct span host_container(struct tick *t, struct arena *arena);
/* The spans point into the file's text: valid until the next read. */
MUST_USE enum status host_os_release(struct tick *t, struct span *values, struct err *err);
/* When the machine was booted, in seconds since 1970; 0 when it is not told. */
uint64_t host_boot_s(struct tick *t);
