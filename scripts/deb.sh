#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the Debian packages kvmeter and kvmeter-dkms, for Debian 12 and later, into build/.
#
#   scripts/deb.sh
#
# It is done in the root of Debian 12, by scripts/deb-build.sh, with the time of the last commit as SOURCE_DATE_EPOCH
# if that is not set. KVMETER_MAINTAINER is who they say made them. A remark of lintian's that is an error or a warning
# is a failure.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage 0 ;;
esac

"$KVMETER_TOP/scripts/deps.sh"
epoch=${SOURCE_DATE_EPOCH:-$(git -c safe.directory='*' -C "$KVMETER_TOP" log -1 --format=%ct 2>/dev/null || echo 0)}
"$KVMETER_TOP/scripts/build.sh" 6.1 packages "SOURCE_DATE_EPOCH=$epoch" \
	${KVMETER_MAINTAINER:+"KVMETER_MAINTAINER=$KVMETER_MAINTAINER"}
rm -f "$KVMETER_TOP"/build/*.deb
cp "$KVMETER_TOP"/build/6.1/src/build/deb/*.deb "$KVMETER_TOP/build/"
ls "$KVMETER_TOP"/build/*.deb
