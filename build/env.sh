# shellcheck shell=bash
# Sourced by every script and recipe here: it goes to the project's root and puts the right Go and Node first on PATH.
# The flags are set, not added to: the gate is the same on every machine.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# Go needs a home for its caches, and some build machines start without one.
if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
  export HOME="${HOME:-$PWD/build/cache/home}"
fi

cache="$PWD/build/cache" # what install.sh fetched for this checkout alone: go/, node/
export PATH="$cache/go/bin:$cache/node/bin:$PATH:/usr/sbin:/sbin"
window='desktop,production,webkit2_41,sqlite_fts5' # the tags of a build with the window, as wails build sets them
export window GOTOOLCHAIN=local CGO_ENABLED=1 GOFLAGS='-tags=sqlite_fts5 -mod=readonly -buildvcs=false'

# Node brings certificates of its own; the machine's are the ones that its network needs.
export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}"
export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
