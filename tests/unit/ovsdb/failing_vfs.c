/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ovsdb/failing_vfs.h"

#include <pthread.h>
#include <sqlite3.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t unblocked = PTHREAD_COND_INITIALIZER;
static bool failing, blocking;

static sqlite3_vfs vfs;
static sqlite3_vfs *real_vfs;
/* SQLite's own methods, with one replaced; the file objects stay its own. The
 * main file, which is locked, has other methods than the log. */
static struct {
	const sqlite3_io_methods *real;
	sqlite3_io_methods ours;
} methods[2];

static int failing_sync(sqlite3_file *file, int flags)
{
	pthread_mutex_lock(&mutex);
	while (blocking)
		pthread_cond_wait(&unblocked, &mutex);
	bool fail = failing;
	pthread_mutex_unlock(&mutex);
	if (fail)
		return SQLITE_IOERR_FSYNC;
	return methods[file->pMethods == &methods[1].ours].real->xSync(file, flags);
}

static int failing_open(
	sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out)
{
	(void)self;
	int rc = real_vfs->xOpen(real_vfs, name, file, flags, out);
	int kind = flags & SQLITE_OPEN_MAIN_DB ? 1 : 0;
	if (rc == SQLITE_OK && file->pMethods) {
		methods[kind].real = file->pMethods;
		methods[kind].ours = *file->pMethods;
		methods[kind].ours.xSync = failing_sync;
		file->pMethods = &methods[kind].ours;
	}
	return rc;
}

int failing_vfs_register(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "failing";
	vfs.xOpen = failing_open;
	failing = blocking = false;
	return sqlite3_vfs_register(&vfs, 1);
}

void failing_vfs_unregister(void)
{
	sqlite3_vfs_unregister(&vfs);
	sqlite3_vfs_register(real_vfs, 1);
}

void failing_vfs_fail(bool fail)
{
	pthread_mutex_lock(&mutex);
	failing = fail;
	pthread_mutex_unlock(&mutex);
}

void failing_vfs_block(bool block)
{
	pthread_mutex_lock(&mutex);
	blocking = block;
	pthread_cond_broadcast(&unblocked);
	pthread_mutex_unlock(&mutex);
}
