#!/usr/bin/env bash
# The Debian package: made, installed, run, installed again over the running server, removed and purged. Everything happens in a copy
# of this system that is thrown away (an overlay in a mount namespace); needs root. tests/packaging/package.sh BUILD_FOLDER
set -euo pipefail
build=$(realpath "$1")
say() { echo "package: $*"; }
die() { echo "package: FAILED: $*" >&2; exit 1; }

if [[ ${SLUICE_IN_OVERLAY-} != yes ]]; then
  ((EUID == 0)) || { say "skipped: not root"; exit 77; }
  unshare --mount --pid --fork --mount-proc true 2>/dev/null || { say "skipped: no mount namespaces here (a plain chroot has none)"; exit 77; }
  source "$(dirname "$(realpath "$0")")/deb.sh"
  deb=$(make_deb "$build") || die "cpack"
  place=$(mktemp -d)
  exec unshare --mount --pid --fork --mount-proc bash -c '
    set -e
    mount -t tmpfs tmpfs "$1"; mkdir "$1/up" "$1/work" "$1/all"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/all"
    mount --rbind /proc "$1/all/proc"; mount --rbind /dev "$1/all/dev"; mount -t tmpfs tmpfs "$1/all/run"
    cp "$2" "$1/all/sluice.deb"; cp "$3" "$1/all/package.sh"
    SLUICE_IN_OVERLAY=yes exec chroot "$1/all" bash /package.sh /' _ "$place" "$deb" "$(realpath "$0")"
fi

export DEBIAN_FRONTEND=noninteractive
command -v adduser >/dev/null || die "adduser is missing on this system"
contents=$(dpkg-deb -c /sluice.deb)
for file in usr/lib/sluice/sluice-control usr/lib/sluice/sluice-worker usr/lib/systemd/system/sluice.service usr/share/doc/sluice/docs/deployment.md; do
  [[ $contents == *"./$file"* ]] || die "$file is not in the package"
done
dpkg -i /sluice.deb >/install.log 2>&1 || { tail -5 /install.log; die "it does not install"; }
say "installed"
for user in sluice-control sluice-handshaker sluice-keeper sluice-worker; do getent passwd $user >/dev/null || die "user $user"; done
[[ -L /usr/bin/sluice ]] && sluice --version | grep -q '^sluice ' || die "the command"
sluice check-config /etc/sluice/sluice.yaml >/dev/null || die "the configuration"
echo "# mine" >>/etc/sluice/sluice.yaml

options=(--config /etc/sluice/sluice.yaml --signaling.port=0 --adminApi.port=0 --governance=false --media.port=45990 --media.listen=127.0.0.1 --workers.count=1)
(cd /var/lib/sluice && exec sluice serve "${options[@]}") >/ready.log 2>/serve.log &
server=$!
for ((i = 0; i < 300; ++i)); do grep -q '^sluice ready' /ready.log && break; sleep 0.1; done
grep -q '^sluice ready' /ready.log || { tail -5 /serve.log; die "it does not start"; }
[[ $(sluice ctl --json server.health) == *'"status":"ok"'* ]] || die "it does not answer at /run/sluice/control.sock"
[[ $(ps -o user= -p "$(pgrep -x sluice-control)") == sluice-co* ]] || die "control does not run as its user"
say "runs as $(ps -o user= -p "$(pgrep -x sluice-control)")"

dpkg -i /sluice.deb >/install.log 2>&1 || { tail -5 /install.log; die "it does not install again"; }
sluice upgrade /usr/lib/sluice >/upgrade.log 2>&1 || { cat /upgrade.log; die "upgrade"; }
[[ $(sluice ctl --json server.health) == *'"status":"ok"'* ]] || die "it does not answer after the upgrade"
grep -q '# mine' /etc/sluice/sluice.yaml || die "the configuration was overwritten"
say "upgraded while it ran"

kill "$(pgrep -x sluice | head -1)" 2>/dev/null || kill "$server"
for ((i = 0; i < 100; ++i)); do pgrep sluice >/dev/null || break; sleep 0.1; done
pgrep -a sluice && die "processes are left"
dpkg -r sluice >/install.log 2>&1 || die "it cannot be removed"
[[ ! -e /usr/bin/sluice && ! -d /usr/lib/sluice ]] || die "programs are left"
[[ -e /etc/sluice/sluice.yaml ]] || die "removing took the configuration"
dpkg -P sluice >/install.log 2>&1 || die "it cannot be purged"
[[ ! -e /etc/sluice && ! -e /var/lib/sluice ]] || die "purging left something"
getent passwd sluice-control >/dev/null && die "purging left users"
say "removed and purged"
