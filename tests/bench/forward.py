#!/usr/bin/env python3
"""What forwarding costs: GET /servers/{id} straight from a simulated pod, through nginx and through nova-apigw.

All three in one run on one machine, each for SECONDS (default 10) with CONNECTIONS (default 32), after a warm-up. The
ratio to nginx is what counts; the absolute figures are the machine's. Nothing is asserted.

usage: forward.py FOLDER_OF_THE_RELEASE_PROGRAMS
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

SECONDS = os.environ.get('SECONDS_EACH', '10')
CONNECTIONS = os.environ.get('CONNECTIONS', '32')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def call(method, url, token=None, body=None, version=None):
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body else None)
    request.add_header('Content-Type', 'application/json')
    if token:
        request.add_header('X-Auth-Token', token)
    if version:
        request.add_header('OpenStack-API-Version', version)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return answer.headers, json.loads(text) if text else None


def login(keystone, user, project):
    domain = {'id': 'default'}
    headers, _ = call('POST', f'{keystone}/auth/tokens', body={'auth': {
        'identity': {'methods': ['password'],
                     'password': {'user': {'name': user, 'password': 'secret', 'domain': domain}}},
        'scope': {'project': {'name': project, 'domain': domain}}}})
    return headers['X-Subject-Token']


def wait_for(url, process):
    """Until somebody answers there; the process that should must be alive."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f'{process.args[0]} ended with {process.returncode}')
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f'no answer from {url}')


def server_in(nova, token, image):
    """A server without network, ACTIVE."""
    body = {'server': {'name': 'bench', 'flavorRef': '1', 'imageRef': image, 'networks': 'none'}}
    _, answer = call('POST', f'{nova}/servers', token, body, 'compute 2.37')
    path = f'/servers/{answer["server"]["id"]}'
    while call('GET', nova + path, token)[1]['server']['status'] != 'ACTIVE':
        time.sleep(0.05)
    return path


def measure(name, url, token):
    command = ['wrk', '--latency', '-t1', f'-c{CONNECTIONS}', '-H', f'X-Auth-Token: {token}']
    subprocess.run([*command, '-d2', url], check=True, stdout=subprocess.DEVNULL)
    out = subprocess.run([*command, f'-d{SECONDS}', url], check=True, capture_output=True, text=True).stdout
    if 'Non-2xx' in out:
        sys.exit(f'{name}: not all answers were 200\n{out}')
    words = out.split()
    rate = float(words[words.index('Requests/sec:') + 1])
    print(f'{name:<28}{rate:>10.0f} requests/s   p50 {words[words.index("50%") + 1]:>9}   '
          f'p99 {words[words.index("99%") + 1]:>9}')
    return rate


def main(programs):
    folder = Path(tempfile.mkdtemp(prefix='tricircle-bench-'))
    started = []

    def start(*command, **kw):
        started.append(subprocess.Popen([str(word) for word in command], cwd=folder, text=True, **kw))
        return started[-1]

    try:
        sim = start(programs / 'pod-sim', '--pods', 'Pod1', stdout=subprocess.PIPE)
        where = json.loads(sim.stdout.readline())
        pod = where['pods'][0]
        ports = {name: free_port() for name in ('nova_apigw', 'cinder_apigw', 'neutron_api', 'admin_api', 'xjob')}
        nginx_port = free_port()
        sections = ''.join(f'[{name}]\nbind_host = 127.0.0.1\nbind_port = {port}\n' for name, port in ports.items())
        (folder / 'tricircle.conf').write_text(
            f'[DEFAULT]\nlog_level = warn\n[database]\nconnection = sqlite:///{folder}/t.sqlite\n'
            f'[keystone_authtoken]\nauth_url = {where["keystone"]}\npassword = secret\n'
            f'[tricircle]\nnetwork_vlan_ranges = physnet1:1000:1099\n{sections}')
        (folder / 'nginx.conf').write_text(
            f'daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.err;\n'
            'events { worker_connections 1024; }\nhttp { access_log off; upstream pod { server '
            f'{pod["nova"].split("/")[2]}; keepalive 64; }}\nserver {{ listen 127.0.0.1:{nginx_port}; location / {{ '
            'proxy_pass http://pod; proxy_http_version 1.1; proxy_set_header Connection ""; } } }\n')
        top = start(programs / 'allinone', '--config-file', folder / 'tricircle.conf')
        nginx = start('nginx', '-c', folder / 'nginx.conf', '-p', folder)
        gateway = f'http://127.0.0.1:{ports["nova_apigw"]}'
        wait_for(gateway, top)
        wait_for(f'http://127.0.0.1:{nginx_port}/', nginx)
        call('POST', f'http://127.0.0.1:{ports["admin_api"]}/v1.0/pods', login(where['keystone'], 'admin', 'admin'),
             {'pod': {'region_name': 'Pod1', 'az_name': 'az1'}})
        token = login(where['keystone'], 'demo', 'demo')
        path = server_in(f'{gateway}/v2.1', token, where['image'])
        measure('the pod itself', pod['nova'] + path, token)
        through_nginx = measure('through nginx', f'http://127.0.0.1:{nginx_port}/v2.1{path}', token)
        through_us = measure('through nova-apigw', f'{gateway}/v2.1{path}', token)
        print(f'nova-apigw serves {through_us / through_nginx:.2f} of what nginx does, tokens checked, links and zones '
              'rewritten')
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)
        shutil.rmtree(folder)


if __name__ == '__main__':
    main(Path(sys.argv[1]).resolve())
