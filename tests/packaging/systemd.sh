#!/usr/bin/env bash
# The Debian package under a real systemd (machine.sh): installed, watched, reloaded, killed in every way, upgraded, removed and
# purged, while a call goes on whose every packet is counted. tests/packaging/systemd.sh BUILD_FOLDER
set -euo pipefail
here=$(dirname "$(realpath "$0")")
build=$(realpath "$1")
source "$here/deb.sh"
source "$here/machine.sh"
say() { echo "systemd: $*"; }
die() {
  echo "systemd: FAILED: $*" >&2
  in_machine journalctl --no-pager -n 60 -o short-precise >&2 || true
  exit 1
}
# until SECONDS COMMAND...: waits for it to succeed.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}
property() { in_machine systemctl show -p "$1" --value sluice; }
is() { [[ $(property "$1") == "$2" ]]; }
# The processes of the unit with this name, sorted.
processes() { in_machine pgrep -x "$1" | sort | tr '\n' ' ' || true; }
# All of it is read: a grep -q that ends early would make the pipe fail.
journal_has() { in_machine journalctl -u sluice -o cat --no-pager | grep -E -- "$1" >/dev/null; }
healthy() { [[ $(in_machine sluice ctl --json server.health 2>/dev/null) == *'"status":"ok"'* ]]; }
new_supervisor() { [[ $(property MainPID) != "$supervisor" && $(property MainPID) != 0 && $(property ActiveState) == active ]] && healthy; }
new_worker() { [[ -n $(processes sluice-work-0) && $(processes sluice-work-0) != "$worker" ]]; }
stored() { (($(property NFileDescriptorStore) > 15)); }
put() { in_machine sh -c "cat >'$1'"; }

scratch=$(mktemp -d)
trap 'end_machine; rm -rf "$scratch"' EXIT
boot_machine
deb=$(make_deb "$build") || die "cpack"
newer=$(newer_deb "$deb" "$scratch")
put /root/sluice.deb <"$deb"
put /root/newer.deb <"$newer"
say "booted systemd $(in_machine systemctl --version | awk 'NR == 1 { print $2 }')"

# --- installed: enabled, started, ready when joins are accepted
in_machine env DEBIAN_FRONTEND=noninteractive dpkg -i /root/sluice.deb >"$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; die "it does not install"; }
[[ $(in_machine systemctl is-enabled sluice) == enabled ]] || die "it is not enabled"
is ActiveState active || die "it is not started"
healthy || die "active, but it does not answer"
[[ $(property StatusText) == "sluice ready"* ]] || die "status: $(property StatusText)"
in_machine sluice check-config /etc/sluice/sluice.yaml >"$scratch/check" || { cat "$scratch/check"; die "check-config"; }
in_machine sluice doctor --config /etc/sluice/sluice.yaml >"$scratch/doctor" || { cat "$scratch/doctor"; die "doctor"; }
[[ $(in_machine stat -c '%U %a' /var/lib/sluice /var/log/sluice /run/sluice | tr '\n' ' ') == "root 750 sluice-control 750 root 711 " ]] ||
  die "folders: $(in_machine stat -c '%U %a' /var/lib/sluice /var/log/sluice /run/sluice | tr '\n' ' ')"
[[ -n $(in_machine find /var/lib/sluice/store -name 'sluice.db*' -user sluice-control) ]] || die "the store is not in /var/lib/sluice"
say "installed, enabled, started"

# --- a drop-in, as an operator writes it: cores, and a watchdog that this test can wait for
in_machine mkdir -p /etc/systemd/system/sluice.service.d
put /etc/systemd/system/sluice.service.d/test.conf <<<$'[Service]\nCPUAffinity=0\nWatchdogSec=2\nRestartSec=100ms\n'
put /etc/sluice/sluice.yaml <<<$'signaling:\n  reconnectTtl: 30000\nmedia:\n  port: 40000\nworkers:\n  count: 2\nlog:\n  level: info\n'
in_machine systemctl daemon-reload
in_machine systemctl restart sluice || die "it does not restart"
healthy || die "restarted, but it does not answer"
for name in sluice sluice-control sluice-handshak sluice-keeper sluice-work-0 sluice-work-1; do
  pid=$(in_machine pgrep -x "$name") || die "there is no $name"
  [[ $(in_machine grep Cpus_allowed_list "/proc/$pid/status") == *$'\t0' ]] || die "$name is not kept to core 0"
done
until_true 10 stored || die "systemd keeps $(property NFileDescriptorStore) descriptors"
say "runs on the core it was given, $(property NFileDescriptorStore) descriptors in systemd's store"

# --- the hardening is in force, and nothing misses what it takes away
exposure=$(in_machine systemd-analyze security --no-pager sluice | tail -1)
[[ $exposure =~ sluice.service:\ ([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] * 10 + BASH_REMATCH[2] <= 35)) || die "$exposure"
say "$exposure"
for name in control worker-0 handshaker; do
  journal_has "process=$name message=\"confined\".*system_calls=enforced" || die "the own filter of $name is missing"
done

# --- a call, from here to the end
in_machine /usr/lib/sluice/sluice-load --rooms 1 --publishers 1 --subscribers 2 --bitrate 200k --warmup 1s --duration 10m --audit-indices --quiet --json \
  --events /root/events >"$scratch/load.json" 2>"$scratch/load.log" &
load=$!
until_true 30 in_machine grep -qs measurement_begin /root/events || { cat "$scratch/load.log"; die "no media"; }

# --- reload
put /etc/sluice/sluice.yaml <<<$'signaling:\n  reconnectTtl: 30000\nmedia:\n  port: 40000\nworkers:\n  count: 2\nlog:\n  level: debug\n'
in_machine systemctl reload sluice || die "reload"
until_true 10 journal_has 'configuration taken over. changed=1 ' || die "the reload took no notice of log.level"
say "reloaded"

# --- the watchdog: a supervisor that hangs is replaced, and nobody else is
supervisor=$(property MainPID) control=$(processes sluice-control) worker=$(processes sluice-work-0)
in_machine kill -STOP "$supervisor"
until_true 20 new_supervisor || die "the watchdog does nothing"
[[ $(processes sluice-control) == "$control" && $(processes sluice-work-0) == "$worker" ]] || die "the watchdog cost others their lives"
journal_has 'takes over a running server.* from=keeper' || die "no takeover"
journal_has 'Watchdog timeout' || die "it was not the watchdog"
say "a supervisor that hangs is replaced"

# --- a worker dies: the supervisor's business
worker=$(processes sluice-work-0)
in_machine pkill -KILL -x sluice-work-0
until_true 10 journal_has 'died, starting it again. child=worker-0' || die "nobody sees that a worker died"
until_true 10 new_worker || die "the worker is not replaced"

# --- everything at once: what systemd kept is enough
until_true 10 stored || die "the new supervisor stored nothing"
supervisor=$(property MainPID) worker=$(processes sluice-work-0)
in_machine systemctl kill --kill-whom=all --signal=KILL sluice
until_true 20 new_supervisor || die "it does not come back"
journal_has 'takes over a running server.* from=service-manager' || die "it began anew"
[[ $(processes sluice-control) != "$control" && $(processes sluice-work-0) != "$worker" ]] || die "they were not killed"
say "all of it killed, all of it back"

# --- an upgrade
supervisor=$(property MainPID) worker=$(processes sluice-work-0) restarts=$(property NRestarts)
in_machine env DEBIAN_FRONTEND=noninteractive dpkg -i /root/newer.deb >"$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; die "it does not upgrade"; }
healthy || die "it does not answer after the upgrade"
is MainPID "$supervisor" && is NRestarts "$restarts" || { cat "$scratch/dpkg.log"; die "the upgrade restarted the unit"; }
[[ $(processes sluice-work-0) != "$worker" ]] || die "the old workers still run"
! in_machine sh -c 'ls -l /proc/[0-9]*/exe 2>/dev/null | grep sluice | grep -v sluice-load | grep deleted' || die "old programs still run"
in_machine grep -q 'level: debug' /etc/sluice/sluice.yaml || die "the configuration was overwritten"
say "upgraded to $(in_machine dpkg-query -W -f '${Version}' sluice)"

# --- what the call noticed
sleep 2
in_machine pkill -INT -x sluice-load
wait "$load" || { cat "$scratch/load.log"; die "the load generator ended with $?: $(head -c 600 "$scratch/load.json")"; }
number() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2], {"r": r}))' "$scratch/load.json" "$1"; }
[[ $(number 'r["streams"]["dead"] + r["streams"]["never_up"] + r["signaling"]["sessions_lost"]') == 0 ]] || die "streams or sessions were lost"
say "the call: $(number '"%d packets, %d lost, longest gap %d ms" % (r["packets"]["forwarded"], r["packets"]["lost"], r["gaps"]["longest_between_packets_ms"])'), no index twice"

# --- the journal tells what happened, by priority
in_machine journalctl -u sluice -p warning -o cat --no-pager | grep 'level=warn' >/dev/null || die "warnings have no priority in the journal"
! in_machine journalctl -u sluice -p warning -o cat --no-pager | grep 'level=info' >/dev/null || die "what is no warning has its priority"
journal_has '^sluice ready' || die "the journal does not say when it was ready"

# --- what systemd kept does not fit: it lets go, and the server starts anew on the same ports
until_true 10 stored || die "nothing is stored"
put /etc/sluice/sluice.yaml <<<$'signaling:\n  reconnectTtl: 30000\nmedia:\n  port: 40000\nworkers:\n  count: 1\n'
supervisor=$(property MainPID)
in_machine systemctl kill --kill-whom=all --signal=KILL sluice
until_true 20 new_supervisor || die "it does not start anew"
journal_has 'note: starts anew' || die "it did not say that it starts anew"
[[ -n $(processes sluice-work-0) && -z $(processes sluice-work-1) ]] || die "it does not run as configured"
say "what systemd kept did not fit: started anew"

# --- stopped, removed, installed again, purged
in_machine systemctl stop sluice
is ActiveState inactive && is Result success || die "stopped: $(property ActiveState), $(property Result)"
[[ -z $(in_machine pgrep -l '^sluice') ]] || die "left after stop: $(in_machine pgrep -l '^sluice')"
in_machine systemctl start sluice
in_machine dpkg -r sluice >"$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; die "it cannot be removed"; }
[[ -z $(in_machine pgrep -l '^sluice') ]] || die "left after removal: $(in_machine pgrep -l '^sluice')"
in_machine test -e /etc/sluice/sluice.yaml || die "the removal took the configuration"
in_machine dpkg -i /root/newer.deb >"$scratch/dpkg.log" 2>&1 || die "it does not install again"
is ActiveState active && [[ $(in_machine systemctl is-enabled sluice) == enabled ]] || die "installed again, but not started"
# Whoever disabled it wants it so.
in_machine systemctl disable --now sluice 2>/dev/null
in_machine dpkg -i /root/newer.deb >"$scratch/dpkg.log" 2>&1
[[ $(in_machine systemctl is-enabled sluice) == disabled ]] && is ActiveState inactive || die "the package enabled what was disabled"
in_machine systemctl start sluice
in_machine dpkg -P sluice >"$scratch/dpkg.log" 2>&1 || { cat "$scratch/dpkg.log"; die "it cannot be purged"; }
[[ -z $(in_machine pgrep -l '^sluice') ]] || die "left after purge: $(in_machine pgrep -l '^sluice')"
left=$(in_machine find / -xdev -not -path '/root/*' -not -path '/proc/*' -newer /root/newer.deb \( -name '*sluice*' \) 2>/dev/null || true)
for path in /run/sluice /etc/sluice /etc/default/sluice /var/lib/sluice /var/log/sluice /var/lib/systemd/deb-systemd-helper-enabled/sluice.service.dsh-also; do
  ! in_machine test -e "$path" || left+=" $path"
done
[[ -z $left ]] || die "left after purge: $left"
! in_machine getent passwd sluice-control sluice-worker >/dev/null || die "purging left users"
say "stopped, removed, installed again, purged"
