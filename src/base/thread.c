#include "base/thread.h"

#include <pthread.h>

bool thread_detached(size_t stack_bytes, void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (stack_bytes)
        pthread_attr_setstacksize(&attr, stack_bytes);
    bool started = pthread_create(&thread, &attr, run, arg) == 0;
    pthread_attr_destroy(&attr);
    return started;
}
