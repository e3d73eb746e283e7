/* Labels and annotations as JSON objects of texts: so the record keeps them and so notifications
 * carry them. */
#pragma once

#include "series/labels.h"

#include <jansson.h>

/* Sorted by name, copied to the arena. Members that are no text are left out; of what is no object
 * (NULL, too) there are none. */
struct labels labels_of_object(const json_t *object, struct arena *arena);
/* The same of a JSON text; of a text that is no JSON there are none. */
struct labels labels_of_json(struct span json, struct arena *arena);
