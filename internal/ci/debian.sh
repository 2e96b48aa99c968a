# Packages of Debian, for the scripts beside this one.
# shellcheck shell=bash

# cache is where packages and lists of them go; CI_CACHE keeps it for other runs.
cache=${CI_CACHE:-}
if [ -z "$cache" ]; then
	cache=$(mktemp -d)
	trap 'rm -rf "$cache"' EXIT
fi
mkdir -p "$cache"

skip() {
	echo "SKIPPED: ${0##*/}: $*"
	exit 0
}

# quiet runs a command, and prints what it says only if it fails.
quiet() {
	"$@" >"$cache/log" 2>&1 || { cat "$cache/log" && return 1; }
}

# update gets the machine's lists of packages, once.
update() {
	command -v apt-get >/dev/null || return 1
	[ "$(id -u)" = 0 ] && [ ! -e "$cache/updated" ] || return 0
	quiet apt-get update && touch "$cache/updated"
}

# install COMMAND PACKAGE installs the package if there is no such command.
install() {
	! command -v "$1" >/dev/null || return 0
	update || skip "cannot install $2"
	DEBIAN_FRONTEND=noninteractive quiet apt-get install -y --no-install-recommends "$2" ||
		skip "cannot install $2"
}

# unpack SUITE PACKAGE unpacks a package of that suite, or the one that it stands for, to
# $cache/SUITE/PACKAGE. The suite need not be one of the machine's.
unpack() {
	local dir=$cache/$1
	[ ! -e "$dir/$2" ] || return 0
	{ update && lists "$1" && (cd "$dir" && download "$2"); } || skip "cannot download $2 of $1"
}

# lists gets the lists of a suite, by a configuration of apt of its own, from the machine's mirrors.
lists() {
	local dir=$cache/$1 mirror security
	[ ! -e "$dir/updated" ] || return 0
	mkdir -p "$dir/lists" "$dir/archives"
	mirror=$(mirror Debian)
	security=$(mirror Debian-Security)
	[ -n "$mirror" ] || return 1
	echo "deb $mirror $1 main" >"$dir/sources.list"
	case $1 in
	*-*) ;;
	*) [ -z "$security" ] || echo "deb $security $1-security main" >>"$dir/sources.list" ;;
	esac
	cat >"$dir/apt.conf" <<-END
		APT::Architecture "amd64";
		APT::Sandbox::User "";
		APT::Update::Error-Mode "any";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Acquire::Languages "none";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "-";
		Dir::State::lists "$dir/lists";
		Dir::Cache "$dir";
	END
	quiet apt-get -c "$dir/apt.conf" update && touch "$dir/updated"
}

mirror() {
	# shellcheck disable=SC2016 # apt-get expands it
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" | head -n 1
}

download() {
	local package
	# That of a kernel depends on the one with the version in its name.
	package=$(apt-cache -c apt.conf depends "$1" | sed -n 's/^  Depends: \(linux-image-.*\)/\1/p')
	quiet apt-get -c apt.conf download "${package:-$1}" && dpkg-deb -x "${package:-$1}"_*.deb "$1"
}
