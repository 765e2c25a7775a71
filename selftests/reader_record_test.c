// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings: what is read is what was written, and no more than that is lost where a file is
 * damaged or cut off; how many bytes they take; points in time.
 *
 * Linked with the reader's objects; needs neither root nor the module. The maps are arrays here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../bpf/recording.h"
#include "../bpf/replay.h"
#include "busy_host.h"
#include "reader_case.h"

/* A prime number, with a second and a third key. */
#define SNAPS 149
#define INTERVAL_NS (5 * NS_PER_S)

/* Where the first block begins. */
#define FIRST \
	((long)(sizeof(struct kvmeter_recording_head) + sizeof(struct kvmeter_recording_origin)))

/* What a busy vCPU may take in an hour. */
#define BYTES_PER_VCPU_H 1000000.0

/* clang-format off */
FIXTURE(recording) {
	struct busy_host host;
	struct kvmeter_snap snaps[SNAPS];
	long ends[SNAPS];
	char dir[32], file[48];
	__u64 bytes;
};

/* clang-format on */

static void take_all(FIXTURE_DATA(recording) * self)
{
	unsigned int i;

	for (i = 0; i < SNAPS; i++) {
		/* one VM comes and goes, and comes as another */
		self->host.fake->index.vms = i / 10 % 2 ? 0x7 : 0x3;
		if (i % 20 == 19)
			self->host.fake->vms[2].gen += 2;
		self->host.fake->vcpus[4].vm_gen = self->host.fake->vms[2].gen;
		busy_host_take(&self->host, &self->snaps[i]);
		busy_host_run(&self->host, INTERVAL_NS);
	}
}

FIXTURE_SETUP(recording)
{
	struct kvmeter_recording_origin origin;
	struct kvmeter_recorder recorder;
	unsigned int i;

	kvmeter_origin_get(&origin);
	ASSERT_EQ(0, busy_host_init(&self->host));
	strcpy(self->dir, "/tmp/kvmeter-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->file, sizeof(self->file), "%s/rec", self->dir);
	take_all(self);
	kvmeter_recorder_open(&recorder, self->file, INTERVAL_NS, &self->snaps[0], &origin);
	for (i = 0; i < SNAPS; i++) {
		ASSERT_TRUE(kvmeter_recorder_add(&recorder, &self->snaps[i],
						 i ? &self->snaps[i - 1] : NULL));
		self->ends[i] = recorder.bytes;
	}
	self->bytes = recorder.bytes;
	kvmeter_recorder_close(&recorder);
}

FIXTURE_TEARDOWN(recording)
{
	unsigned int i;

	for (i = 0; i < SNAPS; i++)
		kvmeter_snapshot_put(&self->snaps[i]);
	busy_host_put(&self->host);
	unlink(self->file);
	rmdir(self->dir);
}

static bool same_rows(const void *a, unsigned int a_first, unsigned int a_nr, const void *b,
		      unsigned int b_first, unsigned int b_nr, size_t size)
{
	return a_nr == b_nr &&
		!memcmp((const char *)a + a_first * size, (const char *)b + b_first * size,
			a_nr * size);
}

static bool same_vcpu(const struct kvmeter_snap *a, const struct kvmeter_snap *b, unsigned int i)
{
	const struct kvmeter_snap_vcpu *x = &a->vcpus[i], *y = &b->vcpus[i];

	return x->slot == y->slot && x->elapsed_ns == y->elapsed_ns &&
		x->unexplained_ns == y->unexplained_ns && x->sub_floor == y->sub_floor &&
		x->found_pages == y->found_pages && !memcmp(&x->v, &y->v, sizeof(x->v)) &&
		same_rows(a->rows, x->first_row, x->nr_rows, b->rows, y->first_row, y->nr_rows,
			  sizeof(*a->rows)) &&
		same_rows(a->subs, x->first_sub, x->nr_subs, b->subs, y->first_sub, y->nr_subs,
			  sizeof(*a->subs)) &&
		same_rows(a->thieves, x->first_thief, x->nr_thieves, b->thieves, y->first_thief,
			  y->nr_thieves, sizeof(*a->thieves));
}

static bool same_vm(const struct kvmeter_snap_vm *x, const struct kvmeter_snap_vm *y)
{
	return x->slot == y->slot && x->first_vcpu == y->first_vcpu && x->nr_vcpus == y->nr_vcpus &&
		x->elapsed_ns == y->elapsed_ns && x->found_pages == y->found_pages &&
		x->sync_nr == y->sync_nr && x->sync_pages == y->sync_pages &&
		!strcmp(x->name, y->name) && !memcmp(&x->v, &y->v, sizeof(x->v)) &&
		!memcmp(&x->d, &y->d, sizeof(x->d)) && !memcmp(&x->m, &y->m, sizeof(x->m));
}

static bool same_snap(const struct kvmeter_snap *a, const struct kvmeter_snap *b)
{
	unsigned int i;

	if (a->now_ns != b->now_ns || a->real_ns != b->real_ns || a->nr_vms != b->nr_vms ||
	    a->nr_vcpus != b->nr_vcpus || memcmp(&a->host, &b->host, sizeof(a->host)))
		return false;
	for (i = 0; i < a->nr_vms; i++) {
		if (!same_vm(&a->vms[i], &b->vms[i]))
			return false;
	}
	for (i = 0; i < a->nr_vcpus; i++) {
		if (!same_vcpu(a, b, i))
			return false;
	}
	return true;
}

/*
 * Reads the file. @is_there: set for each snapshot that was read. Return: how many there were, -1
 * if one is none that was written.
 */
static int play(FIXTURE_DATA(recording) * self, bool *is_there, struct kvmeter_player *player)
{
	struct kvmeter_snap snaps[2] = {}, *cur = &snaps[0], *prev = &snaps[1], *swap;
	unsigned int i = 0;
	int nr = 0;

	memset(is_there, 0, SNAPS * sizeof(*is_there));
	kvmeter_player_open(player, self->file);
	while (nr >= 0 && kvmeter_player_next(player, cur, prev)) {
		while (i < SNAPS && self->snaps[i].now_ns != cur->now_ns)
			i++;
		if (i == SNAPS || !same_snap(&self->snaps[i], cur)) {
			nr = -1;
			break;
		}
		is_there[i] = true;
		nr++;
		swap = prev;
		prev = cur;
		cur = swap;
	}
	kvmeter_snapshot_put(&snaps[0]);
	kvmeter_snapshot_put(&snaps[1]);
	kvmeter_player_close(player);
	return nr;
}

static void change_byte(const char *file, long at, unsigned char by)
{
	FILE *f = fopen(file, "r+");
	int c;

	fseek(f, at, SEEK_SET);
	c = getc(f);
	fseek(f, at, SEEK_SET);
	putc(c ^ by, f);
	fclose(f);
}

TEST_F(recording, reads_what_was_written)
{
	struct kvmeter_player player;
	bool is_there[SNAPS];
	struct stat st;

	ASSERT_EQ(SNAPS, play(self, is_there, &player));
	EXPECT_EQ(0, player.damages);
	/* as many bytes as it says, and for nobody else */
	ASSERT_EQ(0, stat(self->file, &st));
	EXPECT_EQ(self->bytes, (__u64)st.st_size);
	EXPECT_EQ(0600, st.st_mode & 0777);
}

TEST_F(recording, is_small)
{
	double vcpus_h = 0;
	unsigned int i;

	for (i = 1; i < SNAPS; i++)
		vcpus_h += self->snaps[i].nr_vcpus * (double)INTERVAL_NS / (3600.0 * NS_PER_S);
	EXPECT_LT(self->bytes, BYTES_PER_VCPU_H * vcpus_h);
	TH_LOG("%.0f bytes a vCPU an hour, one snapshot in %llu s", self->bytes / vcpus_h,
	       INTERVAL_NS / NS_PER_S);
}

/* Cut off anywhere: all snapshots that are whole, and it is told if there is a part of one. */
TEST_F(recording, cut_off)
{
	struct kvmeter_player player;
	bool is_there[SNAPS];
	unsigned int i;
	long cut;

	for (i = SNAPS; i-- > 0;) {
		cut = self->ends[i];
		ASSERT_EQ(0, truncate(self->file, cut));
		ASSERT_EQ((int)i + 1, play(self, is_there, &player));
		ASSERT_EQ(0, player.damages);
		cut -= i % 3 == 0    ? 1
			: i % 3 == 1 ? (self->ends[i] - (i ? self->ends[i - 1] : FIRST)) / 2
				     : (self->ends[i] - (i ? self->ends[i - 1] : FIRST)) - 1;
		ASSERT_EQ(0, truncate(self->file, cut));
		ASSERT_EQ((int)i, play(self, is_there, &player));
		ASSERT_EQ(1, player.damages);
		ASSERT_EQ(i ? self->ends[i - 1] : FIRST, player.damaged_at);
	}
}

/* A damaged block is lost with those up to the next key, whatever byte of it is another. */
TEST_F(recording, damaged)
{
	struct kvmeter_player player;
	unsigned int i, victim, next_key;
	bool is_there[SNAPS];
	long at;

	for (victim = 0; victim < SNAPS; victim += 7) {
		at = victim ? self->ends[victim - 1] : FIRST;
		at += victim * 13 % (self->ends[victim] - at);
		change_byte(self->file, at, 0x10);
		next_key = (victim / KVMETER_RECORDING_KEYS + 1) * KVMETER_RECORDING_KEYS;
		ASSERT_LE(0, play(self, is_there, &player));
		for (i = 0; i < SNAPS; i++) {
			ASSERT_EQ(i < victim || i >= next_key, is_there[i])
			TH_LOG("snapshot %u, damaged was %u", i, victim);
		}
		ASSERT_EQ(1, player.damages);
		ASSERT_EQ(victim ? self->ends[victim - 1] : FIRST, player.damaged_at);
		change_byte(self->file, at, 0x10);
	}
	ASSERT_EQ(SNAPS, play(self, is_there, &player));
}

static void copy_part(FILE *in, FILE *out, long from, long to)
{
	fseek(in, from, SEEK_SET);
	for (; from < to; from++)
		putc(getc(in), out);
}

/* A block that is gone without a trace is missed all the same. */
TEST_F(recording, missing)
{
	static const unsigned int gone[] = { 0, 5, 63, 64, 100 };
	struct kvmeter_player player;
	char whole[64];
	bool is_there[SNAPS];
	unsigned int i, j, next_key;
	FILE *in, *out;

	snprintf(whole, sizeof(whole), "%s/whole", self->dir);
	ASSERT_EQ(0, rename(self->file, whole));
	for (i = 0; i < NR(gone); i++) {
		in = fopen(whole, "r");
		out = fopen(self->file, "w");
		ASSERT_TRUE(in && out);
		copy_part(in, out, 0, gone[i] ? self->ends[gone[i] - 1] : FIRST);
		copy_part(in, out, self->ends[gone[i]], self->bytes);
		fclose(in);
		fclose(out);
		next_key = (gone[i] / KVMETER_RECORDING_KEYS + 1) * KVMETER_RECORDING_KEYS;
		ASSERT_LE(0, play(self, is_there, &player));
		for (j = 0; j < SNAPS; j++) {
			ASSERT_EQ(j < gone[i] || j >= next_key, is_there[j])
			TH_LOG("snapshot %u, gone was %u", j, gone[i]);
		}
		ASSERT_EQ(1, player.damages);
	}
	unlink(whole);
}

/* Runs @child in a process of its own. Return: its exit status; what it said is in @said. */
static int run(void (*child)(const void *arg), const void *arg, char *said, size_t size)
{
	int fds[2], status;
	size_t len = 0;
	ssize_t nr;
	pid_t pid;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		child(arg);
		_exit(0);
	}
	close(fds[1]);
	while (len < size - 1 && (nr = read(fds[0], said + len, size - 1 - len)) > 0)
		len += nr;
	said[len] = '\0';
	close(fds[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void open_player(const void *file)
{
	struct kvmeter_player player;

	kvmeter_player_open(&player, file);
}

/* With a checksum that fits, but for those that come before it. */
TEST_F(recording, of_others)
{
	static const struct {
		size_t at;
		bool keep_crc;
		const char *says;
	} cases[] = {
		{ offsetof(struct kvmeter_recording_head, magic), false, "is no recording" },
		{ offsetof(struct kvmeter_recording_head, order), false, "another byte order" },
		{ offsetof(struct kvmeter_recording_head, version), false,
		  "has format version 0, this reader knows 2" },
		{ offsetof(struct kvmeter_recording_head, abi), false, "this reader knows 5" },
		{ offsetof(struct kvmeter_recording_head, sizes) + 8, false, "of other sizes" },
		{ offsetof(struct kvmeter_recording_head, begin_ns), true,
		  "is damaged where it begins" },
	};
	struct kvmeter_recording_head head, good;
	char said[256];
	unsigned int i;
	FILE *f;

	f = fopen(self->file, "r+");
	ASSERT_NE(NULL, f);
	ASSERT_EQ(1, fread(&good, sizeof(good), 1, f));
	for (i = 0; i < NR(cases); i++) {
		head = good;
		((unsigned char *)&head)[cases[i].at] ^= 2;
		if (!cases[i].keep_crc)
			head.crc = crc32(0, (void *)&head,
					 offsetof(struct kvmeter_recording_head, crc));
		rewind(f);
		fwrite(&head, sizeof(head), 1, f);
		fflush(f);
		EXPECT_EQ(1, run(open_player, self->file, said, sizeof(said)));
		EXPECT_NE(NULL, strstr(said, cases[i].says))
		TH_LOG("it says: %s", said);
		EXPECT_EQ(said + strlen(said) - 1, strchr(said, '\n'));
	}
	fclose(f);
	ASSERT_EQ(0, truncate(self->file, 87));
	EXPECT_EQ(1, run(open_player, self->file, said, sizeof(said)));
	EXPECT_NE(NULL, strstr(said, "is no recording"));
}

static void fail_origin(struct __test_metadata *_metadata, FIXTURE_DATA(recording) * self,
			const struct kvmeter_recording_origin *origin)
{
	char said[256];
	FILE *f = fopen(self->file, "r+");

	ASSERT_NE(NULL, f);
	fseek(f, sizeof(struct kvmeter_recording_head), SEEK_SET);
	fwrite(origin, sizeof(*origin), 1, f);
	fclose(f);
	EXPECT_EQ(1, run(open_player, self->file, said, sizeof(said)));
	EXPECT_NE(NULL, strstr(said, "is damaged where it begins"));
}

/* What was recorded is known; nothing is shown of it that is no text, even if its checksum fits. */
TEST_F(recording, origin)
{
	struct kvmeter_recording_origin bad;
	struct kvmeter_player player;
	struct utsname name;

	ASSERT_EQ(0, uname(&name));
	kvmeter_player_open(&player, self->file);
	EXPECT_STREQ(name.nodename, player.origin.host);
	EXPECT_STREQ(name.release, player.origin.kernel);
	bad = player.origin;
	kvmeter_player_close(&player);
	bad.host[0] ^= 1;
	fail_origin(_metadata, self, &bad);
	bad.host[0] = '\033';
	kvmeter_origin_seal(&bad);
	fail_origin(_metadata, self, &bad);
	memset(bad.host, 'x', sizeof(bad.host));
	kvmeter_origin_seal(&bad);
	fail_origin(_metadata, self, &bad);
}

/* One that was written before there was an origin in them. */
TEST_F(recording, without_origin)
{
	struct kvmeter_recording_head head;
	struct kvmeter_player player;
	bool is_there[SNAPS];
	FILE *in = fopen(self->file, "r"), *out;
	int c;

	ASSERT_NE(NULL, in);
	ASSERT_EQ(1, fread(&head, sizeof(head), 1, in));
	head.version = 1;
	head.crc = crc32(0, (void *)&head, offsetof(struct kvmeter_recording_head, crc));
	fseek(in, FIRST, SEEK_SET);
	unlink(self->file);
	out = fopen(self->file, "w");
	ASSERT_NE(NULL, out);
	fwrite(&head, sizeof(head), 1, out);
	while ((c = getc(in)) != EOF)
		putc(c, out);
	fclose(in);
	fclose(out);
	ASSERT_EQ(SNAPS, play(self, is_there, &player));
	EXPECT_EQ(0, player.damages);
	EXPECT_STREQ("", player.origin.host);
}

/* A file that cannot grow ends with a whole snapshot. */
TEST_F(recording, no_room)
{
	struct rlimit limit = { .rlim_cur = self->ends[3] + 100, .rlim_max = RLIM_INFINITY };
	struct kvmeter_recording_origin origin;
	struct kvmeter_recorder recorder;
	struct kvmeter_player player;
	bool is_there[SNAPS];
	unsigned int i;

	kvmeter_origin_get(&origin);
	ASSERT_EQ(0, unlink(self->file));
	ASSERT_NE(SIG_ERR, signal(SIGXFSZ, SIG_IGN));
	kvmeter_recorder_open(&recorder, self->file, INTERVAL_NS, &self->snaps[0], &origin);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	for (i = 0; i < 4; i++)
		ASSERT_TRUE(kvmeter_recorder_add(&recorder, &self->snaps[i],
						 i ? &self->snaps[i - 1] : NULL));
	ASSERT_FALSE(kvmeter_recorder_add(&recorder, &self->snaps[4], &self->snaps[3]));
	EXPECT_EQ(EFBIG, errno);
	limit.rlim_cur = RLIM_INFINITY;
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	kvmeter_recorder_close(&recorder);
	ASSERT_EQ(4, play(self, is_there, &player));
	EXPECT_EQ(0, player.damages);
}

static const struct kvmeter_span span = {
	.begin_ns = 1000 * NS_PER_S,
	.end_ns = 8200 * NS_PER_S,
	/* 2026-11-22T12:00:00Z */
	.begin_real_ns = BUSY_BEGIN_REAL_NS,
};

TEST(times)
{
	static const struct {
		const char *from, *to;
		bool from_real, to_real;
		__u64 from_s, to_s;
	} cases[] = {
		{ "0", "90", false, false, 1000, 1090 },
		{ "90s", "2m", false, false, 1090, 1120 },
		{ "1.5", "1h", false, false, 1001, 4600 },
		{ "+10", "+10", false, false, 1010, 1020 },
		{ "-10m", "-1m", false, false, 7600, 8140 },
		{ "-2d", "2d", false, false, 1000, 173800 },
		{ "12:30", "12:30:05", true, true, 1795350600, 1795350605 },
		{ "11:59:59", "+5m", true, true, 1795435199, 1795435499 },
		{ "23:00", "01:00", true, true, 1795388400, 1795395600 },
		{ "2026-11-22T12:00:01Z", "2026-11-22T13:00:01+01:00", true, true, 1795348801,
		  1795348801 },
		{ "2026-11-22 12:00", "2026-11-23", true, true, 1795348800, 1795392000 },
		{ "2026-11-22T12:00:05-05:30", "5m", true, false, 1795368605, 1300 },
	};
	struct kvmeter_limit begin, end;
	struct kvmeter_time from, to;
	unsigned int i;

	setenv("TZ", "UTC", 1);
	tzset();
	for (i = 0; i < NR(cases); i++) {
		ASSERT_TRUE(kvmeter_times_parse(cases[i].from, &from));
		ASSERT_TRUE(kvmeter_times_parse(cases[i].to, &to));
		begin = kvmeter_times_begin(&from, &span);
		end = kvmeter_times_end(&to, &begin, &span);
		EXPECT_EQ(cases[i].from_real, begin.is_real);
		EXPECT_EQ(cases[i].to_real, end.is_real);
		EXPECT_EQ(cases[i].from_s, begin.ns / NS_PER_S)
		TH_LOG("--from %s", cases[i].from);
		EXPECT_EQ(cases[i].to_s, end.ns / NS_PER_S)
		TH_LOG("--to %s", cases[i].to);
	}
	/* local time */
	setenv("TZ", "XYZ-1", 1);
	tzset();
	ASSERT_TRUE(kvmeter_times_parse("13:00:10", &from));
	EXPECT_EQ(1795348810, kvmeter_times_begin(&from, &span).ns / NS_PER_S);
	ASSERT_TRUE(kvmeter_times_parse("2026-11-22T13:00:10", &from));
	EXPECT_EQ(1795348810, kvmeter_times_begin(&from, &span).ns / NS_PER_S);
}

TEST(no_times)
{
	static const char *const bad[] = { "",
					   "x",
					   "5y",
					   "1e3",
					   "--5",
					   "+",
					   "12:",
					   "25:00",
					   "12:61",
					   "12:00:0x",
					   "2026-13-01",
					   "2026-11-22T",
					   "2026-11",
					   "2026-11-22T12:00+1",
					   "2026-11-22T12:00 Z",
					   "5 m",
					   "nan",
					   "0x10",
					   "99999999999999" };
	struct kvmeter_time time;
	unsigned int i;

	for (i = 0; i < NR(bad); i++) {
		EXPECT_FALSE(kvmeter_times_parse(bad[i], &time))
		TH_LOG("'%s'", bad[i]);
	}
}

TEST_HARNESS_MAIN
