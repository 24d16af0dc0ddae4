"""demo.py COMMAND: Tricircle over the sandbox's pods.

run         start everything, run the main job with the ordinary client, show what is where; it stays up
top-up      start everything, without the job
top-down    stop Tricircle; the pods stay
clean       remove what the job made
down        stop everything

MODE=services (default; five services, MariaDB, RabbitMQ) or MODE=allinone (one process, SQLite, no broker).
"""
import sys

from sandbox.console import Failure, elapsed, say
from sandbox.rest import RestError
from sandbox.settings import Settings
from sandbox.up import Sandbox

from . import scenario, top, whereabouts
from .client import User
from .layout import Layout


def start(sandbox, layout):
    sandbox.up()
    leave_other_mode(sandbox, layout)
    top.up(layout, sandbox.supervisor)


def leave_other_mode(sandbox, layout):
    """The other mode has a database of its own. What it left in the pods would be strangers to this one: it has to
    clean up itself."""
    last = layout.mode_file.read_text().strip() if layout.mode_file.exists() else layout.mode
    if last != layout.mode:
        say(f'MODE was {last}: removing what it made')
        other = Layout.read(sandbox.settings, last)
        top.up(other, sandbox.supervisor)
        scenario.clean(User(other, 'demo', 'demo'))
        top.down(sandbox.supervisor)


def run(sandbox, layout):
    start(sandbox, layout)
    user = scenario.run(layout)
    rows, wrong = whereabouts.look(layout, user)
    whereabouts.show(rows)
    if wrong:
        raise Failure('\nThis is not as it should be:\n  ' + '\n  '.join(wrong))
    settings = layout.settings
    print(f"""
Done in {elapsed():.0f} s. It stays up; to go on as this user:

    . {layout.folder}/openrc-demo
    openstack server list

As administrator of the top: openrc-admin beside it; of the pods: . {settings.state}/openrc-admin and
openstack --os-region-name Pod1 server list --all-projects. Logs: {settings.state}/log/tricircle-*.log
`make demo-down` stops it all.""")


def top_up(sandbox, layout):
    start(sandbox, layout)
    print(f'{layout.region}   . {layout.folder}/openrc-demo (or -admin, -demo2, -admin-demo), then openstack ...')


def clean(sandbox, layout):
    scenario.clean(User(layout, 'demo', 'demo'))


COMMANDS = {'run': run, 'top-up': top_up, 'clean': clean,
            'top-down': lambda sandbox, layout: top.down(sandbox.supervisor),
            'down': lambda sandbox, layout: sandbox.down()}


def main(argv):
    if len(argv) != 1 or argv[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    settings = Settings.read()
    try:
        COMMANDS[argv[0]](Sandbox(settings), Layout.read(settings))
        return 0
    except (Failure, RestError) as error:
        print(error, file=sys.stderr)
        return 1
