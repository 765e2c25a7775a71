// SPDX-License-Identifier: GPL-2.0-only
/* The picture of the command dirty --heat: reads a column in each interval, and shows them. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "dirty.h"
#include "heat.h"
#include "steal.h"

/* Where output is no terminal. */
#define HEIGHT 40
#define WIDTH 100

static struct kvmeter_heat heat;
static char name[KVMETER_SHOWN_MAX];

/* The cells from @gfn on. Return: how many, or -1 if there is no session. */
static int read_cells(int dev, const struct kvmeter_snap_vm *vm, __u64 gfn, __u32 *cells,
		      __u64 within_ns)
{
	struct kvmeter_dirty_read arg = {
		.abi = KVMETER_ABI,
		.vm = vm->slot,
		.vm_gen = vm->v.gen,
		.gfn = gfn,
		.nr = KVMETER_CELLS_MAX,
		.shift = KVMETER_HEAT_SHIFT,
		.within_ns = within_ns,
		.cells = (unsigned long)cells,
	};

	if (!ioctl(dev, KVMETER_DIRTY_READ, &arg))
		return arg.nr <= KVMETER_CELLS_MAX ? (int)arg.nr : KVMETER_CELLS_MAX;
	if (errno == ENOENT)
		return -1;
	err(1, "the heat of %s cannot be read", vm->name);
}

/* All cells of the VM. Return: how many, or -1 if there is no session. */
static int read_all(const struct kvmeter_snap_vm *vm, __u32 **cells, unsigned int *room,
		    __u64 within_ns)
{
	int dev = kvmeter_device_open(), got, nr = 0;

	do {
		*cells = kvmeter_array_grow(*cells, room, nr + KVMETER_CELLS_MAX, sizeof(**cells));
		got = read_cells(dev, vm, (__u64)nr << KVMETER_HEAT_SHIFT, *cells + nr, within_ns);
		nr += got > 0 ? got : 0;
	} while (got == KVMETER_CELLS_MAX);
	close(dev);
	return got < 0 ? -1 : nr;
}

static void print_column(const struct kvmeter_report *report, const __u32 *cells, unsigned int nr)
{
	const struct kvmeter_snap_vm *vm = &report->snap->vms[report->vm];
	struct json_object *obj = kvmeter_json_new_report(KVMETER_DOCUMENT_HEAT, report->snap),
			   *array;
	unsigned int i;

	kvmeter_json_add_text(obj, "name", vm->name);
	kvmeter_json_add_text(obj, "id", vm->v.id);
	kvmeter_json_add_u64(obj, "cell_pages", KVMETER_HEAT_CELL_PAGES);
	array = json_object_new_array();
	for (i = 0; i < nr; i++)
		json_object_array_add(array, json_object_new_int64(cells[i]));
	json_object_object_add(obj, "cells", array);
	kvmeter_json_print(obj);
}

static void print_picture(void)
{
	unsigned int width = kvmeter_terminal_width();

	kvmeter_heat_print(stdout, &heat, kvmeter_terminal_height(HEIGHT),
			   width == ~0U ? WIDTH : width, kvmeter_terminal_has_colour(),
			   kvmeter_terminal_has_utf8());
}

/* The screen is drawn anew with each column. */
static void draw_anew(const struct kvmeter_snap_vm *vm)
{
	if (!isatty(STDOUT_FILENO))
		return;
	printf("\033[H\033[2J%s (%s)\n", vm->name, vm->v.id);
	print_picture();
}

/**
 * kvmeter_heat_report - add a column to the picture
 * @report: the interval that it is of
 */
void kvmeter_heat_report(const struct kvmeter_report *report)
{
	const struct kvmeter_snap_vm *vm;
	__u32 *cells = NULL;
	unsigned int room = 0;
	int nr;

	if (report->vm < 0)
		errx(EX_USAGE, "--heat needs a VM");
	vm = &report->snap->vms[report->vm];
	nr = read_all(vm, &cells, &room, report->snap->interval_ns);
	if (nr < 0 && !heat.nr_cols)
		errx(1, "there is no session on %s: 'kvmeter dirty start' begins one", vm->name);
	if (nr < 0) {
		kvmeter_heat_end(report->args);
		errx(1, "the session on %s has ended", vm->name);
	}
	snprintf(name, sizeof(name), "%s", vm->name);
	kvmeter_heat_add(&heat, cells, nr, report->snap->now_ns);
	if (report->args->json)
		print_column(report, cells, nr);
	else if (!report->args->svg)
		draw_anew(vm);
	free(cells);
}

static void write_svg(const char *file)
{
	FILE *out = fopen(file, "we");

	if (!out)
		err(1, "%s", file);
	kvmeter_heat_draw(out, &heat, name);
	if (fflush(out) || ferror(out))
		err(1, "%s", file);
	fclose(out);
}

/**
 * kvmeter_heat_end - show the whole picture, after the last column
 * @args: the command line
 */
void kvmeter_heat_end(const struct kvmeter_args *args)
{
	if (args->svg && heat.nr_cols)
		write_svg(args->svg);
	else if (!args->svg && !args->json && heat.nr_cols && !isatty(STDOUT_FILENO))
		print_picture();
	if (fflush(stdout))
		err(1, "cannot write");
	kvmeter_heat_put(&heat);
}
