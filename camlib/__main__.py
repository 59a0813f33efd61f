"""`camlib` on the command line: look at a photograph, get weights and data, go live, ask what is lacking."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from . import __version__
from .commands.output import hush, in_any_encoding, somewhere


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """All in one line."""
        self.exit(2, f"{self.prog}: {message}; {' '.join(self.format_usage().split())}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0, 1 where something is wrong, 2 for a wrong command line, 130 where Ctrl-C stopped it, and 141 where
    nobody read its output to the end: the shells' numbers.
    """
    somewhere()
    in_any_encoding()
    try:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they speak to programmers
                code: int = _run(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        hush()
        return 141
    except OSError as error:  # a full disk, say, on which the output was to go
        hush()
        print(f"camlib: {error}", file=sys.stderr)
        return 1
    except BaseException as error:
        if not _interrupted(error):
            raise
        print("camlib: stopped", file=sys.stderr)
        return 130
    return code


def _run(arguments: Sequence[str] | None) -> int:
    parser = _Parser(prog="camlib", description="Look inside a convolutional network.")
    parser.add_argument("--version", action="version", version=f"camlib {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser)
    _add_look(
        commands.add_parser("look", help="what a network takes a photograph for, and where it sees that")
    )
    weights = commands.add_parser("weights", help="which networks' weights are here; get more")
    actions = weights.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = actions.add_parser("list", help="which are here, how large, where, and whether they are sound")
    listing.set_defaults(run=lambda _: _list())
    get = actions.add_parser("get", help="download torchvision's or timm's weights, once, into the cache")
    get.add_argument("names", nargs="+", metavar="NAME", help='for example "alexnet" or "timm/resnet26d"')
    get.set_defaults(run=lambda options: _get(options.names))
    _add_data(
        commands.add_parser("data", help="which photographs are here, and what is true of them; get more")
    )
    live = commands.add_parser("live", help="take a network of your own to the live page in a browser")
    _add_live(live.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser))
    doctor = commands.add_parser("doctor", help="is this machine ready? says what to do where it is not")
    doctor.set_defaults(run=lambda _: _doctor())
    options = parser.parse_args(arguments)
    code: int = options.run(options)
    return code


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C lies under it: while torch is imported, Python 3.11 wraps it into other errors."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _add_look(parser: argparse.ArgumentParser) -> None:
    parser.description = "A page for each photograph: a network's first answers, and a heatmap for each."
    parser.add_argument(
        "photographs",
        nargs="+",
        metavar="PHOTO",
        help="picture files that Pillow reads (JPEG, PNG, WebP …; no HEIC), and folders of them",
    )
    parser.add_argument(
        "--net", metavar="NAME", help="the network, as for load (efficientnet_lite0, which is always here)"
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="the network's own weights, .pth or .safetensors (a name like "
        "resnet18-mine.pth says which network; else give --net, too)",
    )
    parser.add_argument(
        "--method", metavar="cam|gradcam|occlusion", help="how; else cam, or gradcam where cam is not defined"
    )
    parser.add_argument("--top", type=int, default=5, metavar="N", help="how many answers (5)")
    parser.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        help="where to: a .png or .jpg, or a folder/, made where needed; else PHOTO-look.png here",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="test the first heatmap, too: other weights, another class, deletion",
    )
    parser.set_defaults(run=_look)


def _add_data(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = actions.add_parser("list", help="which sets there are, how large, and where they are")
    listing.set_defaults(run=lambda _: _data().list_sets())
    get = actions.add_parser("get", help="download sets of photographs, once, into the folder CAMLIB_DATA")
    get.add_argument("names", nargs="+", metavar="NAME", help='for example "imagenette"')
    get.set_defaults(run=lambda options: _data().get_sets(options.names))
    show = actions.add_parser("show", help="a page of photographs, with what is true of them drawn over them")
    show.add_argument(
        "name", nargs="?", default="photos", metavar="NAME", help="a set; else those always here"
    )
    show.add_argument("-o", dest="output", metavar="FILE", help="where to, a .png; else NAME-truth.png here")
    show.set_defaults(run=lambda options: _data().show_set(options.name, options.output))


def _add_live(actions: "argparse._SubParsersAction[_Parser]") -> None:
    export = actions.add_parser("export", help="write the two files that the page takes")
    export.description = "Two files, NAME.json and NAME.safetensors: drop both on the live page."
    export.add_argument(
        "name",
        metavar="NET",
        help="a network, as for load; or FILE.py:NAME, a network that a Python file makes (wrap says how its "
        "pictures are normalised)",
    )
    export.add_argument("--weights", metavar="FILE", help="its own weights, .pth or .safetensors")
    export.add_argument("-o", dest="output", default=".", metavar="FOLDER", help="where to; else here")
    export.set_defaults(run=lambda options: _export(options.name, options.weights, options.output))


def _export(name: str, weights: str | None, folder: str) -> int:
    from .commands import live

    return live.main(name, weights, folder)


def _data() -> ModuleType:
    from .commands import data

    return data


def _look(options: argparse.Namespace) -> int:
    from .commands import look

    return look.main(
        options.photographs,
        options.net,
        options.weights,
        options.method,
        options.top,
        options.output,
        options.check,
    )


def _list() -> int:
    from .networks.course import COURSE
    from .networks.from_timm import PREFIX
    from .networks.imagenet import NAME
    from .networks.weights import WeightsError, find, shipped_folder, verify
    from .networks.zoo import known

    code = 0
    try:
        files = {name: (find(name, url), url) for name, url in known().items()}
    except WeightsError as error:
        print(f"camlib: {error}", file=sys.stderr)
        return 1
    for other in sorted(shipped_folder().glob("*.safetensors")):
        files.setdefault(other.stem, (other, None))
    ours = (*COURSE, NAME)
    for name, (path, url) in files.items():
        if path is None and name not in ours:
            continue
        try:
            state = "missing" if path is None else "verified" if verify(path, url) else "no checksum"
        except WeightsError:
            state = "DAMAGED"
        code = max(code, state in ("missing", "DAMAGED"))
        size = f"{path.stat().st_size / 1e6:.1f} MB" if path else ""
        print(f"{name:<26} {size:>9}  {state:<11}  {path or ''}".rstrip())
    more = [name for name, (path, url) in files.items() if path is None and url and name not in ours]
    theirs = sum(name.startswith(PREFIX) for name in more)
    print(f"{len(more) - theirs} more of torchvision's, {theirs} of timm's: camlib weights get NAME")
    return int(code)


def _get(names: Sequence[str]) -> int:
    from .networks.weights import WeightsError, fetch, read
    from .networks.zoo import is_known, source, unknown

    code = 0
    for name in names:
        try:
            if not is_known(name):
                raise ValueError(unknown(name))
            url = source(name)
            path = fetch(name, url)
            read(path, url)
            print(f"{name}: {path}")
        except (ValueError, WeightsError) as error:
            print(f"camlib: {error}", file=sys.stderr)
            code = 1
    return code


def _doctor() -> int:
    from .commands import doctor

    return doctor.main()


if __name__ == "__main__":
    sys.exit(main())
