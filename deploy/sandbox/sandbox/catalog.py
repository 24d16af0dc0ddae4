"""Regions, services, endpoints, projects and users in Keystone, by REST: each `ensure_*` may run any number of times.

Not by the `openstack` command: a call of it costs seconds, and there are about sixty.
"""
from . import rest

INTERFACES = ('public', 'internal', 'admin')


class Catalog:
    """What Keystone has, read once, and added to."""

    def __init__(self, keystone_url, token):
        self.url, self.token = keystone_url, token
        self.regions = {x['id']: x for x in self._list('regions')}
        self.services = {x['type']: x['id'] for x in self._list('services')}
        self.endpoints = {(x['service_id'], x['region_id'], x['interface']): x for x in self._list('endpoints')}
        self.projects = {x['name']: x['id'] for x in self._list('projects')}
        self.users = {x['name']: x['id'] for x in self._list('users')}
        self.roles = {x['name']: x['id'] for x in self._list('roles')}

    def _list(self, plural):
        return rest.request('GET', f'{self.url}/{plural}', self.token).body[plural]

    def _create(self, plural, singular, **fields):
        return rest.request('POST', f'{self.url}/{plural}', self.token, {singular: fields}).body[singular]

    # ------------------------------------------------------------ catalog
    def ensure_region(self, name, parent=None):
        region = self.regions.get(name)
        if not region:
            region = self._create('regions', 'region', id=name, parent_region_id=parent)
        elif parent and region['parent_region_id'] != parent:
            rest.request('PATCH', f'{self.url}/regions/{name}', self.token, {'region': {'parent_region_id': parent}})
            region = {**region, 'parent_region_id': parent}
        self.regions[name] = region

    def ensure_service(self, type_, name):
        if type_ not in self.services:
            self.services[type_] = self._create('services', 'service', type=type_, name=name)['id']
        return self.services[type_]

    def ensure_endpoint(self, type_, name, region, url):
        """all three interfaces; one that points elsewhere is pointed here"""
        service = self.ensure_service(type_, name)
        for interface in INTERFACES:
            old = self.endpoints.get((service, region, interface))
            body = {'service_id': service, 'region_id': region, 'interface': interface, 'url': url}
            if not old:
                self.endpoints[service, region, interface] = self._create('endpoints', 'endpoint', **body)
            elif old['url'] != url:
                rest.request('PATCH', f'{self.url}/endpoints/{old["id"]}', self.token, {'endpoint': body})

    def remove_endpoints(self, type_, region):
        for (service, at, _), endpoint in list(self.endpoints.items()):
            if service == self.services.get(type_) and at == region:
                rest.request('DELETE', f'{self.url}/endpoints/{endpoint["id"]}', self.token)

    # ------------------------------------------------------------ people
    def ensure_role(self, name):
        if name not in self.roles:
            self.roles[name] = self._create('roles', 'role', name=name)['id']

    def ensure_project(self, name):
        if name not in self.projects:
            self.projects[name] = self._create('projects', 'project', name=name, domain_id='default')['id']

    def ensure_user(self, name, password, project, *roles):
        """the user, with these roles in that project"""
        if name not in self.users:
            self.users[name] = self._create('users', 'user', name=name, domain_id='default', password=password,
                                            default_project_id=self.projects[project])['id']
        for role in roles:
            rest.request('PUT', f'{self.url}/projects/{self.projects[project]}/users/{self.users[name]}'
                                f'/roles/{self.roles[role]}', self.token)
