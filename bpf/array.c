// SPDX-License-Identifier: GPL-2.0-only
/* Arrays that grow. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/**
 * kvmeter_array_grow - make room for @need elements
 * @array: from an earlier call, or NULL
 * @room: elements that there is room for
 * @need: elements that there has to be room for
 * @size: bytes of an element
 *
 * Return: the array, perhaps elsewhere, new elements zeroed. Ends the program if memory is short.
 */
void *kvmeter_array_grow(void *array, unsigned int *room, unsigned int need, size_t size)
{
	unsigned int more = need + need / 2 + 8;

	if (array && need <= *room)
		return array;
	array = reallocarray(array, more, size);
	if (!array)
		err(1, "no memory");
	memset((char *)array + *room * size, 0, (more - *room) * size);
	*room = more;
	return array;
}
