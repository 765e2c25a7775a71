// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader's pure parts about dirty pages: units, what remains of a migration, heat and its
 * pictures, guest memory, QMP with peers of all kinds.
 *
 * Linked with the reader's objects; needs neither root nor the module.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../bpf/dirty.h"
#include "../bpf/guestmem.h"
#include "../bpf/heat.h"
#include "../bpf/qmp.h"

#define MIB (1024.0 * 1024.0)

TEST(times)
{
	static const struct {
		const char *text;
		__u64 ns;
		bool unit;
	} good[] = {
		{ "125ms", 125000000, true },  { "0.125", 125000000, false },
		{ "2s", 2000000000, true },    { "1.5m", 90000000000, true },
		{ "1h", 3600000000000, true }, { "7us", 7000, true },
		{ "3", 3000000000, false },    { "1ns", 1, true },
	};
	static const char *const bad[] = { "",	  "ms",	 "-1s", "1 s",	"1x",	"nan", "0x10",
					   "1ss", "inf", "0",	"0.0s", "1e3s", "..1", "1e20h" };
	unsigned int i;
	bool unit;
	__u64 ns;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ASSERT_TRUE(kvmeter_units_parse_ns(good[i].text, &ns, &unit));
		ASSERT_EQ(good[i].ns, ns);
		ASSERT_EQ(good[i].unit, unit);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ASSERT_FALSE(kvmeter_units_parse_ns(bad[i], &ns, &unit));
}

TEST(bandwidths)
{
	static const struct {
		const char *text;
		double bytes_s;
	} good[] = {
		{ "10G", 1.25e9 },	 { "10Gbit/s", 1.25e9 },
		{ "800M", 1e8 },	 { "8", 1 },
		{ "32MiB/s", 32 * MIB }, { "125MB/s", 125e6 },
		{ "1Gibit/s", 1 << 27 }, { "4KB/s", 4000 },
		{ "4kB", 4000 },	 { "100B/s", 100 },
		{ "1.6kbps", 200 },
	};
	static const char *const bad[] = { "",	   "G",	     "10X",    "-1G",	 "0",	     "10GG",
					   "10 G", "1MiBps", "10Gbit", "1e9B/s", "9999TB/s", "1b" };
	double bytes_s;
	unsigned int i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ASSERT_TRUE(kvmeter_units_parse_bandwidth(good[i].text, &bytes_s));
		ASSERT_EQ(good[i].bytes_s, bytes_s);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ASSERT_FALSE(kvmeter_units_parse_bandwidth(bad[i], &bytes_s));
}

TEST(sizes)
{
	char buf[16];
	__u64 bytes;

	ASSERT_TRUE(kvmeter_units_parse_bytes("4096", &bytes));
	ASSERT_EQ(4096, bytes);
	ASSERT_TRUE(kvmeter_units_parse_bytes("1.5G", &bytes));
	ASSERT_EQ(3ULL << 29, bytes);
	ASSERT_TRUE(kvmeter_units_parse_bytes("512MiB", &bytes));
	ASSERT_EQ(1ULL << 29, bytes);
	ASSERT_TRUE(kvmeter_units_parse_bytes("0", &bytes));
	ASSERT_FALSE(kvmeter_units_parse_bytes("1MB", &bytes));
	ASSERT_FALSE(kvmeter_units_parse_bytes("M", &bytes));
	ASSERT_FALSE(kvmeter_units_parse_bytes("99999999T", &bytes));
	ASSERT_STREQ("0 B", kvmeter_units_format_bytes(0, buf, sizeof(buf)));
	ASSERT_STREQ("1023 B", kvmeter_units_format_bytes(1023, buf, sizeof(buf)));
	ASSERT_STREQ("1.0 KiB", kvmeter_units_format_bytes(1024, buf, sizeof(buf)));
	ASSERT_STREQ("8.0 MiB", kvmeter_units_format_bytes(8 * MIB, buf, sizeof(buf)));
	ASSERT_STREQ("1.0 GiB", kvmeter_units_format_bytes(1024 * MIB - 1, buf, sizeof(buf)));
	kvmeter_units_format_bytes(1e300, buf, sizeof(buf));
	ASSERT_GT(sizeof(buf), strlen(buf));
}

/* A VMM that has sent a round of 1000 pages in 2 s and has 600 in this one. */
static struct kvmeter_snap_vm migrating(void)
{
	struct kvmeter_snap_vm vm = {
		.v = { .log_state = KVMETER_LOG_BITMAP, .ram_pages = 5000 },
		.d = { .sync_ns = 10000000000,
		       .round_pages = 600,
		       .round_ns = 2000000000,
		       .sent_pages = 1000 },
		.found_pages = 7100,
		.sync_nr = 3,
		.sync_pages = 7000,
	};

	return vm;
}

TEST(remaining)
{
	struct kvmeter_snap_vm vm = migrating();
	struct kvmeter_live live;

	/* 1 s later: 500 of 600 sent, 100 new */
	ASSERT_TRUE(kvmeter_live_get(&vm, 11000000000, &live));
	ASSERT_TRUE(live.round_known);
	ASSERT_EQ(1.0, live.since_s);
	ASSERT_EQ(100 * 4096, live.dirtied_bytes);
	ASSERT_EQ(100 * 4096, live.round_bytes);
	ASSERT_EQ(200 * 4096, live.remaining_bytes);
	/* never less than nothing */
	ASSERT_TRUE(kvmeter_live_get(&vm, 99000000000, &live));
	ASSERT_EQ(0, live.round_bytes);
	vm.found_pages = 6999;
	ASSERT_TRUE(kvmeter_live_get(&vm, 9000000000, &live));
	ASSERT_EQ(0, live.dirtied_bytes);
	ASSERT_EQ(600 * 4096, live.round_bytes);
}

TEST(remaining_of_the_first_round)
{
	struct kvmeter_snap_vm vm = migrating();
	struct kvmeter_live live;

	vm.sync_nr = 1;
	vm.d.round_ns = 0;
	vm.d.sent_pages = 0;
	ASSERT_TRUE(kvmeter_live_get(&vm, 11000000000, &live));
	ASSERT_FALSE(live.round_known);
	ASSERT_EQ(5000 * 4096, live.round_bytes);
}

TEST(remaining_of_nothing)
{
	struct kvmeter_snap_vm vm = migrating();
	struct kvmeter_live live;

	vm.sync_nr = 0;
	ASSERT_FALSE(kvmeter_live_get(&vm, 11000000000, &live));
	vm = migrating();
	vm.v.log_state = KVMETER_LOG_DRIVEN;
	ASSERT_FALSE(kvmeter_live_get(&vm, 11000000000, &live));
	vm.v.log_state = KVMETER_LOG_OFF;
	ASSERT_FALSE(kvmeter_live_get(&vm, 11000000000, &live));
	vm.v.log_state = KVMETER_LOG_RING;
	ASSERT_TRUE(kvmeter_live_get(&vm, 11000000000, &live));
}

TEST(longest_of_a_curve)
{
	__u64 curve[KVMETER_CURVE_NR];

	memset(curve, 0xff, sizeof(curve));
	ASSERT_EQ(KVMETER_CURVE_NR, kvmeter_curve_longest(curve));
	curve[0] = 0;
	ASSERT_EQ(0, kvmeter_curve_longest(curve));
	curve[4] = 1;
	ASSERT_EQ(4, kvmeter_curve_longest(curve));
	ASSERT_EQ(2000, kvmeter_curve_ms[4]);
}

static __u64 sum_heat(const struct kvmeter_heat *heat)
{
	size_t i, nr = (size_t)heat->nr_cols * heat->nr_rows;
	__u64 pages = 0;

	for (i = 0; i < nr; i++)
		pages += heat->cells[i];
	return pages;
}

/* 3 columns of 7 cells, cell i of column c is 10 c + i. */
static void make_heat(struct kvmeter_heat *heat)
{
	__u32 cells[7];
	unsigned int c, i;

	memset(heat, 0, sizeof(*heat));
	for (c = 0; c < 3; c++) {
		for (i = 0; i < 7; i++)
			cells[i] = 10 * c + i;
		kvmeter_heat_add(heat, cells, 7, c * 1000000000ULL);
	}
}

TEST(heat_folds)
{
	struct kvmeter_heat heat, fit = {};

	make_heat(&heat);
	ASSERT_EQ(7, heat.nr_rows);
	ASSERT_EQ(3, heat.nr_cols);
	ASSERT_EQ(512, heat.row_pages);
	ASSERT_EQ(26, kvmeter_heat_hottest(&heat));
	/* rows 0+1, 2+3, 4+5, 6; all columns */
	kvmeter_heat_fold(&fit, &heat, 4, 10);
	ASSERT_EQ(4, fit.nr_rows);
	ASSERT_EQ(3, fit.nr_cols);
	ASSERT_EQ(1024, fit.row_pages);
	ASSERT_EQ(0 + 1, fit.cells[0]);
	ASSERT_EQ(6, fit.cells[3]);
	ASSERT_EQ(12 + 13, fit.cells[5]);
	ASSERT_EQ(sum_heat(&heat), sum_heat(&fit));
	kvmeter_heat_put(&fit);
	/* the last two columns, more room than rows */
	kvmeter_heat_fold(&fit, &heat, 100, 2);
	ASSERT_EQ(7, fit.nr_rows);
	ASSERT_EQ(2, fit.nr_cols);
	ASSERT_EQ(10, fit.cells[0]);
	ASSERT_EQ(1000000000, fit.col_ns[0]);
	kvmeter_heat_put(&fit);
	/* no more rows than asked for, whatever it is */
	for (unsigned int rows = 1; rows < 9; rows++) {
		kvmeter_heat_fold(&fit, &heat, rows, 3);
		ASSERT_GE(rows, fit.nr_rows);
		ASSERT_EQ(sum_heat(&heat), sum_heat(&fit));
		kvmeter_heat_put(&fit);
	}
	kvmeter_heat_put(&heat);
}

/* 1 TiB of cells, and more columns than are kept. */
TEST(heat_is_bounded)
{
	unsigned int nr = 524288, i;
	__u32 *cells = calloc(nr, sizeof(*cells));
	struct kvmeter_heat heat = {};

	ASSERT_NE(NULL, cells);
	cells[0] = 1;
	cells[nr - 1] = 2;
	for (i = 0; i < 3; i++)
		kvmeter_heat_add(&heat, cells, nr, i);
	ASSERT_EQ(KVMETER_HEAT_ROWS_MAX, heat.nr_rows);
	ASSERT_EQ(3 * 3, sum_heat(&heat));
	ASSERT_EQ(2, heat.cells[KVMETER_HEAT_ROWS_MAX - 1]);
	kvmeter_heat_put(&heat);
	for (i = 0; i < KVMETER_HEAT_COLS_MAX + 7; i++) {
		cells[0] = i;
		kvmeter_heat_add(&heat, cells, 1, i);
	}
	ASSERT_EQ(KVMETER_HEAT_COLS_MAX, heat.nr_cols);
	ASSERT_EQ(7, heat.cells[0]);
	ASSERT_EQ(7, heat.col_ns[0]);
	/* a column that is longer, or shorter, than the first */
	kvmeter_heat_add(&heat, cells, 5, i);
	kvmeter_heat_add(&heat, cells, 0, i);
	ASSERT_EQ(0, heat.cells[KVMETER_HEAT_COLS_MAX - 1]);
	kvmeter_heat_put(&heat);
	/* nothing at all */
	kvmeter_heat_add(&heat, cells, 0, 1);
	ASSERT_EQ(0, heat.nr_cols);
	kvmeter_heat_put(&heat);
	free(cells);
}

TEST(heat_shades)
{
	ASSERT_EQ(0, kvmeter_heat_shade(0, 512));
	ASSERT_EQ(1, kvmeter_heat_shade(1, 512));
	ASSERT_EQ(1, kvmeter_heat_shade(16, 512));
	ASSERT_EQ(2, kvmeter_heat_shade(17, 512));
	ASSERT_EQ(3, kvmeter_heat_shade(256, 512));
	ASSERT_EQ(4, kvmeter_heat_shade(257, 512));
	ASSERT_EQ(4, kvmeter_heat_shade(512, 512));
	ASSERT_EQ(4, kvmeter_heat_shade(1, 1));
}

static char *print_heat(const struct kvmeter_heat *heat, unsigned int height, unsigned int width,
			bool utf8)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	kvmeter_heat_print(out, heat, height, width, false, utf8);
	fclose(out);
	return text;
}

TEST(heat_picture)
{
	struct kvmeter_heat heat;
	char *text, *line, *rest;
	unsigned int lines = 0;

	make_heat(&heat);
	text = print_heat(&heat, 40, 80, false);
	ASSERT_NE(NULL, strstr(text, "              0 | *#|\n"));
	ASSERT_NE(NULL, strstr(text, "       0xc00000 |*##|\n"));
	for (line = text; *line; line++)
		ASSERT_TRUE(*line == '\n' || (*line >= ' ' && *line <= '~'));
	free(text);
	text = print_heat(&heat, 40, 80, true);
	ASSERT_NE(NULL, strstr(text, "| ▓█|\n"));
	free(text);
	/* as small as the screen is */
	text = print_heat(&heat, 8, 26, false);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		lines++;
	ASSERT_GE(8, lines);
	free(text);
	kvmeter_heat_put(&heat);
}

/* Length of a name, of lower case letters, at @s. */
static int name_len(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyz");
}

/* Length of the attributes at @s, each with a blank before it; -1 if one is no attribute. */
static int attributes_len(const char *s)
{
	const char *from = s;
	int len;

	while (*s == ' ') {
		len = strcspn(s + 1, "=<>\"& ");
		if (!len || strncmp(s + 1 + len, "=\"", 2))
			return -1;
		s += 1 + len + 2;
		s += strcspn(s, "\"<&");
		if (*s++ != '"')
			return -1;
	}
	return s - from;
}

static bool is_entity(const char *s)
{
	return !strncmp(s, "&amp;", 5) || !strncmp(s, "&lt;", 4) || !strncmp(s, "&gt;", 4) ||
		!strncmp(s, "&quot;", 6);
}

/* Tags open and close in pairs, attributes are quoted, no bare & or >: enough to be XML. */
static bool is_well_formed(const char *s)
{
	const char *open[16];
	int depth = 0, len, more;

	for (; *s; s++) {
		if (*s == '>' || (*s == '&' && !is_entity(s)))
			return false;
		if (*s != '<')
			continue;
		if (s[1] == '/') {
			s += 2;
			len = name_len(s);
			if (!len || !depth-- || name_len(open[depth]) != len ||
			    strncmp(open[depth], s, len) || s[len] != '>')
				return false;
			s += len;
			continue;
		}
		s++;
		len = name_len(s);
		more = attributes_len(s + len);
		if (!len || more < 0 || depth == 16)
			return false;
		open[depth++] = s;
		s += len + more;
		depth -= *s == '/';
		s += *s == '/';
		if (*s != '>')
			return false;
	}
	return !depth;
}

TEST(heat_svg)
{
	struct kvmeter_heat heat, none = {};
	char *text = NULL;
	unsigned int rects = 0;
	size_t len;
	FILE *out;
	char *s;

	ASSERT_TRUE(is_well_formed("<a b=\"c\"><d/>x &lt; y</a>"));
	ASSERT_FALSE(is_well_formed("<a><b></a></b>"));
	ASSERT_FALSE(is_well_formed("<a>x & y</a>"));
	ASSERT_FALSE(is_well_formed("<a b=c></a>"));
	make_heat(&heat);
	out = open_memstream(&text, &len);
	kvmeter_heat_draw(out, &heat, "a<b>&\"c\\x1b");
	fclose(out);
	ASSERT_TRUE(is_well_formed(text));
	ASSERT_EQ(text, strstr(text, "<svg xmlns="));
	ASSERT_NE(NULL, strstr(text, "a&lt;b&gt;&amp;&quot;c\\x1b"));
	ASSERT_EQ(NULL, strstr(text, "http://www.w3.org/1999/xlink"));
	for (s = text; (s = strstr(s, "<rect ")); s++)
		rects++;
	/* each cell but the one that is 0, the field, and the ground */
	ASSERT_EQ(3 * 7 - 1 + 2, rects);
	free(text);
	out = open_memstream(&text, &len);
	kvmeter_heat_draw(out, &none, "");
	fclose(out);
	ASSERT_TRUE(is_well_formed(text));
	free(text);
	kvmeter_heat_put(&heat);
}

TEST(guest_memory_mappings)
{
	static const char *const good[] = {
		"7f0000000000-7f0000400000 rw-p 00000000 00:00 0",
		"7f0000000000-7f0000400000 rw-s 00000000 00:01 7 /memfd:ram (deleted)\n",
	};
	static const char *const bad[] = {
		"7f0000000000-7f0000400000 r--p 00000000 00:00 0\n",
		"5500000000-5500400000 rw-p 00000000 00:00 0 [heap]\n",
		"nonsense",
		"2000-1000 rw-p 0 0:0 0\n",
	};
	struct kvmeter_mapping m[4] = { { 0x1000, 100 }, { 0x9000, 5000 }, { 0x5000, 3000 } };
	unsigned int i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ASSERT_TRUE(kvmeter_guestmem_parse_mapping(good[i], &m[3]));
		ASSERT_EQ(0x7f0000000000, m[3].start);
		ASSERT_EQ(4 << 20, m[3].bytes);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ASSERT_FALSE(kvmeter_guestmem_parse_mapping(bad[i], &m[3]));
	/* the largest first, the last one cut */
	ASSERT_EQ(2, kvmeter_guestmem_choose(m, 3, 6000));
	ASSERT_EQ(0x9000, m[0].start);
	ASSERT_EQ(0x5000, m[1].start);
	ASSERT_EQ(1000, m[1].bytes);
	ASSERT_EQ(0, kvmeter_guestmem_choose(m, 3, 7000));
	ASSERT_EQ(0, kvmeter_guestmem_choose(NULL, 0, 1));
}

/* This process as the VMM: of 64 MiB a quarter is written, and half of that with zeros. */
TEST(guest_memory_zero_pages)
{
	const size_t bytes = 64 << 20, page = 4096;
	char *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvmeter_guestmem m;
	size_t i;

	ASSERT_NE(MAP_FAILED, mem);
	madvise(mem, bytes, MADV_NOHUGEPAGE);
	for (i = 0; i < bytes / page; i += 4)
		mem[i * page + i % page] = i % 8 ? 1 : 0;
	kvmeter_guestmem_look(&m, getpid(), bytes / page);
	if (!m.known && geteuid())
		SKIP(return, "needs root: page tables are not shown");
	ASSERT_TRUE(m.known);
	ASSERT_EQ(bytes / page, m.ram_pages);
	ASSERT_EQ(bytes / page * 3 / 4, m.absent_pages);
	ASSERT_EQ(bytes / page / 4, m.sampled);
	ASSERT_EQ(bytes / page / 8, m.sampled_zero);
	ASSERT_EQ(bytes / page * 7 / 8, m.zero_pages);
	munmap(mem, bytes);
	/* no such process, and more memory than it has */
	kvmeter_guestmem_look(&m, 0, 1);
	ASSERT_FALSE(m.known);
	ASSERT_EQ(0, m.zero_pages);
	ASSERT_NE(NULL, m.why);
	kvmeter_guestmem_look(&m, getpid(), 1ULL << 40);
	ASSERT_FALSE(m.known);
	ASSERT_EQ(0, m.absent_pages);
}

/* A peer that says what it is told to, whatever it hears. */
struct peer {
	int fd;
	const char *says[4];
	bool stays;
};

static void *run_peer(void *arg)
{
	struct peer *peer = arg;
	char buf[512];
	unsigned int i;

	for (i = 0; i < 4 && peer->says[i]; i++) {
		/* it speaks first */
		if (i && recv(peer->fd, buf, sizeof(buf), 0) <= 0)
			break;
		send(peer->fd, peer->says[i], strlen(peer->says[i]), MSG_NOSIGNAL);
	}
	while (peer->stays && recv(peer->fd, buf, sizeof(buf), 0) > 0)
		;
	close(peer->fd);
	return NULL;
}

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n"

/* Talk to a peer: connect, and execute one command. Return: what that returned. */
static struct json_object *talk(struct kvmeter_qmp *qmp, struct peer *peer)
{
	struct json_object *ret = NULL;
	pthread_t thread;
	int fds[2];

	memset(qmp, 0, sizeof(*qmp));
	qmp->timeout_ms = 300;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return NULL;
	peer->fd = fds[1];
	pthread_create(&thread, NULL, run_peer, peer);
	if (kvmeter_qmp_begin(qmp, fds[0])) {
		ret = kvmeter_qmp_execute(qmp, "query", NULL);
		kvmeter_qmp_close(qmp);
	}
	pthread_join(thread, NULL);
	return ret;
}

TEST(qmp_answers)
{
	struct peer peer = { .says = { GREETING, "{\"return\": {}}\n",
				       "{\"event\": \"X\"}\n{\"return\": {\"n\": 7}}\n" },
			     .stays = true };
	struct json_object *ret, *n;
	struct kvmeter_qmp qmp;

	ret = talk(&qmp, &peer);
	ASSERT_NE(NULL, ret);
	ASSERT_TRUE(json_object_object_get_ex(ret, "n", &n));
	ASSERT_EQ(7, json_object_get_int(n));
	json_object_put(ret);
}

TEST(qmp_peers_of_all_kinds)
{
	static const struct {
		const char *says[4];
		bool stays;
		const char *why;
	} peers[] = {
		{ { NULL }, false, "the connection was closed" },
		{ { NULL }, true, "no answer within 300 ms" },
		{ { "SSH-2.0-OpenSSH\r\n" }, true, "what it says is no QMP" },
		{ { "[1, 2]\n" }, true, "what it says is no QMP" },
		{ { "{\"return\": {}}\n" }, true, "what it says is no QMP" },
		{ { "{\"QMP\": " }, false, "the connection was closed" },
		{ { GREETING }, true, "no answer within 300 ms" },
		{ { GREETING, "{\"return\": {}}\n" }, true, "no answer within 300 ms" },
		{ { GREETING, "{\"return\": {}}\n", "{\"return\": {\"half" },
		  false,
		  "the connection was closed" },
		{ { GREETING, "{\"return\": {}}\n",
		    "{\"error\": {\"class\": \"C\", \"desc\": \"no \\u001b[31m\"}}\n" },
		  true,
		  "query: no \\x1b[31m" },
		{ { GREETING, "{\"return\": {}}\n", "{\"error\": 7}\n" }, true, "query failed" },
		{ { GREETING, "{\"return\": {}}\n", "{\"return\": null}\n" },
		  true,
		  "query returned nothing" },
		{ { GREETING, "{\"return\": {}}\n", "\xff\xfe\n" },
		  true,
		  "what it says is no QMP" },
	};
	struct kvmeter_qmp qmp;
	struct peer peer;
	unsigned int i;

	for (i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
		memset(&peer, 0, sizeof(peer));
		memcpy(peer.says, peers[i].says, sizeof(peer.says));
		peer.stays = peers[i].stays;
		EXPECT_EQ(NULL, talk(&qmp, &peer));
		EXPECT_STREQ(peers[i].why, qmp.why);
	}
}

/* A message without an end is given up. */
TEST(qmp_endless_message)
{
	size_t len = 3 << 20;
	char *text = malloc(len + 1);
	struct kvmeter_qmp qmp;
	struct peer peer = { .says = { text } };

	ASSERT_NE(NULL, text);
	memset(text, ' ', len);
	text[len] = '\0';
	memcpy(text, "{\"QMP\":", 7);
	ASSERT_EQ(NULL, talk(&qmp, &peer));
	ASSERT_NE(NULL, strstr(qmp.why, "a message of more than"));
	free(text);
}

TEST(qmp_no_socket)
{
	char path[200];
	struct kvmeter_qmp qmp;

	ASSERT_FALSE(kvmeter_qmp_open(&qmp, "/nonexistent/qmp"));
	ASSERT_STREQ("No such file or directory", qmp.why);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ASSERT_FALSE(kvmeter_qmp_open(&qmp, path));
	ASSERT_STREQ("the path is too long", qmp.why);
}

TEST(words)
{
	ASSERT_STREQ("not_armed", kvmeter_reasons_log_state(KVMETER_LOG_OFF));
	ASSERT_STREQ("driven", kvmeter_reasons_log_state(KVMETER_LOG_DRIVEN));
	ASSERT_STREQ("unknown", kvmeter_reasons_log_state(~0U));
	ASSERT_FALSE(kvmeter_reasons_is_armed(KVMETER_LOG_OFF));
	ASSERT_FALSE(kvmeter_reasons_is_armed(KVMETER_LOG_UNKNOWN));
	ASSERT_TRUE(kvmeter_reasons_is_armed(KVMETER_LOG_RING));
	ASSERT_STREQ("ended", kvmeter_reasons_session(KVMETER_SESSION_ENDED));
	ASSERT_STREQ("?", kvmeter_reasons_session(~0U));
	ASSERT_STREQ("taken_over", kvmeter_reasons_session_end(KVMETER_END_TAKEN_OVER));
	ASSERT_STREQ("?", kvmeter_reasons_session_end(~0U));
}

TEST_HARNESS_MAIN
