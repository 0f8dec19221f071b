#!/usr/bin/env bash
#
# scripts/healthcheck.sh [path]
#
# The health check of a container. Exits with 0 if the service on PORT answers the path (default: /health) with 200.
# Bash opens the connection itself. This takes a few milliseconds, and a Node process would take some hundred.
timeout_s=3
exec 3<> "/dev/tcp/127.0.0.1/${PORT:-4000}" || exit 1
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "${1:-/health}" >&3
read -r -t "$timeout_s" _ status _ <&3
[[ $status == 200 ]]
