/* The finding that says to put back what did harm. */
#pragma once

#include "advise/advise.h"
#include "record/findings.h"

/* Puts it before the others and decides the analysis anew; everything lives in the arena. */
void revert_add(struct analysis *a, const struct change_row *row, struct arena *arena);
