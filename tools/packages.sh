#!/bin/sh
# The one list of Debian packages that Galen needs, and their installation.
#
#   tools/packages.sh list  [build|run|test|lab]   what would be needed, one a line
#   tools/packages.sh missing [build|run|test|lab] those of them that are not installed
#   tools/packages.sh install [build|run|test|lab] installs the missing ones (asks for sudo)
#   tools/packages.sh sysroot ARCHITECTURE DIR     unpacks those that galen-agent is built with, and
#                                                  what they need, below DIR: for cross compilers
#
# "build" is what `make` needs, "run" adds what `make run` needs, "test" what `make test` and
# `make lint` need, "lab" what `make lab` needs; "agent" is of other architectures. A package with a command behind it is not asked
# for when that command is there already (node from elsewhere, say).
set -eu

packages() {
    # set   package               command that may stand for it
    cat <<'LIST'
build   gcc                     gcc
build   libc6-dev
build   meson                   meson
build   ninja-build             ninja
build   pkg-config              pkg-config
build   nodejs                  node
build   npm                     npm
build   ca-certificates
build   libevent-dev
build   libssl-dev
build   libwslay-dev
build   libyaml-dev
build   libjansson-dev
build   libpcre2-dev
build   libsodium-dev
build   libhdf5-dev
build   libzstd-dev
build   libsnappy-dev
build   libcurl4-openssl-dev
build   libsqlite3-dev
build   zlib1g-dev
run     curl                    curl
run     tzdata
test    libcmocka-dev
test    clang                   clang
test    libclang-rt-dev
test    clang-format            clang-format
test    clang-tidy              clang-tidy
test    python3                 python3
test    python3-yaml
test    git                     git
test    openssl                 openssl
test    sqlite3                 sqlite3
test    strace                  strace
test    iproute2                ip
test    procps                  ps
test    libfaketime
test    chromium                chromium
test    prometheus              prometheus
test    nginx-light             nginx
test    redis-server            redis-server
test    openssh-server          /usr/sbin/sshd
test    postgresql
test    dbus                    dbus-daemon
test    systemd                 systemctl
test    prometheus-alertmanager prometheus-alertmanager
test    python3-aiosmtpd
test    prometheus-node-exporter prometheus-node-exporter
test    tinyproxy-bin           tinyproxy
test    victoria-metrics        victoria-metrics
test    gcc-aarch64-linux-gnu   aarch64-linux-gnu-gcc
test    qemu-user               qemu-aarch64
lab     nftables                nft
lab     e2fsprogs               mkfs.ext4
lab     util-linux              unshare
agent   libc6-dev
agent   libevent-dev
agent   libssl-dev
agent   libwslay-dev
agent   libyaml-dev
agent   libjansson-dev
agent   libpcre2-dev
agent   libzstd-dev
agent   libsnappy-dev
agent   zlib1g-dev
LIST
}

sets_of() {
    case $1 in
    build) echo build ;;
    run) echo build run ;;
    test) echo build run test ;;
    lab) echo build run test lab ;;
    *) echo "packages.sh: \"$1\" is not build, run, test or lab" >&2; exit 2 ;;
    esac
}

list() { # SETS, with the commands
    packages | while read -r set package command; do
        case " $1 " in *" $set "*) echo "$package $command" ;; esac
    done
}

missing() {
    list "$1" | while read -r package command; do
        [ -n "$command" ] && command -v "$command" >/dev/null 2>&1 && continue
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            echo "$package"
    done
}

install() {
    wanted=$(missing "$1")
    [ -n "$wanted" ] || return 0
    command -v apt-get >/dev/null || {
        echo "packages.sh: no apt-get here; please install what matches:" $wanted >&2
        exit 1
    }
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    echo "Installing:" $wanted
    log=$(mktemp)
    # shellcheck disable=SC2086
    if ! { $sudo apt-get update -q &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $wanted
    } >"$log" 2>&1; then
        tail -20 "$log" >&2
        rm -f "$log"
        echo "packages.sh: apt-get failed" >&2
        exit 1
    fi
    rm -f "$log"
}

# As any user, and without a word to the machine's own package lists: apt has a state of its own
# below DIR, in which nothing is installed.
sysroot() { # ARCHITECTURE DIR
    mkdir -p "$2/apt/lists/partial" "$2/apt/archives/partial" "$2/root"
    dir=$(cd "$2" && pwd)
    : >"$dir/apt/status"
    cat >"$dir/apt/conf" <<CONF
APT::Architecture "$1";
APT::Architectures {"$1";};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Dir::State "$dir/apt";
Dir::State::status "$dir/apt/status";
Dir::Cache "$dir/apt";
CONF
    # shellcheck disable=SC2046
    { APT_CONFIG=$dir/apt/conf apt-get update -q &&
        APT_CONFIG=$dir/apt/conf apt-get install -qy --download-only $(list agent | cut -d' ' -f1)
    } >"$dir/apt/log" 2>&1 || { tail -5 "$dir/apt/log" >&2; exit 1; }
    for package in "$dir"/apt/archives/*.deb; do
        dpkg-deb -x "$package" "$dir/root"
    done
    # Links from the root of a machine go to ours.
    find "$dir/root" -type l -lname '/*' | while read -r link; do
        ln -sfn "$dir/root$(readlink "$link")" "$link"
    done
    rm -rf "$dir/apt"
}

action=${1:-list}
if [ "$action" = sysroot ]; then
    [ $# = 3 ] || { echo "usage: tools/packages.sh sysroot ARCHITECTURE DIR" >&2; exit 2; }
    sysroot "$2" "$3"
    exit
fi
sets=$(sets_of "${2:-test}") || exit 2
case $action in
list) list "$sets" | cut -d' ' -f1 ;;
missing) missing "$sets" ;;
install) install "$sets" ;;
*) echo "usage: tools/packages.sh list|missing|install [build|run|test|lab]" >&2; exit 2 ;;
esac
