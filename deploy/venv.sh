#!/bin/sh
# The virtual environment, on a machine with nothing but Python and pip:
#   venv.sh make           .venv, empty
#   venv.sh install LOCK   what the lock names, by hash
#   venv.sh lock           requirements/*.lock from pyproject.toml
# Debian keeps ensurepip in a package of its own (python3-venv), so pip is not put into .venv: the interpreter that made
# it brings its own, which can install into another one since pip 22.3.
set -u

fail() {
    printf 'carillon: %s\n' "$1" >&2
    exit 1
}

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

brings_pip() {
    "$1" -c 'import sys, pip; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3))' 2>/dev/null
}

brings_ensurepip() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

make_environment() {
    too_old='' without_pip=''
    for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.14; do
        version=$("$python" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
        if ! is_recent "$python"; then
            too_old=$version
        elif brings_pip "$python"; then
            "$python" -m venv --clear --without-pip .venv 2>/dev/null || cannot_write
            return
        elif brings_ensurepip "$python"; then
            "$python" -m venv --clear .venv >/dev/null 2>&1 || cannot_write
            return
        else
            without_pip=$version
        fi
    done
    if [ -n "$without_pip" ]; then
        fail "Python $without_pip has no pip (22.3 or newer); install it (Debian, Ubuntu: apt install python3-pip)"
    fi
    fail "needs Python 3.11 or newer, found ${too_old:-none}; install one, or name it: make PYTHON=/path/to/python3.11 …"
}

cannot_write() {
    fail "cannot make .venv in $(pwd): is the folder writable and the disk not full?"
}

install() {
    .venv/bin/python -m pip --version >/dev/null 2>&1 && into='' || into='--python .venv/bin/python'
    python=.venv/bin/python
    [ -z "$into" ] || python=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
    echo "carillon: installing $1 (once; a minute at the most)" >&2
    # PIP_USER: a user's own pip.conf must not lead past the environment.
    # shellcheck disable=SC2086 # $into is two words on purpose
    PIP_USER=0 "$python" -m pip $into install --quiet --no-input --disable-pip-version-check --no-deps \
        --require-hashes --requirement "$1" || fail "could not install $1; pip says above why"
}

lock() {
    compile="pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet --upgrade"
    export UV_CUSTOM_COMPILE_COMMAND='make lock'
    # shellcheck disable=SC2086
    .venv/bin/uv $compile --output-file requirements/service.lock &&
        .venv/bin/uv $compile --group local --constraints requirements/service.lock --output-file requirements/run.lock &&
        .venv/bin/uv $compile --group dev --constraints requirements/run.lock --output-file requirements/dev.lock
}

case "${1:-}" in
    make) make_environment ;;
    install) install "$2" ;;
    lock) lock ;;
    *) fail "venv.sh make | install LOCK | lock" ;;
esac
