#!/usr/bin/env bash
# A mail system for Postern on this computer: Dovecot 2.3 and Postfix in one folder, on loopback ports, without systemd.
#
#   dovecot-postfix.sh init DIR [--base-port N] [--domain NAME] [--owner USER]
#                                    sets the folder up; a second time it changes nothing
#   dovecot-postfix.sh start DIR     starts both; nothing happens if they run
#   dovecot-postfix.sh stop DIR      stops both; nothing happens if they do not run
#   dovecot-postfix.sh status DIR    says what runs; exit 0 if both do, 3 if not
#   dovecot-postfix.sh run DIR [--remove]
#                                    starts, prints "ready", stops when its standard input ends; then may remove DIR
#   dovecot-postfix.sh mailbox DIR NAME
#                                    makes the mailbox NAME, prints its address
#   dovecot-postfix.sh login DIR NAME MAILBOX owner|staff|agent
#                                    makes a login for that mailbox, prints its new password
#   dovecot-postfix.sh without DIR NAME
#                                    takes the login or mailbox NAME away; its letters stay
#
# The first five need root, for which sudo is asked. DIR/gateway.env says where to connect; clients trust DIR/tls/ca.pem.
# shellcheck disable=SC2015,SC2153 # A && B || die is meant so; the names in capitals come from gateway.env.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
export PATH="$PATH:/usr/sbin:/sbin"
export LC_ALL=C

die() { echo "dovecot-postfix.sh: $*" >&2; exit 1; }

usage() { sed -n '2,/^# shellcheck/{/^# shellcheck/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2; }

as_root() {
  [ "$(id -u)" -eq 0 ] && return
  command -v sudo >/dev/null || die "this needs root: Postfix starts in no other way. Run it as root, or install sudo."
  exec sudo -- bash "$here/$(basename -- "${BASH_SOURCE[0]}")" "${original[@]}"
}

programs() {
  local missing=()
  command -v dovecot >/dev/null && [ -x /usr/lib/dovecot/quota-status ] || missing+=(dovecot-core)
  [ -x /usr/lib/dovecot/imap ] || missing+=(dovecot-imapd)
  [ -x /usr/lib/dovecot/lmtp ] || missing+=(dovecot-lmtpd)
  command -v postfix >/dev/null || missing+=(postfix)
  command -v openssl >/dev/null || missing+=(openssl)
  [ ${#missing[@]} -eq 0 ] ||
    die "not installed: ${missing[*]}. On Debian or Ubuntu: DEBIAN_FRONTEND=noninteractive apt-get install -y ${missing[*]}"
  local version
  version=$(dovecot --version)
  case $version in
    2.3.*) ;;
    *) die "this recipe is for Dovecot 2.3, and $version is installed, whose configuration is written in another way. Debian 12 and Ubuntu 24.04 have 2.3." ;;
  esac
}

# load reads what init decided. Every other command needs it.
load() {
  [ -f "$dir/gateway.env" ] || die "$dir is not set up: run 'init $dir' first"
  # shellcheck source=/dev/null
  . "$dir/gateway.env"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

unused() {
  local port
  for port in "$@"; do
    if listening "$port"; then die "port $port is taken by another program"; fi
  done
}

free_ports() {
  local base
  for _ in $(seq 1 200); do
    base=$((20000 + (RANDOM * 32768 + RANDOM) % 3000 * 4))
    listening $base || listening $((base + 1)) || listening $((base + 2)) || listening $((base + 3)) || { echo $base; return; }
  done
  die "no four free ports found between 20000 and 32000: name some with --base-port"
}

certificate() {
  local tls=$dir/tls ext
  [ -s "$tls/server.pem" ] && return
  mkdir -p "$tls"
  ext=$(mktemp)
  (
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -sha256 \
      -subj "/CN=Postern gateway $TAG" -keyout "$tls/ca.key" -out "$tls/ca.pem" \
      -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign'
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
      -keyout "$tls/server.key" -out "$tls/server.csr"
    printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' 'extendedKeyUsage=serverAuth' \
      "subjectAltName=DNS:localhost,DNS:mail.$DOMAIN,IP:127.0.0.1" >"$ext"
    openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 825 -sha256 \
      -extfile "$ext" -out "$tls/server.pem.new"
    mv "$tls/server.pem.new" "$tls/server.pem"
  ) 2>"$dir/log/openssl.log" || die "openssl made no certificate: see $dir/log/openssl.log"
  rm -f "$ext" "$tls/server.csr"
  chmod 0755 "$tls"
  chmod 0644 "$tls/ca.pem" "$tls/server.pem"
}

# A configuration is replaced as a whole, and dated back: Postfix waits up to two seconds over a new one, in case
# somebody is still writing it.
fill() { # template, target
  sed -e "s|@DIR@|$dir|g" -e "s|@RUN@|$RUN|g" -e "s|@TAG@|$TAG|g" -e "s|@DOMAIN_RE@|${DOMAIN//./\\\\.}|g" \
    -e "s|@DOMAIN@|$DOMAIN|g" -e "s|@MAILUID@|$MAILUID|g" -e "s|@MAILGID@|$MAILGID|g" \
    -e "s|@IMAPS@|$IMAPS|g" -e "s|@IMAP@|$IMAP|g" -e "s|@SMTPS@|$SMTPS|g" -e "s|@SMTP@|$SMTP|g" \
    "$here/$1" >"$2.new"
  touch -d '10 seconds ago' "$2.new"
  mv "$2.new" "$2"
}

reachable() { # may the mail users enter the folder?
  local user
  for user in mail postfix dovecot; do
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups test -x "$dir" ||
      die "the user '$user' of the mail system cannot enter $dir: choose a folder under one that everybody may enter (not a private home), or chmod a+x what lies above it"
  done
}

cmd_init() {
  local base='' domain=postern.test owner=${SUDO_USER:-root}
  while [ $# -gt 0 ]; do
    case $1 in
      --base-port) base=${2:-}; shift 2 ;;
      --domain) domain=${2:-}; shift 2 ;;
      --owner) owner=${2:-}; shift 2 ;;
      *) usage ;;
    esac
  done
  as_root
  programs
  mkdir -p "$dir"
  exec 9>"$dir/.lock"
  flock 9
  if [ ! -f "$dir/gateway.env" ]; then
    chmod 0755 "$dir"
    [ -n "$base" ] || base=$(free_ports)
    [[ $base =~ ^[1-9][0-9]{0,4}$ && $base -le 65532 ]] || die "--base-port takes a number from 1 to 65532"
    TAG=$(printf %s "$dir" | sha256sum | cut -c1-12)
    cat >"$dir/gateway.env.new" <<ENV
TAG=$TAG
RUN=/run/postern-$TAG
HOST=127.0.0.1
DOMAIN=$domain
IMAPS=$base
IMAP=$((base + 1))
SMTPS=$((base + 2))
SMTP=$((base + 3))
MAILUID=$(id -u mail)
MAILGID=$(id -g mail)
CA=$dir/tls/ca.pem
ENV
    chmod 0644 "$dir/gateway.env.new"
  else
    cp "$dir/gateway.env" "$dir/gateway.env.new"
  fi
  # shellcheck source=/dev/null
  . "$dir/gateway.env.new"
  reachable
  mkdir -p "$dir/log" "$dir/dovecot/state" "$dir/mail" "$dir/users" "$dir/queue" "$dir/postfix" "$dir/postfix-data"
  chown "$MAILUID:$MAILGID" "$dir/mail"
  chmod 0700 "$dir/mail"
  # Whoever set this up may add accounts; Dovecot reads them through the folder's group.
  chown "$owner:dovecot" "$dir/users"
  chmod 2750 "$dir/users"
  chown postfix: "$dir/postfix-data"
  chmod 0700 "$dir/postfix-data"
  certificate
  fill dovecot.conf "$dir/dovecot/dovecot.conf"
  fill dovecot.acl "$dir/dovecot/acl"
  fill postfix-main.cf "$dir/postfix/main.cf"
  fill postfix-master.cf "$dir/postfix/master.cf"
  fill postfix-senders "$dir/postfix/senders"
  short_names
  local said
  said=$(doveconf -n -c "$dir/dovecot/dovecot.conf" 2>&1 >/dev/null) || die "Dovecot does not take its configuration: $said"
  said=$(postfix -c "$dir/postfix" check 2>&1) || die "Postfix does not take its configuration: $said"
  mv "$dir/gateway.env.new" "$dir/gateway.env" # last: a folder that has it is complete
}

alive() { # pid file: prints the pid of a process that runs
  local pid
  pid=$(tr -d ' \n' 2>/dev/null <"$1") && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && echo "$pid"
}

# A Dovecot that was killed leaves its pid file, and the number may be another process's by now.
dovecot_pid() {
  local pid
  pid=$(alive "$RUN/dovecot/master.pid") && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dovecot ] && echo "$pid"
}

# Postfix leaves its pid file behind and holds a lock on it while it runs.
postfix_pid() {
  [ -f "$dir/queue/pid/master.pid" ] || return 1
  ! flock --nonblock --shared "$dir/queue/pid/master.pid" true && alive "$dir/queue/pid/master.pid"
}

until_true() { # seconds, what is waited for, command...
  local seconds=$1 what=$2 end
  shift 2
  end=$((SECONDS + seconds))
  until "$@"; do
    [ $SECONDS -lt $end ] || die "$what did not happen within $seconds seconds: see $dir/log"
    sleep 0.02
  done
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# launch gives a daemon nothing of ours to hold on to: not our output, which our caller reads to its end, nor the lock;
# nor signals that we ignore.
launch() { (trap - HUP INT PIPE && "$@") </dev/null >"$dir/log/start.log" 2>&1 9>&-; }

# The servers' sockets have short names under /run, however deep the folder lies: a socket's name is limited.
short_names() {
  mkdir -p "$RUN"
  chmod 0755 "$RUN"
  ln -sfn "$dir/queue" "$RUN/queue"
}

start_both() {
  short_names
  if ! dovecot_pid >/dev/null; then
    unused "$IMAPS" "$IMAP"
    launch dovecot -c "$dir/dovecot/dovecot.conf" || die "Dovecot does not start: $(tail -qn 3 "$dir/log/start.log" "$dir/log/dovecot.log" 2>/dev/null)"
  fi
  if ! postfix_pid >/dev/null; then
    unused "$SMTPS" "$SMTP"
    launch postfix -c "$dir/postfix" start || die "Postfix does not start: $(tail -qn 3 "$dir/log/start.log" "$dir/log/postfix.log" 2>/dev/null)"
  fi
  local port
  for port in "$IMAPS" "$IMAP" "$SMTPS" "$SMTP"; do
    until_true 20 "an answer on port $port" listening "$port"
  done
  # What waited for Dovecot goes now, and not after Postfix's own pause.
  postfix -c "$dir/postfix" flush >/dev/null 2>&1 || true
}

gone_all() {
  local pid
  for pid in "$@"; do gone "$pid" || return 1; done
}

stop_both() {
  local postfix dovecot child children=() served=()
  postfix=$(postfix_pid) || postfix=
  dovecot=$(dovecot_pid) || dovecot=
  # Both at once: what Postfix has taken and Dovecot takes no more stays in the queue. Dovecot's processes that serve
  # somebody are told before their master: told by it, they would stay connected for ten seconds more.
  if [ -n "$dovecot" ]; then
    read -ra children <"/proc/$dovecot/task/$dovecot/children" || true
    for child in "${children[@]}"; do
      case $(tr '\0' ' ' 2>/dev/null <"/proc/$child/cmdline") in
        */imap*) served+=("$child") ;;
      esac
    done
    [ ${#served[@]} -eq 0 ] || kill -TERM "${served[@]}" 2>/dev/null || true
    kill -TERM "$dovecot" || true # it may have gone meanwhile
  fi
  [ -z "$postfix" ] || kill -TERM "$postfix" || true
  [ -z "$postfix" ] || until_true 20 "the end of Postfix" gone "$postfix"
  [ -z "$dovecot" ] || until_true 20 "the end of Dovecot" gone_all "$dovecot" "${served[@]}"
  rm -rf -- "$RUN"
}

cmd_start() { as_root; programs; load; exec 9>"$dir/.lock"; flock 9; start_both; }

cmd_stop() { as_root; load; exec 9>"$dir/.lock"; flock 9; stop_both; }

cmd_status() {
  as_root
  load
  local d p
  d=$(dovecot_pid) || d=
  p=$(postfix_pid) || p=
  echo "Dovecot: $([ -n "$d" ] && echo "runs, process $d" || echo "does not run"); IMAP on $HOST:$IMAPS (TLS) and $HOST:$IMAP (STARTTLS)"
  echo "Postfix: $([ -n "$p" ] && echo "runs, process $p" || echo "does not run"); SMTP on $HOST:$SMTPS (TLS) and $HOST:$SMTP (STARTTLS)"
  [ -n "$d" ] && [ -n "$p" ] || exit 3
}

# Whatever ends this, the servers end: they never outlive the program that wanted them. An interrupt from the keyboard
# is for that program; this goes by the end of its standard input.
cmd_run() {
  as_root
  programs
  load
  local remove=${1:-}
  # shellcheck disable=SC2064 # $remove is local
  trap "ended '$remove'" EXIT
  trap 'exit 0' TERM
  trap '' HUP INT PIPE
  exec 9>"$dir/.lock"
  flock 9 # one that is just being stopped is gone before it is started again
  start_both
  flock --unlock 9
  echo ready
  while read -r _; do :; done
}

ended() {
  flock 9
  stop_both
  flock --unlock 9
  [ "$1" != --remove ] || rm -rf -- "$dir"
}

name_ok() { [[ $1 =~ ^[a-z0-9][a-z0-9._-]{0,63}$ ]] || die "'$1' is no name for a login or mailbox: lower-case letters, digits, . _ -"; }

account() { # login, password field, mailbox, extra
  local new
  new=$(mktemp "$dir/users/.new.XXXXXX")
  printf '%s:%s:%s:%s::%s::userdb_mail=sdbox:%s%s\n' "$1" "$2" "$MAILUID" "$MAILGID" "$dir/mail/$3" "$dir/mail/$3" "$4" >"$new"
  chmod 0640 "$new"
  mv -T -- "$new" "$dir/users/$1"
}

cmd_mailbox() {
  [ $# -eq 1 ] || usage
  load
  name_ok "$1"
  [ -f "$dir/users/$1" ] || account "$1" '!' "$1" ''
  echo "$1@$DOMAIN"
}

cmd_login() {
  [ $# -eq 3 ] || usage
  load
  name_ok "$1"
  name_ok "$2"
  [ -f "$dir/users/$2" ] || die "there is no mailbox '$2': make it first"
  [ ! -f "$dir/users/$1" ] || die "there is a login or mailbox '$1' already"
  local extra password
  case $3 in
    owner) extra= ;;
    staff | agent) extra=" userdb_acl_user=$3" ;;
    *) die "a login is for owner, staff or agent, not '$3'" ;;
  esac
  password=$(openssl rand -hex 16)
  account "$1" "{SHA256.HEX}$(printf %s "$password" | sha256sum | cut -c1-64)" "$2" "$extra"
  echo "$password"
}

cmd_without() {
  [ $# -eq 1 ] || usage
  load
  name_ok "$1"
  rm -f -- "$dir/users/$1"
}

original=("$@")
[ $# -ge 2 ] || usage
command=$1
dir=$(realpath -m -- "$2")
shift 2
[[ $dir =~ ^[A-Za-z0-9/._-]+$ ]] || die "the folder's path may hold letters, digits and / . _ - only: $dir"
case $command in
  init | start | stop | status | run | mailbox | login | without) "cmd_$command" "$@" ;;
  *) usage ;;
esac
