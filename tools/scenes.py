"""Draw the pictures in data/scenes again: one of each class, its truth, and the README's banner."""

from pathlib import Path

from torchvision.transforms.v2.functional import to_pil_image
from torchvision.utils import make_grid

from camlib.scenes.scenes import CLASSES, critters

FOLDER = Path(__file__).parents[1] / "data" / "scenes"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    scenes = critters(40, seed=7)
    for index, name in enumerate(CLASSES):
        number = int((scenes.labels == index).nonzero()[0])
        to_pil_image(scenes.pixels[number]).save(FOLDER / f"{name}.png", optimize=True)
    banner = make_grid(critters(24, seed=7, size=160).pixels, nrow=8, padding=0)
    to_pil_image(banner).save(FOLDER / "banner.jpg", quality=88)


if __name__ == "__main__":
    main()
