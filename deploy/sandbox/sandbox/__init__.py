"""The sandbox: real OpenStack control planes ("pods") on one machine.

One Keystone, one Glance and any number of pods (Nova, Neutron, Cinder, Placement; each a Keystone child region
of RegionOne) run from their PyPI packages on loopback, beside a MariaDB, a RabbitMQ and a memcached of their own.
Only what has no place on a laptop is replaced, by the drivers in ../drivers: the hypervisor, the switch, the disks.

One module for each thing that runs; `process` starts and stops, `up` says in which order, `cli` is the command.
Standard library only, so that it works before anything is installed.
"""
