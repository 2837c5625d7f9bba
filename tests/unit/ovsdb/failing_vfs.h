/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk that fails or stalls on command: an SQLite VFS over the usual one,
 * whose fsync can be told to return an error, or not to return.
 */
#ifndef TESTS_UNIT_OVSDB_FAILING_VFS_H
#define TESTS_UNIT_OVSDB_FAILING_VFS_H

#include <stdbool.h>

/* Make it the default for files opened from now on. */
int failing_vfs_register(void);
void failing_vfs_unregister(void);
void failing_vfs_fail(bool fail);
void failing_vfs_block(bool block);

#endif /* TESTS_UNIT_OVSDB_FAILING_VFS_H */
