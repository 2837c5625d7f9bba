/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hal/base/log.h"
#include "tests/unit/hal/test.h"

LOG_DEFINE(unit_test);

static char path[64];
static int saved_stderr;

/* Lines go to a file for a while, and stderr to nowhere. */
static void begin(void)
{
	int null = open("/dev/null", O_WRONLY);
	int fd;

	snprintf(path, sizeof(path), "/tmp/unit-hal-log-XXXXXX");
	fd = mkstemp(path);
	close(fd);
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
	CU_ASSERT_EQUAL(log_set_file(path), 0);
}

/* Returns what was written. */
static const char *end(void)
{
	static char text[200000];
	FILE *f;
	size_t n;

	log_set_file(NULL);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	f = fopen(path, "r");
	n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	if (f)
		fclose(f);
	unlink(path);
	return text;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_line(void)
{
	int year, month, day, hour, minute, second, ms, used = 0;
	const char *text;

	begin();
	close(STDERR_FILENO); /* so that a write fails */
	errno = EAGAIN;
	log_warn("port %d", 7);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	log_err("two\nlines\x1b[1m");
	text = end();
	CU_ASSERT_EQUAL(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ|%n", &year, &month, &day, &hour,
				&minute, &second, &ms, &used),
		7);
	EXPECT(!strncmp(text + used, "unit_test|WARN|port 7\n", 22), text);
	EXPECT(strstr(text, "|unit_test|ERR|two lines [1m\n") != NULL, text);
	CU_ASSERT_EQUAL(count_lines(text), 2);
}

static void test_levels(void)
{
	const char *text;

	begin();
	log_dbg("hidden");
	CU_ASSERT_EQUAL(log_set_level("unit_test", LOG_LEVEL_DBG), 0);
	log_dbg("shown");
	CU_ASSERT_EQUAL(log_set_level(NULL, LOG_LEVEL_OFF), 0);
	log_err("hidden");
	CU_ASSERT_EQUAL(log_set_level("ANY", LOG_LEVEL_INFO), 0);
	CU_ASSERT_EQUAL(log_set_level("no such module", LOG_LEVEL_INFO), -ENOENT);
	text = end();
	EXPECT(!strstr(text, "hidden") && strstr(text, "|DBG|shown\n"), text);
	CU_ASSERT_EQUAL(log_level_parse("warn"), LOG_LEVEL_WARN);
	CU_ASSERT_EQUAL(log_level_parse("loud"), -EINVAL);
	EXPECT_TEXT(log_level_name(LOG_LEVEL_DBG), "DBG");
}

static void chatter(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		log_info("line %u", i);
}

/* A burst of 20, then nothing until time has passed; what was left out is counted. */
static void test_rate(void)
{
	const char *text;
	unsigned lines;

	begin();
	chatter(1000);
	usleep(250000);
	chatter(1);
	text = end();
	lines = count_lines(text);
	EXPECT(lines >= 21 && lines < 60, text);
	EXPECT(strstr(text, " such lines suppressed)\n") != NULL, text);
}

static void *shout(void *arg)
{
	struct log_module *m = arg;

	for (unsigned i = 0; i < 500; i++)
		log_write(
			m, LOG_LEVEL_INFO, NULL, "%s", "0123456789012345678901234567890123456789");
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[4];
	char copy[200];
	const char *text, *line;
	unsigned good = 0;

	begin();
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, shout, &log_this_module);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	text = end();
	for (line = text; *line; line = strchr(line, '\n') + 1) {
		snprintf(copy, sizeof(copy), "%.*s", (int)(strchr(line, '\n') - line), line);
		good += !strcmp(
			copy + 24, "|unit_test|INFO|0123456789012345678901234567890123456789");
	}
	CU_ASSERT_EQUAL(good, 2000);
}

static void test_long_line(void)
{
	char many[10000];
	const char *text;

	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	begin();
	log_info("%s", many);
	text = end();
	CU_ASSERT_EQUAL(count_lines(text), 1);
	CU_ASSERT(strlen(text) > 1500 && strlen(text) < 2200);
}

static unsigned seen;

static void see(void *ctx, const char *name, enum log_level level)
{
	(void)ctx;
	seen += !strcmp(name, "unit_test") && level == LOG_LEVEL_INFO;
}

static void test_modules(void)
{
	log_modules(see, NULL);
	CU_ASSERT_EQUAL(seen, 1);
	CU_ASSERT_EQUAL(log_set_file("/nonexistent/file"), -ENOENT);
}

CU_TestInfo log_tests[] = {
	{"a line", test_line},
	{"levels", test_levels},
	{"rate limit", test_rate},
	{"threads", test_threads},
	{"long lines", test_long_line},
	{"modules", test_modules},
	CU_TEST_INFO_NULL,
};
