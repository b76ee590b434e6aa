# Sourced by tools/build, tools/run and tools/test: installs what is missing, says what it does, and stops with one
# sentence when it may not. Nothing happens (and no root right is needed) when everything is there.

# Building and running the server.
build_packages=(
  g++ cmake ninja-build ccache mold pkg-config
  libsrtp2-dev libnice-dev libssl-dev libuv1-dev libwebsockets-dev libwebsockets-evlib-uv libflatbuffers-dev
  flatbuffers-compiler liburing-dev libseccomp-dev libjemalloc-dev nlohmann-json3-dev libyaml-cpp-dev libsqlite3-dev
  libcurl4-openssl-dev ca-certificates libexpected-dev libgtest-dev libgmock-dev libbenchmark-dev openssl
)
# The fast SRTP; it is written for x86-64 only, and without it the build takes OpenSSL's.
if [[ $(uname -m) == x86_64 ]]; then build_packages+=(libipsec-mb-dev); fi
# The real clients of the tests.
test_packages=(chromium coturn iproute2 dpkg-dev file adduser python3-minimal systemd procps)
# Fuzzers (libFuzzer) and clang-tidy.
full_packages=(clang-19 clang-tidy-19 libclang-rt-19-dev)

fail() {
  echo "$*" >&2
  exit 1
}

# install_packages NAME...: Debian packages that are not installed yet, by apt.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null ||
    fail "These packages are missing and there is no apt-get here: ${missing[*]}. Install them by your system's means (Debian 12 is the reference)."
  local as_root=()
  if ((EUID)); then
    command -v sudo >/dev/null || fail "These packages are missing: ${missing[*]}. Run this once as root, or install them yourself."
    as_root=(sudo)
  fi
  echo "installing ${#missing[@]} packages: ${missing[*]}" >&2
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -q && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    fail "apt-get could not install ${missing[*]}; its last lines stand above. Check the network and 'apt-get update', then run this again."
  fi
  rm -f "$log"
}

# install_node: Node.js and npm, whichever package brings them (a machine may have a newer Node than Debian's).
install_node() {
  if ! command -v node >/dev/null; then install_packages nodejs npm; fi
  if ! command -v npm >/dev/null; then install_packages npm; fi
}

# install_npm FOLDER: the locked npm packages of FOLDER, again only when the lock changed.
install_npm() {
  local folder=$1 stamp="$1/node_modules/.installed"
  [[ -f $stamp && ! $folder/package-lock.json -nt $stamp ]] && return 0
  install_node
  echo "installing npm packages of ${folder#"$root"/}" >&2
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
    fail "npm could not install the packages of ${folder#"$root"/}; check the network, then run this again."
  touch "$stamp"
}

# configure_and_build PRESET [TARGET...]
configure_and_build() {
  local preset=$1 folder="$root/build/$1"
  shift
  # CMake runs by itself when a CMakeLists changed; sources are globbed and checked by ninja.
  if [[ ! -f $folder/build.ninja ]]; then
    (cd "$root" && cmake --preset "$preset" >"$root/build/$preset.configure.log" 2>&1) || {
      tail -30 "$root/build/$preset.configure.log" >&2
      fail "cmake could not configure the '$preset' build; the reason stands above."
    }
  fi
  local quiet=(--quiet)
  if [[ -t 2 ]]; then quiet=(); else echo "building ($preset); the first time takes minutes" >&2; fi
  ninja -C "$folder" "${quiet[@]}" "$@" >&2 || fail "the '$preset' build failed; the compiler's words stand above."
}
