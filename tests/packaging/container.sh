#!/usr/bin/env bash
# The container file, built and run by Podman on a base that is made here of Debian's packages (no image registry is asked), with a
# network of loopback only. By hand: it needs root, podman, crun and mmdebstrap, Debian's archive, and about two minutes.
#   tests/packaging/container.sh BUILD_FOLDER
set -euo pipefail
here=$(dirname "$(realpath "$0")")
build=$(realpath "$1")
source "$here/deb.sh"
say() { echo "container: $*"; }
die() {
  echo "container: FAILED: $*" >&2
  container logs sluice 2>&1 | tail -30 >&2 || true
  exit 1
}
((EUID == 0)) || { say "skipped: not root"; exit 77; }
for program in podman crun mmdebstrap; do command -v $program >/dev/null || { say "skipped: no $program"; exit 77; }; done

# Mounts of its own; and one hierarchy of cgroups, because crun refuses a mixture.
if [[ ${SLUICE_OWN_MOUNTS-} != yes ]]; then SLUICE_OWN_MOUNTS=yes exec unshare --mount --propagation private bash "$0" "$@"; fi
[[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]] || mount -t cgroup2 cgroup2 /sys/fs/cgroup

place=$(mktemp -d)
# Podman raises limits, which not every root may; a server of more than tests asks for its own (docs/deployment.md).
cat >"$place/crun" <<'RUNTIME'
#!/usr/bin/env bash
for word in "$@"; do
  case ${previous-} in
    --bundle) file=$word/config.json ;;
    --process) file=$word ;;
    *) file= ;;
  esac
  [[ $word != --process=* ]] || file=${word#*=}
  [[ -z $file ]] || python3 - "$file" <<'EDIT'
import json, sys
config = json.load(open(sys.argv[1]))
config.get("process", config).pop("rlimits", None)
json.dump(config, open(sys.argv[1], "w"))
EDIT
  previous=$word
done
exec /usr/bin/crun "$@"
RUNTIME
chmod +x "$place/crun"
# Images and containers of this run only. Without systemd on the host nobody else manages cgroups.
container() { podman --root "$place/storage" --runroot "$place/run" --cgroup-manager cgroupfs --runtime "$place/crun" --events-backend file "$@"; }
finish() {
  container rm -af -t 0 >/dev/null 2>&1 || true
  umount -R "$place/storage" 2>/dev/null || true
  rm -rf "$place"
}
trap finish EXIT

deb=$(make_deb "$build") || die "cpack"
mmdebstrap --variant=minbase --quiet bookworm - </dev/null | container import - sluice-base >/dev/null
say "base image made"
container build --format docker --isolation chroot --network host --build-arg BASE=localhost/sluice-base -t sluice -f "$here/../../packaging/Containerfile" \
  "$(dirname "$deb")" >"$place/build.log" 2>&1 || { tail -30 "$place/build.log"; die "the image is not built"; }
say "built"

# start OPTION...: a server, ready.
start() {
  container run -d --replace --name sluice --network none --cgroups disabled \
    -v "$place/state:/var/lib/sluice" "$@" sluice >/dev/null || die "it does not start"
  local i
  for ((i = 0; i < 300; ++i)); do
    container logs sluice 2>/dev/null | grep '^sluice ready' >/dev/null && return
    sleep 0.1
  done
  die "it is not ready"
}
inside() { container exec sluice "$@"; }
serves() {
  local process
  process=$(container inspect -f '{{.State.Pid}}' sluice)
  nsenter --target "$process" --net curl -fsS http://127.0.0.1:3000/ | grep -i '<!doctype html' >/dev/null || die "no page"
  [[ $(inside sluice ctl --json server.health) == *'"status":"ok"'* ]] || die "no answer over the control socket"
  container healthcheck run sluice || die "the health check fails"
  inside sluice benchmark --media --rooms 1 --publishers 1 --subscribers 2 --bitrate 200k --warmup 1s --duration 3s --max-loss 0.5 --quiet --json \
    >"$place/load.json" || die "media: $(head -c 600 "$place/load.json")"
}
engine() { container logs sluice 2>&1 | grep -oE 'engine=\S+' | sort -u | tr '\n' ' '; }
ends_well() {
  container stop -t 15 sluice >/dev/null
  [[ $(container inspect -f '{{.State.ExitCode}}' sluice) == 0 ]] || die "it ends with $(container inspect -f '{{.State.ExitCode}}' sluice)"
}

mkdir "$place/state"
# As Docker's default profile is since 25: the same as ours, without io_uring.
sed 's/"acct", /"acct", "io_uring_enter", "io_uring_register", "io_uring_setup", /' "$here/../../packaging/seccomp.json" >"$place/no-ring.json"
start --security-opt "seccomp=$place/no-ring.json"
[[ $(engine) == "engine=mmsg " ]] || die "without io_uring: $(engine)"
inside sluice doctor | grep 'io_uring .*not allowed' >/dev/null || die "doctor does not see that io_uring is forbidden"
inside sluice check-config /etc/sluice/sluice.yaml >/dev/null || die "check-config"
serves
ends_well
[[ -n $(find "$place/state/store" -name 'sluice.db*') ]] || die "the state is not in the volume"
say "without io_uring: serves, by recvmmsg and sendmmsg"
start --security-opt "seccomp=$here/../../packaging/seccomp.json"
[[ $(engine) == "engine=io_uring " ]] || die "with our profile: $(engine)"
serves
ends_well
say "with packaging/seccomp.json: serves, by io_uring"
start
say "with Podman's own profile: $(engine)"
ends_well
