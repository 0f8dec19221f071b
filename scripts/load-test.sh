#!/usr/bin/env bash
# scripts/load-test.sh [options]: the same as npm run load-test -- [options]
set -euo pipefail
exec npm --prefix "$(dirname "$0")/.." run load-test -- "$@"
