"""The administrator in one region: calls to what the catalog lists for it."""
from sandbox import rest


class Region:
    """One region of the sandbox's Keystone."""

    def __init__(self, settings, name):
        self.name = name
        answer = rest.request('POST', settings.keystone_url + '/auth/tokens', body={'auth': {
            'identity': {'methods': ['password'], 'password': {'user': {
                'name': 'admin', 'domain': {'id': 'default'}, 'password': settings.password}}},
            'scope': {'project': {'name': 'admin', 'domain': {'id': 'default'}}}}})
        self.token = answer.headers['x-subject-token']
        self.urls = {service['type']: endpoint['url'].rstrip('/')
                     for service in answer.body['token']['catalog'] for endpoint in service['endpoints']
                     if endpoint['interface'] == 'public' and endpoint['region'] == name}

    def call(self, service, method, path, body=None, **kw):
        """the answer's body; RestError for a refusal"""
        return rest.request(method, self.urls[service] + path, self.token, body, timeout=120, **kw).body

    def find(self, service, path):
        """the answer's body, or None where there is no such thing"""
        try:
            return self.call(service, 'GET', path)
        except rest.RestError as error:
            if error.status == 404:
                return None
            raise
