// SPDX-License-Identifier: GPL-2.0-only
/* VMs of known contents, what the reader prints of them, and how it understands command lines. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reader_case.h"

static const unsigned int vm_slots[] = { 3, 5, 6 };

int reader_case_init(struct reader_case *c)
{
	struct kvmeter_vcpu *v;
	struct kvmeter_vm *vm;
	unsigned int i;

	memset(c, 0, sizeof(*c));
	c->fake = fake_maps_alloc(&c->maps);
	if (!c->fake)
		return -1;
	c->fake->index.vms = 1 << 3 | 1 << 5 | 1 << 6;
	c->fake->index.vcpus = 0x7;
	for (i = 0; i < NR(vm_slots); i++) {
		vm = &c->fake->vms[vm_slots[i]];
		vm->gen = 7;
		vm->log_state = KVMETER_LOG_OFF;
		sprintf(vm->id, "12-%u", vm_slots[i]);
	}
	c->fake->vms[3].log_state = KVMETER_LOG_BITMAP;
	for (i = 0; i < 3; i++) {
		v = &c->fake->vcpus[i];
		v->gen = 1;
		v->vm = i < 2 ? 3 : 5;
		v->vm_gen = 7;
		v->vcpu_id = i % 2;
		v->nr_rows = 1;
	}
	c->m = &c->fake->migrations[3];
	c->d = &c->fake->dirty[3];
	c->report.snap = &c->delta;
	c->report.args = &c->args;
	c->report.vm = -1;
	return 0;
}

void reader_case_put(struct reader_case *c)
{
	kvmeter_snapshot_put(&c->snaps[0]);
	kvmeter_snapshot_put(&c->snaps[1]);
	kvmeter_snapshot_put(&c->delta);
	free(c->fake);
}

void reader_case_take(struct reader_case *c, unsigned int n, __u64 now_ns)
{
	static const char *const names[] = { "web", "db", "idle" };
	struct kvmeter_snap *snap = &c->snaps[n];
	unsigned int i;

	kvmeter_snapshot_take(snap, &c->maps, c->needs);
	snap->now_ns = now_ns;
	for (i = 0; i < snap->nr_vms; i++)
		snap->vms[i].name = names[i];
	for (i = 0; i < snap->nr_vcpus; i++)
		snap->vcpus[i].elapsed_ns = now_ns;
}

void reader_case_subtract(struct reader_case *c)
{
	kvmeter_delta_get(&c->delta, &c->snaps[1], &c->snaps[0]);
}

const char *reader_capture(char *text, size_t size, void (*print)(const void *arg), const void *arg)
{
	FILE *file = tmpfile();
	int before;
	size_t len;

	fflush(stdout);
	before = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	print(arg);
	fflush(stdout);
	dup2(before, STDOUT_FILENO);
	close(before);
	rewind(file);
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

struct show {
	const struct reader_case *c;
	void (*print)(const struct reader_case *c);
};

static void print_show(const void *arg)
{
	const struct show *show = arg;

	show->print(show->c);
}

const char *reader_case_show(struct reader_case *c, void (*print)(const struct reader_case *c))
{
	struct show show = { c, print };

	return reader_capture(c->text, sizeof(c->text), print_show, &show);
}

const char *reader_case_find_line(const struct reader_case *c, const char *begin)
{
	static char found[512];
	const char *s = c->text;

	for (; *s; s += strcspn(s, "\n") + 1) {
		if (strncmp(s, begin, strlen(begin)))
			continue;
		snprintf(found, sizeof(found), "%.*s", (int)strcspn(s, "\n"), s);
		return found;
	}
	return "no such line";
}

const char *reader_explain(const struct kvmeter_setting *setting, int error)
{
	static const struct kvmeter_snap_vm vm = { .name = "web", .v.id = "12-3" };
	static char why[128];

	kvmeter_setting_explain(setting, &vm, error, why, sizeof(why));
	return why;
}

struct json_object *reader_get(struct json_object *obj, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(obj, key, &value))
		printf("# there is no %s\n", key);
	return value;
}

static struct kvmeter_args understood;
static bool ran;

void reader_note_args(const struct kvmeter_args *args)
{
	understood = *args;
	ran = true;
}

const struct kvmeter_args *reader_understand(const struct kvmeter_command *command,
					     const char *const *words)
{
	static char copies[8][32];
	char *argv[9] = { (char *)"command" };
	int argc = 1;

	for (; *words; words++, argc++) {
		snprintf(copies[argc], sizeof(copies[argc]), "%s", *words);
		argv[argc] = copies[argc];
	}
	ran = false;
	kvmeter_args_run(command, argc, argv);
	return ran ? &understood : NULL;
}

int reader_try(const struct kvmeter_command *command, const char *const *words, char *said,
	       size_t size)
{
	int fds[2], status;
	ssize_t len;
	pid_t child;

	if (pipe(fds))
		return -1;
	child = fork();
	if (!child) {
		dup2(fds[1], STDERR_FILENO);
		reader_understand(command, words);
		_exit(0);
	}
	close(fds[1]);
	len = read(fds[0], said, size - 1);
	said[len > 0 ? len : 0] = '\0';
	close(fds[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
