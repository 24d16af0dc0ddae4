"""JSON over HTTP, as much of it as setting up and asking an OpenStack takes."""
import json
import urllib.error
import urllib.request
from dataclasses import dataclass

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RestError(Exception):
    """An answer that was not asked for: `status` is its code, or 0 if there was none."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


@dataclass
class Answer:
    status: int
    headers: dict           # names in lower case
    body: dict


def request(method, url, token=None, body=None, data=None, content_type='application/json', timeout=60, headers=()):
    """One call; RestError for a status of 400 and more, and when nobody answers."""
    head = {'Content-Type': content_type, **dict(headers)}
    if token:
        head['X-Auth-Token'] = token
    if body is not None:
        data = json.dumps(body).encode()
    call = urllib.request.Request(url, method=method, headers=head, data=data)
    try:
        with _opener.open(call, timeout=timeout) as answer:
            return _answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        raise RestError(error.code, f'{method} {url}: {error.code} {error.read(600).decode(errors="replace")}') \
            from None
    except OSError as error:
        raise RestError(0, f'{method} {url}: {error}') from None


def _answer(status, headers, raw):
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = {}
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)


def answers(url):
    """Does something speak HTTP there, and is it able to serve (below 500)?"""
    try:
        request('GET', url, timeout=10)
        return True
    except RestError as error:
        return 0 < error.status < 500


def login(keystone_url, user, password, project, domain='default'):
    """A project-scoped token."""
    answer = request('POST', keystone_url + '/auth/tokens', body={'auth': {
        'identity': {'methods': ['password'], 'password': {'user': {
            'name': user, 'domain': {'id': domain}, 'password': password}}},
        'scope': {'project': {'name': project, 'domain': {'id': domain}}}}})
    return answer.headers['x-subject-token']
