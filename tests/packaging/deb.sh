# Sourced. The Debian package of a build.

# make_deb BUILD_FOLDER: makes it and prints its name.
make_deb() {
  (cd "$1" && rm -rf package && cpack -G DEB -B "$1/package" >"$1/package.log" 2>&1) || { tail -20 "$1/package.log" >&2; return 1; }
  ls "$1"/package/sluice_*.deb
}

# newer_deb DEB FOLDER: the same under a higher version, in FOLDER; prints its name.
newer_deb() {
  local version
  dpkg-deb -R "$1" "$2/unpacked"
  version=$(dpkg-deb -f "$1" Version).1
  sed -i "s/^Version: .*/Version: $version/" "$2/unpacked/DEBIAN/control"
  dpkg-deb -Znone -b "$2/unpacked" "$2/newer.deb" >/dev/null
  rm -rf "$2/unpacked"
  echo "$2/newer.deb"
}
