/* SPDX-License-Identifier: Apache-2.0
 *
 * Text put together piece by piece, with snprintf's promise: never past the end of the buffer,
 * always terminated, and the length that the whole text has.
 *
 * Thread-safety: plain data.
 */
#ifndef SLUICE_HAL_TEXT_H
#define SLUICE_HAL_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

struct hal_text {
	char *buf;
	size_t n;   /* bytes of buf, may be 0 */
	size_t len; /* bytes of the whole text without its NUL */
};

static inline struct hal_text hal_text_start(char *buf, size_t n)
{
	if (n)
		buf[0] = '\0';
	return (struct hal_text){buf, n, 0};
}

__attribute__((format(printf, 2, 3))) static inline void hal_text_put(
	struct hal_text *t, const char *fmt, ...)
{
	size_t room = t->len < t->n ? t->n - t->len : 0;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(room ? t->buf + t->len : NULL, room, fmt, args);
	va_end(args);
	if (len > 0)
		t->len += (size_t)len;
}

/* Puts a comma unless the text has just begun (is `start` long). */
static inline void hal_text_comma(struct hal_text *t, size_t start)
{
	if (t->len > start)
		hal_text_put(t, ",");
}

/* Where the next piece goes: for functions that print into a buffer of their own. Tell the text
 * of what they returned with hal_text_took(). */
static inline char *hal_text_at(const struct hal_text *t)
{
	return t->len < t->n ? t->buf + t->len : NULL;
}

static inline size_t hal_text_room(const struct hal_text *t)
{
	return t->len < t->n ? t->n - t->len : 0;
}

static inline void hal_text_took(struct hal_text *t, int len)
{
	if (len > 0)
		t->len += (size_t)len;
}

static inline int hal_text_end(const struct hal_text *t)
{
	return (int)t->len;
}

#endif
