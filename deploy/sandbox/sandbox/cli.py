"""pods COMMAND: real OpenStack pods on this machine.

up                  start what does not run, restart what was configured otherwise; wait until all is ready
infra-up            MariaDB and RabbitMQ only (their URLs are in $STATE/env)
status              each process; exit code 1 if one is dead, or none was started
down | infra-down   stop what `up` started; data is kept
wipe                down, and remove the data
stop NAME...        stop single processes (names as in `status`); `up` (or `infra-up`) starts them again
kill NAME...        the same with SIGKILL, as a crash would (a MariaDB that is to survive it wants DURABLE=1)
inside POD [-n NETNS] COMMAND...    run on the host of a pod (L3=1), or in a namespace there; `outside` as the pod is a
                    host of no pod, on the external network
dataplane [vlan] [route] [vxlan]    do packets go where they should? (MECH=openvswitch, the last two with L3=1)

Settings come from the environment: see deploy/sandbox/README.md.
"""
import os
import sys

from . import hosts, identity, outside
from .console import Failure, elapsed, say
from .rest import RestError
from .settings import Settings, region
from .up import Sandbox


def up(sandbox):
    sandbox.up()
    settings = sandbox.settings
    print(f'\nKeystone   {settings.keystone_url}\nGlance     {settings.glance_url}')
    for pod in settings.pod_numbers:
        for service, (type_, _, path) in identity.POD_ENDPOINTS.items():
            print(f'{region(pod):10} {type_:10} {settings.pod_url(pod, service)}{path}')
    print(f'openrc     . {settings.state}/openrc-admin (or -demo, -demo2, -admin-demo), then '
          f'openstack --os-region-name Pod1 ...\nup in {elapsed():.1f} s')


def infra_up(sandbox):
    sandbox.infra_up()
    print((sandbox.settings.state / 'env').read_text(), end='')


def status(sandbox):
    rows = sandbox.supervisor.status()
    for name, pid, processes, rss, pss in rows:
        print(f'{name:36} pid {pid:<7} procs {processes:<2} rss {rss:5} MiB  pss {pss:5} MiB' if pid
              else f'{name:36} DEAD, see {sandbox.supervisor.log(name)}')
    print(f'{len(rows)} services, rss {sum(r[3] for r in rows)} MiB, pss {sum(r[4] for r in rows)} MiB')
    return 0 if rows and all(row[1] for row in rows) else 1


def stop(sandbox, *names):
    say('stopped', *sandbox.supervisor.stop(known(sandbox, names)))


def kill(sandbox, *names):
    say('killed', *sandbox.supervisor.kill(known(sandbox, names)))


def known(sandbox, names):
    unknown = set(names) - set(sandbox.supervisor.names())
    if unknown:
        raise Failure(f'no such process: {" ".join(sorted(unknown))}')
    return names


def inside(sandbox, pod, *command):
    netns = None
    if pod == 'outside':
        pod, netns = outside.place(sandbox.settings)
    if command[:1] == ('-n',):
        netns, command = command[1], command[2:]
    words = [*hosts.inside(sandbox.settings, sandbox.supervisor, int(pod), netns), *command]
    os.execvp(words[0], words)


def dataplane(sandbox, *parts):
    from .dataplane import run
    return run(sandbox, parts)


COMMANDS = {'up': up, 'infra-up': infra_up, 'status': status, 'stop': stop, 'kill': kill,
            'inside': inside, 'dataplane': dataplane, 'down': Sandbox.down, 'infra-down': Sandbox.infra_down, 'wipe': Sandbox.wipe}


def main(argv):
    command, *arguments = argv or ['']
    if command not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return COMMANDS[command](Sandbox(Settings.read()), *arguments) or 0
    except (Failure, RestError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
