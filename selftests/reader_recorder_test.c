// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command record as it runs: how it ends, and what is in the file then.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../bpf/recording.h"
#include "busy_host.h"
#include "reader_case.h"

static struct busy_host host;

/* In place of those that need the module. */
void kvmeter_maps_open(struct kvmeter_maps *maps)
{
	*maps = host.maps;
}

void kvmeter_maps_check_attached(const struct kvmeter_maps *maps)
{
	(void)maps;
}

/* clang-format off */
FIXTURE(recorder) {
	char dir[32], file[48];
	char said[512];
	struct kvmeter_args args;
	int fd;
	pid_t pid;
};

/* clang-format on */

FIXTURE_SETUP(recorder)
{
	ASSERT_EQ(0, busy_host_init(&host));
	strcpy(self->dir, "/tmp/kvmeter-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->file, sizeof(self->file), "%s/rec", self->dir);
	self->args.pos[0] = self->file;
	self->args.pos[1] = "0.01";
	self->args.nr_pos = 2;
}

FIXTURE_TEARDOWN(recorder)
{
	busy_host_put(&host);
	unlink(self->file);
	rmdir(self->dir);
}

/* What it says on either is in one pipe. */
static void start(FIXTURE_DATA(recorder) * self, rlim_t most_bytes)
{
	struct rlimit limit = { most_bytes, most_bytes };
	int fds[2];

	if (pipe(fds))
		return;
	fflush(stdout);
	self->pid = fork();
	if (!self->pid) {
		/* one that does not end goes with the test */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		kvmeter_cmd_record(&self->args);
		fflush(stdout);
		_exit(0);
	}
	close(fds[1]);
	self->fd = fds[0];
}

static off_t get_size(const char *file)
{
	struct stat st;

	return stat(file, &st) ? 0 : st.st_size;
}

/* At most 20 s. Return: the bytes that it has */
static off_t wait_for_bytes(const char *file, off_t bytes)
{
	struct timespec nap = { .tv_nsec = 2000000 };
	unsigned int i;

	for (i = 0; i < 10000 && get_size(file) < bytes; i++)
		nanosleep(&nap, NULL);
	return get_size(file);
}

/* Until the file has the first snapshot, and several more. */
static void wait_for_some(FIXTURE_DATA(recorder) * self)
{
	off_t first = wait_for_bytes(self->file,
				     sizeof(struct kvmeter_recording_head) +
					     sizeof(struct kvmeter_recording_origin) + 1);

	wait_for_bytes(self->file, first + 300);
}

/* Return: its exit status, or the signal that ended it and 128 */
static int finish(FIXTURE_DATA(recorder) * self)
{
	size_t len = 0;
	ssize_t nr;
	int status;

	while ((nr = read(self->fd, self->said + len, sizeof(self->said) - 1 - len)) > 0)
		len += nr;
	self->said[len] = '\0';
	close(self->fd);
	waitpid(self->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Snapshots in the file, -1 if any of it is damaged. */
static int count(FIXTURE_DATA(recorder) * self)
{
	struct kvmeter_snap snaps[2] = {}, *cur = &snaps[0], *prev = &snaps[1], *swap;
	struct kvmeter_player player;
	int nr = 0;

	kvmeter_player_open(&player, self->file);
	for (; kvmeter_player_next(&player, cur, prev); nr++) {
		swap = prev;
		prev = cur;
		cur = swap;
	}
	if (player.damages)
		nr = -1;
	kvmeter_snapshot_put(&snaps[0]);
	kvmeter_snapshot_put(&snaps[1]);
	kvmeter_player_close(&player);
	return nr;
}

static void end_by(struct __test_metadata *_metadata, FIXTURE_DATA(recorder) * self, int sig)
{
	unsigned long long nr = 0, bytes = 0;
	char file[64];
	struct stat st;
	int nr_read;

	start(self, RLIM_INFINITY);
	wait_for_some(self);
	kill(self->pid, sig);
	ASSERT_EQ(0, finish(self));
	/* all that was taken is in it, and so it says */
	nr_read = sscanf(self->said, "%63[^:]: %llu snapshots in %*f s, %llu bytes, ", file, &nr,
			 &bytes);
	ASSERT_EQ(3, nr_read)
	{
		TH_LOG("it says: %s", self->said);
	}
	EXPECT_NE(NULL, strstr(self->said, " KiB a vCPU an hour\n"));
	ASSERT_EQ(0, stat(self->file, &st));
	EXPECT_EQ((unsigned long long)st.st_size, bytes);
	EXPECT_EQ((int)nr, count(self));
	EXPECT_LT(2, nr);
}

TEST_F(recorder, ends_by_interrupt)
{
	end_by(_metadata, self, SIGINT);
}

TEST_F(recorder, ends_by_termination)
{
	end_by(_metadata, self, SIGTERM);
}

/* What was written stays, but for a block in the middle of which it was killed. */
TEST_F(recorder, killed)
{
	struct stat before, after;

	start(self, RLIM_INFINITY);
	wait_for_some(self);
	ASSERT_EQ(0, stat(self->file, &before));
	kill(self->pid, SIGKILL);
	ASSERT_EQ(128 + SIGKILL, finish(self));
	ASSERT_EQ(0, stat(self->file, &after));
	EXPECT_LE(before.st_size, after.st_size);
	EXPECT_LT(2, count(self));
}

TEST_F(recorder, full_disk)
{
	off_t bytes;

	start(self, RLIM_INFINITY);
	wait_for_some(self);
	kill(self->pid, SIGTERM);
	ASSERT_EQ(0, finish(self));
	bytes = get_size(self->file);
	ASSERT_EQ(0, unlink(self->file));
	start(self, bytes - 10);
	ASSERT_EQ(1, finish(self));
	EXPECT_NE(NULL, strstr(self->said, " snapshots: File too large\n"))
	{
		TH_LOG("it says: %s", self->said);
	}
	EXPECT_EQ(self->said + strlen(self->said) - 1, strchr(self->said, '\n'));
	EXPECT_LT(1, count(self));
}

/* Not even room for the head: no file is left behind. */
TEST_F(recorder, no_room_at_all)
{
	struct stat st;

	start(self, 10);
	ASSERT_EQ(1, finish(self));
	EXPECT_NE(NULL, strstr(self->said, "File too large"));
	EXPECT_EQ(-1, stat(self->file, &st));
}

TEST_F(recorder, never_writes_over_a_file)
{
	FILE *f = fopen(self->file, "w");
	struct stat st;

	ASSERT_NE(NULL, f);
	fputs("mine", f);
	fclose(f);
	start(self, RLIM_INFINITY);
	ASSERT_EQ(1, finish(self));
	EXPECT_NE(NULL, strstr(self->said, "File exists"));
	ASSERT_EQ(0, stat(self->file, &st));
	EXPECT_EQ(4, st.st_size);
}

TEST_F(recorder, json)
{
	struct json_object *doc;

	self->args.json = true;
	start(self, RLIM_INFINITY);
	wait_for_some(self);
	kill(self->pid, SIGTERM);
	ASSERT_EQ(0, finish(self));
	doc = json_tokener_parse(self->said);
	ASSERT_NE(NULL, doc);
	EXPECT_STREQ("record", json_object_get_string(reader_get(doc, "document")));
	EXPECT_EQ(count(self), json_object_get_int(reader_get(doc, "snapshots")));
	EXPECT_LT(0, json_object_get_int64(reader_get(doc, "bytes_per_vcpu_hour")));
	json_object_put(doc);
}

TEST_HARNESS_MAIN
