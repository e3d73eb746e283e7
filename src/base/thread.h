/* Threads that nobody waits for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Runs run(arg) on a detached thread; stack_bytes 0: the system's default. False when no thread is
 * to be had: then nothing was begun and arg is still the caller's. */
bool thread_detached(size_t stack_bytes, void *(*run)(void *), void *arg);
