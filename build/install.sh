#!/usr/bin/env bash
# Installs what a task lacks on this machine, and says what and why. Usage: install.sh run|bench|test|generate
#
# It looks before it asks: with everything there it installs nothing and needs no network. Packages come from the
# machine's own Debian or Ubuntu archive (root or sudo); a Go too old for go.mod fetches the toolchain as the Go module
# that it is; a Node too old gets a newer one from npm. Both stay in build/cache and leave the machine's own alone.
# No mail server that it installs is started or left to start by itself.
set -euo pipefail
source "$(dirname "$0")/env.sh"

go_fetched=1.26.8    # what an older Go fetches; go.mod says what is enough
node_enough=20       # the oldest major version that builds frontend/
node_fetched=22.23.3 # what is fetched instead of an older one, with an npm that fits it
npm_fetched=10.9.9

task=${1:-}
case $task in
  run | bench | test | generate) ;;
  *) echo "usage: $0 run|bench|test|generate" >&2; exit 2 ;;
esac
for_task() { [[ " $* " == *" $task "* ]]; }
say() { printf 'install: %s\n' "$*"; }
die() { printf 'install: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null; }
linked() { has pkg-config && pkg-config --exists "$1"; } # a C library that can be built against

# --- Debian and Ubuntu packages ---

packages=() reasons=()
want() { # PACKAGE REASON TEST…: the package is lacking where the test fails
  local package=$1 reason=$2
  shift 2
  "$@" && return
  packages+=("$package")
  reasons+=("$package: $reason")
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

policy=/usr/sbin/policy-rc.d # while it is there, installing a package starts no service
unblock_services() {
  as_root rm -f "$policy"
  trap - EXIT
}

install_packages() {
  printf 'install:   %s\n' "${reasons[@]}"
  has apt-get || die "These packages are for Debian and Ubuntu; install their like here, then run this again."
  [[ $(id -u) == 0 ]] || has sudo || die "That needs root or sudo. As root: apt-get install --no-install-recommends ${packages[*]}"

  # A mail server would start as it is installed, and at every boot. Ours are started by the demo and the tests
  # alone, on ports of their own, so this machine's services are left as they were.
  local mailers=() name
  for name in dovecot-core postfix; do
    [[ " ${packages[*]} " != *" $name "* ]] || mailers+=("${name%-core}")
  done
  if [[ ${#mailers[@]} -gt 0 && ! -e $policy ]]; then
    trap unblock_services EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
  fi
  if [[ " ${packages[*]} " == *" postfix "* ]] && has debconf-set-selections; then
    echo 'postfix postfix/main_mailer_type select No configuration' | as_root debconf-set-selections
  fi

  # --no-remove: where another mail server stands in the way, apt stops rather than take it away.
  mkdir -p "$cache"
  say "fetching and unpacking them; apt's own words go to build/cache/apt.log"
  as_root apt-get update -qq >"$cache/apt.log" 2>&1 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends --no-remove \
      -o Dpkg::Use-Pty=0 "${packages[@]}" </dev/null >>"$cache/apt.log" 2>&1 || {
    tail -n 20 "$cache/apt.log" >&2
    die "apt-get could not install them; its last words are above. (On Ubuntu some are in 'universe'.)"
  }

  [[ -z $(trap -p EXIT) ]] || unblock_services
  if [[ ${#mailers[@]} -gt 0 ]] && has systemctl; then
    for name in "${mailers[@]}"; do
      as_root systemctl disable "$name.service" >/dev/null 2>&1 || say "$name could not be disabled as a service: it may start at the next boot."
    done
  fi
}

# --- Go ---

go_needed() { awk '$1 == "go" { print $2; exit }' go.mod; }
go_version() { (cd / && go version) | sed -n 's/^go version go\([0-9.]*\).*/\1/p'; }
go_is_enough() {
  has go || return 1
  local needed have
  needed=$(go_needed) have=$(go_version)
  [[ -n $have && $(printf '%s\n%s\n' "$needed" "$have" | sort -V | head -n 1) == "$needed" ]]
}

fetch_go() {
  local arch module empty root
  arch=$(cd / && go env GOARCH)
  module="golang.org/toolchain@v0.0.1-go$go_fetched.linux-$arch"
  say "Go $go_fetched: go.mod asks for $(go_needed), this machine's is $(go_version). It stays beside the other Go modules."
  empty=$(mktemp -d) # outside the project: an old Go cannot read its go.mod
  (cd "$empty" && GOFLAGS=-mod=mod go mod download "$module") || die "Go could not fetch $module; its words are above."
  rmdir "$empty"
  root="$(cd / && go env GOMODCACHE)/$module"
  find "$root/bin" "$root/pkg/tool" -type f -exec chmod +x {} + # a module's files come without it
  mkdir -p "$cache"
  ln -sfn "$root" "$cache/go"
  go_is_enough || die "The fetched Go does not run: $root/bin/go"
}

fetch_modules() {
  GOPROXY=off go mod download 2>/dev/null && return
  say "the Go modules that go.mod names, into $(go env GOMODCACHE)"
  go mod download
}

# --- Node ---

node_is_enough() {
  has node && has npm || return 1
  local major
  major=$(node --version | sed -n 's/^v\([0-9]*\)\..*/\1/p')
  [[ ${major:-0} -ge $node_enough ]]
}

fetch_node() {
  local arch
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) die "npm has no Node for $(uname -m); install Node $node_enough or newer, then run this again." ;;
  esac
  say "Node $node_fetched with npm $npm_fetched, into build/cache/node: frontend/ needs $node_enough, this machine's is $(node --version)."
  rm -rf "$cache/node"
  mkdir -p "$cache/node/bin"
  npm install --loglevel error --no-save --prefix "$cache/node" "node-linux-$arch@$node_fetched" "npm@$npm_fetched"
  ln -s "../node_modules/node-linux-$arch/bin/node" "$cache/node/bin/node"
  ln -s ../node_modules/.bin/npm ../node_modules/.bin/npx "$cache/node/bin/"
  hash -r
  node_is_enough || die "The fetched Node does not run: $cache/node/bin/node"
}

fetch_node_modules() {
  local lock stamp=frontend/node_modules/.lock-sha256
  lock=$(sha256sum <frontend/package-lock.json)
  [[ $(cat "$stamp" 2>/dev/null) != "$lock" ]] || return 0
  say "the npm packages that build frontend/static, into frontend/node_modules"
  (cd frontend && npm ci --loglevel error) || die "npm could not install them; its words are above."
  echo "$lock" >"$stamp"
}

# --- what each task wants ---

want ca-certificates "the registries' certificates" test -s /etc/ssl/certs/ca-certificates.crt
want gcc "SQLite is C" has gcc
want libc6-dev "the C headers that SQLite needs" test -e /usr/include/stdlib.h
go_is_enough || want golang-go "the language; an older one fetches what go.mod asks for" has go
if for_task run bench test; then
  want pkg-config "finds the libraries of the window" has pkg-config
  want libgtk-3-dev "the window" linked gtk+-3.0
  want libwebkit2gtk-4.1-dev "the page in the window" linked webkit2gtk-4.1
fi
if for_task bench test; then
  want openssl "the certificate of Dovecot and Postfix" has openssl
  want dovecot-core "a second mail system beside the embedded gateway: mailboxes" has dovecot
  want dovecot-imapd "its way in: IMAP" test -x /usr/lib/dovecot/imap
  want dovecot-lmtpd "delivery into its mailboxes" test -x /usr/lib/dovecot/lmtp
  want postfix "its way out: SMTP" has postfix
  want git "names the version that was measured" has git
  want isync "the peer that benchmarks and tests compare with: mbsync" has mbsync
fi
if for_task test; then
  want mutt "a mail client of a member: it reads from both mail systems, and answers a notice" has mutt
  want aerc "another that reads" has aerc
  want bsdutils "a terminal for both" has script
  . /etc/os-release
  if ! has chromium && [[ ${ID:-} == ubuntu ]]; then
    die "The tests need a Chromium, and Ubuntu's package of it only works as a snap: install it with 'snap install chromium', then run this again. make run needs none."
  fi
  want xvfb "a screen for real windows" has Xvfb
  want dbus "their session bus" has dbus-daemon
  want at-spi2-core "reads them as a screen reader does" test -x /usr/libexec/at-spi-bus-launcher
  want python3-pyatspi "the same, for the test" test -e /usr/lib/python3/dist-packages/pyatspi
  want gir1.2-atspi-2.0 "the same" test -e "/usr/lib/$(uname -m)-linux-gnu/girepository-1.0/Atspi-2.0.typelib"
  want xdotool "a keyboard for them" has xdotool
  want chromium "the browser that the screens are tested in" has chromium
fi
if for_task test generate; then
  node_is_enough || { want nodejs "builds frontend/static" has node; want npm "builds frontend/static" has npm; }
fi

if [[ ${#packages[@]} -gt 0 ]]; then
  say "$(. /etc/os-release && echo "${PRETTY_NAME:-this machine}") lacks:"
  install_packages
  hash -r
fi
go_is_enough || fetch_go
fetch_modules
if for_task test generate; then
  node_is_enough || fetch_node
  fetch_node_modules
fi
