#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Static checks of all the source, with the tools of one Debian release wherever this is run.
#
#   scripts/lint.sh
#
# checkpatch --strict, sparse and W=1 with errors for warnings on the module; checkpatch, clang-format on
# userspace; shellcheck on scripts. The tools are those of the 6.1 root.

. "$(dirname "$0")/lib.sh"

case ${1:-} in
-h | --help) usage 0 ;;
esac

"$KVMETER_TOP/scripts/deps.sh"
exec "$KVMETER_TOP/scripts/build.sh" 6.1 lint-checks
