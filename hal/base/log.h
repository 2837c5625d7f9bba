/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines: "2026-01-31T12:00:00.123Z|module|WARN|text" on stderr (under systemd without the
 * time, with its level prefix).
 *
 * What: a module declares itself once with LOG_DEFINE(name) and then uses log_err() to log_dbg().
 * Each call site is limited to a burst of 20 lines and 10 a second after; what was suppressed is
 * said with the next line.
 * Thread-safety: all functions may be called from any thread except on the packet path, which does
 * not log.
 */
#ifndef SLUICE_HAL_BASE_LOG_H
#define SLUICE_HAL_BASE_LOG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_OFF, LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DBG };

struct log_module {
	const char *name;
	_Atomic int level;
	struct log_module *next;
};

struct log_site {
	_Atomic uint64_t bucket_ms; /* when the bucket was last filled */
	_Atomic int tokens;
	_Atomic uint32_t suppressed;
};

#define LOG_DEFINE(NAME)                                                          \
	static struct log_module log_this_module = {#NAME, LOG_LEVEL_INFO, NULL}; \
	__attribute__((constructor)) static void log_register_##NAME(void)        \
	{                                                                         \
		log_register(&log_this_module);                                   \
	}                                                                         \
	_Static_assert(1, "")

#define LOG_AT(LEVEL, ...)                                                                         \
	do {                                                                                       \
		static struct log_site site_ = {0, 20, 0};                                         \
		if (atomic_load_explicit(&log_this_module.level, memory_order_relaxed) >= (LEVEL)) \
			log_write(&log_this_module, (LEVEL), &site_, __VA_ARGS__);                 \
	} while (0)

#define log_err(...) LOG_AT(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_dbg(...) LOG_AT(LOG_LEVEL_DBG, __VA_ARGS__)

void log_register(struct log_module *m);
void log_write(struct log_module *m, enum log_level level, struct log_site *site, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

/* Sets the level of one module, or of all if `module` is NULL or "ANY". 0 or -ENOENT. */
int log_set_level(const char *module, enum log_level level);
int log_level_parse(const char *name); /* enum log_level or -EINVAL */
const char *log_level_name(enum log_level level);

/* Calls `cb` for each module. */
void log_modules(void (*cb)(void *ctx, const char *name, enum log_level level), void *ctx);

/* Also writes to this file (appended), or only to stderr again with NULL. 0 or -errno. */
int log_set_file(const char *path);

#endif
