"""Configuration files as layers of {section: {option: value}}; later layers win.

Files are written only when their text changes, with a fixed order, so that the supervisor's fingerprints hold.
"""
from pathlib import Path


def write_ini(path, *layers):
    """None as a value leaves the option out."""
    sections = {'DEFAULT': {}}
    for layer in layers:
        for section, options in layer.items():
            sections.setdefault(section, {}).update(options)
    lines = []
    for section, options in sections.items():
        given = {k: v for k, v in options.items() if v is not None}
        if given:
            lines += [f'[{section}]', *(f'{k} = {_text(v)}' for k, v in given.items()), '']
    return write_file(path, '\n'.join(lines))


def _text(value):
    return str(value).lower() if isinstance(value, bool) else value


def write_file(path, text, mode=0o644):
    """The path; the file is left alone if it says this already."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if path.read_text() == text:
            return path
    except OSError:
        pass
    path.touch(mode)
    path.chmod(mode)
    path.write_text(text)
    return path
