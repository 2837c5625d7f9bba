/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define BURST 20
#define PER_SECOND 10

/* `lock` guards the list, the file, and keeps lines of several threads apart. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_module *modules;
static int log_fd = -1;

static const struct {
	const char *name;
	int priority; /* syslog's, for systemd */
} levels[] = {
	[LOG_LEVEL_OFF] = {"OFF", 7},
	[LOG_LEVEL_ERR] = {"ERR", 3},
	[LOG_LEVEL_WARN] = {"WARN", 4},
	[LOG_LEVEL_INFO] = {"INFO", 6},
	[LOG_LEVEL_DBG] = {"DBG", 7},
};

void log_register(struct log_module *m)
{
	pthread_mutex_lock(&lock);
	m->next = modules;
	modules = m;
	pthread_mutex_unlock(&lock);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Takes a token from the site's bucket. Races between threads cost or gain a token, no more. */
static bool site_allows(struct log_site *site)
{
	uint64_t now = now_ms(), then = atomic_load(&site->bucket_ms);
	uint64_t gained = (now - then) * PER_SECOND / 1000;

	if (gained && atomic_compare_exchange_strong(&site->bucket_ms, &then, now)) {
		int tokens = atomic_load(&site->tokens);

		tokens = tokens < 0 ? 0 : tokens;
		tokens = gained > BURST - (unsigned)tokens ? BURST : tokens + (int)gained;
		atomic_store(&site->tokens, tokens);
	}
	if (atomic_fetch_sub(&site->tokens, 1) > 0)
		return true;
	atomic_fetch_add(&site->tokens, 1);
	atomic_fetch_add(&site->suppressed, 1);
	return false;
}

static int format_time(char *buf, size_t n)
{
	struct timespec ts;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	len = strftime(buf, n, "%Y-%m-%dT%H:%M:%S", &tm);
	return (int)len + snprintf(buf + len, n - len, ".%03ldZ|", ts.tv_nsec / 1000000);
}

/* Text may come from a peer: it must not be able to forge lines. */
static void neutralise(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static void write_line(int fd, const char *line, size_t len)
{
	ssize_t done;

	do
		done = write(fd, line, len);
	while (done < 0 && errno == EINTR);
}

static size_t append(char *line, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static size_t append(char *line, size_t len, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line + len, LINE_MAX_BYTES - len, fmt, args);
	va_end(args);
	len += n < 0 ? 0 : (size_t)n;
	return len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES - 1;
}

void log_write(
	struct log_module *m, enum log_level level, struct log_site *site, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES], stamp[64];
	int saved_errno = errno, n;
	size_t len, text;
	uint32_t suppressed;
	va_list args;

	if (site && !site_allows(site))
		return;
	format_time(stamp, sizeof(stamp));
	len = append(line, 0, "%s|%s|", m->name, levels[level].name);
	text = len;
	errno = saved_errno; /* for %m */
	va_start(args, fmt);
	n = vsnprintf(line + len, LINE_MAX_BYTES - len, fmt, args);
	va_end(args);
	len += n < 0 ? 0 : (size_t)n;
	if (len > LINE_MAX_BYTES - 64)
		len = LINE_MAX_BYTES - 64; /* room for what follows */
	line[len] = '\0';
	neutralise(line + text);
	suppressed = site ? atomic_exchange(&site->suppressed, 0) : 0;
	if (suppressed)
		len = append(line, len, " (%u such lines suppressed)", suppressed);
	line[len++] = '\n';

	char full[LINE_MAX_BYTES + 64];
	size_t skip;

	pthread_mutex_lock(&lock);
	skip = (size_t)snprintf(full, sizeof(full), "%s", stamp);
	memcpy(full + skip, line, len);
	if (log_fd >= 0)
		write_line(log_fd, full, skip + len);
	if (getenv("JOURNAL_STREAM")) {
		skip = (size_t)snprintf(full, sizeof(full), "<%d>", levels[level].priority);
		memcpy(full + skip, line, len);
	}
	write_line(STDERR_FILENO, full, skip + len);
	pthread_mutex_unlock(&lock);
	errno = saved_errno;
}

int log_set_level(const char *module, enum log_level level)
{
	bool all = !module || !strcasecmp(module, "ANY"), found = all;

	pthread_mutex_lock(&lock);
	for (struct log_module *m = modules; m; m = m->next) {
		if (!all && strcasecmp(m->name, module))
			continue;
		atomic_store(&m->level, (int)level);
		found = true;
	}
	pthread_mutex_unlock(&lock);
	return found ? 0 : -ENOENT;
}

int log_level_parse(const char *name)
{
	for (int i = 0; i <= LOG_LEVEL_DBG; i++)
		if (!strcasecmp(name, levels[i].name))
			return i;
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

void log_modules(void (*cb)(void *ctx, const char *name, enum log_level level), void *ctx)
{
	struct log_module *m;

	pthread_mutex_lock(&lock);
	m = modules;
	pthread_mutex_unlock(&lock);
	/* Modules are never removed, so `cb` runs unlocked and may log. */
	for (; m; m = m->next)
		cb(ctx, m->name, (enum log_level)atomic_load(&m->level));
}

int log_set_file(const char *path)
{
	int fd = -1, old;

	if (path) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (fd < 0)
			return -errno;
	}
	pthread_mutex_lock(&lock);
	old = log_fd;
	log_fd = fd;
	pthread_mutex_unlock(&lock);
	if (old >= 0)
		close(old);
	return 0;
}
