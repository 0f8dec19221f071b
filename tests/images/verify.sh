#!/usr/bin/env bash
#
# tests/images/verify.sh
#
# Tests Dockerfile and docker-compose.yml on a machine without Docker and without access to an image registry. It needs
# Debian, root, and the npm packages (run `npm test` or `npm run check` first). It takes some four minutes and removes
# everything that it created.
#
# 1. It creates the base image from Debian and the Node of this project.
# 2. It creates one image that replaces those of MySQL, Redis and NATS: the same versions, from Debian's suite sid. Both
#    images get the names of the real ones.
# 3. It builds the image of the services and starts the compose file with .env.example and three booking processes.
# 4. It runs the end-to-end tour against it and checks each container from outside.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
work=$(mktemp --directory)
project=$work/event-booking-system
mapfile -t subgraphs < <(git ls-files 'subgraphs/*/main.ts' | cut --delimiter=/ --fields=2)
services=(gateway "${subgraphs[@]}")
everything=(mysql redis nats migrate "${subgraphs[@]}" gateway)
npm_folder=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
export PATH="$root/node_modules/node/bin:$PATH"
export CONTAINERS_STORAGE_CONF=$work/storage.conf CONTAINERS_CONF=$work/containers.conf

step() { printf '%4d s  %s\n' "$SECONDS" "$*"; }
# Prints the failure, and the last log lines of each container that is not running or not healthy. Then exits.
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  local name state
  while read -r name state; do
    case "$state" in
      Up*unhealthy* | Exited* | Created* | Initialized* | Stopped*)
        [[ $name == "$(container migrate)" && $state == 'Exited (0)'* ]] && continue
        printf '\n%s: %s. The last lines of its log:\n%s\n' "$name" "$state" "$(podman logs --tail 20 "$name" 2>&1)" >&2
        ;;
    esac
  done < <(podman ps --all --format '{{.Names}} {{.Status}}' 2> /dev/null)
  exit 1
}
container() { echo "event-booking-system_$1_${2:-1}"; }
address() { podman inspect "$(container "$1")" --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' 2> /dev/null; }
# Without systemd, podman warns for every container that it does not run health checks. This script runs them.
quietly() { "$@" >> "$work/log" 2>&1 || fail "$*: $(tail -n 20 "$work/log")"; }

clean_up() {
  podman rm --all --force --time 0 > /dev/null 2>&1 || true
  podman network rm --force event-booking-system_default > /dev/null 2>&1 || true
  podman system reset --force > /dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT

install_tools() {
  [[ $EUID == 0 && -f /etc/debian_version ]] || fail 'This script needs Debian and root.'
  # netavark calls iptables, but its package does not depend on it.
  local tools=(podman podman-compose runc netavark aardvark-dns iptables debootstrap)
  dpkg --status "${tools[@]}" > /dev/null 2>&1 && return
  quietly apt-get update
  DEBIAN_FRONTEND=noninteractive quietly apt-get install --yes --no-install-recommends "${tools[@]}"
}

# This run has its own storage and networks. It sets limits explicitly because some machines do not allow raising them.
configure_podman() {
  cat > "$work/storage.conf" <<TOML
[storage]
driver = "${STORAGE_DRIVER:-overlay}"
graphroot = "$work/storage"
runroot = "$work/run"
TOML
  cat > "$work/containers.conf" <<TOML
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "$work/networks"
TOML
}

layers_of() { podman image inspect "$1" --format '{{.RootFS.Layers}}'; }

build() { quietly podman build --isolation chroot --format docker --pull=never "$@"; }

make_base() {
  local image=$1 system=$work/base
  quietly debootstrap --variant=minbase --include=ca-certificates,libatomic1 trixie "$system"
  install -D --target-directory="$system/usr/local/bin" node_modules/node/bin/node
  mkdir -p "$system/usr/local/lib/node_modules"
  cp --archive "$npm_folder" "$system/usr/local/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$system/usr/local/bin/npm"
  chroot "$system" useradd --uid 1000 --create-home node
  # The certificates that this machine trusts: npm needs them to reach the package registry.
  cp /etc/ssl/certs/ca-certificates.crt "$system/etc/ssl/certs/"
  rm -rf "$system"/var/cache/apt/* "$system"/var/lib/apt/lists/*
  tar --directory "$system" --create . |
    quietly podman import --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' - "$image"
}

start_project() {
  # Remove empty values: Compose treats them as unset, this podman-compose does not.
  sed --expression "s/^GATEWAY_PORT=.*/GATEWAY_PORT=$1/" --expression '/=$/d' .env.example > "$project/.env"
  # Without this option, podman mounts writable folders.
  (cd "$project" && quietly podman-compose --podman-run-args=--read-only-tmpfs=false up --detach "${everything[@]}")
  for _ in {1..120}; do
    curl --silent --max-time 2 "http://127.0.0.1:$1/ready" | grep --quiet '"status":"ready"' && return
    sleep 1
  done
  printf '%s\n' "$(podman ps --all)" "The last output of podman-compose:" "$(grep --invert-match '^[0-9a-f]*$' "$work/log" | tail -n 20)" >&2
  fail "the gateway is not ready: $(curl --silent --max-time 2 "http://127.0.0.1:$1/ready")"
}

# Starts another container with the environment of an existing one: like <name> <options and command>
like() {
  podman inspect "$(container "$1")" --format '{{range .Config.Env}}{{println .}}{{end}}' 2> /dev/null |
    grep --invert-match '^PATH=' > "$work/$1.env"
  quietly podman run --env-file "$work/$1.env" --read-only --read-only-tmpfs=false --cap-drop all \
    --network event-booking-system_default "${@:2}"
}

# Replaces --scale booking=3, which this podman-compose does not support.
scale_booking() {
  for number in 2 3; do
    like booking --detach --name "$(container booking "$number")" --network-alias booking \
      "$image" node subgraphs/booking/main.ts
  done
}

# Runs the operators' commands.
check_commands() {
  like migrate --rm "$image" node scripts/migrate.ts
  like booking --rm "$image" node scripts/reconcile.ts
  like migrate --rm "$image" node scripts/outbox.ts replay --since "$(date --utc --date='-1 hour' +%FT%TZ)"
  ! (like migrate --rm "$image" node scripts/admin.ts grant nobody@example.com) 2> /dev/null || fail 'an unregistered address became an admin'
  grep --quiet 'No user is registered as nobody@example.com' "$work/log" || fail 'scripts/admin.ts does not work'
}

# Checks the rights of the container's first process, and that its file system is read-only.
check_confinement() {
  local name=$1 status
  status=$(< "/proc/$(podman inspect "$(container "$name")" --format '{{.State.Pid}}')/status")
  for line in 'Name:\s+node' 'NSpid:\s+[0-9]+\s+1' 'Uid:\s+1000\s+1000' 'CapEff:\s+0+' 'CapBnd:\s+0+' 'NoNewPrivs:\s+1'; do
    grep --quiet --extended-regexp "^$line" <<< "$status" || fail "the first process of $name lacks $line: $status"
  done
  podman exec "$(container "$name")" node --eval \
    'try { fs.writeFileSync("/tmp/x", ""); process.exit(1) } catch ({ code }) { process.exit(code === "EROFS" ? 0 : 1) }' ||
    fail "$name can write to its file system"
}

# Checks the health check of the compose file and that of the image, and that the latter can fail.
check_health() {
  local name=$1
  quietly podman healthcheck run "$(container "$name")"
  [[ $(podman inspect "$(container "$name")" --format '{{.State.Health.Status}}') == healthy ]] || fail "$name is not healthy"
  quietly podman exec "$(container "$name")" bash scripts/healthcheck.sh
  ! podman exec --env PORT=1 "$(container "$name")" bash scripts/healthcheck.sh > /dev/null 2>&1 || fail "the health check of $name does not fail on a wrong port"
}

# npm test refuses sudo, because it would create files that belong to root. It runs as the user who called sudo.
without_sudo() {
  local -a change_user=()
  if [[ -n ${SUDO_UID:-} && $SUDO_UID != 0 && $(stat --format %u .) != 0 ]]; then
    change_user=(setpriv --reuid "$SUDO_UID" --regid "$SUDO_GID" --clear-groups)
  fi
  "${change_user[@]}" "$@"
}

# grep must read the whole log: with --quiet it would exit at the first match, and podman would fail on the closed pipe.
was_asked() { podman logs "$(container booking "$1")" 2>&1 | grep '"path":"/graphql"' > /dev/null; }

# Each new connection goes to one of the three processes at random. Twenty requests in parallel open 20 connections.
check_every_booking_was_asked() {
  local query='{"query":"{ events(first: 1) { nodes { availableSeats } } }"}'
  for _ in {1..30}; do
    was_asked 1 && was_asked 2 && was_asked 3 && return
    seq 20 | xargs --max-procs=20 --replace curl --silent --max-time 10 --output /dev/null \
      --header 'content-type: application/json' --data "$query" "http://127.0.0.1:$1/graphql"
    sleep 1
  done
  for number in 1 2 3; do
    was_asked "$number" || fail "booking $number received no request: $(podman logs --tail 5 "$(container booking "$number")" 2>&1)"
  done
}

# Checks that the image contains the box office: its page, and the script that the page names.
check_box_office() {
  local script
  script=$(curl --silent --max-time 10 --header 'accept: text/html' "http://127.0.0.1:$1/" | sed --quiet 's/.*src="\([^"]*\.js\)".*/\1/p')
  [[ -n $script ]] || fail 'the page of the box office has no script'
  curl --silent --max-time 10 --fail --output /dev/null "http://127.0.0.1:$1$script" || fail "$script of the box office is not served"
}

# Checks that the servers have the versions that the compose file names.
check_versions() {
  local server version said
  for server in mysql:mysqld redis:redis-server nats:nats-server; do
    version=$(sed --quiet "s/^ *image: docker.io\/library\/${server%:*}:\([0-9]*\.[0-9]*\).*/\1/p" docker-compose.yml)
    said=$(podman exec "$(container "${server%:*}")" "${server#*:}" --version)
    grep --quiet --fixed-strings "$version." <<< "$said" || fail "${server%:*} is not version $version: $said"
  done
}

# Sends the first half of a request, then the stop signal, then the second half. The gateway must answer the request.
check_drain() {
  GATEWAY=$(container gateway) timeout 60 node --input-type=module - "$1" <<'JS'
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';

const body = JSON.stringify({ query: '{ events(first: 1) { nodes { id availableSeats } } }' });
const headers = { 'content-type': 'application/json', 'content-length': body.length };
const post = request(`http://127.0.0.1:${process.argv[2]}/graphql`, { method: 'POST', headers });
post.write(body.slice(0, 10));
await new Promise((resolve) => setTimeout(resolve, 500));
execFileSync('podman', ['kill', '--signal', 'TERM', process.env.GATEWAY]);
const logs = () => execFileSync('podman', ['logs', process.env.GATEWAY], { maxBuffer: 2 ** 30 }).toString();
while (!logs().includes('"msg":"stopping"')) await new Promise((resolve) => setTimeout(resolve, 100));
post.end(body.slice(10));
const [answer] = await once(post, 'response');
const { data } = JSON.parse((await answer.toArray()).join(''));
if (answer.statusCode !== 200 || data.events.nodes.length !== 1) throw new Error('the gateway did not answer the request in flight');
JS
}

check_stop() {
  for name in "${services[@]}"; do
    quietly podman stop --time 30 "$(container "$name")"
    [[ $(podman inspect "$(container "$name")" --format '{{.State.ExitCode}}') == 0 ]] || fail "$name did not exit with 0 within the stop time"
  done
}

step 'tools'
install_tools
configure_podman
mkdir "$project"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --create | tar --directory "$project" --extract
base=$(sed --quiet 's/^FROM \(.*\) AS base$/\1/p' Dockerfile)
image=$(sed --quiet 's/^ *image: \(event-booking-system:.*\)$/\1/p' docker-compose.yml | head -n 1)

step "base image, as $base"
make_base "$base"
step "image $image"
build --timestamp 0 --tag "$image" "$project"
layers=$(layers_of "$image")
podman images --filter "reference=$base" --filter "reference=$image" --format '        {{.Repository}}:{{.Tag}}  {{.Size}}'
step 'the same image again, which must have the same layers'
build --timestamp 0 --no-cache --tag "$image" "$project"
[[ $(layers_of "$image") == "$layers" ]] || fail 'two builds of the same source have different layers'
step 'image of the servers'
sed --quiet 's/^ *image: \(docker.io\/library\/.*\)$/--tag \1/p' docker-compose.yml > "$work/tags"
# shellcheck disable=SC2046
build --build-arg "BASE=$base" $(< "$work/tags") tests/images/stand-ins

step 'docker-compose.yml'
port=$(node --eval 'const s = net.createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
start_project "$port"
[[ $(podman inspect "$(container migrate)" --format '{{.State.ExitCode}}') == 0 ]] || fail 'the migrations failed'
scale_booking
step 'confinement and health'
check_versions
for name in "${services[@]}"; do
  check_confinement "$name"
  check_health "$name"
done
step 'the end-to-end tour'
TEST_GRAPHQL_URL=http://127.0.0.1:$port/graphql \
  TEST_DATABASE_URL_USER=mysql://user_svc:development-user@$(address mysql):3306/user_db \
  without_sudo npm test -- tests/booking-tour.e2e.test.ts
check_every_booking_was_asked "$port"
step 'the box office'
check_box_office "$port"
step "the operators' commands"
check_commands
step 'a request in flight, and the stop'
check_drain "$port"
check_stop
step 'all checks passed'
