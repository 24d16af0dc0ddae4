"""Cinder volume driver: a volume is a sparse file, and nobody connects to it.

Images, snapshots, clones, extending and uploading work on the file. The connection that an attachment gets names the
file; the virt driver of the sandbox only remembers it.
"""
import os
import shutil

from oslo_config import cfg

from cinder.image import image_utils
from cinder.volume import driver
from cinder.volume import volume_utils

OPTIONS = [cfg.StrOpt('podfake_dir', default='$state_path/volumes')]
cfg.CONF.register_opts(OPTIONS)


class FileDriver(driver.VolumeDriver):
    VERSION = '1.0'
    CI_WIKI_NAME = 'none'

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)
        self.folder = None

    def do_setup(self, context):
        self.folder = self.configuration.podfake_dir
        os.makedirs(self.folder, exist_ok=True)

    def check_for_setup_error(self):
        pass

    def local_path(self, volume):
        return os.path.join(self.folder, volume['name'])

    # ------------------------------------------------------------ files
    def _resize(self, path, gibibytes):
        with open(path, 'ab') as f:
            f.truncate(int(gibibytes) << 30)

    def _copy(self, source, target, gibibytes):
        self._execute('cp', '--sparse=always', self.local_path(source), self.local_path(target))
        self._resize(self.local_path(target), gibibytes)

    def _remove(self, resource):
        try:
            os.unlink(self.local_path(resource))
        except FileNotFoundError:
            pass

    def create_volume(self, volume):
        self._resize(self.local_path(volume), volume['size'])

    def delete_volume(self, volume):
        self._remove(volume)

    def extend_volume(self, volume, new_size):
        self._resize(self.local_path(volume), new_size)

    def create_snapshot(self, snapshot):
        self._copy(snapshot['volume'], snapshot, snapshot['volume_size'])

    def delete_snapshot(self, snapshot):
        self._remove(snapshot)

    def create_volume_from_snapshot(self, volume, snapshot):
        self._copy(snapshot, volume, volume['size'])

    def create_cloned_volume(self, volume, src_vref):
        self._copy(src_vref, volume, volume['size'])

    def revert_to_snapshot(self, context, volume, snapshot):
        self._copy(snapshot, volume, volume['size'])

    def retype(self, context, volume, new_type, diff, host):
        return True, None

    # ------------------------------------------------------------ images
    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        path = self.local_path(volume)
        image_utils.fetch_to_raw(context, image_service, image_id, path, self.configuration.volume_dd_blocksize,
                                 size=volume['size'], run_as_root=False)
        self._resize(path, volume['size'])

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        volume_utils.upload_volume(context, image_service, image_meta, self.local_path(volume), volume,
                                   run_as_root=False)

    # ------------------------------------------------------------ connections
    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass

    def initialize_connection(self, volume, connector):
        return {'driver_volume_type': 'local',
                'data': {'device_path': self.local_path(volume), 'access_mode': 'rw'}}

    def terminate_connection(self, volume, connector, **kwargs):
        pass

    # ------------------------------------------------------------ capacity
    def _update_volume_stats(self):
        size = {'total_capacity_gb': 100000, 'provisioned_capacity_gb': 0, 'max_over_subscription_ratio': 20,
                'reserved_percentage': 0, 'thin_provisioning_support': True, 'multiattach': True,
                'QoS_support': False}
        free = max(shutil.disk_usage(self.folder).free >> 30, 1000)
        self._stats = {**size, 'free_capacity_gb': 100000, 'vendor_name': 'podfake', 'driver_version': self.VERSION,
                       'volume_backend_name': self.configuration.safe_get('volume_backend_name') or 'podfake',
                       'storage_protocol': 'local',
                       'pools': [{**size, 'pool_name': 'podfake', 'free_capacity_gb': free,
                                  'allocated_capacity_gb': 0}]}
