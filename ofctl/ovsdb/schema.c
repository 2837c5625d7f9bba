/* SPDX-License-Identifier: Apache-2.0 */
#include "ofctl/ovsdb/schema.h"

/* The words of the .def files. */
#define ROOT 1
#define EPHEMERAL OVSDB_COLUMN_EPHEMERAL
#define IMMUTABLE OVSDB_COLUMN_IMMUTABLE

#define ANY_INT                       \
	{                             \
		.type = OVSDB_INTEGER \
	}
#define ANY_BOOL                      \
	{                             \
		.type = OVSDB_BOOLEAN \
	}
#define ANY_STRING                   \
	{                            \
		.type = OVSDB_STRING \
	}
#define ANY_UUID                   \
	{                          \
		.type = OVSDB_UUID \
	}
#define INT(MIN, MAX)                                         \
	{                                                     \
		.type = OVSDB_INTEGER, .min = MIN, .max = MAX \
	}
#define INT_FROM(MIN)                                                   \
	{                                                               \
		.type = OVSDB_INTEGER, .min = MIN, .max = OVSDB_MAX_INT \
	}
#define CHOICE(...)                                                    \
	{                                                              \
		.type = OVSDB_STRING, .choices = (const char *const[]) \
		{                                                      \
			__VA_ARGS__, NULL                              \
		}                                                      \
	}
#define REF(TABLE)                                      \
	{                                               \
		.type = OVSDB_UUID, .ref_table = #TABLE \
	}
#define WEAK(TABLE)                                                   \
	{                                                             \
		.type = OVSDB_UUID, .ref_table = #TABLE, .weak = true \
	}

#define ONE(...)                                           \
	{                                                  \
		.key = __VA_ARGS__, .n_min = 1, .n_max = 1 \
	}
#define OPTIONAL(...)                                      \
	{                                                  \
		.key = __VA_ARGS__, .n_min = 0, .n_max = 1 \
	}
#define SET(...)                                                         \
	{                                                                \
		.key = __VA_ARGS__, .n_min = 0, .n_max = OVSDB_UNLIMITED \
	}
#define SET_OF_UP_TO(N, ...)                               \
	{                                                  \
		.key = __VA_ARGS__, .n_min = 0, .n_max = N \
	}
#define SOME(...)                                                        \
	{                                                                \
		.key = __VA_ARGS__, .n_min = 1, .n_max = OVSDB_UNLIMITED \
	}
#define MAP(KEY, VALUE)                                                          \
	{                                                                        \
		.key = KEY, .value = VALUE, .n_min = 0, .n_max = OVSDB_UNLIMITED \
	}

/* First reading: an array of columns for each table. */
#define TABLE(NAME, FLAGS, MAX_ROWS) static const struct ovsdb_column columns_of_##NAME[] = {
#define INDEX(...)
#define COLUMN(NAME, TYPE, FLAGS) {.name = #NAME, .type = TYPE, .flags = FLAGS},
#define END \
	}   \
	;

#include "ofctl/ovsdb/schema.def"
#include "ofctl/ovsdb/server_schema.def"

#undef TABLE
#undef INDEX
#undef COLUMN
#undef END

/* Second reading: the tables. */
#define TABLE(NAME, FLAGS, MAX_ROWS)                                                   \
	{                                                                              \
		.name = #NAME, .columns = columns_of_##NAME,                           \
		.n_columns = sizeof(columns_of_##NAME) / sizeof(columns_of_##NAME[0]), \
		.max_rows = MAX_ROWS, .root = (FLAGS) == ROOT,
#define INDEX(...) .index = {__VA_ARGS__},
#define COLUMN(NAME, TYPE, FLAGS)
#define END \
	}   \
	,

static const struct ovsdb_table_schema vswitch_tables[] = {
#include "ofctl/ovsdb/schema.def"
};

static const struct ovsdb_table_schema server_tables[] = {
#include "ofctl/ovsdb/server_schema.def"
};

const struct ovsdb_schema ovsdb_schema_vswitch = {
	.name = "Open_vSwitch",
	.version = "8.3.1",
	.tables = vswitch_tables,
	.n_tables = sizeof(vswitch_tables) / sizeof(vswitch_tables[0]),
};

const struct ovsdb_schema ovsdb_schema_server = {
	.name = "_Server",
	.version = "1.2.0",
	.tables = server_tables,
	.n_tables = sizeof(server_tables) / sizeof(server_tables[0]),
};
