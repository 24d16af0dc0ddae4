"""Do packets go where they should? Servers of the sandbox (network namespaces) exchange real ones.

vlan    two servers in two pods on one VLAN (MECH=openvswitch)
route   routers: two networks of one, SNAT and floating IPs, extra routes between pods, DHCP (also L3=1)
vxlan   one VNI in two pods, each told of the other's host by shadow agents and shadow ports (also L3=1)

This asks the pods themselves, without Tricircle: what fails here cannot work through it.
"""
from ..console import Failure
from .clouds import Clouds
from .report import Report


def run(sandbox, parts):
    """The exit code: 0 if every check passed."""
    from . import route, vlan, vxlan
    settings = sandbox.settings
    if settings.mech != 'openvswitch' or settings.pods < 2:
        raise Failure('start two pods with MECH=openvswitch first')
    checks = {'vlan': vlan.check, 'route': route.check, 'vxlan': vxlan.check}
    if set(parts) - set(checks):
        raise Failure(f'there are: {" ".join(checks)}')
    report, clouds = Report(), Clouds(sandbox)
    try:
        for part in parts or (list(checks) if settings.l3 else ['vlan']):
            print('---', part)
            checks[part](clouds, report)
    finally:
        if settings.environment.get('KEEP') != '1':
            clouds.remove_all(report)
    print(f'{report.passed} passed, {report.failed} failed')
    return 1 if report.failed else 0
