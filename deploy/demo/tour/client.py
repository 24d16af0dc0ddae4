"""The user's side: the ordinary `openstack` client in a terminal, and the same APIs by REST where a command would
cost seconds for a yes or no."""
import shlex
import subprocess

from sandbox import rest
from sandbox.console import Failure, wait_until
from sandbox.process import SYSTEM_PATH, clean_environment


class User:
    """somebody with a password, in one project, in one region"""

    def __init__(self, layout, name, project):
        settings = layout.settings
        self.layout = layout
        self.token = rest.login(settings.keystone_url, name, settings.password, project)
        self._environment = clean_environment({
            'PATH': f'{settings.venv}/bin:{SYSTEM_PATH}', 'COLUMNS': '150', 'OS_AUTH_TYPE': 'password',
            'OS_AUTH_URL': settings.keystone_url, 'OS_IDENTITY_API_VERSION': '3', 'OS_USERNAME': name,
            'OS_PASSWORD': settings.password, 'OS_PROJECT_NAME': project, 'OS_USER_DOMAIN_ID': 'default',
            'OS_PROJECT_DOMAIN_ID': 'default', 'OS_REGION_NAME': layout.region, 'PYTHONWARNINGS': 'ignore'})

    def openstack(self, line):
        """Run it as it stands, show it and what it says; Failure if it fails."""
        print(f'\n$ openstack {line}', flush=True)
        done = subprocess.run(['openstack', *shlex.split(line)], env=self._environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(done.stdout, end='', flush=True)
        if done.returncode:
            raise Failure(f'`openstack {line}` ended with code {done.returncode}')
        return done.stdout

    # ------------------------------------------------------------ REST on the top
    def get(self, service, path):
        return rest.request('GET', self.layout.url(service) + path, self.token).body

    def delete(self, service, path):
        """gone is gone"""
        try:
            rest.request('DELETE', self.layout.url(service) + path, self.token)
        except rest.RestError as error:
            if error.status != 404:
                raise

    def servers(self):
        return self.get('nova-apigw', '/v2.1/servers/detail')['servers']

    def volumes(self):
        return self.get('cinder-apigw', f'/v3/{self._project_id()}/volumes/detail')['volumes']

    def networks(self, name):
        return self.get('neutron-api', f'/v2.0/networks?name={name}')['networks']

    def delete_volume(self, volume):
        self.delete('cinder-apigw', f'/v3/{self._project_id()}/volumes/{volume}')

    def _project_id(self):
        token = rest.request('GET', self.layout.settings.keystone_url + '/auth/tokens', self.token,
                             headers={'X-Subject-Token': self.token}).body['token']
        return token['project']['id']

    def wait(self, what, found, good, bad=('ERROR', 'error'), limit=60):
        """until `found()` has the status `good`; Failure at once if it is a bad one"""
        def reached():
            item = found()
            if item and item['status'] in bad:
                raise Failure(f'{what} is {item["status"]}: {item.get("fault", "")}')
            return item if item and item['status'] == good else None
        return wait_until(reached, f'{what} is not {good}', limit, pause=0.3)
