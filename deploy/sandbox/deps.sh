#!/bin/bash
# Installs what the sandbox needs and this machine lacks: Debian packages by apt, OpenStack by pip into $VENV.
#
#   deps.sh [infra|all]     infra: only what MariaDB and RabbitMQ take; all (the default): OpenStack too
#
# For Debian 12, as root. Where nothing is missing it ends in a fraction of a second. The packages' own services are
# not started: the sandbox runs instances of its own, on its own ports.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
state=${STATE:-$HOME/.local/state/tricircle/sandbox}
venv=${VENV:-$(dirname "$state")/venv}
what=${1:-all}

infra_packages=(mariadb-server mariadb-client rabbitmq-server python3 iproute2)
# a compiler and headers: uWSGI comes as source
openstack_packages=(memcached qemu-utils python3-venv python3-dev gcc libc6-dev ca-certificates procps)
switch_packages=(openvswitch-switch iputils-ping)
router_packages=(dnsmasq-base dnsmasq-utils iptables conntrack iputils-arping)
pip_packages=(keystone nova neutron cinder glance openstack-placement python-openstackclient osc-placement
              gunicorn PyMySQL python-memcached)
# It embeds the interpreter it is compiled with: never a wheel that pip kept from another Python.
compiled_packages=(uwsgi)

remembered() { # remembered NAME: the value of the environment, else what the last `up` was told
    local file=$state/settings.json
    if [ -n "${!1:-}" ]; then
        echo "${!1}"
    elif [ -e "$file" ]; then
        sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" "$file"
    fi
}

case ${PODS_MODE:-} in
    fake) MECH=${MECH:-podfake} L3=${L3:-0} ;;
    dataplane) MECH=${MECH:-openvswitch} L3=${L3:-1} ;;
esac

packages=("${infra_packages[@]}")
if [ "$what" = all ]; then
    packages+=("${openstack_packages[@]}")
    if [ "$(remembered MECH)" = openvswitch ]; then
        packages+=("${switch_packages[@]}")
        [ "$(remembered L3)" != 1 ] || packages+=("${router_packages[@]}")
    fi
fi

installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null |
            sed -n 's/ installed$//p' || true)
missing=()
for package in "${packages[@]}"; do
    grep -qx "$package" <<<"$installed" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
    echo "apt-get install ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d            # what invoke-rc.d asks before it starts a service
    if [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
    fi
    install=(apt-get install -y -q --no-install-recommends "${missing[@]}")
    log=$(mktemp)
    # the package lists may be missing or older than the archive
    "${install[@]}" >"$log" 2>&1 || { apt-get update -q && "${install[@]}"; } >"$log" 2>&1 || {
        cat "$log" >&2
        exit 1
    }
    rm -f "$log"
fi

[ "$what" = all ] || exit 0

wanted=$(cat "$here/constraints.txt" <(echo "${pip_packages[@]}" "compiled here: ${compiled_packages[@]}") | sha256sum)
stamp=$venv/.tricircle-sandbox
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
    echo "pip install OpenStack into $venv (one to two minutes)"
    [ -x "$venv/bin/pip" ] || /usr/bin/python3 -m venv "$venv"
    install=("$venv/bin/pip" install -q --disable-pip-version-check -c "$here/constraints.txt")
    "${install[@]}" "${pip_packages[@]}"
    "${install[@]}" --no-cache-dir --force-reinstall --no-deps "${compiled_packages[@]}"
    echo "$wanted" >"$stamp"
fi
