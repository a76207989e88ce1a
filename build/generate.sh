#!/usr/bin/env bash
# Writes the generated files of frontend/ again: the Go of the templates, and the static files. Usage: generate.sh ROOT
#
# ROOT is the project, or a copy of its frontend/ made to compare with. The same sources give the same files.
set -euo pipefail
root=$(realpath "${1:?usage: generate.sh ROOT}")
source "$(dirname "$0")/env.sh"

go tool templ generate -path "$root/frontend" -log-level warn
cd "$root/frontend"
npm run --silent build
