#!/usr/bin/env bash
# Runs the benchmarks and says on what machine. Usage: bench.sh [PATTERN]
#
# Figures are aims, not gates: they are printed, compared by eye and never fail the build. One package after the other,
# so that none disturbs another; BENCHTIME as go test takes it.
set -euo pipefail
source "$(dirname "$0")/env.sh"

packages=$(grep -rlE --include='*_test.go' '^func Benchmark' app backend frontend | xargs -r -n 1 dirname | sort -u | sed 's|^|./|')
[[ -n $packages ]] || { echo "bench: there is no benchmark yet" >&2; exit 1; }

row() { printf '%-10s %s\n' "$1" "$2"; }
row machine "$(nproc) × $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1), $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
row system "$(. /etc/os-release && echo "$PRETTY_NAME"), Linux $(uname -r)"
row load "$(cut -d' ' -f1-3 /proc/loadavg) before the start"
row go "$(go version | cut -d' ' -f3-)"
row dovecot "$(dovecot --version 2>/dev/null || echo none)"
row postfix "$(postconf -dh mail_version 2>/dev/null || echo none)"
row mbsync "$(mbsync --version 2>/dev/null || echo none)"
row postern "$(git describe --always --dirty 2>/dev/null || echo 'not a git checkout')"
echo

# shellcheck disable=SC2086 # a list of packages, none with a blank
go test -run '^$' -bench "${1:-.}" ${BENCHTIME:+-benchtime "$BENCHTIME"} -p 1 -timeout 90m $packages
