"""One pod as its administrator sees it, past Tricircle.

Servers and volumes have one id on both sides. Networks, subnets and ports differ; the pod's object has the mark
`tricircle:<top id>` in its description.
"""
from sandbox import identity, rest
from sandbox.settings import region


def pods(settings):
    """all of them"""
    token = identity.admin_token(settings)
    return [Pod(settings, number, token) for number in settings.pod_numbers]


class Pod:
    """one pod, seen by its administrator"""

    def __init__(self, settings, number, token):
        self.settings, self.number, self.token = settings, number, token
        self.name = region(number)

    def get(self, service, path):
        """None for what is not there"""
        try:
            return rest.request('GET', self.settings.pod_url(self.number, service) + path, self.token).body
        except rest.RestError as error:
            if error.status == 404:
                return None
            raise

    def realizations(self, kind, top_id):
        """objects of Neutron made for a top one"""
        query = f'/v2.0/{kind}?description=tricircle:{top_id}'
        return self.get('neutron', query)[kind]
