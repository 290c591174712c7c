# shellcheck shell=bash
# Shared by scripts/test, scripts/schemathesis and .ci/run: sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# step TEXT: says what happens next, with the seconds since the script began.
step() { printf '==> [%4ds] %s\n' "$SECONDS" "$*"; }

# die TEXT: ends the script with one sentence on standard error.
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# need_apt PACKAGE...: installs Debian packages, through sudo unless run as root.
need_apt() {
    local sudo=()
    command -v apt-get >/dev/null || die "please install what Debian calls: $*"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "not root and no sudo; please run as root: apt-get install $*"
        sudo=(sudo)
    fi
    step "installing $*"
    [ -n "${apt_updated:-}" ] || "${sudo[@]}" apt-get update -q
    apt_updated=yes
    # In run level 1 the packages of servers start none: the tests start their own, and stop them.
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -q -y --no-install-recommends "$@"
}

# has_postgresql: whether the server's programs are on the path, or where Debian keeps them.
has_postgresql() {
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

# install_tools: everything the build and the tests need beside a Rust toolchain. Does nothing where it is all there.
install_tools() {
    step "looking for a C compiler, pkg-config, OpenSSL, Python, PostgreSQL and Redis"
    local missing=()
    command -v cargo >/dev/null || die "no cargo in PATH; install a Rust toolchain first"
    { command -v cc && command -v make; } >/dev/null || missing+=(build-essential)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    pkg-config --exists openssl 2>/dev/null || missing+=(libssl-dev)
    python3 -c 'import ensurepip, tomllib, venv' 2>/dev/null || missing+=(python3 python3-venv)
    command -v openssl >/dev/null || missing+=(openssl)
    has_postgresql || missing+=(postgresql)
    { command -v redis-server && command -v redis-cli; } >/dev/null || missing+=(redis-server redis-tools)
    [ ${#missing[@]} -eq 0 ] || need_apt "${missing[@]}"
    python3 -c 'import ensurepip, tomllib, venv' || die "Python 3.11 or newer with venv is needed"
}

# use_system_openssl: links the system's OpenSSL instead of compiling a copy, which takes minutes.
use_system_openssl() {
    if pkg-config --exists openssl; then
        export OPENSSL_NO_VENDOR=1
    fi
}

# folder_for_tests NAME: where packages that the tests run are put: in target, unless the servers cannot read there.
folder_for_tests() {
    # The tests start servers as nobody, who may not be let into this folder.
    if [ "$(id -u)" -eq 0 ] && ! setpriv --reuid=nobody --regid=nogroup --clear-groups test -x "$root/scripts/test"; then
        printf '/var/tmp/auth-%s\n' "$1"
    else
        printf '%s/target/%s\n' "$root" "$1"
    fi
}

# need_test_python: the Python with the mail server and the AWS mock that the tests start; exports TEST_PYTHON.
# Does nothing where the pinned versions are there already.
need_test_python() {
    local pins=('aiosmtpd==1.4.6' 'moto[server,sns,cognitoidp]==5.2.5')
    local venv
    venv=$(folder_for_tests venv-tests)
    if [ "$(cat "$venv/pins" 2>/dev/null)" != "${pins[*]}" ]; then
        step "installing ${pins[*]} into $venv"
        # Nor can they read a Python in somebody's home.
        local python=/usr/bin/python3
        "$python" -c 'import ensurepip, venv' 2>/dev/null || python=python3
        "$python" -m venv --clear "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check "${pins[@]}"
        printf '%s\n' "${pins[*]}" >"$venv/pins"
    fi
    export TEST_PYTHON=${TEST_PYTHON:-$venv/bin/python}
}

# need_test_node: the second mock of AWS Cognito, which is written in JavaScript; exports TEST_NODE_MODULES.
# Does nothing where the locked versions are there already.
need_test_node() {
    local folder missing=()
    folder=$(folder_for_tests node-tests)
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
    [ ${#missing[@]} -eq 0 ] || need_apt "${missing[@]}"
    if ! cmp -s "$root/scripts/node/package-lock.json" "$folder/installed"; then
        step "installing the packages of scripts/node into $folder"
        rm -rf "$folder"
        mkdir -p "$folder"
        cp "$root"/scripts/node/package*.json "$folder"
        # No package may run anything here before a test asks it to.
        npm ci --prefix "$folder" --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error
        chmod -R a+rX "$folder"
        cp "$folder/package-lock.json" "$folder/installed"
    fi
    export TEST_NODE_MODULES=${TEST_NODE_MODULES:-$folder/node_modules}
}
