"""`camlib` on the command line: which weights are here, getting more, and whether the machine is ready."""

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 where something is wrong, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="camlib", description="Look inside a convolutional network.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    weights = commands.add_parser("weights", help="which networks' weights are here; get more")
    actions = weights.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = actions.add_parser("list", help="which are here, how large, where, and whether they are sound")
    listing.set_defaults(run=lambda _: _list())
    get = actions.add_parser("get", help="download torchvision networks' weights, once, into torch's cache")
    get.add_argument("names", nargs="+", metavar="NAME", help='for example "alexnet" or "resnet18"')
    get.set_defaults(run=lambda options: _get(options.names))
    doctor = commands.add_parser("doctor", help="is this machine ready? says what to do where it is not")
    doctor.set_defaults(run=lambda _: _doctor())
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


def _list() -> int:
    from .nets import COURSE, known
    from .weights import WeightsError, find, shipped_folder, verify

    code = 0
    try:
        files = {name: (find(name, url), url) for name, url in known().items()}
    except WeightsError as error:
        print(f"camlib: {error}", file=sys.stderr)
        return 1
    for other in sorted(shipped_folder().glob("*.safetensors")):
        files.setdefault(other.stem, (other, None))
    for name, (path, url) in files.items():
        if path is None and name not in COURSE:
            continue
        try:
            state = "missing" if path is None else "verified" if verify(path, url) else "no checksum"
        except WeightsError:
            state = "DAMAGED"
        code = max(code, state in ("missing", "DAMAGED"))
        size = f"{path.stat().st_size / 1e6:.1f} MB" if path else ""
        print(f"{name:<26} {size:>9}  {state:<11}  {path or ''}".rstrip())
    more = sum(path is None and name not in COURSE for name, (path, _) in files.items())
    print(f"{more} more of torchvision's can be had: camlib weights get NAME")
    return int(code)


def _get(names: Sequence[str]) -> int:
    from .layers import near
    from .nets import known
    from .weights import WeightsError, fetch, read

    code = 0
    for name in names:
        try:
            if name not in known():
                raise WeightsError(f"no network is called {name!r}{near(name, known())}")
            path = fetch(name, known()[name])
            read(path, known()[name])
            print(f"{name}: {path}")
        except WeightsError as error:
            print(f"camlib: {error}", file=sys.stderr)
            code = 1
    return code


def _doctor() -> int:
    from . import doctor

    return doctor.main()


if __name__ == "__main__":
    sys.exit(main())
