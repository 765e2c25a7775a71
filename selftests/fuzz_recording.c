// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings that somebody has tampered with: what a checksum does not find.
 *
 *	fuzz_recording ROUNDS         unpack as many snapshots with other bytes in them, and sum up
 *	fuzz_recording ROUND FILE     write the recording of one such round, with checksums that fit
 *
 * Built with the sanitizers for addresses and undefined behaviour where the compiler has them, so
 * that a byte too many ends it. Prints how many snapshots were taken for good.
 */
#include <err.h>
#include <string.h>

#include "../bpf/recording.h"
#include "../bpf/steal.h"
#include "busy_host.h"
#include "random.h"

#define NS_PER_S 1000000000ULL
#define SNAPS 4

/* The snapshots as they are packed: the first is a key. */
struct fuzz {
	struct busy_host host;
	struct kvmeter_snap snaps[SNAPS];
	struct kvmeter_bytes packed[SNAPS];
	struct kvmeter_player player;
	struct kvmeter_snap out[2], delta;
};

static void init(struct fuzz *fuzz)
{
	unsigned int i;

	if (busy_host_init(&fuzz->host))
		errx(1, "no memory");
	for (i = 0; i < SNAPS; i++) {
		busy_host_take(&fuzz->host, &fuzz->snaps[i]);
		kvmeter_snap_pack(&fuzz->packed[i], &fuzz->snaps[i],
				  i ? &fuzz->snaps[i - 1] : NULL);
		busy_host_run(&fuzz->host, 5 * NS_PER_S);
	}
}

static unsigned int below(unsigned int hi)
{
	return hi ? random_in(0, hi) : 0;
}

/* Some bytes are others, or a part is missing, or comes twice. */
static void tamper(struct kvmeter_bytes *to, const struct kvmeter_bytes *from)
{
	unsigned int i, nr = 1 + below(4), at, len;

	to->len = 0;
	kvmeter_pack_bytes(to, from->data, from->len);
	for (i = 0; i < nr; i++) {
		at = below(to->len);
		/* the beginning, where numbers of things are, as often as all the rest */
		if (below(2))
			at %= 300;
		if (at >= to->len)
			continue;
		switch (below(5)) {
		case 0:
			to->data[at] ^= 1 << below(8);
			break;
		case 1:
			to->data[at] = below(256);
			break;
		case 2:
			to->data[at] = 0xff;
			break;
		case 3:
			len = below(16);
			if (at + len > to->len)
				len = to->len - at;
			memmove(to->data + at, to->data + at + len, to->len - at - len);
			to->len -= len;
			break;
		default:
			kvmeter_pack_bytes(to, from->data + at % from->len,
					   below(from->len - at % from->len));
		}
		if (!to->len)
			break;
	}
}

static void use(struct fuzz *fuzz, const struct kvmeter_snap *snap)
{
	const struct kvmeter_snap_vm *vm;
	struct kvmeter_sum sum;
	unsigned int nr;

	for (vm = snap->vms; vm < snap->vms + snap->nr_vms; vm++) {
		kvmeter_sum_vcpus(&sum, snap, vm->first_vcpu, vm->nr_vcpus, false);
		kvmeter_sum_put(&sum);
		free(kvmeter_subs_sum(snap, vm->first_vcpu, vm->nr_vcpus, false, &nr));
		free(kvmeter_thieves_sum(snap, vm->first_vcpu, vm->nr_vcpus, false, &nr));
	}
	if (snap != &fuzz->delta) {
		kvmeter_delta_get(&fuzz->delta, snap, &fuzz->snaps[0]);
		use(fuzz, &fuzz->delta);
	}
}

/* Return: snapshots that were taken for good */
static unsigned int run_round(struct fuzz *fuzz, __u64 round)
{
	struct kvmeter_snap *prev = NULL, *cur;
	unsigned int i, good = 0, victim;

	random_seed = round;
	victim = below(SNAPS);
	for (i = 0; i < SNAPS; i++) {
		cur = &fuzz->out[i % 2];
		if (i == victim) {
			tamper(&fuzz->player.packed, &fuzz->packed[i]);
		} else {
			fuzz->player.packed.len = 0;
			kvmeter_pack_bytes(&fuzz->player.packed, fuzz->packed[i].data,
					   fuzz->packed[i].len);
		}
		if (!kvmeter_snap_unpack(&fuzz->player, cur, prev))
			break;
		use(fuzz, cur);
		prev = cur;
		good += i == victim;
	}
	return good;
}

/* As recorder.c writes it. */
static void write_block(FILE *out, const struct kvmeter_bytes *packed, unsigned int nr, z_stream *z)
{
	struct kvmeter_block_head head = {
		.magic = KVMETER_BLOCK_MAGIC,
		.flags = nr ? 0 : KVMETER_BLOCK_KEY,
		.packed = packed->len,
		.nr = nr,
	};
	static unsigned char block[1 << 20];

	z->next_in = packed->data;
	z->avail_in = packed->len;
	z->next_out = block;
	z->avail_out = sizeof(block);
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in)
		errx(1, "deflate");
	head.bytes = sizeof(block) - z->avail_out;
	head.crc = crc32(0, (const void *)&head, offsetof(struct kvmeter_block_head, crc));
	head.crc = crc32(head.crc, block, head.bytes);
	fwrite(&head, sizeof(head), 1, out);
	fwrite(block, head.bytes, 1, out);
}

static void write_round(struct fuzz *fuzz, __u64 round, const char *file)
{
	struct kvmeter_recording_head head = {
		.order = KVMETER_RECORDING_ORDER,
		.version = KVMETER_RECORDING_VERSION,
		.abi = KVMETER_ABI,
		.sizes = KVMETER_RECORDING_SIZES,
		.interval_ns = 5 * NS_PER_S,
	};
	struct kvmeter_recording_origin origin = { .host = "host" };
	unsigned int i, victim;
	struct kvmeter_bytes bytes = {};
	FILE *out = fopen(file, "w");
	z_stream z = {};

	if (!out || deflateInit(&z, Z_DEFAULT_COMPRESSION) != Z_OK)
		err(1, "%s", file);
	random_seed = round;
	victim = below(SNAPS);
	memcpy(head.magic, KVMETER_RECORDING_MAGIC, sizeof(head.magic));
	head.crc = crc32(0, (const void *)&head, offsetof(struct kvmeter_recording_head, crc));
	fwrite(&head, sizeof(head), 1, out);
	kvmeter_origin_seal(&origin);
	fwrite(&origin, sizeof(origin), 1, out);
	for (i = 0; i < SNAPS; i++) {
		if (i == victim)
			tamper(&bytes, &fuzz->packed[i]);
		write_block(out, i == victim ? &bytes : &fuzz->packed[i], i, &z);
	}
	deflateEnd(&z);
	free(bytes.data);
	if (fclose(out))
		err(1, "%s", file);
}

int main(int argc, char **argv)
{
	static struct fuzz fuzz;
	__u64 rounds, round;
	unsigned int good = 0;

	if (argc < 2)
		errx(64, "ROUNDS, or ROUND FILE");
	rounds = strtoull(argv[1], NULL, 10);
	init(&fuzz);
	if (argc > 2) {
		write_round(&fuzz, rounds, argv[2]);
		return 0;
	}
	for (round = 0; round < rounds; round++)
		good += run_round(&fuzz, round);
	printf("%u of %llu were taken for good\n", good, rounds);
	return 0;
}
