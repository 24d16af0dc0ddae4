"""nova-compute that also looks for virt drivers in novavirt/: Nova loads none from outside of nova.virt."""
import os
import sys

from nova.cmd import compute        # first: it decides about eventlet
import nova.virt

nova.virt.__path__.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'novavirt'))
sys.argv[0] = 'nova-compute'
sys.exit(compute.main())
