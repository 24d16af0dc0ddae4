"""cinder-backup that also looks for drivers in cinderbackup/, as cinder.backup.drivers.*."""
import os
import sys

from cinder.cmd import backup       # first: it patches eventlet
import cinder.backup.drivers

cinder.backup.drivers.__path__.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cinderbackup'))
sys.argv[0] = 'cinder-backup'
sys.exit(backup.main())
