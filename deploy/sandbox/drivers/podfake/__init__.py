"""Drivers for pods without hardware: an ML2 mechanism driver, a Cinder volume driver, network namespaces as servers."""
