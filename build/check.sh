#!/usr/bin/env bash
# The gate: what CI runs and what a developer runs before a commit. It stops at the first step that fails.
#
# FUZZ_SECONDS is the most that all fuzz targets together may take (each gets an equal part, 10 s at most).
set -euo pipefail
source "$(dirname "$0")/env.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() { printf '\n== %s (at %d s)\n' "$*" "$SECONDS"; }
fail() { printf 'check: %s\n' "$*" >&2; exit 1; }

formatted() {
  local wrong
  wrong=$(find . -name '*.go' -not -path './frontend/node_modules/*' -not -path './build/cache/*' -exec gofmt -l {} +)
  [[ -z $wrong ]] || fail "gofmt would change:"$'\n'"$wrong"
}

# fresh builds the generated files in a copy, so that it also tells the truth about a tree with changes not yet
# committed, and never writes into it.
fresh() {
  mkdir "$work/frontend"
  cp go.mod "$work/" # templ compares its version with it
  (cd frontend && find . -mindepth 1 -maxdepth 1 -not -name node_modules -exec cp -a {} "$work/frontend/" \;)
  ln -s "$PWD/frontend/node_modules" "$work/frontend/node_modules"
  build/generate.sh "$work"
  diff -rq --exclude node_modules frontend "$work/frontend" || fail "Generated files are stale: run make generate and commit what changes."
}

# fuzz runs every fuzz target of the tree for a moment; longer runs are by hand: go test -fuzz NAME -fuzztime 10m ./…
fuzz() {
  local targets seconds file name out=$work/fuzz.log
  targets=$(grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' app backend frontend | sed 's/:func /:/' | sort)
  [[ -n $targets ]] || fail "no fuzz target was found"
  seconds=$((${FUZZ_SECONDS:-240} / $(wc -l <<<"$targets")))
  ((seconds <= 10)) || seconds=10
  ((seconds >= 1)) || seconds=1
  while IFS=: read -r file name; do
    printf -- '-- %s in %s, %d s\n' "$name" "$(dirname "$file")" "$seconds"
    if go test -run '^$' -fuzz "^$name\$" -fuzztime "${seconds}s" -timeout 5m "./$(dirname "$file")" >"$out" 2>&1; then
      grep '^fuzz: elapsed' "$out" | tail -n 1
    elif grep -A 1 "^--- FAIL: $name " "$out" | grep -qx '    context deadline exceeded' && ! grep -q 'Failing input' "$out"; then
      # Go before 1.27 sometimes takes its own end of the fuzzing time for a failure: golang/go#75804.
      grep '^fuzz: elapsed' "$out" | tail -n 1
    else
      cat "$out"
      fail "$name found an input that breaks; it is kept under $(dirname "$file")/testdata/fuzz."
    fi
  done <<<"$targets"
}

# vulnerable asks the Go project's list of known holes. Where that cannot be reached the step says so and passes:
# everything else here works without a network.
vulnerable() {
  local out=$work/vuln.log code=0
  timeout 600 go tool govulncheck ./... >"$out" 2>&1 || code=$?
  case $code in
    0) tail -n 3 "$out" ;;
    124) echo "skipped: no answer from vuln.go.dev within ten minutes" ;;
    *)
      if grep -q 'vuln\.go\.dev' "$out" && ! grep -q '^Vulnerability #' "$out"; then
        echo "skipped: the list of known holes cannot be reached: $(grep -m 1 'vuln\.go\.dev' "$out")"
      else
        cat "$out"
        fail "govulncheck found a known hole, or could not run."
      fi
      ;;
  esac
}

# The race detector does not watch inside ciphers and key derivations: watched, they took half of the gate's time. So a race on memory that
# only they touch is not seen. All else is watched, Postern's own code and crypto/tls too.
unwatched=()
for only in crypto/internal/fips140/... golang.org/x/crypto/{argon2,blake2b,chacha20,chacha20poly1305,scrypt}; do
  unwatched+=("-gcflags=$only=-race=false")
done

step "gofmt"
formatted
step "go vet"
go vet ./...
step "staticcheck"
go tool staticcheck ./...
step "generated files are fresh"
fresh
step "go test, with the race detector and in random order"
go test -race "${unwatched[@]}" -shuffle=on -timeout 55m ./...
step "fuzzing"
fuzz
step "known holes"
vulnerable
step "done"
