/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/simnic/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hal/reason.h"

#define MAX_SCRIPT 16384 /* bytes */
#define RULE_OPS (1u << SIM_ADD | 1u << SIM_REPLACE | 1u << SIM_DEL)

static const char *const verbs[] = {
	[FAULT_REFUSE] = "refuse",
	[FAULT_LATE] = "late",
	[FAULT_LOSE] = "lose",
	[FAULT_FULL] = "full",
	[FAULT_RESET] = "reset",
	[FAULT_SLOW] = "slow",
};

static const char *const reasons[] = {
#define REASON(ID, ...) [HAL_REASON_##ID] = #ID,
	HAL_REASONS(REASON)
#undef REASON
};

static int parse_code(const char *value, uint32_t *code)
{
	for (uint32_t i = 1; i < HAL_REASON_MAX; i++) {
		if (!strcasecmp(reasons[i], value)) {
			*code = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_number(const char *value, uint32_t *out)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || n > UINT32_MAX)
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static int parse_op(const char *value, uint32_t *ops)
{
	*ops = !strcmp(value, "add")          ? 1u << SIM_ADD
	       : !strcmp(value, "replace")    ? 1u << SIM_REPLACE
	       : !strcmp(value, "del")        ? 1u << SIM_DEL
	       : !strcmp(value, "object_set") ? 1u << SIM_OBJECT_SET
	       : !strcmp(value, "object_del") ? 1u << SIM_OBJECT_DEL
					      : 0;
	return *ops ? 0 : -EINVAL;
}

static int parse_word(struct nic_fault *f, const char *key, const char *value)
{
	if (!strcmp(key, "every"))
		return parse_number(value, &f->every);
	if (!strcmp(key, "after"))
		return parse_number(value, &f->after);
	if (!strcmp(key, "after_ms"))
		return parse_number(value, &f->after_ms);
	if (!strcmp(key, "delay"))
		return parse_number(value, &f->delay_ms);
	if (!strcmp(key, "op"))
		return parse_op(value, &f->ops);
	if (!strcmp(key, "code"))
		return parse_code(value, &f->code);
	if (!strcmp(key, "text")) {
		snprintf(f->text, sizeof(f->text), "%s", value);
		return 0;
	}
	return -EINVAL;
}

/* Cuts the next word off *line; a value may be in double quotes. NULL at the end. */
static char *next_word(char **line)
{
	char *word, *at = *line + strspn(*line, " \t\r");
	bool quoted = false;

	if (!*at || *at == '#')
		return NULL;
	for (word = at; *at && (quoted || !strchr(" \t\r", *at)); at++) {
		if (*at == '"')
			quoted = !quoted;
	}
	if (*at)
		*at++ = '\0';
	*line = at;
	return word;
}

static void unquote(char *value)
{
	size_t n = strlen(value);

	if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
		memmove(value, value + 1, n - 2);
		value[n - 2] = '\0';
	}
}

/* What each verb cannot do without. */
static bool complete(const struct nic_fault *f)
{
	switch (f->verb) {
	case FAULT_REFUSE:
	case FAULT_LATE:
	case FAULT_LOSE:
		return f->every > 0;
	case FAULT_FULL:
		return true;
	case FAULT_RESET:
		return f->after || f->after_ms;
	case FAULT_SLOW:
		return f->delay_ms > 0;
	}
	return false;
}

static int parse_line(char *line, struct nic_script *s, char err[SIM_TEXT])
{
	struct nic_fault f = {.ops = RULE_OPS, .code = HAL_REASON_DEVICE_ERROR};
	char *word = next_word(&line), *value;
	unsigned verb;

	if (!word)
		return 0;
	for (verb = 0; verb < sizeof(verbs) / sizeof(verbs[0]); verb++) {
		if (!strcmp(verbs[verb], word))
			break;
	}
	if (verb == sizeof(verbs) / sizeof(verbs[0])) {
		snprintf(err, SIM_TEXT,
			"\"%.20s\": expected refuse, late, lose, full, reset or slow", word);
		return -EINVAL;
	}
	f.verb = verb;
	snprintf(f.text, sizeof(f.text), "scripted: %s", verbs[verb]);
	while ((word = next_word(&line))) {
		value = strchr(word, '=');
		if (value) {
			*value++ = '\0';
			unquote(value);
		}
		if (!value || parse_word(&f, word, value)) {
			snprintf(err, SIM_TEXT, "%s: cannot take \"%.20s=%.30s\"", verbs[verb],
				word, value ? value : "");
			return -EINVAL;
		}
	}
	if (!complete(&f)) {
		snprintf(err, SIM_TEXT, "%s: does not say when (every=, after=, delay=)",
			verbs[verb]);
		return -EINVAL;
	}
	if (s->n == NIC_MAX_FAULTS) {
		snprintf(err, SIM_TEXT, "more than %d faults", NIC_MAX_FAULTS);
		return -EINVAL;
	}
	s->faults[s->n++] = f;
	return 0;
}

int nic_script_parse(const char *text, uint64_t now, struct nic_script *out, char err[SIM_TEXT])
{
	struct nic_script s = {.loaded_ms = now};
	char *copy = strdup(text), *save = NULL;
	int ret = 0;

	if (!copy)
		return -ENOMEM;
	for (char *line = strtok_r(copy, "\n;", &save); line && !ret;
		line = strtok_r(NULL, "\n;", &save))
		ret = parse_line(line, &s, err);
	free(copy);
	if (!ret)
		*out = s;
	return ret;
}

int nic_script_load(const char *path, uint64_t now, struct nic_script *out, char err[SIM_TEXT])
{
	FILE *f = fopen(path, "re");
	char text[MAX_SCRIPT];
	size_t n;

	if (!f) {
		snprintf(err, SIM_TEXT, "%s", strerror(errno));
		return -errno;
	}
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return nic_script_parse(text, now, out, err);
}

static void judge_one(struct nic_fault *f, uint32_t rules, struct nic_verdict *v)
{
	bool hit;

	f->seen++;
	hit = f->every && f->seen % f->every == 0;
	switch (f->verb) {
	case FAULT_REFUSE:
	case FAULT_LATE:
		if (!hit || v->refuse || v->late)
			break;
		v->refuse = f->verb == FAULT_REFUSE;
		v->late = f->verb == FAULT_LATE;
		v->delay_ms += v->late ? f->delay_ms : 0;
		v->code = f->code;
		v->text = f->text;
		break;
	case FAULT_LOSE:
		v->lose |= hit;
		break;
	case FAULT_FULL:
		v->full |= rules >= f->after;
		break;
	case FAULT_RESET:
		if (f->after && f->seen == f->after)
			v->reset = f->over = true;
		break;
	case FAULT_SLOW:
		v->delay_ms += f->delay_ms;
		break;
	}
}

struct nic_verdict nic_script_judge(struct nic_script *script, uint32_t op, uint32_t rules)
{
	struct nic_verdict v = {0};

	for (unsigned i = 0; i < script->n; i++) {
		struct nic_fault *f = &script->faults[i];

		if (!f->over && f->ops & 1u << op)
			judge_one(f, rules, &v);
	}
	return v;
}

bool nic_script_reset_due(struct nic_script *script, uint64_t now)
{
	bool due = false;

	for (unsigned i = 0; i < script->n; i++) {
		struct nic_fault *f = &script->faults[i];

		if (f->verb == FAULT_RESET && !f->over && f->after_ms &&
			now - script->loaded_ms >= f->after_ms)
			due = f->over = true;
	}
	return due;
}
