# SPDX-License-Identifier: GPL-2.0-only
# kvmeter: builds the module and its reader, installs them, and runs everything that shows they work.

KREL ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KREL)/build
KSRC ?=
W ?=
prefix ?= /usr/local
DESTDIR ?=
KEY ?=
CERT ?=

KERNELS ?=
LEGS ?=
TESTS ?=
FLAVOURS ?=

MODULE_MAKE = $(MAKE) -C $(KDIR) M=$(CURDIR) $(if $(W),W=$(W))

VERSION := $(shell sed -n 's/^.define KVMETER_VERSION "\(.*\)"$$/\1/p' include/kvmeter/version.h)
man4_page = $(DESTDIR)$(prefix)/share/man/man4/kvmeter.4
dkms_dir = $(DESTDIR)/usr/src/kvmeter-$(VERSION)
# All that the module is built from.
dkms_files := Kbuild $(wildcard kmod/*.[ch]) $(wildcard include/kvmeter/*.h) include/uapi/linux/kvmeter.h

.PHONY: all module reader selftests sign install install-module install-reader install-dkms \
	uninstall uninstall-dkms clean deb packages help demo check check-debug lint \
	lint-checks plain-checks bench-exit bench-switch bench-dirty bench-forecast bench-migrate \
	bench-scale bench-reader

all: module reader kvmeter.4

module:
	+$(MODULE_MAKE) modules

reader:
	+$(MAKE) -C bpf

# Needs KSRC: a directory with the kernel's tools/testing/selftests, as scripts/src.sh makes it.
selftests: reader
	$(if $(KSRC),,$(error selftests: set KSRC to a kernel source tree (see scripts/src.sh)))
	+$(MAKE) -C selftests KSRC=$(KSRC)

# For a kernel that is locked down: README.md tells of keys.
sign: module
	$(if $(and $(KEY),$(CERT)),,$(error sign: set KEY to a private key and CERT to its certificate))
	$(KDIR)/scripts/sign-file sha256 $(KEY) $(CERT) kvmeter.ko

kvmeter.4: scripts/man4.sh scripts/kvmeter.4.in include/uapi/linux/kvmeter.h include/kvmeter/version.h
	scripts/man4.sh >$@.tmp
	mv $@.tmp $@

install: install-module install-reader

install-module: module kvmeter.4
	+$(MODULE_MAKE) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates modules_install
	$(if $(DESTDIR),,depmod -a $(KREL))
	install -D -m 0644 kvmeter.4 $(man4_page)

install-reader: reader
	+$(MAKE) -C bpf install DESTDIR=$(DESTDIR) prefix=$(prefix)

# Instead of install-module: the source, for DKMS to build it for each kernel; then: dkms install kvmeter/VERSION
install-dkms: kvmeter.4
	for file in $(dkms_files); do install -D -m 0644 $$file $(dkms_dir)/$$file || exit; done
	sed 's/#MODULE_VERSION#/$(VERSION)/' scripts/dkms.conf.in >$(dkms_dir)/dkms.conf
	install -D -m 0644 kvmeter.4 $(man4_page)

uninstall:
	rm -f $(DESTDIR)/lib/modules/$(KREL)/updates/kvmeter.ko* $(man4_page)
	$(if $(DESTDIR),,depmod -a $(KREL))
	+$(MAKE) -C bpf uninstall DESTDIR=$(DESTDIR) prefix=$(prefix)

# After: dkms remove kvmeter/VERSION --all
uninstall-dkms:
	rm -rf $(dkms_dir)
	rm -f $(man4_page)

clean:
	+$(MODULE_MAKE) clean
	+$(MAKE) -C bpf clean
	rm -f kvmeter.4
	+$(if $(KSRC),$(MAKE) -C selftests KSRC=$(KSRC) clean)

# Inside a root: what scripts/lint.sh runs there.
lint-checks: reader kvmeter.4
	@scripts/lint-checks.sh $(KREL) $(KSRC)

# Inside a root: the selftests that only compute.
plain-checks: all selftests
	@selftests/run.sh plain

# Inside a root: what scripts/deb.sh runs there.
packages:
	@SOURCE_DATE_EPOCH="$(SOURCE_DATE_EPOCH)" KVMETER_MAINTAINER="$(KVMETER_MAINTAINER)" scripts/deb-build.sh $(VERSION)

demo check check-debug lint deb bench-exit bench-switch bench-dirty bench-forecast bench-migrate \
bench-scale bench-reader:
	@KERNELS="$(KERNELS)" LEGS="$(LEGS)" TESTS="$(TESTS)" FLAVOURS="$(FLAVOURS)" scripts/$@.sh

help:
	@echo 'On a hypervisor host (kernel headers, clang, bpftool, libbpf, libjson-c, libmicrohttpd, ncurses, zlib):'
	@echo '  make              build kvmeter.ko for the running kernel, and the reader'
	@echo '  make sign         sign the module: KEY=key.pem CERT=cert.der, before make install'
	@echo '  make install      install both, with manual pages and bash completion (DESTDIR, prefix=$(prefix),'
	@echo '                    KREL=$(KREL)); install-module, install-reader: one of them'
	@echo '  make install-dkms install the source, for DKMS to build: then dkms install kvmeter/$(VERSION)'
	@echo '  make uninstall    remove them'
	@echo ''
	@echo 'On any Debian 12 or 13 machine, as root; installs what it needs:'
	@echo '  make demo         boot emulated hypervisor hosts, show kvmeter on real guests'
	@echo '  make check        run all tests; KERNELS="6.1 6.12 7.2" LEGS="amd intel" TESTS="..."'
	@echo '                    run a part, e.g. make check KERNELS=6.1 LEGS=amd TESTS=exits_test'
	@echo '  make check-debug  run tests on kernels with KASAN, lockdep, KCSAN and the like, compiled for that:'
	@echo '                    hours; FLAVOURS="kasan kcsan" and the above run a part'
	@echo '  make lint         checkpatch, sparse, W=1, shellcheck, clang-format, groff'
	@echo '  make deb          build the packages kvmeter and kvmeter-dkms into build/, and have lintian look at them'
	@echo '  make bench-exit   instructions per exit, into build/bench/exit.json'
	@echo '  make bench-switch instructions per context switch, into build/bench/switch.json'
	@echo '  make bench-dirty  instructions per dirtied page, and what a guest loses, into build/bench/dirty.json'
	@echo '  make bench-forecast  forecasts against real migrations, into build/bench/forecast.json'
	@echo '  make bench-migrate  what makes migrations converge, compared, into build/bench/migrate.json'
	@echo '  make bench-scale  what 1,000 VMs cost: memory, reading, exits, into build/bench/scale.json'
	@echo '  make bench-reader what looking at 1,000 vCPUs takes, and its peers, into build/bench/reader.json'
	@echo ''
	@echo '  make clean        remove what was built here (build/ holds the lab builds)'
