"""Cinder backup driver: a backup is a sparse copy of the volume's file, with the volume's metadata beside it.

An incremental backup is a full copy too.
"""
import os

from oslo_concurrency import processutils
from oslo_config import cfg

from cinder.backup import driver
from cinder import objects

cfg.CONF.register_opts([cfg.StrOpt('podfake_backup_dir', default='$state_path/backups')])


class FileBackupDriver(driver.BackupDriver):

    def _path(self, backup):
        folder = cfg.CONF.podfake_backup_dir
        os.makedirs(folder, exist_ok=True)
        # an imported record has a new id: its service_metadata keeps the first
        return os.path.join(folder, backup.service_metadata or backup.id)

    def backup(self, backup, volume_file, backup_metadata=True):
        backup.service_metadata, backup.container = backup.id, 'podfake'
        backup.save()
        path = self._path(backup)
        processutils.execute('cp', '--sparse=always', volume_file.name, path)
        with open(path + '.json', 'w') as f:
            f.write(self.get_metadata(backup.volume_id))

    def restore(self, backup, volume_id, volume_file, volume_is_new):
        path = self._path(backup)
        processutils.execute('cp', '--sparse=always', path, volume_file.name)
        volume = objects.Volume.get_by_id(self.context, volume_id)
        os.truncate(volume_file.name, volume.size << 30)
        with open(path + '.json') as f:
            self.put_metadata(volume_id, f.read())

    def delete_backup(self, backup):
        path = self._path(backup)
        for name in (path, path + '.json'):
            if os.path.exists(name):
                os.unlink(name)
