#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the packages kvmeter and kvmeter-dkms into build/deb, and have lintian look at them.
#
#   scripts/deb-build.sh VERSION
#
# Needs Debian 12 or later with the build dependencies in scripts/debian-control.in and lintian; scripts/deb.sh runs it
# in a root that has them. Exit status 1 if lintian has an error or a warning; what else it has is shown.
#
#   SOURCE_DATE_EPOCH   the packages' time; default 0. The same source and time give the same packages.
#   KVMETER_MAINTAINER  "NAME <ADDRESS>" in them

set -eu -o pipefail
cd "$(dirname "$0")/.."

version=$1
maintainer=${KVMETER_MAINTAINER:-kvmeter maintainers <kvmeter@kvmeter.example>}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0} LC_ALL=C.UTF-8
export DEB_BUILD_OPTIONS="noautodbgsym nocheck"
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Its name is in nothing that is built, but is the same each time all the same.
src=$work/kvmeter-$version

# The source, without what was built in it.
mkdir -p "$src/debian/source"
cp -p --parents -t "$src" Kbuild Makefile README.md SECURITY.md COPYING kmod/*.[ch] include/kvmeter/*.h \
	include/uapi/linux/kvmeter.h bpf/Makefile bpf/*.[ch] \
	scripts/{man4.sh,man8.sh,kvmeter.4.in,kvmeter.bash-completion,dkms.conf.in} \
	scripts/{kvmeter-exporter.service,kvmeter-exporter.default,prometheus-rules.yml,grafana-dashboard.json}
rm -f "$src"/bpf/*.skel.h "$src"/*.mod.c

debian=$src/debian
sed "s/@MAINTAINER@/$maintainer/" scripts/debian-control.in >"$debian/control"
install -m 0755 scripts/debian-rules "$debian/rules"
cp scripts/debian-copyright "$debian/copyright"
cp scripts/debian-kvmeter.prerm "$debian/kvmeter.prerm"
cp scripts/debian-kvmeter-dkms.prerm "$debian/kvmeter-dkms.prerm"
cp scripts/dkms.conf.in "$debian/kvmeter-dkms.dkms"
printf 'README.md\nSECURITY.md\n' >"$debian/kvmeter.docs"
echo '3.0 (native)' >"$debian/source/format"
cat >"$debian/changelog" <<-END
	kvmeter ($version) unstable; urgency=medium

	  * Version $version; its source has the history.

	 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
END

# -d: of build-essential this wants the C compiler and make, no C++.
(cd "$src" && dpkg-buildpackage -us -uc -b -d "-j$(nproc)")
lintian --allow-root --no-tag-display-limit --pedantic -I --fail-on error,warning "$work"/kvmeter_"$version"_*.changes
rm -rf build/deb
mkdir -p build/deb
cp "$work"/*.deb build/deb/
(cd build/deb && sha256sum ./*.deb)
